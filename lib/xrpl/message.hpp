// The 44 bytes a payer signs for one claim: "CLM\0" ‖ channel id (32) ‖ amount in drops (u64,
// big-endian). Source: rippled include/xrpl/protocol/PayChan.h, serializePayChanAuthorization.
//
// Pure functions of bytes: any thread, no allocation, fit for the hot path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/channel/terms.hpp"
#include "lib/wire/claim.hpp"
#include "lib/wire/endian.hpp"

namespace claimgate::xrpl {

inline constexpr std::size_t claim_message_bytes = 44;
inline constexpr std::uint32_t claim_prefix = 0x434C4D00;  // "CLM\0"

using ClaimMessage = std::array<std::byte, claim_message_bytes>;

// Writes the signed message to `out`. Precondition: 44 writable bytes, `channel_id` 32 readable.
inline void write_claim_message(std::byte* out, const std::byte* channel_id,
                                wire::Drops amount) noexcept {
  wire::store_be(out, claim_prefix);
  std::memcpy(out + 4, channel_id, 32);
  wire::store_be(out + 36, amount.value);
}

[[nodiscard]] inline ClaimMessage claim_message(const channel::ChannelId& id,
                                                wire::Drops amount) noexcept {
  ClaimMessage message;
  write_claim_message(message.data(), id.bytes.data(), amount);
  return message;
}

}  // namespace claimgate::xrpl
