// Public keys: the ledger's 33-byte form to and from the table's, and the account a key names.
//
// secp256k1 (02/03 ‖ x): decompressed by libsecp256k1, so a point off the curve fails here and
// never reaches the verifier.
// Ed25519 (ED ‖ 32): accepted exactly when libsodium's crypto_sign_verify_detached can ever accept
// a signature under it: on the curve, canonical (y < 2^255 - 19), not of small order. rippled
// (ed25519-donna) also takes non-canonical and small-order keys; only a key's owner can make such
// a key, against itself. A mixed-order key (prime-order point plus small-order one) is accepted by
// both and therefore here; crypto_core_ed25519_is_valid_point would refuse it.
//
// Pure functions; any thread; the control path.
#pragma once

#include <span>

#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/xrpl/base58.hpp"

namespace claimgate::xrpl {

[[nodiscard]] Expected<channel::PublicKey> parse_public_key(
    std::span<const std::byte, key_bytes> key);

// Back to 33 bytes. Precondition: `key` came from parse_public_key.
[[nodiscard]] KeyBytes key_form(const channel::PublicKey& key) noexcept;

// AccountID = RIPEMD-160(SHA-256(33-byte key)). Precondition: none; any 33 bytes have one.
[[nodiscard]] AccountId account_of(std::span<const std::byte, key_bytes> key) noexcept;

}  // namespace claimgate::xrpl
