// The worker's end of its lane: claims that were accepted go into a ring, the committer takes them
// out (committer.hpp), and the durable LSN comes back.
//
//   reserve() … append() … publish()  ─► ring ─► committer ─► disk
//   durable_lsn()                     ◄──────────────────────┘
//
// A record stays in the ring until it is durable, so the ring's size bounds what may be lost at
// once and what waits. No locks, no system calls, nothing allocated after start.
//
// Owner: one worker. The committer uses published(), record() and set_durable(); whoever knows of
// a reason to accept nothing closes the gate for it.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <semaphore>

#include "lib/journal/layout.hpp"
#include "lib/wire/claim.hpp"
#include "src/pipeline/accepted_claim.hpp"

namespace claimgate::durability {

// When a reply may leave.
enum class Release : std::uint8_t {
  when_durable,  // what it says survives power loss
  at_once,       // its verdicts say whether it does
};

class LaneGate {
 public:
  // `records`: a power of two. `next_lsn`: of the lane, after recovery.
  // `sleeps`: an idle committer sleeps and the worker wakes it, by the one system call it ever
  // makes here; for workers that sleep themselves.
  LaneGate(unsigned records, std::uint64_t next_lsn, Release release = Release::when_durable,
           bool sleeps = false)
      : mask_(records - 1),
        release_(release),
        sleeps_(sleeps),
        entries_(std::make_unique<Entry[]>(records)),
        last_lsn_(next_lsn - 1),
        durable_seen_(next_lsn - 1),
        published_(next_lsn - 1),
        durable_(next_lsn - 1) {
    assert(std::has_single_bit(records));
  }

  // ---- worker ------------------------------------------------------------------------------
  // Room for one more record? "No" is answered BUSY with nothing changed: the ring is full, or the
  // lane takes nothing for now.
  [[nodiscard]] bool reserve() noexcept {
    if (closed_for_.load(std::memory_order_relaxed) != 0) return false;
    const auto in_use = [this] { return last_lsn_ - durable_seen_ + reserved_; };
    if (in_use() > mask_) {
      durable_seen_ = durable_lsn();
      if (in_use() > mask_) return false;
    }
    ++reserved_;
    return true;
  }
  // Every reservation ends in exactly one of these two. The record's LSN is returned; nobody takes
  // it before publish().
  std::uint64_t append(const pipeline::AcceptedClaim& claim) noexcept {
    assert(reserved_ > 0);
    --reserved_;
    Entry& entry = entries_[++last_lsn_ & mask_];
    entry.claim = claim;
    std::memcpy(entry.signature.data(), claim.signature, wire::signature_bytes);
    return last_lsn_;
  }
  void release() noexcept {
    assert(reserved_ > 0);
    --reserved_;
  }
  // Hands over what was appended. Precondition: the slots have been advanced. A checkpoint that
  // finds a record durable takes its amount from the slot.
  void publish() noexcept {
    if (last_lsn_ == published_.load(std::memory_order_relaxed)) return;
    published_.store(last_lsn_, std::memory_order_release);  // pairs with published()
    if (sleeps_) wake();
  }
  // What rests on nothing above this may leave.
  [[nodiscard]] std::uint64_t released_lsn() const noexcept {
    return release_ == Release::at_once ? std::numeric_limits<std::uint64_t>::max() : durable_lsn();
  }
  // Any thread. What rests on nothing above this survives power loss.
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept {
    return durable_.load(std::memory_order_acquire);  // pairs with set_durable()
  }

  // ---- committer ---------------------------------------------------------------------------
  // Until something is published that was not `seen`, or `at_most` has passed. Precondition: the
  // committer sleeps (constructor).
  void sleep(std::uint64_t seen, std::chrono::milliseconds at_most) {
    asleep_.store(true, std::memory_order_seq_cst);  // before the look: pairs with wake()
    if (published_.load(std::memory_order_seq_cst) == seen) {
      static_cast<void>(wake_up_.try_acquire_for(at_most));
    }
    asleep_.store(false, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t published() const noexcept {
    return published_.load(std::memory_order_acquire);  // pairs with publish()
  }
  // Precondition: durable_lsn() < lsn <= published().
  [[nodiscard]] journal::ClaimRecord record(std::uint64_t lsn) const noexcept {
    const Entry& entry = entries_[lsn & mask_];
    return {.lsn = lsn,
            .channel = entry.claim.channel,
            .amount = entry.claim.amount,
            .previous = entry.claim.previous,
            .incarnation = entry.claim.incarnation,
            .slot = entry.claim.slot,
            .time = entry.claim.time,
            .signature = entry.signature.data()};
  }
  void set_durable(std::uint64_t lsn) noexcept {
    durable_.store(lsn, std::memory_order_release);  // pairs with durable_lsn()
  }

  // ---- any thread --------------------------------------------------------------------------
  // Nothing is reserved while there is a reason not to. What was appended is committed either way.
  enum class Reason : std::uint8_t {
    no_segment = 1,  // the lane has too few segments to write to: a full disk, or a slow one
    behind = 2,      // too much is not durable for too long
    failed = 4,      // a write failed: for good
    stopping = 8,    // another lane failed: for good, but what was appended is still committed
  };
  void close(Reason reason) noexcept {
    closed_for_.fetch_or(static_cast<std::uint8_t>(reason), std::memory_order_relaxed);
  }
  void open(Reason reason) noexcept {
    closed_for_.fetch_and(static_cast<std::uint8_t>(~static_cast<unsigned>(reason)),
                          std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_open() const noexcept {
    return closed_for_.load(std::memory_order_relaxed) == 0;
  }
  [[nodiscard]] bool is_closed_for(Reason reason) const noexcept {
    return (closed_for_.load(std::memory_order_relaxed) & static_cast<std::uint8_t>(reason)) != 0;
  }
  // No acknowledgement will come any more: nothing is worth waiting for.
  [[nodiscard]] bool has_failed() const noexcept { return is_closed_for(Reason::failed); }

 private:
  struct alignas(64) Entry {
    pipeline::AcceptedClaim claim;
    std::array<std::byte, wire::signature_bytes> signature;
  };
  static_assert(sizeof(Entry) == 128);

  void wake() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // published first: pairs with sleep()
    if (!asleep_.load(std::memory_order_relaxed)) return;
    if (asleep_.exchange(false, std::memory_order_relaxed)) wake_up_.release();
  }

  const std::uint64_t mask_;
  const Release release_;
  const bool sleeps_;
  const std::unique_ptr<Entry[]> entries_;
  // The worker's own.
  std::uint64_t last_lsn_;
  std::uint64_t durable_seen_;
  std::uint64_t reserved_ = 0;
  // Written by one side each, on lines of their own.
  alignas(64) std::atomic<std::uint64_t> published_;
  alignas(64) std::atomic<std::uint64_t> durable_;
  std::atomic<std::uint8_t> closed_for_{0};  // Reasons
  std::atomic<bool> asleep_{false};
  std::counting_semaphore<> wake_up_{0};
};

}  // namespace claimgate::durability
