// Runs a step over 0..count-1 on several threads, while the calling thread shows the progress.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "apps/claimgen/progress.hpp"
#include "apps/claimgen/stop.hpp"

namespace claimgate::claimgen {

// Calls each(i) once for every i, in no order, on `threads` threads (at least one); each() must not
// throw. Returns false where `stop` ended it early.
template <class Each>
[[nodiscard]] bool for_each_parallel(std::size_t count, unsigned threads, const StopFlag& stop,
                                     Progress& progress, const Each& each) {
  constexpr std::size_t stretch = 64;  // small enough that threads end together
  std::atomic<std::size_t> next{0}, done{0};
  std::atomic<unsigned> running{std::max(threads, 1u)};
  const auto work = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::size_t first = next.fetch_add(stretch, std::memory_order_relaxed);
      if (first >= count) break;
      const std::size_t last = std::min(first + stretch, count);
      for (std::size_t i = first; i < last; ++i) each(i);
      done.fetch_add(last - first, std::memory_order_relaxed);
    }
    running.fetch_sub(1, std::memory_order_release);
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = running.load(); i > 0; --i) workers.emplace_back(work);
    while (running.load(std::memory_order_acquire) > 0) {
      progress.update(done.load(std::memory_order_relaxed));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  const bool complete = done.load() == count;
  progress.finish(done.load());
  return complete;
}

}  // namespace claimgate::claimgen
