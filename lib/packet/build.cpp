#include "lib/packet/build.hpp"

#include <algorithm>

#include "lib/packet/ip.hpp"
#include "lib/packet/reply.hpp"

namespace claimgate::packet {
namespace {

std::size_t link_bytes(const Endpoints& endpoints) noexcept {
  return endpoints.vlan ? ethernet_bytes + vlan_tag_bytes : ethernet_bytes;
}

void write_link(std::byte* frame, const Mac& destination, const Endpoints& endpoints,
                std::uint16_t type) noexcept {
  store_mac(frame + ethernet::destination, destination);
  store_mac(frame + ethernet::source, endpoints.source_mac);
  if (endpoints.vlan) {
    wire::store_be(frame + ethernet::type, ethernet::type_vlan);
    wire::store_be(frame + ethernet::tag, *endpoints.vlan);
    wire::store_be(frame + ethernet::tagged_type, type);
  } else {
    wire::store_be(frame + ethernet::type, type);
  }
}

std::uint16_t tag_of(std::span<const std::byte> frame) noexcept {
  return wire::load_be<std::uint16_t>(frame.data() + ethernet::tag);
}

// The UDP length of a datagram that is whole and whose checksum verifies, otherwise 0. The caller
// uses this length, not the header's, which the peer may be changing.
template <class Address>
std::uint16_t verified_udp_length(const std::byte* udp, const IpHeader<Address>& ip) noexcept {
  if (ip.drop != Drop::none || ip.protocol != protocol::udp || ip.payload_bytes < udp_bytes) {
    return 0;
  }
  const auto length = wire::load_be<std::uint16_t>(udp + udp::length);
  if (length < udp_bytes || length > ip.payload_bytes) return 0;
  if (wire::load_be<std::uint16_t>(udp + udp::checksum) == 0) {
    return sizeof(Address) == sizeof(Ipv4Address) ? length : std::uint16_t{0};
  }
  const Sum sum = ip.addresses_sum + word(protocol::udp) + word(length) + sum_bytes(udp, length);
  return sums_to_ones(sum) ? length : std::uint16_t{0};
}

std::optional<Mac> parse_arp_reply(std::span<const std::byte> arp, Ipv4Address target) noexcept {
  if (arp.size() < arp_bytes ||
      wire::load_be<std::uint64_t>(arp.data()) != (arp::ethernet_over_ipv4 << 16 | arp::reply) ||
      wire::load_be<std::uint32_t>(arp.data() + arp::sender_ip) != target.value) {
    return std::nullopt;
  }
  const Mac mac = load_mac(arp.data() + arp::sender_mac);
  return mac.multicast() ? std::nullopt : std::optional(mac);
}

std::optional<Mac> parse_advertisement(std::span<const std::byte> packet,
                                       const Ipv6Address& target) noexcept {
  const auto ip = read_ipv6(packet.data(), packet.size());
  if (ip.drop != Drop::none || ip.protocol != protocol::icmpv6 ||
      ip.hop_limit != icmpv6::neighbour_hop_limit || ip.payload_bytes < solicitation_bytes) {
    return std::nullopt;
  }
  auto message = packet.subspan(ipv6_bytes, ip.payload_bytes);
  const Sum pseudo = ip.addresses_sum + word(protocol::icmpv6) + word(ip.payload_bytes);
  if (message[icmp::type] != std::byte{icmpv6::neighbour_advertisement} ||
      message[icmp::code] != std::byte{0} || load_ipv6(message.data() + icmpv6::target) != target ||
      !sums_to_ones(pseudo + sum_bytes(message.data(), message.size()))) {
    return std::nullopt;
  }
  for (auto options = message.subspan(icmpv6::options);
       options.size() >= link_layer_option_bytes;) {
    const std::size_t option_bytes = static_cast<std::size_t>(options[1]) * 8;
    if (option_bytes == 0 || option_bytes > options.size()) return std::nullopt;
    if (options[0] == std::byte{icmpv6::option_target_mac}) {
      const Mac mac = load_mac(options.data() + 2);
      return mac.multicast() ? std::nullopt : std::optional(mac);
    }
    options = options.subspan(option_bytes);
  }
  return std::nullopt;
}

std::size_t build_arp_request(std::span<std::byte> out, const Endpoints& endpoints) noexcept {
  write_link(out.data(), broadcast_mac, endpoints, ethernet::type_arp);
  std::byte* const arp = out.data() + link_bytes(endpoints);
  wire::store_be(arp, arp::ethernet_over_ipv4 << 16 | arp::request);
  store_mac(arp + arp::sender_mac, endpoints.source_mac);
  wire::store_be(arp + arp::sender_ip, endpoints.source.v4.value);
  store_mac(arp + arp::target_mac, Mac{});
  wire::store_be(arp + arp::target_ip, endpoints.destination.v4.value);
  return link_bytes(endpoints) + arp_bytes;
}

std::size_t build_solicitation(std::span<std::byte> out, const Endpoints& endpoints) noexcept {
  const Ipv6Address& target = endpoints.destination.v6;
  const Ipv6Address group = solicited_node(target);
  constexpr std::size_t bytes = solicitation_bytes + link_layer_option_bytes;
  write_link(out.data(), multicast_mac(group), endpoints, ethernet::type_ipv6);
  std::byte* const ip = out.data() + link_bytes(endpoints);
  write_ipv6(ip, protocol::icmpv6, bytes, endpoints.source.v6, group, icmpv6::neighbour_hop_limit);
  std::byte* const message = ip + ipv6_bytes;
  wire::store_be(message, std::uint32_t{icmpv6::neighbour_solicitation} << 24);
  wire::store_be(message + icmpv6::flags, std::uint32_t{0});
  store_ipv6(message + icmpv6::target, target);
  message[icmpv6::options] = std::byte{icmpv6::option_source_mac};
  message[icmpv6::options + 1] = std::byte{link_layer_option_bytes / 8};
  store_mac(message + icmpv6::options + 2, endpoints.source_mac);
  wire::store_raw(message + icmp::checksum, complement(pseudo_header_sum(endpoints.source.v6, group,
                                                                         protocol::icmpv6, bytes) +
                                                       sum_bytes(message, bytes)));
  return link_bytes(endpoints) + ipv6_bytes + bytes;
}

}  // namespace

Endpoints reversed(const Endpoints& endpoints) noexcept {
  Endpoints other = endpoints;
  std::swap(other.source_mac, other.destination_mac);
  std::swap(other.source, other.destination);
  std::swap(other.source_port, other.destination_port);
  return other;
}

std::size_t udp_payload_offset(const Endpoints& endpoints) noexcept {
  return link_bytes(endpoints) + (endpoints.source.is_v6 ? ipv6_bytes : ipv4_bytes) + udp_bytes;
}

std::size_t build_udp(std::span<std::byte> out, const Endpoints& endpoints,
                      std::span<const std::byte> payload) noexcept {
  const bool v6 = endpoints.source.is_v6;
  const std::size_t payload_at = udp_payload_offset(endpoints);
  const std::size_t datagram_bytes = udp_bytes + payload.size();
  if (v6 != endpoints.destination.is_v6 || payload.size() > 0xFFFF - ipv4_bytes - udp_bytes ||
      out.size() < payload_at + payload.size()) {
    return 0;
  }
  if (!payload.empty()) std::memmove(out.data() + payload_at, payload.data(), payload.size());
  write_link(out.data(), endpoints.destination_mac, endpoints,
             v6 ? ethernet::type_ipv6 : ethernet::type_ipv4);
  std::byte* const ip = out.data() + link_bytes(endpoints);
  std::byte* const udp = out.data() + payload_at - udp_bytes;
  Sum pseudo;
  if (v6) {
    const auto& [from, to] = std::pair(endpoints.source.v6, endpoints.destination.v6);
    write_ipv6(ip, protocol::udp, datagram_bytes, from, to, endpoints.ttl);
    pseudo = pseudo_header_sum(from, to, protocol::udp, datagram_bytes);
  } else {
    const auto& [from, to] = std::pair(endpoints.source.v4, endpoints.destination.v4);
    write_ipv4(ip, protocol::udp, datagram_bytes, from, to, endpoints.ttl, Checksum::software);
    pseudo = pseudo_header_sum(from, to, protocol::udp, datagram_bytes);
  }
  write_udp(udp, endpoints.source_port, endpoints.destination_port, payload.size(), pseudo,
            Checksum::software);
  return payload_at + payload.size();
}

std::size_t build_neighbour_query(std::span<std::byte> out, const Endpoints& endpoints) noexcept {
  constexpr std::size_t bytes_max =
      ethernet_bytes + vlan_tag_bytes + ipv6_bytes + solicitation_bytes + link_layer_option_bytes;
  if (out.size() < bytes_max || endpoints.source.is_v6 != endpoints.destination.is_v6) return 0;
  const std::size_t bytes = endpoints.source.is_v6 ? build_solicitation(out, endpoints)
                                                   : build_arp_request(out, endpoints);
  for (std::size_t at = bytes; at < frame_bytes_min; ++at) out[at] = std::byte{0};
  return std::max(bytes, frame_bytes_min);
}

std::optional<Mac> parse_neighbour_answer(std::span<const std::byte> frame,
                                          const IpAddress& target) noexcept {
  const LinkHeader link = read_link(frame.data(), frame.size());
  if (link.drop != Drop::none) return std::nullopt;
  const auto packet = frame.subspan(link.bytes());
  if (!target.is_v6 && link.type == ethernet::type_arp) return parse_arp_reply(packet, target.v4);
  if (target.is_v6 && link.type == ethernet::type_ipv6) {
    return parse_advertisement(packet, target.v6);
  }
  return std::nullopt;
}

std::optional<UdpDatagram> read_udp(std::span<const std::byte> frame) noexcept {
  const LinkHeader link = read_link(frame.data(), frame.size());
  if (link.drop != Drop::none) return std::nullopt;
  const auto packet = frame.subspan(link.bytes());
  UdpDatagram out;
  out.endpoints.destination_mac = load_mac(frame.data() + ethernet::destination);
  out.endpoints.source_mac = load_mac(frame.data() + ethernet::source);
  if (link.vlan) out.endpoints.vlan = tag_of(frame);
  std::size_t ip_bytes = ipv4_bytes;
  std::size_t length = 0;
  if (link.type == ethernet::type_ipv4) {
    const auto ip = read_ipv4(packet.data(), packet.size(), false);
    length = verified_udp_length(packet.data() + ip_bytes, ip);
    out.endpoints.source.v4 = ip.source;
    out.endpoints.destination.v4 = ip.destination;
    out.endpoints.ttl = ip.hop_limit;
  } else if (link.type == ethernet::type_ipv6) {
    ip_bytes = ipv6_bytes;
    const auto ip = read_ipv6(packet.data(), packet.size());
    length = verified_udp_length(packet.data() + ip_bytes, ip);
    out.endpoints.source = {true, {}, ip.source};
    out.endpoints.destination = {true, {}, ip.destination};
    out.endpoints.ttl = ip.hop_limit;
  }
  if (length == 0) return std::nullopt;
  const std::byte* const udp = packet.data() + ip_bytes;
  out.endpoints.source_port = wire::load_be<std::uint16_t>(udp + udp::source_port);
  out.endpoints.destination_port = wire::load_be<std::uint16_t>(udp + udp::destination_port);
  out.payload = packet.subspan(ip_bytes + udp_bytes, length - udp_bytes);
  return out;
}

}  // namespace claimgate::packet
