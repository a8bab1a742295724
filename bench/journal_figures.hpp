// What the journal costs those who wait for it: the second half of bench durability.
#pragma once

#include <string>

#include "bench/measure/program.hpp"
#include "bench/measure/report.hpp"

namespace claimgate::bench {

// In folders below `folder`, which is on the disk in question.
void measure_journal(const Options& options, const Report& report, const std::string& folder);

}  // namespace claimgate::bench
