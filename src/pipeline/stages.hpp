// The stages: plain functions over a burst, in the order in which the worker's loop calls them.
//
//   parse ─ admit ─ digest ─ verify ─ commit ─ reply            (src/pipeline/DESIGN.md)
//
// Thread: the one worker that owns everything a stage is handed. No stage allocates, locks, logs or
// makes a system call; each is bounded by the burst or by the rings. Each states its budget, and
// `./dev bench pipeline` holds it to that.
#pragma once

#include <cstdint>

#include "lib/channel/table.hpp"
#include "lib/digest/digester.hpp"
#include "lib/packet/addresses.hpp"
#include "lib/packet/responder.hpp"
#include "lib/verify/verifier.hpp"
#include "src/pipeline/burst.hpp"
#include "src/pipeline/rings.hpp"
#include "src/pipeline/stats.hpp"

namespace claimgate::pipeline {

// What keeps a turn within the 100 µs after which a worker must be back at its queue.
inline constexpr unsigned digests_per_turn_max = 64;
inline constexpr unsigned settled_per_turn_max = 256;

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
// hashes those that need it.
// The budget is that of bursts of 8 and more with AVX2: one half for hashing, the other for what
// verifying the last burst has pushed out of the caches.
inline constexpr Budget digest_budget{.claim = 1100};
void digest_admitted(ClaimRing& ring, const channel::Table& table,
                     digest::Digester& digester) noexcept;

// Hands claims to the verifier while it has lanes free, and takes what it has answered. A claim
// that earlier commits have settled meanwhile is not verified at all; at most settled_per_turn_max
// such claims are passed over at once. Its budget is the engine's.
void verify(ClaimRing& ring, const channel::Table& table, verify::Verifier& verifier,
            Stats& stats) noexcept;

// Decides examined claims in arrival order, each against its channel as the one before left it;
// an accepted one advances its slot. At the end the journal is handed what was appended: the slots
// have all been advanced by then, which a checkpoint relies on.
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
    } else if (claim.amount < slot.amount ||
               (claim.amount <= slot.balance && claim.amount != slot.amount)) {
      settle(decided.rest_refusal_on(slot.lsn, ticket) ? wire::Code::stale : wire::Code::busy);
    } else if (ring.full() || !journal.reserve()) {
      settle(wire::Code::busy);
    } else {
      table.prefetch_cold(at);
      table.prefetch_signature(at);
      ClaimInFlight& entry = ring.at(ring.admitted++);
      entry.ticket = claim.ticket;
      entry.frame = claim.frame;
      entry.handle = claim.handle;
      entry.amount = claim.amount;
      entry.slot = at;
      entry.incarnation = slot.incarnation;
      entry.position = claim.position;
      entry.type = slot.key_type();
      entry.examined = false;
      entry.verified = false;
    }
  }
}

template <class Journal>
void commit(ClaimRing& ring, channel::Table& table, Journal& journal, Decided& decided,
            channel::LedgerTime now, Stats& stats) noexcept {
  for (; ring.committed < ring.examined; ++ring.committed) {
    const ClaimInFlight& entry = ring.at(ring.committed);
    Ticket& ticket = *entry.ticket;
    const channel::Slot& slot = table.slot(entry.slot);
    wire::Code code;
    if (slot.incarnation != entry.incarnation) {
      code = wire::Code::unknown_channel;  // removed while the claim was in flight
    } else if (now >= slot.valid_until) {
      code = wire::Code::closed;
    } else if (entry.amount < slot.amount ||
               (entry.amount <= slot.balance && entry.amount != slot.amount)) {
      code = wire::Code::stale;
    } else if (!entry.verified) {
      code = wire::Code::bad_signature;
    } else if (entry.amount == slot.amount) {
      code = wire::Code::duplicate;
    } else {
      const std::byte* const signature = wire::ClaimFrame(entry.frame).signature();
      ticket.lsn = journal.append({.channel = {entry.handle},
                                   .amount = {entry.amount},
                                   .previous = {slot.amount},
                                   .incarnation = entry.incarnation,
                                   .slot = entry.slot,
                                   .time = now,
                                   .signature = signature});
      table.commit(entry.slot, {entry.amount}, signature, ticket.lsn, now);
      code = wire::Code::accepted;
    }
    if (code != wire::Code::accepted) journal.release();
    if ((code == wire::Code::duplicate || code == wire::Code::stale) &&
        !decided.rest_refusal_on(slot.lsn, ticket)) {
      code = wire::Code::busy;
    }
    decide(ticket, entry.position, code, stats);
    if (ticket.pending == 0) decided.push(&ticket);
  }
  journal.publish();
}

}  // namespace claimgate::pipeline
