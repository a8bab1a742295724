// A clock for poll loops: nanoseconds since it was made, from the CPU's time stamp counter.
//
// A plain value; every thread may read it. Precondition: EAL was started (it measures the counter).
#pragma once

#include <rte_cycles.h>

#include <cstdint>

namespace claimgate::claimgen {

class TscClock {
 public:
  [[nodiscard]] std::uint64_t now_ns() const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(rte_rdtsc() - start_) * ns_per_tick_);
  }

 private:
  std::uint64_t start_ = rte_rdtsc();
  double ns_per_tick_ = 1e9 / static_cast<double>(rte_get_tsc_hz());
};

}  // namespace claimgate::claimgen
