// The two ends of a stream, as options name them and as frames carry them.
// Control thread.
#pragma once

#include <cstdint>
#include <string>

#include "lib/failure/failure.hpp"
#include "lib/packet/addresses.hpp"
#include "lib/packet/build.hpp"

namespace claimgate::claimgen {

struct EndpointOptions {
  std::string local_mac;  // empty: what the caller has instead
  std::string local_ip = "10.93.0.2";
  std::string peer_ip = "10.93.0.1";
  std::string peer_mac;  // empty: what the caller has instead
  int vlan = -1;         // 0..4094, or no tag
  std::uint16_t source_port = 40'000;
};

// Fails on what is no address, and on addresses of two families. MACs left out stay zero.
[[nodiscard]] Expected<packet::Endpoints> make_endpoints(const EndpointOptions& options);

}  // namespace claimgate::claimgen
