// Base58Check in the ledger's alphabet: type prefix ‖ payload ‖ first 4 bytes of SHA-256².
//
//   prefix 0x00, 20 bytes: AccountID, classic address "r…"
//   prefix 0x23, 33 bytes: account public key "aB…" (secp256k1), "aK…" (Ed25519)
//
// Source: rippled src/libxrpl/protocol/tokens.cpp. Pure functions; any thread; the control path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/failure/failure.hpp"

namespace claimgate::xrpl {

using AccountId = std::array<std::byte, 20>;
inline constexpr std::size_t key_bytes = 33;
using KeyBytes = std::array<std::byte, key_bytes>;  // type prefix 02, 03 or ED, then 32 bytes

inline constexpr std::uint8_t account_prefix = 0x00;
inline constexpr std::uint8_t public_key_prefix = 0x23;
inline constexpr std::size_t base58_payload_bytes_max = 64;
inline constexpr std::size_t base58_text_bytes_max = 96;  // 69 bytes need at most 95 digits

// Precondition: at most 64 bytes of payload.
[[nodiscard]] std::string base58_encode(std::uint8_t prefix, std::span<const std::byte> payload);

// Fills all of `payload`. Fails on a character outside the alphabet, another length, a bad checksum
// or another prefix, in that order. Precondition: at most 64 bytes of payload.
[[nodiscard]] Expected<void> base58_decode(std::string_view text, std::uint8_t prefix,
                                           std::span<std::byte> payload);

[[nodiscard]] std::string address_text(const AccountId& account);
[[nodiscard]] Expected<AccountId> parse_address(std::string_view text);

// The bytes only: whether they are a key is parse_public_key's question (keys.hpp).
[[nodiscard]] std::string key_text(const KeyBytes& key);
[[nodiscard]] Expected<KeyBytes> parse_key_text(std::string_view text);

}  // namespace claimgate::xrpl
