// The reply's headers, written over the request's.
//
// Who: the worker that owns the frame, once, after the verdicts stand at the payload's place. No
// allocation. All offsets come from the Dissection, never from the frame, so a peer that rewrites
// the buffer meanwhile cannot make us write elsewhere; what it does to the addresses it does to its
// own reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lib/packet/dissect.hpp"

namespace claimgate::packet {

enum class Checksum : std::uint8_t {
  software,  // both checksums are computed here
  offload,   // the port computes both: the IPv4 field is 0, the UDP field holds the pseudo-header's
             // folded sum, not complemented (what rte_ipv4_phdr_cksum and its IPv6 twin return)
};

// Swaps the Ethernet addresses. A group destination cannot be a source: then it is `own`.
inline void swap_macs(std::byte* frame, const Mac& own) noexcept {
  const Mac destination = load_mac(frame + ethernet::destination);
  const Mac source = load_mac(frame + ethernet::source);
  store_mac(frame + ethernet::destination, source);
  store_mac(frame + ethernet::source, destination.multicast() ? own : destination);
}

// Writes an IPv4 header without options around `payload_bytes`: identification 0 and don't fragment
// (an atomic datagram, RFC 6864), fresh TTL, and the checksum unless the port does it.
// Precondition: 20 writable bytes at `ip`.
inline void write_ipv4(std::byte* ip, std::uint8_t protocol, std::size_t payload_bytes,
                       Ipv4Address source, Ipv4Address destination, std::uint8_t ttl,
                       Checksum checksum) noexcept {
  const std::uint64_t first =
      std::byteswap(std::uint64_t{0x4500} << 48 | std::uint64_t{ipv4_bytes + payload_bytes} << 32 |
                    ipv4::dont_fragment);
  const std::uint64_t second =
      std::byteswap(std::uint64_t{ttl} << 56 | std::uint64_t{protocol} << 48 | source.value);
  const std::uint32_t third = std::byteswap(destination.value);
  wire::store_raw(ip, first);
  wire::store_raw(ip + 8, second);
  wire::store_raw(ip + 16, third);
  if (checksum == Checksum::software) {
    wire::store_raw(ip + ipv4::checksum, complement(halves(first) + halves(second) + third));
  }
}

// Writes an IPv6 header, traffic class and flow label 0. Precondition: 40 writable bytes at `ip`.
inline void write_ipv6(std::byte* ip, std::uint8_t next_header, std::size_t payload_bytes,
                       const Ipv6Address& source, const Ipv6Address& destination,
                       std::uint8_t hop_limit) noexcept {
  wire::store_be(ip, std::uint64_t{6} << 60 | std::uint64_t{payload_bytes} << 16 |
                         std::uint64_t{next_header} << 8 | hop_limit);
  store_ipv6(ip + ipv6::source, source);
  store_ipv6(ip + ipv6::destination, destination);
}

[[nodiscard]] inline Sum address_sum(const Ipv6Address& address) noexcept {
  return halves(std::byteswap(address.high)) + halves(std::byteswap(address.low));
}
[[nodiscard]] inline Sum address_sum(Ipv4Address address) noexcept {
  return std::byteswap(address.value);
}

// The sum of the pseudo-header (RFC 768, RFC 8200 §8.1). `bytes`: the upper layer's length.
template <class Address>
[[nodiscard]] inline Sum pseudo_header_sum(const Address& source, const Address& destination,
                                           std::uint8_t protocol, std::size_t bytes) noexcept {
  return address_sum(source) + address_sum(destination) + word(protocol) +
         word(static_cast<std::uint16_t>(bytes));
}

// Writes a UDP header; the payload stands behind it already.
// Precondition: 8 writable bytes at `udp`, payload_bytes readable behind them.
inline void write_udp(std::byte* udp, std::uint16_t source_port, std::uint16_t destination_port,
                      std::size_t payload_bytes, Sum pseudo, Checksum checksum) noexcept {
  const std::uint64_t header =
      std::byteswap(std::uint64_t{source_port} << 48 | std::uint64_t{destination_port} << 32 |
                    std::uint64_t{udp_bytes + payload_bytes} << 16);
  wire::store_raw(udp, header);
  wire::store_raw(
      udp + udp::checksum,
      checksum == Checksum::offload
          ? fold(pseudo)
          : udp_complement(pseudo + halves(header) + sum_bytes(udp + udp_bytes, payload_bytes)));
}

// Turns a request into the reply that carries `verdicts` × 33 bytes, which already stand at the
// payload's offset: addresses and ports swapped, so the reply leaves from where the request was
// sent to; fresh lengths, TTL and checksums; an 802.1Q tag stays. Returns the reply frame's length,
// which is at least 60 and below the request's: the caller trims its buffer to it.
// Preconditions: `dissection` is this frame's and of kind claims; 1 <= verdicts <= its claims.
[[nodiscard]] inline std::size_t reply_in_place(std::byte* frame, const Dissection& dissection,
                                                unsigned verdicts, const Mac& own,
                                                Checksum checksum) noexcept {
  swap_macs(frame, own);
  const std::size_t payload = wire::verdict_bytes * verdicts;
  std::byte* const udp = frame + dissection.payload_offset - udp_bytes;
  const auto ports = wire::load_be<std::uint32_t>(udp);
  const auto request_source = static_cast<std::uint16_t>(ports >> 16);
  const auto request_destination = static_cast<std::uint16_t>(ports);
  Sum pseudo;
  if (!dissection.ipv6) {
    std::byte* const ip = udp - ipv4_bytes;
    const Ipv4Address to{wire::load_be<std::uint32_t>(ip + ipv4::source)};
    const Ipv4Address from{wire::load_be<std::uint32_t>(ip + ipv4::destination)};
    write_ipv4(ip, protocol::udp, udp_bytes + payload, from, to, fresh_ttl, checksum);
    pseudo = pseudo_header_sum(from, to, protocol::udp, udp_bytes + payload);
  } else {
    std::byte* const ip = udp - ipv6_bytes;
    const Ipv6Address to = load_ipv6(ip + ipv6::source);
    const Ipv6Address from = load_ipv6(ip + ipv6::destination);
    write_ipv6(ip, protocol::udp, udp_bytes + payload, from, to, fresh_ttl);
    pseudo = pseudo_header_sum(from, to, protocol::udp, udp_bytes + payload);
  }
  write_udp(udp, request_destination, request_source, payload, pseudo, checksum);
  return dissection.payload_offset + payload;
}

}  // namespace claimgate::packet
