// SHA-512Half and the channel id made with it:
// SHA-512(0x0078 ‖ source ‖ destination ‖ sequence)[0..32), sequence u32 big-endian.
// Sources: rippled src/libxrpl/protocol/Indexes.cpp (keylet::payChan, LedgerNameSpace XRP_PAYMENT_
// CHANNEL 'x'), include/xrpl/protocol/digest.h.
//
// Pure functions; any thread. One message at a time: bursts of claims go through lib/digest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <sodium.h>

#include "lib/channel/terms.hpp"
#include "lib/wire/endian.hpp"
#include "lib/xrpl/base58.hpp"

namespace claimgate::xrpl {

using Digest = std::array<std::byte, 32>;

[[nodiscard]] inline Digest sha512_half(std::span<const std::byte> bytes) noexcept {
  std::array<unsigned char, crypto_hash_sha512_BYTES> full;
  crypto_hash_sha512(full.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  Digest half;
  std::memcpy(half.data(), full.data(), half.size());
  return half;
}

// `sequence`: of the PaymentChannelCreate that made the channel (or its ticket's).
[[nodiscard]] inline channel::ChannelId channel_id(const AccountId& source,
                                                   const AccountId& destination,
                                                   std::uint32_t sequence) noexcept {
  std::array<std::byte, 2 + 20 + 20 + 4> bytes;
  wire::store_be(bytes.data(), std::uint16_t{0x0078});
  std::memcpy(bytes.data() + 2, source.data(), source.size());
  std::memcpy(bytes.data() + 22, destination.data(), destination.size());
  wire::store_be(bytes.data() + 42, sequence);
  return {sha512_half(bytes)};
}

}  // namespace claimgate::xrpl
