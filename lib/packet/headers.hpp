// Where the fields of the headers below a claim stand, and the numbers in them.
//
//   Ethernet 14 │ [802.1Q tag 4] │ IPv4 20 or IPv6 40 │ UDP 8 │ n × 93 bytes of claims │ [padding]
//
// Offsets are relative to the header they belong to; numbers are in host order and are compared
// with what wire::load_be returns. Constants only: any thread. Sources: IEEE 802.3, IEEE 802.1Q,
// RFC 791, RFC 8200, RFC 768, RFC 826, RFC 792, RFC 4443, RFC 4861.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/wire/claim.hpp"

namespace claimgate::packet {

inline constexpr std::size_t ethernet_bytes = 14;
inline constexpr std::size_t vlan_tag_bytes = 4;
inline constexpr std::size_t ipv4_bytes = 20;  // without options, which are refused
inline constexpr std::size_t ipv6_bytes = 40;  // without extension headers, which are refused
inline constexpr std::size_t udp_bytes = 8;
inline constexpr std::size_t arp_bytes = 28;  // Ethernet over IPv4
inline constexpr std::size_t icmp_bytes = 8;  // echo: type, code, checksum, identifier, sequence
inline constexpr std::size_t solicitation_bytes = 24;      // ND message without its options
inline constexpr std::size_t link_layer_option_bytes = 8;  // ND option with an Ethernet address
inline constexpr std::size_t frame_bytes_min = 60;         // without the frame check sequence

static_assert(ethernet_bytes + ipv4_bytes + udp_bytes + wire::verdict_bytes >= frame_bytes_min,
              "the shortest reply needs no Ethernet padding");
static_assert(ethernet_bytes + vlan_tag_bytes + ipv6_bytes + udp_bytes <= 255,
              "a payload offset fits a byte");

namespace ethernet {
inline constexpr std::size_t destination = 0, source = 6, type = 12;
inline constexpr std::size_t tag = 14, tagged_type = 16;  // behind an 802.1Q type
inline constexpr std::uint16_t type_ipv4 = 0x0800, type_arp = 0x0806, type_ipv6 = 0x86DD;
inline constexpr std::uint16_t type_vlan = 0x8100;          // 802.1Q customer tag
inline constexpr std::uint16_t type_service_vlan = 0x88A8;  // 802.1ad service tag
inline constexpr std::uint16_t type_old_qinq = 0x9100;      // 802.1ad before it was a standard
}  // namespace ethernet

namespace ipv4 {
inline constexpr std::size_t version_length = 0, total_length = 2, id = 4, fragment = 6;
inline constexpr std::size_t ttl = 8, protocol = 9, checksum = 10, source = 12, destination = 16;
inline constexpr std::uint16_t dont_fragment = 0x4000;
inline constexpr std::uint16_t fragment_bits = 0x3FFF;  // more fragments | offset
}  // namespace ipv4

namespace ipv6 {
inline constexpr std::size_t payload_length = 4, next_header = 6, hop_limit = 7;
inline constexpr std::size_t source = 8, destination = 24;
}  // namespace ipv6

namespace protocol {
inline constexpr std::uint8_t icmp = 1, udp = 17, icmpv6 = 58;
// IPv6 extension headers (IANA "IPv6 Extension Header Types").
inline constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, esp = 50, ah = 51;
inline constexpr std::uint8_t destination_options = 60, mobility = 135, hip = 139, shim6 = 140;
inline constexpr std::uint8_t experiment_1 = 253, experiment_2 = 254;
}  // namespace protocol

namespace udp {
inline constexpr std::size_t source_port = 0, destination_port = 2, length = 4, checksum = 6;
}  // namespace udp

namespace arp {
inline constexpr std::size_t hardware = 0, operation = 6;
inline constexpr std::size_t sender_mac = 8, sender_ip = 14, target_mac = 18, target_ip = 24;
// Hardware type 1, protocol type 0x0800, lengths 6 and 4, as the six bytes stand.
inline constexpr std::uint64_t ethernet_over_ipv4 = 0x0001'0800'0604;
inline constexpr std::uint16_t request = 1, reply = 2;
}  // namespace arp

namespace icmp {
inline constexpr std::size_t type = 0, code = 1, checksum = 2;
inline constexpr std::uint8_t echo_reply = 0, echo_request = 8;
}  // namespace icmp

namespace icmpv6 {
inline constexpr std::uint8_t echo_request = 128, echo_reply = 129;
inline constexpr std::uint8_t neighbour_solicitation = 135, neighbour_advertisement = 136;
inline constexpr std::size_t flags = 4, target = 8, options = solicitation_bytes;
inline constexpr std::uint32_t flag_solicited = 0x4000'0000, flag_override = 0x2000'0000;
inline constexpr std::uint8_t option_source_mac = 1, option_target_mac = 2;
inline constexpr std::uint8_t neighbour_hop_limit = 255;  // proves that no router forwarded it
}  // namespace icmpv6

inline constexpr std::uint8_t fresh_ttl = 64;

}  // namespace claimgate::packet
