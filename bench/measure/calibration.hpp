// A workload that is none of ours, measured in every round beside what a benchmark is about. Where
// it swings, the machine did, and so did the rest.
//
//   core clock / TSC   a chain of multiplications, 3 cycles each on Nehalem and Zen and their
//   successors
//                      (A. Fog: Instruction tables, IMUL r64,r64): how fast the core really ran
//   random read        a walk through 64 MiB in random order, each step depending on the one
//                      before: caches, TLB and memory, and who else is using them
//
// Owner and thread: the benchmark's measuring thread, which should be pinned by then.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/measure/report.hpp"

namespace claimgate::bench {

class Calibration {
 public:
  static constexpr double swing_max = 0.10;  // of the middle 80 % of the rounds

  Calibration();
  // Some 10 ms. Once in every round.
  void measure();
  void report(const Report& report) const;

 private:
  std::uint64_t walk_on() noexcept;

  std::vector<std::uint32_t> next_;  // one cycle through all of it, a cache line a step
  std::uint32_t place_ = 0;
  std::vector<double> core_per_tsc_, read_ns_;
};

}  // namespace claimgate::bench
