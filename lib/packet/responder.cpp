#include "lib/packet/responder.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "lib/packet/ip.hpp"
#include "lib/packet/reply.hpp"

namespace claimgate::packet {
namespace {

// Ethernet with tag, IPv6, a solicitation and 170 bytes of its options: more options than that are
// not a neighbour's.
constexpr std::size_t copied_bytes_max = 256;

// A frame's first bytes as they were at one moment, and the frame itself.
struct Request {
  std::array<std::byte, copied_bytes_max> bytes;
  std::size_t copied;
  std::byte* frame;
  std::size_t length;
  std::size_t capacity;
  LinkHeader link;

  [[nodiscard]] const std::byte* network() const noexcept { return bytes.data() + link.bytes(); }
  [[nodiscard]] std::byte* network_out() const noexcept { return frame + link.bytes(); }
  [[nodiscard]] std::size_t available() const noexcept { return length - link.bytes(); }
};

Answer refused(Drop why) noexcept {
  return {Answered::nothing, why, 0};
}

bool has_room(const Request& request, std::size_t answer_bytes) noexcept {
  return std::max(answer_bytes, frame_bytes_min) <= request.capacity;
}

// Pads to Ethernet's minimum with zeros, never with what stood in the buffer.
Answer padded(const Request& request, Answered answered, std::size_t answer_bytes) noexcept {
  if (answer_bytes < frame_bytes_min) {
    std::memset(request.frame + answer_bytes, 0, frame_bytes_min - answer_bytes);
  }
  return {answered, Drop::none, std::max(answer_bytes, frame_bytes_min)};
}

void write_macs(const Request& request, const Mac& destination, const Mac& source) noexcept {
  store_mac(request.frame + ethernet::destination, destination);
  store_mac(request.frame + ethernet::source, source);
}

Answer respond_arp(const Request& request, const LocalAddresses& local) noexcept {
  if (request.available() < arp_bytes) return refused(Drop::arp_malformed);
  const std::byte* arp = request.network();
  if (wire::load_be<std::uint64_t>(arp + arp::hardware) >> 16 != arp::ethernet_over_ipv4) {
    return refused(Drop::arp_malformed);
  }
  if (wire::load_be<std::uint16_t>(arp + arp::operation) != arp::request) {
    return refused(Drop::arp_not_request);
  }
  const Mac asker = load_mac(arp + arp::sender_mac);
  const Ipv4Address asker_ip{wire::load_be<std::uint32_t>(arp + arp::sender_ip)};
  const Ipv4Address target{wire::load_be<std::uint32_t>(arp + arp::target_ip)};
  if (asker.multicast()) return refused(Drop::arp_malformed);
  if (!local.owns_v4(target)) return refused(Drop::arp_not_for_us);
  // 0.0.0.0 is a probe for a duplicate address (RFC 5227 §1.1), to be answered.
  if (asker_ip != Ipv4Address{0}) {
    const Drop drop = judge_source(asker_ip, target, local);
    if (drop != Drop::none) return refused(drop);
  }
  const std::size_t answer_bytes = request.link.bytes() + arp_bytes;
  if (!has_room(request, answer_bytes)) return refused(Drop::answer_no_room);
  write_macs(request, asker, local.mac());
  std::byte* out = request.network_out();
  wire::store_be(out, arp::ethernet_over_ipv4 << 16 | arp::reply);
  store_mac(out + arp::sender_mac, local.mac());
  wire::store_be(out + arp::sender_ip, target.value);
  store_mac(out + arp::target_mac, asker);
  wire::store_be(out + arp::target_ip, asker_ip.value);
  return padded(request, Answered::arp, answer_bytes);
}

// Writes the echo's reply over it: only type, checksum and the headers below change.
template <class Address>
Answer write_echo(const Request& request, const LocalAddresses& local,
                  const IpHeader<Address>& ip) noexcept {
  constexpr bool over_ipv6 = sizeof(Address) == sizeof(Ipv6Address);
  constexpr std::size_t ip_bytes = over_ipv6 ? ipv6_bytes : ipv4_bytes;
  const std::size_t answer_bytes = request.link.bytes() + ip_bytes + ip.payload_bytes;
  if (!has_room(request, answer_bytes)) return refused(Drop::answer_no_room);
  const Mac asked = load_mac(request.bytes.data() + ethernet::destination);
  write_macs(request, load_mac(request.bytes.data() + ethernet::source),
             asked.multicast() ? local.mac() : asked);
  std::byte* const message = request.network_out() + ip_bytes;
  Sum pseudo = 0;
  message[icmp::type] = std::byte{over_ipv6 ? icmpv6::echo_reply : icmp::echo_reply};
  message[icmp::code] = std::byte{0};
  if constexpr (over_ipv6) {
    write_ipv6(request.network_out(), protocol::icmpv6, ip.payload_bytes, ip.destination, ip.source,
               fresh_ttl);
    pseudo = ip.addresses_sum + word(protocol::icmpv6) + word(ip.payload_bytes);
  } else {
    write_ipv4(request.network_out(), protocol::icmp, ip.payload_bytes, ip.destination, ip.source,
               fresh_ttl, Checksum::software);
  }
  wire::store_raw(message + icmp::checksum, std::uint16_t{0});
  wire::store_raw(message + icmp::checksum,
                  complement(pseudo + sum_bytes(message, ip.payload_bytes)));
  return padded(request, over_ipv6 ? Answered::echo6 : Answered::echo, answer_bytes);
}

Answer respond_icmp(const Request& request, const LocalAddresses& local) noexcept {
  const auto ip = read_ipv4(request.network(), request.available(), false);
  if (ip.drop != Drop::none) return refused(ip.drop);
  if (ip.protocol != protocol::icmp) return refused(Drop::not_udp);
  if (ip.payload_bytes < icmp_bytes) return refused(Drop::icmp_truncated);
  if (!local.owns_v4(ip.destination)) return refused(Drop::destination_not_ours);
  const Drop drop = judge_source(ip.source, ip.destination, local);
  if (drop != Drop::none) return refused(drop);
  const std::byte* message = request.network() + ipv4_bytes;
  if (message[icmp::type] != std::byte{icmp::echo_request} || message[icmp::code] != std::byte{0}) {
    return refused(Drop::icmp_unhandled);
  }
  if (!sums_to_ones(sum_bytes(request.network_out() + ipv4_bytes, ip.payload_bytes))) {
    return refused(Drop::icmp_checksum);
  }
  return write_echo(request, local, ip);
}

// What a valid solicitation's options say.
struct SolicitationOptions {
  bool valid = false;
  std::optional<Mac> source_mac;
};

// RFC 4861 §4.6 and §7.1.1: lengths in units of 8 bytes, none of them 0, all within the message.
SolicitationOptions read_options(const std::byte* at, std::size_t bytes) noexcept {
  SolicitationOptions options;
  while (bytes >= link_layer_option_bytes) {
    const std::size_t option_bytes = static_cast<std::size_t>(at[1]) * 8;
    if (option_bytes == 0 || option_bytes > bytes) return options;
    if (at[0] == std::byte{icmpv6::option_source_mac}) {
      if (option_bytes != link_layer_option_bytes) return options;
      options.source_mac = load_mac(at + 2);
      if (options.source_mac->multicast()) return options;
    }
    at += option_bytes;
    bytes -= option_bytes;
  }
  options.valid = bytes == 0;
  return options;
}

// Precondition: `ip` is a checked ICMPv6 header of type neighbour solicitation.
Answer respond_solicitation(const Request& request, const LocalAddresses& local,
                            const IpHeader<Ipv6Address>& ip) noexcept {
  const std::byte* message = request.network() + ipv6_bytes;
  const std::size_t message_at = request.link.bytes() + ipv6_bytes;
  if (ip.hop_limit != icmpv6::neighbour_hop_limit || message[icmp::code] != std::byte{0} ||
      ip.payload_bytes < solicitation_bytes || message_at + ip.payload_bytes > request.copied) {
    return refused(Drop::neighbour_malformed);
  }
  const Ipv6Address target = load_ipv6(message + icmpv6::target);
  const auto options =
      read_options(message + icmpv6::options, ip.payload_bytes - solicitation_bytes);
  if (!options.valid || target.multicast()) return refused(Drop::neighbour_malformed);
  if (!local.owns_v6(target)) return refused(Drop::neighbour_not_for_us);
  const bool to_group = ip.destination == solicited_node(target);
  if (!to_group && ip.destination != target) return refused(Drop::neighbour_not_for_us);
  // From ::, another host asks whether it may take our address (duplicate address detection).
  const bool probe = ip.source.unspecified();
  if (probe && (!to_group || options.source_mac)) return refused(Drop::neighbour_malformed);
  if (!probe) {
    const Drop drop = judge_source(ip.source, target, local);
    if (drop != Drop::none) return refused(drop);
  }
  constexpr std::size_t advertisement_bytes = solicitation_bytes + link_layer_option_bytes;
  const std::size_t answer_bytes = message_at + advertisement_bytes;
  if (!has_room(request, answer_bytes)) return refused(Drop::answer_no_room);
  const Ipv6Address to = probe ? all_nodes : ip.source;
  const Mac asker = load_mac(request.bytes.data() + ethernet::source);
  write_macs(request, probe ? multicast_mac(all_nodes) : options.source_mac.value_or(asker),
             local.mac());
  write_ipv6(request.network_out(), protocol::icmpv6, advertisement_bytes, target, to,
             icmpv6::neighbour_hop_limit);
  std::byte* const out = request.frame + message_at;
  wire::store_be(out, std::uint32_t{icmpv6::neighbour_advertisement} << 24);
  wire::store_be(out + icmpv6::flags, icmpv6::flag_override | (probe ? 0 : icmpv6::flag_solicited));
  store_ipv6(out + icmpv6::target, target);
  out[icmpv6::options] = std::byte{icmpv6::option_target_mac};
  out[icmpv6::options + 1] = std::byte{link_layer_option_bytes / 8};
  store_mac(out + icmpv6::options + 2, local.mac());
  const Sum pseudo = pseudo_header_sum(target, to, protocol::icmpv6, advertisement_bytes);
  wire::store_raw(out + icmp::checksum, complement(pseudo + sum_bytes(out, advertisement_bytes)));
  return padded(request, Answered::neighbour, answer_bytes);
}

Answer respond_icmpv6(const Request& request, const LocalAddresses& local) noexcept {
  const auto ip = read_ipv6(request.network(), request.available());
  if (ip.drop != Drop::none) return refused(ip.drop);
  if (ip.protocol != protocol::icmpv6) return refused(Drop::not_udp);
  if (ip.payload_bytes < icmp_bytes) return refused(Drop::icmp_truncated);
  const std::byte* message = request.network() + ipv6_bytes;
  const auto type = static_cast<std::uint8_t>(message[icmp::type]);
  if (type != icmpv6::neighbour_solicitation && type != icmpv6::echo_request) {
    return refused(Drop::icmp_unhandled);
  }
  const Sum pseudo = ip.addresses_sum + word(protocol::icmpv6) + word(ip.payload_bytes);
  if (!sums_to_ones(pseudo + sum_bytes(request.network_out() + ipv6_bytes, ip.payload_bytes))) {
    return refused(Drop::icmp_checksum);
  }
  if (type == icmpv6::neighbour_solicitation) return respond_solicitation(request, local, ip);
  if (message[icmp::code] != std::byte{0}) return refused(Drop::icmp_unhandled);
  if (!local.owns_v6(ip.destination)) return refused(Drop::destination_not_ours);
  const Drop drop = judge_source(ip.source, ip.destination, local);
  if (drop != Drop::none) return refused(drop);
  return write_echo(request, local, ip);
}

}  // namespace

Answer respond(std::byte* frame, std::size_t length, std::size_t capacity,
               const LocalAddresses& local) noexcept {
  Request request;
  request.copied = std::min(length, copied_bytes_max);
  std::memcpy(request.bytes.data(), frame, request.copied);
  request.frame = frame;
  request.length = length;
  request.capacity = capacity;
  request.link = read_link(request.bytes.data(), request.copied);
  if (request.link.drop != Drop::none) return refused(request.link.drop);
  switch (request.link.type) {
    case ethernet::type_arp:
      return respond_arp(request, local);
    case ethernet::type_ipv4:
      return respond_icmp(request, local);
    case ethernet::type_ipv6:
      return respond_icmpv6(request, local);
    default:
      return refused(judge_type(request.link.type));
  }
}

}  // namespace claimgate::packet
