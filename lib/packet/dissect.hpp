// Dissection: what a received frame is: claims to answer, something for the responder, or a drop.
//
// A pure function of the frame's bytes and of our addresses; any worker, no state, no allocation.
// Exactly one outcome per frame. Guarantees, for any bytes whatever:
//   - no read outside [frame, frame + length);
//   - every header field is loaded once and then used from the register: a peer that rewrites the
//     buffer meanwhile (memif, vhost) can make us misjudge its own frame, but cannot move a bound
//     after it was checked;
//   - the frame is not written.
// Order: cheap checks first, the sum over the payload last. Budget: 40 cycles for a well-formed
// IPv4 datagram without the payload's checksum.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/packet/ip.hpp"

namespace claimgate::packet {

enum class Kind : std::uint8_t {
  drop,       // counted by `drop`, no answer
  claims,     // `claims` claim frames stand at `payload_offset`
  neighbour,  // ARP, ICMP or ICMPv6: respond() says what comes of it
};

struct Dissection {
  Kind kind = Kind::drop;
  Drop drop = Drop::none;
  std::uint8_t claims = 0;          // 1..15
  std::uint8_t payload_offset = 0;  // 42, 46 (tagged), 62 or 66
  std::uint16_t destination_port = 0;
  bool vlan = false;
  bool ipv6 = false;
};
static_assert(sizeof(Dissection) == 8, "returned in one register");

// What the port has already verified (RX checksum offload said GOOD). A checksum that it calls bad
// or did not look at is verified here.
struct Checked {
  bool ip_checksum_good = false;
  bool udp_checksum_good = false;
};

// The number of claims in a payload, or 0: exactly 1..15 × 93 bytes.
[[nodiscard]] constexpr unsigned claims_in(std::uint32_t payload_bytes) noexcept {
  constexpr std::uint32_t reciprocal = 65'536 / wire::claim_bytes + 1;
  if (payload_bytes > wire::payload_bytes_max) return 0;
  const std::uint32_t n = payload_bytes * reciprocal >> 16;
  return n * wire::claim_bytes == payload_bytes ? n : 0;
}

[[nodiscard]] constexpr bool is_our_port(std::uint16_t port) noexcept {
  return static_cast<std::uint16_t>(port - wire::port_any) <= wire::port_last - wire::port_any;
}

namespace detail {

// UDP over either family: fills `out` where it returns none. `udp` has ip.payload_bytes readable.
template <class Address>
[[nodiscard]] inline Drop read_udp_claims(const std::byte* udp, const IpHeader<Address>& ip,
                                          const LocalAddresses& local, Checked checked,
                                          Dissection& out) noexcept {
  constexpr bool over_ipv6 = sizeof(Address) == sizeof(Ipv6Address);
  if (ip.payload_bytes < udp_bytes) [[unlikely]]
    return Drop::udp_truncated;
  const auto raw = wire::load_raw<std::uint64_t>(udp);
  const std::uint64_t header = std::byteswap(raw);
  const auto source_port = static_cast<std::uint16_t>(header >> 48);
  const auto destination_port = static_cast<std::uint16_t>(header >> 32);
  const auto length = static_cast<std::uint16_t>(header >> 16);
  const auto checksum = static_cast<std::uint16_t>(header);
  if (length < udp_bytes) [[unlikely]]
    return Drop::udp_length_below_header;
  if (length > ip.payload_bytes) [[unlikely]]
    return Drop::udp_length_beyond_ip;
  bool destination_accepted = false;
  if constexpr (over_ipv6) {
    if (checksum == 0) [[unlikely]]
      return Drop::udp6_checksum_zero;
    destination_accepted = local.accepts_v6(ip.destination);
  } else {
    destination_accepted = local.accepts_v4(ip.destination);
  }
  if (!destination_accepted) [[unlikely]]
    return Drop::destination_not_ours;
  if (!is_our_port(destination_port)) [[unlikely]]
    return Drop::port_not_ours;
  if (is_our_port(source_port)) [[unlikely]]
    return Drop::source_port_ours;
  const Drop source = judge_source(ip.source, ip.destination, local);
  if (source != Drop::none) [[unlikely]]
    return source;
  const unsigned claims = claims_in(length - std::uint32_t{udp_bytes});
  if (claims == 0) [[unlikely]]
    return Drop::payload_size;
  if (checksum != 0 && !checked.udp_checksum_good) {
    const Sum pseudo = ip.addresses_sum + word(protocol::udp) + word(length);
    if (!sums_to_ones(pseudo + halves(raw) + sum_bytes(udp + udp_bytes, length - udp_bytes)))
        [[unlikely]] {
      return Drop::udp_checksum;
    }
  }
  out.claims = static_cast<std::uint8_t>(claims);
  out.destination_port = destination_port;
  return Drop::none;
}

}  // namespace detail

// `length`: readable bytes at `frame`, all of the received frame, in one piece. For a frame in
// several buffers the caller counts Drop::segmented and does not call this.
[[nodiscard]] inline Dissection dissect(const std::byte* frame, std::size_t length,
                                        const LocalAddresses& local, Checked checked) noexcept {
  Dissection out;
  const LinkHeader link = read_link(frame, length);
  out.vlan = link.vlan;
  const auto dropped = [&out](Drop why) noexcept {
    out.drop = why;
    return out;
  };
  if (link.drop != Drop::none) [[unlikely]]
    return dropped(link.drop);
  const std::byte* ip_at = frame + link.bytes();
  const std::size_t available = length - link.bytes();
  std::size_t ip_bytes = ipv4_bytes;
  Drop drop = Drop::none;
  std::uint8_t slow_protocol = protocol::icmp;
  std::uint8_t protocol = 0;
  if (link.type == ethernet::type_ipv4) [[likely]] {
    const auto ip = read_ipv4(ip_at, available, checked.ip_checksum_good);
    if (ip.drop != Drop::none) [[unlikely]]
      return dropped(ip.drop);
    protocol = ip.protocol;
    if (protocol == protocol::udp) [[likely]] {
      drop = detail::read_udp_claims(ip_at + ipv4_bytes, ip, local, checked, out);
    }
  } else if (link.type == ethernet::type_ipv6) {
    out.ipv6 = true;
    ip_bytes = ipv6_bytes;
    slow_protocol = protocol::icmpv6;
    const auto ip = read_ipv6(ip_at, available);
    if (ip.drop != Drop::none) [[unlikely]]
      return dropped(ip.drop);
    protocol = ip.protocol;
    if (protocol == protocol::udp) [[likely]] {
      drop = detail::read_udp_claims(ip_at + ipv6_bytes, ip, local, checked, out);
    }
  } else {
    if (link.type != ethernet::type_arp) return dropped(judge_type(link.type));
    out.kind = Kind::neighbour;
    return out;
  }
  if (drop != Drop::none) [[unlikely]]
    return dropped(drop);
  if (protocol != protocol::udp) [[unlikely]] {
    if (protocol != slow_protocol) return dropped(Drop::not_udp);
    out.kind = Kind::neighbour;
    return out;
  }
  out.kind = Kind::claims;
  out.payload_offset = static_cast<std::uint8_t>(link.bytes() + ip_bytes + udp_bytes);
  return out;
}

}  // namespace claimgate::packet
