// PROTOCOL's no-reply list, row by row: a valid frame, what is done to it, the reason it drops.
// Told to the parser by itself (dissect_test.cpp) and to a running claimd (tests/system).
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet::test {

// Where the headers of an untagged frame stand.
inline constexpr std::size_t ip4 = 14, udp4 = 34, ip6 = 14, udp6 = 54;

struct Row {
  const char* what;
  bool v6;
  std::function<void(Bytes&)> change;
  Drop drop;
};

inline Bytes from(bool v6, const char* source) {
  auto e = endpoints(v6);
  e.source = ip(source);
  return udp_frame(e, 93);
}
inline Bytes to(bool v6, const char* destination) {
  auto e = endpoints(v6);
  e.destination = ip(destination);
  return udp_frame(e, 93);
}
inline Bytes ports(bool v6, std::uint16_t source, std::uint16_t destination) {
  auto e = endpoints(v6);
  e.source_port = source;
  e.destination_port = destination;
  return udp_frame(e, 93);
}
inline auto becomes(Bytes frame) {
  return [frame = std::move(frame)](Bytes& out) { out = frame; };
}
inline auto sets(std::size_t at, unsigned value) {
  return [=](Bytes& f) { f.at(at) = std::byte(value); };
}
inline auto sets_ip4(std::size_t at, unsigned value) {
  return [=](Bytes& f) {
    f.at(ip4 + at) = std::byte(value);
    test::fix_ip_checksum(f);
  };
}
inline auto flips(std::size_t at) {
  return [=](Bytes& f) { f.at(at) ^= std::byte{0x10}; };
}
inline auto tagged(unsigned outer, unsigned inner) {
  return [=](Bytes& f) {
    const std::vector<std::byte> tags = {
        std::byte(outer >> 8), std::byte(outer), std::byte{0}, std::byte{5},
        std::byte(inner >> 8), std::byte(inner), std::byte{0}, std::byte{6}};
    f.insert(f.begin() + 12, tags.begin(), tags.end());
  };
}

inline const std::vector<Row> no_reply_rows = {
    {"no bytes", false, [](Bytes& f) { f.clear(); }, Drop::runt_frame},
    {"a byte short of Ethernet", false, [](Bytes& f) { f.resize(13); }, Drop::runt_frame},
    {"a group as Ethernet source", false, sets(6, 0x03), Drop::source_mac_multicast},
    {"broadcast as Ethernet source", true, sets(6, 0xFF), Drop::source_mac_multicast},
    {"an unknown type", false, [](Bytes& f) { put16(f, 12, 0x88CC); }, Drop::unknown_ethertype},
    {"a length for a type", false, [](Bytes& f) { put16(f, 12, 100); }, Drop::unknown_ethertype},
    {"two customer tags", false, tagged(0x8100, 0x8100), Drop::second_vlan_tag},
    {"service and customer tag", true, tagged(0x88A8, 0x8100), Drop::second_vlan_tag},
    {"customer and service tag", false, tagged(0x8100, 0x88A8), Drop::second_vlan_tag},
    {"IPv4 header cut", false, [](Bytes& f) { f.resize(33); }, Drop::ip_header_truncated},
    {"IPv6 header cut", true, [](Bytes& f) { f.resize(53); }, Drop::ip_header_truncated},
    {"version 6 behind IPv4's type", false, sets_ip4(0, 0x65), Drop::ip_version},
    {"version 4 behind IPv6's type", true, sets(ip6, 0x45), Drop::ip_version},
    {"IHL of 4", false, sets_ip4(0, 0x44), Drop::ip_header_length},
    {"IPv4 options", false, sets_ip4(0, 0x46), Drop::ip_options},
    {"total length beyond the frame", false, sets_ip4(3, 122), Drop::ip_total_length},
    {"total length below the header", false, sets_ip4(3, 19), Drop::ip_total_length},
    {"payload length beyond the frame", true, sets(ip6 + 5, 102), Drop::ip_total_length},
    {"the first fragment", false, sets_ip4(6, 0x20), Drop::ip_fragment},
    {"a later fragment", false, sets_ip4(7, 0x01), Drop::ip_fragment},
    {"an IPv6 fragment", true, sets(ip6 + 6, 44), Drop::ip_fragment},
    {"bad IPv4 checksum", false, flips(ip4 + 10), Drop::ip_checksum},
    {"a TTL changed on the way", false, flips(ip4 + 8), Drop::ip_checksum},
    {"hop-by-hop options", true, sets(ip6 + 6, 0), Drop::ipv6_extension},
    {"a routing header", true, sets(ip6 + 6, 43), Drop::ipv6_extension},
    {"destination options", true, sets(ip6 + 6, 60), Drop::ipv6_extension},
    {"an authentication header", true, sets(ip6 + 6, 51), Drop::ipv6_extension},
    {"TCP", false, sets_ip4(9, 6), Drop::not_udp},
    {"TCP over IPv6", true, sets(ip6 + 6, 6), Drop::not_udp},
    {"ICMPv6 over IPv4", false, sets_ip4(9, 58), Drop::not_udp},
    {"ICMP over IPv6", true, sets(ip6 + 6, 1), Drop::not_udp},
    {"no room for UDP", false, sets_ip4(3, 27), Drop::udp_truncated},
    {"no room for UDP over IPv6", true, sets(ip6 + 5, 7), Drop::udp_truncated},
    {"UDP length 7", false, sets(udp4 + 5, 7), Drop::udp_length_below_header},
    {"UDP length beyond IP's", false, sets(udp4 + 5, 102), Drop::udp_length_beyond_ip},
    {"UDP length beyond IPv6's", true, sets(udp6 + 5, 102), Drop::udp_length_beyond_ip},
    {"a changed payload", false, flips(udp4 + 50), Drop::udp_checksum},
    {"a changed last byte over IPv6", true, flips(udp6 + 100), Drop::udp_checksum},
    {"UDP checksum 0 over IPv6", true, [](Bytes& f) { put16(f, udp6 + 6, 0); },
     Drop::udp6_checksum_zero},
    {"a multicast source", false, becomes(from(false, "224.0.0.5")), Drop::source_multicast},
    {"an IPv6 multicast source", true, becomes(from(true, "ff02::5")), Drop::source_multicast},
    {"the broadcast source", false, becomes(from(false, "255.255.255.255")),
     Drop::source_broadcast},
    {"our network's broadcast as source", false, becomes(from(false, "192.0.2.255")),
     Drop::source_broadcast},
    {"a loopback source", false, becomes(from(false, "127.0.0.1")), Drop::source_loopback},
    {"the IPv6 loopback source", true, becomes(from(true, "::1")), Drop::source_loopback},
    {"no source", false, becomes(from(false, "0.0.0.0")), Drop::source_unspecified},
    {"a source in network 0", false, becomes(from(false, "0.1.2.3")), Drop::source_unspecified},
    {"no IPv6 source", true, becomes(from(true, "::")), Drop::source_unspecified},
    {"a mapped source", true, becomes(from(true, "::ffff:192.0.2.2")), Drop::source_mapped_v4},
    {"our address as source", false, becomes(from(false, "192.0.2.1")), Drop::source_ourselves},
    {"our other address as source", false, becomes(from(false, "198.51.100.7")),
     Drop::source_ourselves},
    {"our IPv6 address as source", true, becomes(from(true, "2001:db8::1")),
     Drop::source_ourselves},
    {"our link-local address as source", true, becomes(from(true, "fe80::ff:fe00:1")),
     Drop::source_ourselves},
    {"the first of our ports as source", false, becomes(ports(false, 9300, 9300)),
     Drop::source_port_ours},
    {"the last of our ports as source", true, becomes(ports(true, 9364, 9301)),
     Drop::source_port_ours},
    {"someone else's address", false, becomes(to(false, "192.0.2.3")), Drop::destination_not_ours},
    {"someone else's IPv6 address", true, becomes(to(true, "2001:db8::3")),
     Drop::destination_not_ours},
    {"the broadcast address", false, becomes(to(false, "255.255.255.255")),
     Drop::destination_not_ours},
    {"all nodes", true, becomes(to(true, "ff02::1")), Drop::destination_not_ours},
    {"the port below ours", false, becomes(ports(false, 40'000, 9299)), Drop::port_not_ours},
    {"the port above ours", true, becomes(ports(true, 40'000, 9365)), Drop::port_not_ours},
    {"no payload", false, becomes(udp_frame(endpoints(false), 0)), Drop::payload_size},
    {"a byte too few", false, becomes(udp_frame(endpoints(false), 92)), Drop::payload_size},
    {"a byte too many", true, becomes(udp_frame(endpoints(true), 94)), Drop::payload_size},
    {"sixteen claims", true, becomes(udp_frame(endpoints(true), 16 * 93)), Drop::payload_size},
};

}  // namespace claimgate::packet::test
