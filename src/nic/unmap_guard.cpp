#include "src/nic/unmap_guard.hpp"

#include <rte_interrupts.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

namespace claimgate::nic {
namespace {

// Two whole calls later, or outside of a driver and unmoved for this long: no call that began
// before the wait can be under way. One call would not do, since the processor may read the
// driver's mark for the next call before the end of this one is visible; it cannot do so for longer
// than an instant.
constexpr std::uint64_t steps_of_two_calls = 4;
constexpr std::chrono::milliseconds unmoved_long_enough{10};
// A polling thread that is stopped inside a driver (a debugger): give up on it.
constexpr std::chrono::seconds patience{60};

void wait_for_calls_under_way() noexcept {
  using Clock = std::chrono::steady_clock;
  // The driver's mark is visible before the count is read.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint64_t first = driver_calls.load(std::memory_order_acquire);
  const auto began = Clock::now();
  for (;;) {
    const std::uint64_t now = driver_calls.load(std::memory_order_acquire);
    if (now - first >= steps_of_two_calls) return;
    const auto waited = Clock::now() - began;
    const bool outside = now % 2 == 0;
    if (outside && now == first && waited >= unmoved_long_enough) return;
    if (waited >= patience) return;
    const timespec nap{.tv_sec = 0, .tv_nsec = 20'000};
    nanosleep(&nap, nullptr);
  }
}

}  // namespace
}  // namespace claimgate::nic

// Found by the drivers' shared objects before the C library's: the program itself comes first in
// the search for a symbol.
extern "C" [[gnu::visibility("default")]] int munmap(void* address, std::size_t bytes) noexcept {
  if (rte_thread_is_intr() != 0) claimgate::nic::wait_for_calls_under_way();
  return static_cast<int>(syscall(SYS_munmap, address, bytes));
}
