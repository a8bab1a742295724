// The two ends of a conversation as options name them: text on the command line, bytes in frames.
// Control thread.
#pragma once

#include <cstdint>
#include <string>

#include "lib/failure/failure.hpp"
#include "lib/packet/build.hpp"

namespace claimgate::claimgen {

struct EndpointOptions {
  std::string local_mac;  // empty: as read_endpoints() is told
  std::string local_ip = "10.93.0.2";
  std::string peer_ip = "10.93.0.1";
  std::string peer_mac;  // empty: as read_endpoints() is told
  int vlan = -1;         // 0..4095, or no tag
  std::uint16_t source_port = 40'000;
};

// We as the source, claimd at port 9300 as the destination; the MACs are those given here where the
// options name none. Fails on text that is no address, on two families, and on a source port from
// which claimd takes no claims.
[[nodiscard]] Expected<packet::Endpoints> read_endpoints(const EndpointOptions& options,
                                                         packet::Mac local_mac,
                                                         packet::Mac peer_mac);

}  // namespace claimgate::claimgen
