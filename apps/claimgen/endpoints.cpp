#include "apps/claimgen/endpoints.hpp"

namespace claimgate::claimgen {

Expected<packet::Endpoints> make_endpoints(const EndpointOptions& options) {
  packet::Endpoints out;
  if (!options.local_mac.empty()) {
    const auto mac = packet::parse_mac(options.local_mac);
    if (!mac) return std::unexpected(mac.error());
    if (mac->multicast()) {
      return fail("no frame comes from a group's address", "--local-mac " + options.local_mac,
                  "Give one whose first byte is even, like 02:00:00:00:00:02");
    }
    out.source_mac = *mac;
  }
  if (!options.peer_mac.empty()) {
    const auto mac = packet::parse_mac(options.peer_mac);
    if (!mac) return std::unexpected(mac.error());
    out.destination_mac = *mac;
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
  return out;
}

}  // namespace claimgate::claimgen
