// Gauge: a level that one thread sets and every thread may read while it runs. Like Counter, a
// relaxed store: readers see each value at most late, never torn.
#pragma once

#include <atomic>
#include <cstdint>

namespace claimgate::counter {

class Gauge {
 public:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace claimgate::counter
