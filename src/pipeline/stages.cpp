#include "src/pipeline/stages.hpp"

#include <algorithm>
#include <cstring>

#include "lib/packet/dissect.hpp"
#include "lib/packet/reply.hpp"
#include "lib/xrpl/message.hpp"

namespace claimgate::pipeline {

namespace {

void refuse(Burst& burst, Ticket* ticket, packet::Drop why, Stats& stats) noexcept {
  stats.dropped[static_cast<std::size_t>(why)].add(1);
  burst.refused.push(ticket);
}

void answer_neighbour(Burst& burst, Ticket* ticket, const packet::LocalAddresses& local,
                      Stats& stats) noexcept {
  const auto answer = packet::respond(ticket->frame, ticket->length, ticket->capacity, local);
  if (answer.drop != packet::Drop::none) return refuse(burst, ticket, answer.drop, stats);
  ticket->length = static_cast<std::uint16_t>(answer.length);
  burst.neighbours.push(ticket);
}

void parse_claims(Burst& burst, Ticket* ticket, const channel::Table& table, bool room,
                  Stats& stats) noexcept {
  for (unsigned position = 0; position < ticket->n; ++position) {
    const wire::ClaimFrame frame(ticket->claims + position * wire::claim_bytes);
    if (!room) {
      decide(*ticket, position, wire::Code::busy, stats);
      continue;
    }
    if (frame.malformed()) [[unlikely]] {
      decide(*ticket, position, wire::Code::malformed, stats);
      continue;
    }
    const wire::ChannelHandle channel = frame.handle();
    ParsedClaim& claim = burst.claims.items[burst.claims.count++];
    claim.ticket = ticket;
    claim.frame = frame.bytes();
    claim.handle = channel.value;
    claim.amount = frame.amount().value;
    claim.hash = table.hash(channel);
    claim.position = static_cast<std::uint8_t>(position);
  }
}

}  // namespace

void parse(Burst& burst, const packet::LocalAddresses& local, const channel::Table& table,
           CopyArena& copies, unsigned room, const Rules& rules, Stats& stats) noexcept {
  for (Ticket* ticket : burst.received) {
    if (ticket->flags & rx_segmented) [[unlikely]] {
      refuse(burst, ticket, packet::Drop::segmented, stats);
      continue;
    }
    const auto seen =
        packet::dissect(ticket->frame, ticket->length, local,
                        {.ip_checksum_good = (ticket->flags & rx_ip_checksum_good) != 0,
                         .udp_checksum_good = (ticket->flags & rx_udp_checksum_good) != 0});
    if (seen.kind == packet::Kind::drop) [[unlikely]] {
      refuse(burst, ticket, seen.drop, stats);
      continue;
    }
    if (seen.kind == packet::Kind::neighbour) [[unlikely]] {
      answer_neighbour(burst, ticket, local, stats);
      continue;
    }
    ticket->n = seen.claims;
    ticket->pending = seen.claims;
    ticket->payload_offset = seen.payload_offset;
    if (seen.ipv6) ticket->flags |= frame_ipv6;
    if (seen.vlan) ticket->flags |= frame_vlan;
    const std::byte* payload = ticket->frame + seen.payload_offset;
    const bool taken = room > 0;
    ticket->claims = taken && rules.copy_payloads
                         ? copies.copy(*ticket, payload, seen.claims * wire::claim_bytes)
                         : payload;
    stats.claims_parsed.add(seen.claims);
    parse_claims(burst, ticket, table, taken, stats);
    if (taken) --room;
  }
}

void digest_admitted(ClaimRing& ring, const channel::Table& table, digest::Digester& digester,
                     const Rules& rules) noexcept {
  std::array<digest::Job, digests_per_turn_max> jobs;
  const ClaimCursor end = std::min(ring.admitted(), ring.digested() + digests_per_turn_max);
  unsigned count = 0;
  while (ring.digested() < end) {
    ClaimInFlight& claim = ring.at(ring.digested());
    const channel::ColdRecord& cold = table.cold(claim.slot);
    channel::ChannelId id;
    wire::store_be(id.bytes.data(), claim.handle);
    std::memcpy(id.bytes.data() + 8, cold.id_tail.data(), cold.id_tail.size());
    claim.message = xrpl::claim_message(id, {claim.amount});
    if (claim.type == channel::KeyType::secp256k1) {
      jobs[count++] = {claim.message.data(), claim.hash.data()};
    }
    ring.enter(rules.coalesce);
  }
  if (count > 0) digester.digest({jobs.data(), count});
}

bool write_reply(Ticket& ticket, const packet::Mac& own, bool durable,
                 const Rules& rules) noexcept {
  if (!rules.answer_unknown) {
    unsigned unknown = 0;
    for (unsigned i = 0; i < ticket.n; ++i)
      unknown += ticket.codes[i] == wire::Code::unknown_channel;
    if (unknown == ticket.n) return false;
  }
  std::byte* const out = ticket.frame + ticket.payload_offset;
  for (unsigned i = 0; i < ticket.n; ++i) {
    const wire::Code code = ticket.codes[i];
    const bool rests_on_state = code == wire::Code::accepted || code == wire::Code::duplicate ||
                                code == wire::Code::stale || code == wire::Code::covered;
    wire::write_verdict(out + i * wire::verdict_bytes, ticket.claims + i * wire::claim_bytes, code,
                        durable && rests_on_state ? wire::flag_durable : 0,
                        code == wire::Code::busy ? rules.busy_retry_ms : 0);
  }
  const packet::Dissection seen{.payload_offset = static_cast<std::uint8_t>(ticket.payload_offset),
                                .vlan = (ticket.flags & frame_vlan) != 0,
                                .ipv6 = (ticket.flags & frame_ipv6) != 0};
  const auto checksum =
      ticket.flags & tx_checksum_offload ? packet::Checksum::offload : packet::Checksum::software;
  ticket.length = static_cast<std::uint16_t>(
      packet::reply_in_place(ticket.frame, seen, ticket.n, own, checksum));
  return true;
}

}  // namespace claimgate::pipeline
