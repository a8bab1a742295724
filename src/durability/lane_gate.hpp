// The worker's end of its lane: claims that were accepted go into a ring, the committer takes them
// out (committer.hpp), and the durable LSN comes back.
//
//   reserve() … append() … publish()  ─► ring ─► committer ─► disk
//   durable_lsn()                     ◄──────────────────────┘
//
// A record stays in the ring until it is durable, so the ring's size bounds what may be lost at
// once and what waits. No locks, no system calls, nothing allocated after start.
//
// Owner: one worker; the committer uses published(), record() and the setters below them.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <memory>

#include "lib/channel/terms.hpp"
#include "lib/journal/layout.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::durability {

// What a worker accepted: all that recovery needs to accept it again.
struct AcceptedClaim {
  wire::ChannelHandle channel;
  wire::Drops amount;
  wire::Drops previous;  // held before
  std::uint32_t incarnation = 0;
  std::uint32_t slot = 0;
  channel::LedgerTime time = 0;
  const std::byte* signature = nullptr;  // 64 bytes
};

class LaneGate {
 public:
  // `records`: a power of two. `next_lsn`: of the lane, after recovery.
  LaneGate(unsigned records, std::uint64_t next_lsn)
      : mask_(records - 1),
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
    if (!open_.load(std::memory_order_relaxed)) return false;
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
  std::uint64_t append(const AcceptedClaim& claim) noexcept {
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
    published_.store(last_lsn_, std::memory_order_release);  // pairs with published()
  }
  // Any thread. What rests on nothing above this survives power loss.
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept {
    return durable_.load(std::memory_order_acquire);  // pairs with set_durable()
  }

  // ---- committer ---------------------------------------------------------------------------
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
  // Whether reservations are granted. Claims that were appended are committed either way.
  void set_open(bool open) noexcept { open_.store(open, std::memory_order_relaxed); }
  [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Entry {
    AcceptedClaim claim;
    std::array<std::byte, wire::signature_bytes> signature;
  };
  static_assert(sizeof(Entry) == 128);

  const std::uint64_t mask_;
  const std::unique_ptr<Entry[]> entries_;
  // The worker's own.
  std::uint64_t last_lsn_;
  std::uint64_t durable_seen_;
  std::uint64_t reserved_ = 0;
  // Written by one side each, on lines of their own.
  alignas(64) std::atomic<std::uint64_t> published_;
  alignas(64) std::atomic<std::uint64_t> durable_;
  std::atomic<bool> open_{true};
};

}  // namespace claimgate::durability
