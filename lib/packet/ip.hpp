// The IP headers, read and checked: what dissect (hot path) and the responder have in common.
//
// Every header word is loaded once, checked and used from that one load: the peer of a memif or
// vhost port can write our buffers while we look, so nothing is read again after it was checked.
// Pure functions of bytes: any thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/packet/addresses.hpp"
#include "lib/packet/drop.hpp"
#include "lib/packet/headers.hpp"
#include "lib/packet/sum.hpp"

namespace claimgate::packet {

template <class Address>
struct IpHeader {
  Drop drop = Drop::none;  // none: all the rest is valid
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 0;
  std::uint16_t payload_bytes = 0;  // by the header's own length, within the frame
  Address source;
  Address destination;
  Sum addresses_sum = 0;  // both addresses, for the pseudo-header
};

// `available`: bytes of the frame from `ip` on; nothing behind them is read.
[[nodiscard]] inline IpHeader<Ipv4Address> read_ipv4(const std::byte* ip, std::size_t available,
                                                     bool checksum_good) noexcept {
  IpHeader<Ipv4Address> header;
  if (available < ipv4_bytes) [[unlikely]] {
    header.drop = Drop::ip_header_truncated;
    return header;
  }
  const auto raw_0 = wire::load_raw<std::uint64_t>(ip);
  const auto raw_8 = wire::load_raw<std::uint64_t>(ip + 8);
  const auto raw_16 = wire::load_raw<std::uint32_t>(ip + 16);
  const std::uint64_t first = std::byteswap(raw_0);
  const std::uint64_t second = std::byteswap(raw_8);
  if (first >> 56 != 0x45) [[unlikely]] {
    header.drop = first >> 60 != 4            ? Drop::ip_version
                  : (first >> 56 & 0xF) < 0x5 ? Drop::ip_header_length
                                              : Drop::ip_options;
    return header;
  }
  const std::size_t total = first >> 32 & 0xFFFF;
  if (total < ipv4_bytes || total > available) [[unlikely]] {
    header.drop = Drop::ip_total_length;
    return header;
  }
  if ((first & ipv4::fragment_bits) != 0) [[unlikely]] {
    header.drop = Drop::ip_fragment;
    return header;
  }
  if (!checksum_good && !sums_to_ones(halves(raw_0) + halves(raw_8) + raw_16)) [[unlikely]] {
    header.drop = Drop::ip_checksum;
    return header;
  }
  header.protocol = static_cast<std::uint8_t>(second >> 48);
  header.hop_limit = static_cast<std::uint8_t>(second >> 56);
  header.payload_bytes = static_cast<std::uint16_t>(total - ipv4_bytes);
  header.source = {static_cast<std::uint32_t>(second)};
  header.destination = {std::byteswap(raw_16)};
  header.addresses_sum = (raw_8 >> 32) + raw_16;
  return header;
}

[[nodiscard]] constexpr bool is_ipv6_extension(std::uint8_t next_header) noexcept {
  switch (next_header) {
    case protocol::hop_by_hop:
    case protocol::routing:
    case protocol::esp:
    case protocol::ah:
    case protocol::destination_options:
    case protocol::mobility:
    case protocol::hip:
    case protocol::shim6:
    case protocol::experiment_1:
    case protocol::experiment_2:
      return true;
    default:
      return false;
  }
}

// As read_ipv4. `protocol` is never an extension header where `drop` is none.
[[nodiscard]] inline IpHeader<Ipv6Address> read_ipv6(const std::byte* ip,
                                                     std::size_t available) noexcept {
  IpHeader<Ipv6Address> header;
  if (available < ipv6_bytes) [[unlikely]] {
    header.drop = Drop::ip_header_truncated;
    return header;
  }
  const auto first = wire::load_be<std::uint64_t>(ip);
  if (first >> 60 != 6) [[unlikely]] {
    header.drop = Drop::ip_version;
    return header;
  }
  const std::size_t payload = first >> 16 & 0xFFFF;
  if (payload > available - ipv6_bytes) [[unlikely]] {
    header.drop = Drop::ip_total_length;
    return header;
  }
  header.protocol = static_cast<std::uint8_t>(first >> 8);
  if (header.protocol != protocol::udp) [[unlikely]] {
    if (header.protocol == protocol::fragment) header.drop = Drop::ip_fragment;
    if (is_ipv6_extension(header.protocol)) header.drop = Drop::ipv6_extension;
    if (header.drop != Drop::none) return header;
  }
  header.hop_limit = static_cast<std::uint8_t>(first);
  header.payload_bytes = static_cast<std::uint16_t>(payload);
  const auto source_high = wire::load_raw<std::uint64_t>(ip + ipv6::source);
  const auto source_low = wire::load_raw<std::uint64_t>(ip + ipv6::source + 8);
  const auto destination_high = wire::load_raw<std::uint64_t>(ip + ipv6::destination);
  const auto destination_low = wire::load_raw<std::uint64_t>(ip + ipv6::destination + 8);
  header.source = {std::byteswap(source_high), std::byteswap(source_low)};
  header.destination = {std::byteswap(destination_high), std::byteswap(destination_low)};
  header.addresses_sum =
      halves(source_high) + halves(source_low) + halves(destination_high) + halves(destination_low);
  return header;
}

// Whether this source may be answered: none, or why not. A source equal to the destination is
// "ourselves" even where any_address makes every destination ours (the "LAND" attack).
[[nodiscard]] inline Drop judge_source(Ipv4Address source, Ipv4Address destination,
                                       const LocalAddresses& local) noexcept {
  if (source.unspecified()) [[unlikely]]
    return Drop::source_unspecified;
  if (source.loopback()) [[unlikely]]
    return Drop::source_loopback;
  if (source.multicast()) [[unlikely]]
    return Drop::source_multicast;
  if (local.broadcast_v4(source)) [[unlikely]]
    return Drop::source_broadcast;
  if (source == destination || local.owns_v4(source)) [[unlikely]]
    return Drop::source_ourselves;
  return Drop::none;
}

[[nodiscard]] inline Drop judge_source(const Ipv6Address& source, const Ipv6Address& destination,
                                       const LocalAddresses& local) noexcept {
  if (source.high == 0) [[unlikely]] {
    if (source.unspecified()) return Drop::source_unspecified;
    if (source.loopback()) return Drop::source_loopback;
    if (source.mapped_v4()) return Drop::source_mapped_v4;
  }
  if (source.multicast()) [[unlikely]]
    return Drop::source_multicast;
  if (source == destination || local.owns_v6(source)) [[unlikely]]
    return Drop::source_ourselves;
  return Drop::none;
}

// The Ethernet header with at most one tag.
struct LinkHeader {
  Drop drop = Drop::none;
  bool vlan = false;
  std::uint16_t type = 0;
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return vlan ? ethernet_bytes + vlan_tag_bytes : ethernet_bytes;
  }
};

// `length`: bytes of the frame. The destination MAC is not looked at: the port filters by it where
// it should, and packet generators send what their capture says.
[[nodiscard]] inline LinkHeader read_link(const std::byte* frame, std::size_t length) noexcept {
  LinkHeader link;
  if (length < ethernet_bytes) [[unlikely]] {
    link.drop = Drop::runt_frame;
    return link;
  }
  link.type = wire::load_be<std::uint16_t>(frame + ethernet::type);
  if (link.type == ethernet::type_vlan) [[unlikely]] {
    if (length < ethernet_bytes + vlan_tag_bytes) {
      link.drop = Drop::runt_frame;
      return link;
    }
    link.vlan = true;
    link.type = wire::load_be<std::uint16_t>(frame + ethernet::tagged_type);
  }
  if ((frame[ethernet::source] & std::byte{1}) != std::byte{0}) [[unlikely]] {
    link.drop = Drop::source_mac_multicast;
  }
  return link;
}

// What a type that is neither IP nor ARP is called.
[[nodiscard]] constexpr Drop judge_type(std::uint16_t type) noexcept {
  return type == ethernet::type_vlan || type == ethernet::type_service_vlan ||
                 type == ethernet::type_old_qinq
             ? Drop::second_vlan_tag
             : Drop::unknown_ethertype;
}

}  // namespace claimgate::packet
