// The ticket of a datagram in flight: its state, kept beside its bytes from receive to transmit.
//
// Lives in the private area of the frame's mbuf (or in the simulator's own memory). Owner: the
// worker that received the frame, until transmit() or discard() gives the mbuf back. One line, so
// that parse touches one line per datagram besides the frame.
//
// The request's bytes stay untouched while `pending` > 0: a verdict written early would destroy
// claims that are still being verified (verdict j covers bytes 33j..33j+33 of the payload).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "lib/wire/claim.hpp"

namespace claimgate::pipeline {

enum TicketFlags : std::uint8_t {
  rx_ip_checksum_good = 1,   // the port has verified it
  rx_udp_checksum_good = 2,  // likewise
  // A checksum that a port calls bad is judged again here, as if it had not looked: some NICs call
  // UDP's "no checksum" bad.
  waits_refused = 4,         // counted among the refusals that wait for the journal
  rx_segmented = 8,          // the frame lies in several mbuf segments
  tx_checksum_offload = 16,  // reply leaves its checksums to the port
  frame_ipv6 = 64,
  frame_vlan = 128,
};

struct alignas(64) Ticket {
  std::byte* frame;         // first byte of the Ethernet frame
  const std::byte* claims;  // n x 93 bytes: the payload itself, or this worker's copy of it
  std::uint64_t lsn;        // highest journal position that the verdicts rest on
  std::uint64_t arrival;    // clock cycles when its burst was received
  std::uint32_t copy;       // cell of the copy arena, or no_copy
  std::uint16_t length;     // frame bytes; after reply: of the reply
  std::uint16_t capacity;   // bytes writable from `frame`
  std::uint16_t payload_offset;
  std::uint8_t n;        // claims, 1..15
  std::uint8_t pending;  // claims without a code yet
  std::uint8_t flags;    // TicketFlags
  std::array<wire::Code, wire::claims_per_datagram_max> codes;
};
inline constexpr std::uint32_t no_copy = 0xFFFF'FFFF;

static_assert(sizeof(Ticket) == 64 && std::is_trivially_copyable_v<Ticket>);

}  // namespace claimgate::pipeline
