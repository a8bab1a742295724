// The stages: plain functions over a burst, in the order in which the worker's loop calls them.
//
//   parse ─ admit ─ digest ─ verify ─ commit ─ reply            (src/pipeline/DESIGN.md)
//
// Thread: the one worker that owns everything a stage is handed. No stage allocates, locks, logs or
// makes a system call; each is bounded by the burst or by the rings. Each states its budget, and
// `./dev bench pipeline` holds it to that.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "lib/channel/table.hpp"
#include "lib/digest/digester.hpp"
#include "lib/packet/addresses.hpp"
#include "lib/packet/responder.hpp"
#include "lib/verify/verifier.hpp"
#include "src/pipeline/burst.hpp"
#include "src/pipeline/claim_ring.hpp"
#include "src/pipeline/rings.hpp"
#include "src/pipeline/stats.hpp"

namespace claimgate::pipeline {

// What keeps a turn within the 100 µs after which a worker must be back at its queue.
inline constexpr unsigned digests_per_turn_max = 64;
inline constexpr unsigned looks_per_turn_max = 256;
inline constexpr unsigned decisions_per_turn_max = 256;

// What a stage may cost, in cycles of the time stamp counter on the machine that bench/README.md
// names, in bursts of 32 datagrams.
struct Budget {
  double datagram = 0, payload_byte = 0, claim = 0;
  // Of one claim in a datagram of `claims`.
  [[nodiscard]] constexpr double per_claim(unsigned claims) const noexcept {
    return datagram / claims + payload_byte * double{wire::claim_bytes} + claim;
  }
};

// What a worker answers with, fixed at start.
struct Rules {
  bool copy_payloads = true;   // the peer can write our buffers while we look
  bool answer_unknown = true;  // false: a datagram of unknown channels only gets no reply
  std::uint16_t busy_retry_ms = 20;
  unsigned held_max = 4096;  // datagrams between receive and transmit
  bool coalesce = false;     // of a channel's claims in flight examine the highest first: COVERED
};

// Settles one claim of a ticket: its code, its count. The last one makes the datagram decided.
inline void decide(Ticket& ticket, unsigned position, wire::Code code, Stats& stats) noexcept {
  ticket.codes[position] = code;
  --ticket.pending;
  stats.verdicts[static_cast<std::size_t>(code)].add(1);
}

// Bytes -> claims. Dissects each frame of `burst.received`: drops go to `refused`, ARP/ND/echo are
// answered in place and go to `neighbours`, claims get a ticket state and, where well-formed, an
// entry in `burst.claims` with the hash of their handle; a malformed one is decided on the spot.
// `room`: datagrams that may still be taken in; those beyond are answered BUSY as they stand.
inline constexpr Budget parse_budget{.datagram = 90, .payload_byte = 0.2, .claim = 12};
void parse(Burst& burst, const packet::LocalAddresses& local, const channel::Table& table,
           CopyArena& copies, unsigned room, const Rules& rules, Stats& stats) noexcept;

// Looks every claim's channel up, two steps of prefetch ahead, and refuses what is cheap to refuse:
// UNKNOWN_CHANNEL, CLOSED, OVER_FUNDS, STALE. These decisions stand whatever becomes of the claims
// in flight before them, because held amounts only grow. The rest is reserved for in the journal
// and enters `ring`, or is answered BUSY with nothing changed; as is a STALE claim that would have
// to wait for the journal where too many do (`decided`).
// The budget is that of 1,000,000 channels: a bucket and a slot from memory for each claim, some
// ten such reads under way at once.
inline constexpr Budget admit_budget{.datagram = 30, .claim = 80};
template <class Journal>
void admit(Burst& burst, const channel::Table& table, ClaimRing& ring, Journal& journal,
           Decided& decided, channel::LedgerTime now, Stats& stats) noexcept;

// Builds the 44-byte message of newly admitted claims, at most digests_per_turn_max of them, and
// hashes those that need it. With `coalesce` each joins the others of its channel.
// The budget is that of bursts of 8 and more with AVX2: less than half for hashing, the rest for
// what verifying the last burst has pushed out of the caches, the kernel itself included.
inline constexpr Budget digest_budget{.claim = 700};
void digest_admitted(ClaimRing& ring, const channel::Table& table, digest::Digester& digester,
                     const Rules& rules) noexcept;

// Hands claims to the verifier while it has lanes free, and takes what it has answered: the
// earliest claim that waits, or with `coalesce` the highest of its channel in place of it. What
// commits have settled meanwhile is not verified at all. At most looks_per_turn_max claims are
// looked at, and those of one group more. Its budget is the engine's.
// `Engine`: free_lanes / submit / poll, lanes_max (verify::Verifier).
template <class Engine>
void verify(ClaimRing& ring, const channel::Table& table, Engine& verifier, Stats& stats) noexcept;

// Decides claims in arrival order, each against its channel as the one before left it; an accepted
// one advances its slot. A claim that nobody examined is decided with the verified higher one that
// came behind it: that one is ACCEPTED, and those before it are COVERED. At most
// decisions_per_turn_max, and those of one group more. At the end the journal is handed what was
// appended: the slots have all been advanced by then, which a checkpoint relies on.
inline constexpr Budget commit_budget{.claim = 120};
template <class Journal>
void commit(ClaimRing& ring, channel::Table& table, Journal& journal, Decided& decided,
            channel::LedgerTime now, Stats& stats) noexcept;

// Writes the verdicts of one decided datagram over its request, and its headers: the frame is then
// ready to leave. False where it is to be silenced instead (`answer_unknown` off).
inline constexpr Budget reply_budget{.datagram = 80, .claim = 10};
bool write_reply(Ticket& ticket, const packet::Mac& own, bool durable, const Rules& rules) noexcept;

// ------------------------------------------------------------------------------------------------

namespace detail {
inline constexpr unsigned slot_distance = 8;     // claims ahead: the slot's line
inline constexpr unsigned bucket_distance = 16;  // claims ahead: the index bucket

// Whether a claim of `amount` is refused whatever its signature is, now and ever after.
inline bool is_stale(std::uint64_t amount, const channel::Slot& slot) noexcept {
  return amount < slot.amount || (amount <= slot.balance && amount != slot.amount);
}

inline bool same_signature(const ClaimInFlight& claim, const channel::Slot& slot) noexcept {
  return std::memcmp(wire::ClaimFrame(claim.frame).signature(), slot.signature.data(),
                     wire::signature_bytes) == 0;
}
}  // namespace detail

template <class Journal>
void admit(Burst& burst, const channel::Table& table, ClaimRing& ring, Journal& journal,
           Decided& decided, channel::LedgerTime now, Stats& stats) noexcept {
  ParsedClaim* const claims = burst.claims.items.data();
  const unsigned count = burst.claims.count;
  const unsigned lead = detail::bucket_distance;
  for (unsigned step = 0; step < count + lead; ++step) {
    if (step < count) table.prefetch_bucket(claims[step].hash);
    if (step >= lead - detail::slot_distance) {
      const unsigned ahead = step - (lead - detail::slot_distance);
      if (ahead < count) {
        claims[ahead].guess = table.candidate(claims[ahead].hash);
        table.prefetch_slot(claims[ahead].guess);
      }
    }
    if (step < lead) continue;
    const ParsedClaim& claim = claims[step - lead];
    Ticket& ticket = *claim.ticket;
    const auto settle = [&](wire::Code code) noexcept {
      decide(ticket, claim.position, code, stats);
    };
    const auto at = table.find({claim.handle}, claim.hash, claim.guess);
    if (at == channel::no_slot) {
      settle(wire::Code::unknown_channel);
      continue;
    }
    const channel::Slot& slot = table.slot(at);
    if (now >= slot.valid_until) {
      settle(wire::Code::closed);
    } else if (claim.amount > slot.funded) {
      settle(wire::Code::over_funds);
    } else if (detail::is_stale(claim.amount, slot)) {
      settle(decided.rest_refusal_on(slot.lsn, ticket) ? wire::Code::stale : wire::Code::busy);
    } else if (ring.full() || !journal.reserve()) {
      settle(wire::Code::busy);
    } else {
      table.prefetch_cold(at);
      table.prefetch_signature(at);
      ClaimInFlight& entry = ring.admit();
      entry.ticket = claim.ticket;
      entry.frame = claim.frame;
      entry.handle = claim.handle;
      entry.amount = claim.amount;
      entry.slot = at;
      entry.incarnation = slot.incarnation;
      entry.position = claim.position;
      entry.type = slot.key_type();
    }
  }
}

template <class Engine>
void verify(ClaimRing& ring, const channel::Table& table, Engine& verifier, Stats& stats) noexcept {
  const auto submit = [&](ClaimCursor cursor, ClaimCursor head) noexcept {
    const ClaimInFlight& claim = ring.at(cursor);
    ring.hand_over(cursor, head);
    verifier.submit({.signature = wire::ClaimFrame(claim.frame).signature(),
                     .key = table.cold(claim.slot).key.data(),
                     .digest = claim.hash.data(),
                     .message = claim.message.data(),
                     .type = claim.type,
                     .key_number = claim.slot});
    (claim.type == channel::KeyType::ed25519 ? stats.signatures_ed25519
                                             : stats.signatures_secp256k1)
        .add(1);
  };
  for (unsigned looks = 0; verifier.free_lanes() > 0 && looks < looks_per_turn_max; ++looks) {
    const ClaimCursor head = ring.take_ready();
    if (head == no_claim) break;
    ClaimInFlight& claim = ring.at(head);
    const channel::Slot& slot = table.slot(claim.slot);
    if (slot.incarnation != claim.incarnation || detail::is_stale(claim.amount, slot)) {
      ring.wake_behind(head);  // commit refuses this one unexamined
    } else if (claim.amount == slot.amount) {
      if (detail::same_signature(claim, slot)) {
        claim.state = Examination::good;
        stats.signatures_matched.add(1);
      } else {
        submit(head, head);
      }
    } else if (!ring.is_behind(head, slot.amount)) {
      const ClaimRing::Group group = ring.group(head, slot.amount);
      looks += group.claims - 1;
      if (!group.in_hands && ring.at(group.top).state == Examination::waiting) {
        submit(group.top, head);
      }
    }
  }
  std::array<bool, Engine::lanes_max> answers;
  const unsigned answered = verifier.poll(answers);
  for (unsigned i = 0; i < answered; ++i) ring.answer(answers[i]);
}

namespace detail {

// What commit hands around.
template <class Journal>
struct Commit {
  ClaimRing& ring;
  channel::Table& table;
  Journal& journal;
  Decided& decided;
  const channel::LedgerTime now;
  Stats& stats;

  // Advances the claim's slot to it.
  void accept(const ClaimInFlight& claim) noexcept {
    const std::byte* const signature = wire::ClaimFrame(claim.frame).signature();
    claim.ticket->lsn = journal.append({.channel = {claim.handle},
                                        .amount = {claim.amount},
                                        .previous = {table.slot(claim.slot).amount},
                                        .incarnation = claim.incarnation,
                                        .slot = claim.slot,
                                        .time = now,
                                        .signature = signature});
    table.commit(claim.slot, {claim.amount}, signature, claim.ticket->lsn, now);
  }

  void settle(const ClaimInFlight& claim, wire::Code code) noexcept {
    if (code != wire::Code::accepted) journal.release();
    decide(*claim.ticket, claim.position, code, stats);
    if (claim.ticket->pending == 0) decided.push(claim.ticket);
  }

  // The verdict of the claim whose turn it is; nothing where it takes an answer of the verifier
  // that is not there yet.
  [[nodiscard]] std::optional<wire::Code> judge(const ClaimInFlight& claim) noexcept {
    const channel::Slot& slot = table.slot(claim.slot);
    if (claim.state == Examination::in_hands) return std::nullopt;
    if (slot.incarnation != claim.incarnation) {
      return wire::Code::unknown_channel;  // removed while the claim was in flight
    }
    if (now >= slot.valid_until) return wire::Code::closed;
    if (is_stale(claim.amount, slot)) return rest_on_held(claim, wire::Code::stale);
    if (claim.state == Examination::waiting) return std::nullopt;
    if (claim.state == Examination::bad) return wire::Code::bad_signature;
    if (claim.amount == slot.amount) return rest_on_held(claim, wire::Code::duplicate);
    accept(claim);
    return wire::Code::accepted;
  }
  [[nodiscard]] wire::Code rest_on_held(const ClaimInFlight& claim, wire::Code code) noexcept {
    return decided.rest_refusal_on(table.slot(claim.slot).lsn, *claim.ticket) ? code
                                                                              : wire::Code::busy;
  }

  // Decides `head`, which nobody has examined, and the claims of its channel up to `cover`, which
  // has been found good and is above all of them that are not bad. What is stale already is left
  // to its own turn. COVERED takes no room among the refusals: it waits for a record that is there
  // because of its burst. Returns how many claims it went through.
  unsigned decide_group(ClaimCursor head, ClaimCursor cover) noexcept {
    const ClaimInFlight& highest = ring.at(cover);
    const std::uint64_t floor = table.slot(highest.slot).floor();
    accept(highest);
    const std::uint64_t lsn = table.slot(highest.slot).lsn;
    unsigned claims = 0;
    for (ClaimCursor cursor = head;; cursor = ring.at(cursor).next) {
      const ClaimInFlight& claim = ring.at(cursor);
      ++claims;
      if (claim.state != Examination::decided && claim.amount > floor) {
        if (cursor == cover) {
          settle(claim, wire::Code::accepted);
        } else if (claim.state == Examination::bad) {
          settle(claim, wire::Code::bad_signature);
        } else {
          claim.ticket->lsn = std::max(claim.ticket->lsn, lsn);
          settle(claim, wire::Code::covered);
        }
        ring.decide_ahead(cursor);
      }
      if (cursor == cover) break;
    }
    ring.wake_behind(cover);
    return claims;
  }
};

}  // namespace detail

template <class Journal>
void commit(ClaimRing& ring, channel::Table& table, Journal& journal, Decided& decided,
            channel::LedgerTime now, Stats& stats) noexcept {
  detail::Commit<Journal> commit{ring, table, journal, decided, now, stats};
  unsigned decisions = 0;
  while (ring.committed() < ring.digested() && decisions < decisions_per_turn_max) {
    const ClaimCursor front = ring.committed();
    if (ring.is_ready(front)) break;  // verify looks first
    const ClaimInFlight& claim = ring.at(front);
    ++decisions;
    if (claim.state == Examination::decided) {
      ring.pass_decided();
      continue;
    }
    if (const auto code = commit.judge(claim)) {
      commit.settle(claim, *code);
      ring.pass();
      continue;
    }
    if (claim.state == Examination::in_hands) break;
    const std::uint64_t held = table.slot(claim.slot).amount;
    const auto group =
        claim.amount > held ? ring.group(front, held) : ClaimRing::Group{.top = front};
    if (group.cover == no_claim) {
      if (!group.in_hands) ring.make_ready(front);
      break;
    }
    decisions += commit.decide_group(front, group.cover);
  }
  journal.publish();
}

}  // namespace claimgate::pipeline
