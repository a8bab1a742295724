// A second opinion: some accepted claims are verified again with libsecp256k1, by another thread.
//
//   worker ── offer() ──► ring ── check() ──► agreed, or: the kernel is withdrawn
//
// offer() is the worker's and never waits: a full ring drops the sample. check() is one other
// thread's. withdrawn() and the counters are anyone's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/counter/counter.hpp"
#include "lib/secp/reference.hpp"

namespace claimgate::secp {

class Audit {
 public:
  // One accepted claim in so many.
  static constexpr std::uint64_t every = 1000;

  void offer(const std::byte* signature, const std::byte* digest, const std::byte* key) noexcept {
    const std::uint64_t at = written_.load(std::memory_order_relaxed);
    if (at - read_.load(std::memory_order_acquire) == samples_.size()) {  // pairs with check()
      dropped.add(1);
      return;
    }
    Sample& sample = samples_[at % samples_.size()];
    std::memcpy(sample.signature.data(), signature, sample.signature.size());
    std::memcpy(sample.digest.data(), digest, sample.digest.size());
    std::memcpy(sample.key.data(), key, sample.key.size());
    written_.store(at + 1, std::memory_order_release);  // pairs with check()
  }

  // Verifies what has been offered. False from the first disagreement on.
  bool check(const Reference& reference) noexcept {
    const std::uint64_t until = written_.load(std::memory_order_acquire);  // pairs with offer()
    for (std::uint64_t at = read_.load(std::memory_order_relaxed); at != until; ++at) {
      const Sample& sample = samples_[at % samples_.size()];
      const bool good =
          reference.verify(sample.signature.data(), sample.digest.data(), sample.key.data());
      (good ? agreed : disagreed).add(1);
      if (!good) withdrawn_.store(true, std::memory_order_relaxed);
      read_.store(at + 1, std::memory_order_release);  // pairs with offer()
    }
    return !withdrawn();
  }
  // The kernel has accepted what libsecp256k1 refuses: nothing is verified with it any more.
  [[nodiscard]] bool withdrawn() const noexcept {
    return withdrawn_.load(std::memory_order_relaxed);
  }

  counter::Counter agreed, disagreed;  // written by check()
  counter::Counter dropped;            // written by offer(): the ring was full

 private:
  struct Sample {
    std::array<std::byte, 64> signature;
    std::array<std::byte, 32> digest;
    std::array<std::byte, 64> key;
  };
  std::array<Sample, 256> samples_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
  std::atomic<bool> withdrawn_{false};
};

}  // namespace claimgate::secp
