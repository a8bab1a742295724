// What a configuration asks of the machine, in the doctor's terms. Pure function; any thread.
#pragma once

#include "lib/machine/needs.hpp"
#include "src/config/config.hpp"

namespace claimgate::claimctl {

// All but the CPUs, which only the running machine can say.
[[nodiscard]] machine::Needs needs_of(const config::Config& config);

}  // namespace claimgate::claimctl
