// Test keys and the claims signed with them: what claimgen, the tests and the benches send.
//
// Everything follows from (seed, index, key type), so that two programs that share a seed share the
// channels. The secrets are as public as the seed: never for money.
//
// KeyPair is a plain value. Any thread may sign with it, also several at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/channel/terms.hpp"
#include "lib/wire/claim.hpp"
#include "lib/xrpl/base58.hpp"

namespace claimgate::signing {

// As the claim frame carries it: secp256k1 r‖s (big-endian), Ed25519 R‖S (little-endian).
using Signature = std::array<std::byte, wire::signature_bytes>;

class KeyPair {
 public:
  // No key yet: only to be assigned to.
  KeyPair() = default;
  // Deterministic: the same three values give the same pair on every machine.
  [[nodiscard]] static KeyPair derive(std::uint64_t seed, std::uint64_t index,
                                      channel::KeyType type);

  [[nodiscard]] const channel::PublicKey& public_key() const noexcept { return public_; }
  [[nodiscard]] channel::KeyType type() const noexcept { return public_.type; }
  // 02/03 ‖ x or ED ‖ 32 bytes: the form in which the ledger writes the key.
  [[nodiscard]] const xrpl::KeyBytes& ledger_key() const noexcept { return ledger_key_; }

  // Signs a claim over `amount` of channel `id` as the ledger wants it: canonical, low S.
  // Deterministic. secp256k1: every `nonce` gives other, equally valid bytes; 0 is RFC 6979 as it
  // stands. Ed25519 has one signature per message: `nonce` has no effect.
  [[nodiscard]] Signature sign(const channel::ChannelId& id, wire::Drops amount,
                               std::uint32_t nonce = 0) const noexcept;

 private:
  std::array<std::byte, 64> secret_{};  // secp256k1: 32 bytes; Ed25519: seed ‖ public key
  channel::PublicKey public_;
  xrpl::KeyBytes ledger_key_{};
};

// Whether the ledger would take `signature` (64 bytes) for this claim: libsecp256k1 with low S
// required, or libsodium. One at a time; the appliance's engine is lib/verify.
[[nodiscard]] bool verifies(const channel::PublicKey& key, const channel::ChannelId& id,
                            wire::Drops amount, const std::byte* signature) noexcept;

// The same signature in a form that only a lenient verifier takes: secp256k1 n − s (valid ECDSA,
// high S), Ed25519 S + L (RFC 8032 §5.1.7 requires S < L). Precondition: `signature` is canonical.
[[nodiscard]] Signature non_canonical(const Signature& signature, channel::KeyType type) noexcept;

}  // namespace claimgate::signing
