// Builders and readers of whole frames, for clients: claimgen, tests, captures.
//
// Not the hot path of claimd. Pure functions of bytes, no allocation: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/packet/addresses.hpp"
#include "lib/packet/headers.hpp"

namespace claimgate::packet {

// Both ends of a datagram. `source` and `destination` are of one family.
struct Endpoints {
  Mac source_mac;
  Mac destination_mac;
  std::optional<std::uint16_t> vlan;  // the 16 bits of the 802.1Q tag: priority and id
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = wire::port_any;
  std::uint8_t ttl = fresh_ttl;
};

// The other direction of the same conversation.
[[nodiscard]] Endpoints reversed(const Endpoints& endpoints) noexcept;

// Bytes of headers before the payload: 42, 46, 62 or 66.
[[nodiscard]] std::size_t udp_payload_offset(const Endpoints& endpoints) noexcept;

// Writes Ethernet, tag, IP, UDP and payload with both checksums, without padding. `payload` may
// already lie at its place in `out`. Returns the frame's length; 0 where `out` is too small, the
// families differ or the payload does not fit a datagram.
[[nodiscard]] std::size_t build_udp(std::span<std::byte> out, const Endpoints& endpoints,
                                    std::span<const std::byte> payload) noexcept;

// The question for the MAC of `endpoints.destination`: an ARP request or a neighbour solicitation
// to its solicited-node group, padded to 60 bytes. Of `endpoints` the source MAC, the tag and both
// addresses are used. Returns the frame's length; 0 where `out` is too small or the families
// differ.
[[nodiscard]] std::size_t build_neighbour_query(std::span<std::byte> out,
                                                const Endpoints& endpoints) noexcept;

// The MAC of `target` where `frame` is an ARP reply or a well-formed neighbour advertisement
// (RFC 4861 §7.1.2) that tells it.
[[nodiscard]] std::optional<Mac> parse_neighbour_answer(std::span<const std::byte> frame,
                                                        const IpAddress& target) noexcept;

// A well-formed UDP frame, as its receiver sees it.
struct UdpDatagram {
  Endpoints endpoints;  // as sent: source is the sender
  std::span<const std::byte> payload;
};

// Reads a UDP frame to any address and port. Nothing for a frame that is no UDP, is malformed, or
// whose checksums do not verify.
[[nodiscard]] std::optional<UdpDatagram> read_udp(std::span<const std::byte> frame) noexcept;

}  // namespace claimgate::packet
