#include "apps/claimgen/endpoints.hpp"

#include <fmt/format.h>

namespace claimgate::claimgen {

Expected<packet::Endpoints> read_endpoints(const EndpointOptions& options, packet::Mac local_mac,
                                           packet::Mac peer_mac) {
  packet::Endpoints out;
  out.source_mac = local_mac;
  out.destination_mac = peer_mac;
  for (const auto& [text, mac] : {std::pair{&options.local_mac, &out.source_mac},
                                  {&options.peer_mac, &out.destination_mac}}) {
    if (text->empty()) continue;
    const auto parsed = packet::parse_mac(*text);
    if (!parsed) return std::unexpected(parsed.error());
    *mac = *parsed;
  }
  const auto local = packet::parse_ip(options.local_ip);
  if (!local) return std::unexpected(local.error());
  const auto peer = packet::parse_ip(options.peer_ip);
  if (!peer) return std::unexpected(peer.error());
  if (local->is_v6 != peer->is_v6) {
    return fail("one address is IPv4, the other IPv6", "--local-ip and --peer-ip",
                "Give both of one family");
  }
  out.source = *local;
  out.destination = *peer;
  if (options.vlan >= 0) out.vlan = static_cast<std::uint16_t>(options.vlan);
  out.source_port = options.source_port;
  if (out.source_port == 0 ||
      (out.source_port >= wire::port_any && out.source_port <= wire::port_last)) {
    return fail("a port from which claimd takes no claims",
                fmt::format("--source-port {}", out.source_port),
                "Give one outside of 0 and 9300..9364");
  }
  return out;
}

}  // namespace claimgate::claimgen
