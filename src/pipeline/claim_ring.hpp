// Claims in flight, in arrival order, and which of them are one channel's.
//
//   committed ─────────────────────────────► digested ──► admitted
//      │ C1     B1     C2     C3     D1     C4   │           │
//      │ └──────────────┴──────┴─────────────┘   │           │   a chain: the claims of channel C
//    decided before              ready: bits     here digest is still to do
//
// A claim is examined where it is the first undecided one of its channel, or the highest of those
// behind it (group()). Chains are found through a small index that forgets: where two channels
// meet in it, a chain ends early. That loses an opportunity to coalesce and nothing else, because
// what a claim's verdict is, commit decides, and it finds its chain again.
//
// Owner: one worker, single-threaded; sized once at start. Every loop is bounded by the ring or by
// group_claims_max.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "lib/channel/table.hpp"
#include "lib/digest/digester.hpp"
#include "lib/wire/claim.hpp"
#include "src/pipeline/ticket.hpp"

namespace claimgate::pipeline {

enum class Examination : std::uint8_t {
  waiting,   // nobody has looked at the signature
  in_hands,  // the verifier has it: what it points to must stay readable
  good,
  bad,
  decided,  // ahead of its turn, with a higher claim: its ticket may be gone
};

// The place of a claim in the sequence of all that were ever admitted.
using ClaimCursor = std::uint64_t;
inline constexpr ClaimCursor no_claim = ~ClaimCursor{0};

// A claim between admit and commit. All that a walk along a chain reads is in its first line.
struct alignas(64) ClaimInFlight {
  Ticket* ticket;
  const std::byte* frame;  // its 93 bytes
  std::uint64_t handle;
  std::uint64_t amount;
  ClaimCursor before;  // of the same channel, or no_claim; it may have left the ring
  ClaimCursor next;    // of the same channel, or no_claim
  channel::SlotIndex slot;
  std::uint32_t incarnation;  // of the slot when it was admitted
  std::uint8_t position;      // in its datagram
  channel::KeyType type;
  Examination state;
  std::array<std::byte, digest::message_bytes> message;
  std::array<std::byte, digest::digest_bytes> hash;  // SHA-512Half of message
};
static_assert(offsetof(ClaimInFlight, message) <= 64);

// Claims of one channel looked at together: what a hostile sender can make a look cost, and how
// many garbage claims can be examined before a good one below them.
inline constexpr unsigned group_claims_max = 64;

class ClaimRing {
 public:
  // `capacity` a power of two; `lanes`: what the verifier may hold at once.
  ClaimRing(unsigned capacity, unsigned lanes)
      : mask_(capacity - 1),
        words_((capacity + 63) / 64),
        lanes_(lanes),
        entries_(std::make_unique<ClaimInFlight[]>(capacity)),
        ready_(std::make_unique<std::uint64_t[]>(words_)),
        last_(std::make_unique<ClaimCursor[]>(capacity)),
        hands_(std::make_unique<Hand[]>(lanes)) {
    assert(std::has_single_bit(capacity));
  }
  // Neither decided nor forgotten.
  [[nodiscard]] unsigned undecided() const noexcept {
    return static_cast<unsigned>(admitted_ - committed_) - decided_ahead_;
  }
  [[nodiscard]] bool full() const noexcept { return admitted_ - committed_ > mask_; }
  [[nodiscard]] ClaimInFlight& at(ClaimCursor cursor) noexcept { return entries_[cursor & mask_]; }
  [[nodiscard]] const ClaimInFlight& at(ClaimCursor cursor) const noexcept {
    return entries_[cursor & mask_];
  }
  [[nodiscard]] ClaimCursor admitted() const noexcept { return admitted_; }
  [[nodiscard]] ClaimCursor digested() const noexcept { return digested_; }
  [[nodiscard]] ClaimCursor committed() const noexcept { return committed_; }

  // ---- admit, digest -----------------------------------------------------------------------
  // The next entry, to be filled. Precondition: not full().
  [[nodiscard]] ClaimInFlight& admit() noexcept { return at(admitted_++); }
  // The claim at digested() has its digest: it may be examined. `chained`: and it is one with the
  // others of its channel. Otherwise each claim is looked at by itself, in arrival order.
  void enter(bool chained) noexcept {
    ClaimInFlight& claim = at(digested_);
    claim.state = Examination::waiting;
    claim.before = claim.next = no_claim;
    if (chained) {
      ClaimCursor& last = last_[claim.slot & mask_];
      if (last >= committed_ && last < digested_ && at(last).slot == claim.slot &&
          at(last).incarnation == claim.incarnation) {
        claim.before = last;
        at(last).next = digested_;
      }
      last = digested_;
    }
    make_ready(digested_++);
  }

  // ---- verify ------------------------------------------------------------------------------
  // Takes the earliest claim that is ready to be looked at; no_claim where none is.
  [[nodiscard]] ClaimCursor take_ready() noexcept {
    if (committed_ == digested_) return no_claim;
    const unsigned from = static_cast<unsigned>(committed_ & mask_);
    unsigned word = from / 64;
    std::uint64_t bits = ready_[word] & ~std::uint64_t{0} << from % 64;
    for (unsigned looked = 0; bits == 0; ++looked) {
      if (looked == words_) return no_claim;
      word = word + 1 == words_ ? 0 : word + 1;
      bits = ready_[word];
    }
    ready_[word] &= ~(bits & -bits);
    const std::uint64_t place = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
    return committed_ + ((place - from) & mask_);
  }
  void make_ready(ClaimCursor cursor) noexcept {
    ready_[(cursor & mask_) / 64] |= std::uint64_t{1} << (cursor & mask_) % 64;
  }
  [[nodiscard]] bool is_ready(ClaimCursor cursor) const noexcept {
    return (ready_[(cursor & mask_) / 64] >> (cursor & mask_) % 64 & 1) != 0;
  }
  // Whether a claim before it of its channel may still raise what is `held`: then its own look
  // comes when that one is decided. Of a chain only one claim is examined at a time, so that what
  // is known to be bad was above all before it that may be good.
  [[nodiscard]] bool is_behind(ClaimCursor cursor, std::uint64_t held) const noexcept {
    for (unsigned steps = 0; steps < group_claims_max; ++steps) {
      cursor = at(cursor).before;
      if (cursor == no_claim || cursor < committed_) return false;
      const ClaimInFlight& claim = at(cursor);
      if (claim.amount > held && claim.state != Examination::bad &&
          claim.state != Examination::decided) {
        return true;
      }
    }
    return true;
  }
  // Makes the next claim of the channel that waits ready.
  void wake_behind(ClaimCursor cursor) noexcept {
    for (unsigned steps = 0; steps < group_claims_max; ++steps) {
      cursor = at(cursor).next;
      if (cursor == no_claim) return;
      if (at(cursor).state == Examination::waiting) return make_ready(cursor);
    }
  }

  struct Group {
    ClaimCursor top = no_claim;    // the highest that is not known to be bad; of equals the first
    ClaimCursor cover = no_claim;  // the last good one that no claim before it may outdo
    bool in_hands = false;         // one of them is being examined; those behind it do not count
    unsigned claims = 0;           // looked at
  };
  // The claims of a channel from `head` on. Precondition: `head` is undecided and above `held`. A
  // claim of exactly what is held ends the group: its verdict is DUPLICATE or BAD_SIGNATURE, and
  // must stay so.
  [[nodiscard]] Group group(ClaimCursor head, std::uint64_t held) const noexcept {
    Group group;
    std::uint64_t highest = held;
    for (ClaimCursor cursor = head; cursor != no_claim && group.claims < group_claims_max;
         cursor = at(cursor).next) {
      const ClaimInFlight& claim = at(cursor);
      ++group.claims;
      if (claim.state == Examination::decided) continue;
      if (claim.amount == held) break;
      if (claim.amount < held) continue;
      if (claim.state == Examination::in_hands) {
        group.in_hands = true;
        break;
      }
      if (claim.state == Examination::bad || claim.amount <= highest) continue;
      highest = claim.amount;
      group.top = cursor;
      if (claim.state == Examination::good) group.cover = cursor;
    }
    return group;
  }

  // `cursor` goes to the verifier, in place of `head`. Preconditions: a lane was free for it.
  void hand_over(ClaimCursor cursor, ClaimCursor head) noexcept {
    at(cursor).state = Examination::in_hands;
    clear_ready(cursor);
    hands_[handed_++ % lanes_] = {cursor, head};
  }
  // The verifier's answer to the earliest that it holds. After a bad one its head looks again.
  void answer(bool good) noexcept {
    const Hand hand = hands_[answered_++ % lanes_];
    at(hand.cursor).state = good ? Examination::good : Examination::bad;
    if (good) return;
    if (hand.head >= committed_ && at(hand.head).state == Examination::waiting) {
      make_ready(hand.head);
    } else {
      wake_behind(hand.cursor);
    }
  }

  // ---- commit ------------------------------------------------------------------------------
  // The claim at `cursor` has been decided ahead of its turn: pass_decided() will pass it by.
  void decide_ahead(ClaimCursor cursor) noexcept {
    at(cursor).state = Examination::decided;
    clear_ready(cursor);
    ++decided_ahead_;
  }
  void pass_decided() noexcept {
    ++committed_;
    --decided_ahead_;
  }
  // The claim at committed() has been decided. Precondition: it is not ready.
  void pass() noexcept {
    wake_behind(committed_);
    ++committed_;
  }

 private:
  struct Hand {
    ClaimCursor cursor, head;
  };
  void clear_ready(ClaimCursor cursor) noexcept {
    ready_[(cursor & mask_) / 64] &= ~(std::uint64_t{1} << (cursor & mask_) % 64);
  }

  const std::uint64_t mask_;
  const unsigned words_, lanes_;
  std::unique_ptr<ClaimInFlight[]> entries_;
  std::unique_ptr<std::uint64_t[]> ready_;  // a bit an entry
  std::unique_ptr<ClaimCursor[]> last_;     // by the slot's low bits: the last claim of a channel
  std::unique_ptr<Hand[]> hands_;           // with the verifier, in the order of submission
  ClaimCursor admitted_ = 0;
  ClaimCursor digested_ = 0;
  ClaimCursor committed_ = 0;
  std::uint64_t handed_ = 0, answered_ = 0;
  unsigned decided_ahead_ = 0;
};

}  // namespace claimgate::pipeline
