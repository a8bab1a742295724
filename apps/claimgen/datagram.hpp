// Which port a datagram of claims goes to. Pure: any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

// The fast path of the claims' virtual shard where all are of one; otherwise the port that takes
// any. Precondition: `handles` is not empty.
[[nodiscard]] inline std::uint16_t shard_port(
    std::span<const wire::ChannelHandle> handles) noexcept {
  const unsigned shard = handles.front().virtual_shard();
  const bool same = std::ranges::all_of(
      handles, [&](wire::ChannelHandle each) { return each.virtual_shard() == shard; });
  return same ? static_cast<std::uint16_t>(wire::port_shard_first + shard) : wire::port_any;
}

}  // namespace claimgate::claimgen
