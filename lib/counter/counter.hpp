// Counter: a number that one thread raises and every thread may read while it runs.
//
// Owner: the one thread that calls add(). A relaxed load and a relaxed store, without a lock
// prefix: two writers would lose counts, one writer never does. Readers see each value at most
// late, never torn and never going backwards. Counters of different writers must not share a cache
// line: align the struct that groups one writer's counters to counter_group_alignment.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace claimgate::counter {

// Two 64-byte lines, since the adjacent-line prefetcher fetches lines in pairs.
inline constexpr std::size_t counter_group_alignment = 128;

class Counter {
 public:
  // Owner thread.
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // Any thread.
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};
static_assert(sizeof(Counter) == 8 && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace claimgate::counter
