// The probe that times a worker's stages: a reading of the time stamp counter wherever the worker
// says that a stage has passed (src/pipeline/probe.hpp).
//
// Owner: the worker it is part of. rdtsc waits for nobody: at a boundary some tens of cycles may be
// counted to the neighbour, once a stage and burst, not once a claim. What a reading itself costs
// is measured by cost() and taken off by take().
#pragma once

#include <x86intrin.h>

#include <array>
#include <cstdint>

#include "src/pipeline/probe.hpp"

namespace claimgate::bench {

using StageCycles = std::array<double, pipeline::stages>;  // per claim

class StageClock {
 public:
  void turn_begins() noexcept { last_ = __rdtsc(); }
  void passed(pipeline::Stage stage) noexcept {
    const std::uint64_t now = __rdtsc();
    Spent& spent = slice_[static_cast<std::size_t>(stage)];
    spent.cycles += now - last_;
    ++spent.readings;
    last_ = now;
  }

  // Cycles of one reading, by many in a row.
  [[nodiscard]] static double cost() noexcept {
    constexpr unsigned readings = 10'000;
    StageClock clock;
    clock.turn_begins();
    const std::uint64_t began = clock.last_;
    for (unsigned i = 0; i < readings; ++i) {
      clock.passed(pipeline::Stage::rest);
      asm volatile("" : : "r"(&clock) : "memory");  // every reading is counted in memory
    }
    return static_cast<double>(clock.last_ - began) / readings;
  }

  // Counts what was read since the last call, or forgets it.
  void end_slice(bool kept) noexcept {
    for (std::size_t i = 0; kept && i < slice_.size(); ++i) {
      kept_[i].cycles += slice_[i].cycles;
      kept_[i].readings += slice_[i].readings;
    }
    slice_ = {};
  }

  // Of all that was kept since the last call.
  [[nodiscard]] StageCycles take(std::uint64_t claims, double cost) noexcept {
    StageCycles out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double cycles =
          static_cast<double>(kept_[i].cycles) - cost * static_cast<double>(kept_[i].readings);
      out[i] = cycles / static_cast<double>(claims);
    }
    kept_ = {};
    return out;
  }

 private:
  struct Spent {
    std::uint64_t cycles = 0, readings = 0;
  };
  std::array<Spent, pipeline::stages> slice_{}, kept_{};
  std::uint64_t last_ = 0;
};

}  // namespace claimgate::bench
