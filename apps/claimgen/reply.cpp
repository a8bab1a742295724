#include "apps/claimgen/reply.hpp"

#include "lib/wire/claim.hpp"
#include "lib/wire/endian.hpp"

namespace claimgate::claimgen {
namespace {

// Whether a frame that did not read as UDP was meant to be UDP to `port`.
bool aims_at(std::span<const std::byte> frame, std::uint16_t port) noexcept {
  using namespace packet;
  if (frame.size() < ethernet_bytes + vlan_tag_bytes) return false;
  std::size_t ip = ethernet_bytes;
  auto type = wire::load_be<std::uint16_t>(frame.data() + ethernet::type);
  if (type == ethernet::type_vlan) {
    type = wire::load_be<std::uint16_t>(frame.data() + ethernet::tagged_type);
    ip += vlan_tag_bytes;
  }
  const bool v6 = type == ethernet::type_ipv6;
  if (!v6 && type != ethernet::type_ipv4) return false;
  const std::size_t udp = ip + (v6 ? ipv6_bytes : ipv4_bytes);
  if (frame.size() < udp + udp_bytes) return false;
  const auto next =
      static_cast<std::uint8_t>(frame[ip + (v6 ? ipv6::next_header : ipv4::protocol)]);
  return next == protocol::udp &&
         wire::load_be<std::uint16_t>(frame.data() + udp + udp::destination_port) == port;
}

ReplyFault judge_payload(std::span<const std::byte> payload) noexcept {
  if (payload.empty() || payload.size() % wire::verdict_bytes != 0 ||
      payload.size() / wire::verdict_bytes > wire::claims_per_datagram_max) {
    return ReplyFault::wrong_length;
  }
  for (std::size_t at = 0; at < payload.size(); at += wire::verdict_bytes) {
    if (!wire::is_verdict(payload.data() + at)) return ReplyFault::not_a_verdict;
  }
  return ReplyFault::none;
}

}  // namespace

std::string_view name(ReplyFault fault) noexcept {
  switch (fault) {
    case ReplyFault::none:
      return "no fault";
    case ReplyFault::not_for_us:
      return "not for us";
    case ReplyFault::malformed_udp:
      return "wrong lengths or checksums";
    case ReplyFault::wrong_sender:
      return "another sender, receiver or tag than asked";
    case ReplyFault::wrong_length:
      return "not 1 to 15 verdicts of 33 bytes";
    case ReplyFault::not_a_verdict:
      return "not a verdict frame";
  }
  return "?";
}

Reply read_reply(std::span<const std::byte> frame, const packet::Endpoints& asked) noexcept {
  Reply reply;
  const auto datagram = packet::read_udp(frame);
  if (!datagram) {
    if (aims_at(frame, asked.source_port)) reply.fault = ReplyFault::malformed_udp;
    return reply;
  }
  const packet::Endpoints& got = datagram->endpoints;
  if (got.destination != asked.source || got.destination_port != asked.source_port) return reply;
  reply.source_port = got.source_port;
  if (got.source != asked.destination || got.source_mac != asked.destination_mac ||
      got.destination_mac != asked.source_mac || got.vlan != asked.vlan) {
    reply.fault = ReplyFault::wrong_sender;
    return reply;
  }
  reply.fault = judge_payload(datagram->payload);
  if (reply.fault == ReplyFault::none) reply.verdicts = datagram->payload;
  return reply;
}

}  // namespace claimgate::claimgen
