// Work in slices of about a millisecond, of which only those count in which the thread kept its
// core: what other threads take is no cost of ours. The kernel tells (ru_nivcsw); what a hypervisor
// takes it does not know of, and interrupts stay in.
//
// Thread: the one that measures.
#pragma once

#include <sys/resource.h>
#include <x86intrin.h>

#include <cstdint>
#include <stdexcept>

namespace claimgate::bench {

class Slices {
 public:
  // `work()` does one slice and returns how many units of work it was. True where it counts.
  // Throws where of a hundred slices not one is left in peace.
  template <class Work>
  bool add(Work&& work) {
    const long before = preemptions();
    const std::uint64_t began = __rdtsc();
    const std::uint64_t units = work();
    const std::uint64_t cycles = __rdtsc() - began;
    ++tried_;
    if (preemptions() != before) {
      if (tried_ > 100 * (kept_ + 1)) {
        throw std::runtime_error(
            "other threads take the core every millisecond: nothing can be "
            "measured on this machine now");
      }
      return false;
    }
    ++kept_;
    units_ += units;
    cycles_ += cycles;
    return true;
  }

  // Of those that count.
  [[nodiscard]] unsigned kept() const noexcept { return kept_; }
  [[nodiscard]] std::uint64_t units() const noexcept { return units_; }
  [[nodiscard]] double cycles_per_unit() const noexcept {
    return static_cast<double>(cycles_) / static_cast<double>(units_);
  }

 private:
  static long preemptions() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
  }
  unsigned tried_ = 0, kept_ = 0;
  std::uint64_t units_ = 0, cycles_ = 0;
};

}  // namespace claimgate::bench
