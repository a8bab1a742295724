// Keeps a driver from unmapping memory that a poll is reading.
//
// DPDK 22.11's memif driver reacts to a peer that leaves on EAL's interrupt thread: it marks the
// port unconnected and unmaps the shared rings at once, while the worker may be inside rx_burst or
// tx_burst: a segmentation fault that any peer can cause by dying (drivers/net/memif,
// memif_disconnect and memif_free_regions). The driver offers no hook, so this program puts its own
// munmap in front of the C library's: on the interrupt thread it waits until no call into a driver
// that began before is still under way. Later calls see the mark and touch nothing.
//
// Owner of the count: the one thread that polls, through DriverCall. With several polling threads
// each needs a count of its own.
#pragma once

#include <atomic>
#include <cstdint>

namespace claimgate::nic {

// Odd while the polling thread is inside a driver. Written by that thread alone.
inline std::atomic<std::uint64_t> driver_calls{0};

// Around every rx_burst and tx_burst. Two plain stores; no fence: see unmap_guard.cpp.
class DriverCall {
 public:
  DriverCall() noexcept { step(); }
  ~DriverCall() { step(); }
  DriverCall(const DriverCall&) = delete;
  DriverCall& operator=(const DriverCall&) = delete;

 private:
  static void step() noexcept {
    driver_calls.store(driver_calls.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
};

}  // namespace claimgate::nic
