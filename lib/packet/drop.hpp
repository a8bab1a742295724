// Why a frame got no answer: one value per row of the no-reply table in lib/wire/FORMAT.md.
//
// The names are Prometheus label values (reason="..."), so they are a public interface: a name may
// be added, none may change its meaning. Constants only: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace claimgate::packet {

enum class Drop : std::uint8_t {
  none,       // the frame was not dropped
  segmented,  // set by the caller: the frame lies in more than one buffer
  // Ethernet
  runt_frame,
  source_mac_multicast,
  unknown_ethertype,
  second_vlan_tag,
  // IP
  ip_header_truncated,
  ip_version,
  ip_header_length,
  ip_options,
  ip_total_length,
  ip_fragment,
  ip_checksum,
  ipv6_extension,
  not_udp,
  // UDP
  udp_truncated,
  udp_length_below_header,
  udp_length_beyond_ip,
  udp_checksum,
  udp6_checksum_zero,
  // who asks whom
  source_multicast,
  source_broadcast,
  source_loopback,
  source_unspecified,
  source_mapped_v4,
  source_ourselves,
  source_port_ours,
  destination_not_ours,
  port_not_ours,
  payload_size,
  // ARP, neighbour discovery, ICMP
  arp_malformed,
  arp_not_request,
  arp_not_for_us,
  icmp_truncated,
  icmp_checksum,
  icmp_unhandled,
  neighbour_malformed,
  neighbour_not_for_us,
  answer_no_room,
};
inline constexpr std::size_t drop_count = static_cast<std::size_t>(Drop::answer_no_room) + 1;

inline constexpr std::array<std::string_view, drop_count> drop_names = {
    "none",
    "segmented",
    "runt_frame",
    "source_mac_multicast",
    "unknown_ethertype",
    "second_vlan_tag",
    "ip_header_truncated",
    "ip_version",
    "ip_header_length",
    "ip_options",
    "ip_total_length",
    "ip_fragment",
    "ip_checksum",
    "ipv6_extension",
    "not_udp",
    "udp_truncated",
    "udp_length_below_header",
    "udp_length_beyond_ip",
    "udp_checksum",
    "udp6_checksum_zero",
    "source_multicast",
    "source_broadcast",
    "source_loopback",
    "source_unspecified",
    "source_mapped_v4",
    "source_ourselves",
    "source_port_ours",
    "destination_not_ours",
    "port_not_ours",
    "payload_size",
    "arp_malformed",
    "arp_not_request",
    "arp_not_for_us",
    "icmp_truncated",
    "icmp_checksum",
    "icmp_unhandled",
    "neighbour_malformed",
    "neighbour_not_for_us",
    "answer_no_room",
};

[[nodiscard]] constexpr std::string_view name(Drop drop) noexcept {
  const auto index = static_cast<std::size_t>(drop);
  return index < drop_count ? drop_names[index] : std::string_view("?");
}

}  // namespace claimgate::packet
