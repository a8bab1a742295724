// What the worker does while nothing comes: worker.idle of the configuration.
#pragma once

#include <cstdint>

namespace claimgate::pipeline {

enum class Idle : std::uint8_t {
  spin,   // never leaves the core: the appliance's own lcore
  yield,  // sleeps while nothing comes: shared machines
};

}  // namespace claimgate::pipeline
