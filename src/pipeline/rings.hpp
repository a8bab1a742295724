// The worker's own bounded stores for datagrams: those held, and the copies of payloads. (Claims in
// flight: claim_ring.hpp.)
//
// Owner: one worker, single-threaded; sized once at start. Every push has a precondition on room
// that its caller checks: what finds no room is answered BUSY, never dropped and never grown for.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "lib/wire/claim.hpp"
#include "src/pipeline/ticket.hpp"

namespace claimgate::pipeline {

// Datagrams whose claims are all decided, in the order in which they became so.
class HeldRing {
 public:
  explicit HeldRing(unsigned capacity)
      : mask_(capacity - 1), tickets_(std::make_unique<Ticket*[]>(capacity)) {
    assert(std::has_single_bit(capacity));
  }
  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  // Precondition: fewer than `capacity` held; guaranteed by the bound on tickets in flight.
  void push(Ticket* ticket) noexcept { tickets_[head_++ & mask_] = ticket; }
  [[nodiscard]] Ticket* front() const noexcept { return tickets_[tail_ & mask_]; }
  void pop() noexcept { ++tail_; }

 private:
  std::uint64_t mask_;
  std::unique_ptr<Ticket*[]> tickets_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
};

// Where decided datagrams wait: for the next reply stage, or for the journal to release what they
// rest on. And the bound on those that wait for another claim's record only, with a refusal: a
// quarter of what may be held, so that junk does not crowd out claims.
struct Decided {
  explicit Decided(unsigned held_max, unsigned capacity)
      : ready(capacity), waiting(capacity), refusals_max(held_max / 4) {}
  HeldRing ready;
  HeldRing waiting;
  unsigned refusals_max;
  unsigned refusals = 0;           // datagrams with waits_refused
  std::uint64_t released_lsn = 0;  // as of this turn

  void push(Ticket* ticket) noexcept {
    (ticket->lsn <= released_lsn ? ready : waiting).push(ticket);
  }
  // A refusal that rests on what `lsn` recorded: true where it may be given, and the ticket then
  // waits for that record. False: the bound is reached, BUSY is the answer.
  [[nodiscard]] bool rest_refusal_on(std::uint64_t lsn, Ticket& ticket) noexcept {
    if (lsn > released_lsn && (ticket.flags & waits_refused) == 0) {
      if (refusals >= refusals_max) return false;
      ++refusals;
      ticket.flags |= waits_refused;
    }
    ticket.lsn = std::max(ticket.lsn, lsn);
    return true;
  }
  void leaves(const Ticket& ticket) noexcept {
    if ((ticket.flags & waits_refused) != 0) --refusals;
  }
};

// Private copies of payloads that a peer could still change while we look (memif, vhost). Last in,
// first out, so that a lightly loaded worker stays within a few cells that its cache holds.
class CopyArena {
 public:
  static constexpr std::size_t cell_bytes = 1408;  // 1395, to the next line
  static_assert(cell_bytes >= wire::payload_bytes_max && cell_bytes % 64 == 0);

  explicit CopyArena(unsigned cells) : bytes_(cells * cell_bytes), free_(cells) {
    for (unsigned i = 0; i < cells; ++i) free_[i] = cells - 1 - i;
    count_ = cells;
  }
  // Precondition: a cell is free; there are as many as tickets may be in flight.
  const std::byte* copy(Ticket& ticket, const std::byte* payload, std::size_t size) noexcept {
    assert(count_ > 0 && size <= cell_bytes);
    ticket.copy = free_[--count_];
    std::byte* cell = bytes_.data() + ticket.copy * cell_bytes;
    std::memcpy(cell, payload, size);
    return cell;
  }
  void release(Ticket& ticket) noexcept {
    if (ticket.copy == no_copy) return;
    free_[count_++] = ticket.copy;
    ticket.copy = no_copy;
  }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::uint32_t> free_;
  unsigned count_ = 0;
};

}  // namespace claimgate::pipeline
