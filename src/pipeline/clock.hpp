// Time as a worker sees it: cycles for intervals, the ledger's seconds for validity.
//
// Owner: one worker. CLOCK_REALTIME is read at most every 10 ms (through the vDSO, no system call)
// and never moves back, whatever is done to the machine's clock.
#pragma once

#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "lib/channel/terms.hpp"

namespace claimgate::pipeline {

class SystemClock {
 public:
  // `cycles_per_second` of the time stamp counter (rte_get_tsc_hz()).
  explicit SystemClock(std::uint64_t cycles_per_second) noexcept
      : ns_per_cycle_(1e9 / static_cast<double>(cycles_per_second)),
        refresh_cycles_(cycles_per_second / 100) {
    refresh(cycles());
  }
  [[nodiscard]] std::uint64_t cycles() const noexcept { return __rdtsc(); }
  [[nodiscard]] std::uint64_t nanoseconds(std::uint64_t cycles) const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(cycles) * ns_per_cycle_);
  }
  // Seconds since 2000-01-01, at most 10 ms old at `now`.
  [[nodiscard]] channel::LedgerTime ledger_now(std::uint64_t now) noexcept {
    if (now - refreshed_ >= refresh_cycles_) refresh(now);
    return ledger_now_;
  }

 private:
  void refresh(std::uint64_t now) noexcept {
    timespec real{};
    clock_gettime(CLOCK_REALTIME, &real);
    const auto ledger = real.tv_sec - channel::ledger_epoch_unix_s;
    const auto clamped = std::clamp<std::int64_t>(ledger, 0, channel::never - 1);
    ledger_now_ = std::max(ledger_now_, static_cast<channel::LedgerTime>(clamped));
    refreshed_ = now;
  }
  double ns_per_cycle_;
  std::uint64_t refresh_cycles_;
  std::uint64_t refreshed_ = 0;
  channel::LedgerTime ledger_now_ = 0;
};

}  // namespace claimgate::pipeline
