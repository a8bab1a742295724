#include "lib/signing/signing.hpp"

#include <secp256k1.h>
#include <sodium.h>

#include <cassert>
#include <cstring>
#include <string_view>

#include "lib/wire/endian.hpp"
#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/message.hpp"
#include "lib/xrpl/signature.hpp"

namespace claimgate::signing {
namespace {

// One context for the whole program: signing only reads it.
const secp256k1_context* context() noexcept {
  static const secp256k1_context* const made = [] {
    [[maybe_unused]] const int ready = sodium_init();
    assert(ready >= 0);
    return secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  }();
  return made;
}

const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}

// Domain-separated, so that no other use of a seed meets these secrets.
xrpl::Digest secret_from(std::uint64_t seed, std::uint64_t index, channel::KeyType type,
                         std::uint32_t attempt) noexcept {
  constexpr std::string_view domain = "claimgate test key 1";
  std::array<std::byte, domain.size() + 8 + 8 + 1 + 4> bytes;
  std::memcpy(bytes.data(), domain.data(), domain.size());
  std::byte* at = bytes.data() + domain.size();
  wire::store_be(at, seed);
  wire::store_be(at + 8, index);
  at[16] = static_cast<std::byte>(type);
  wire::store_be(at + 17, attempt);
  return xrpl::sha512_half(bytes);
}

// Order of the Ed25519 base point, little-endian (RFC 8032 §5.1).
constexpr std::array<std::uint8_t, 32> ed25519_order = {
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

}  // namespace

KeyPair KeyPair::derive(std::uint64_t seed, std::uint64_t index, channel::KeyType type) {
  const secp256k1_context* secp = context();
  KeyPair pair;
  pair.public_.type = type;
  if (type == channel::KeyType::ed25519) {
    const auto secret = secret_from(seed, index, type, 0);
    crypto_sign_ed25519_seed_keypair(raw(pair.public_.bytes.data()), raw(pair.secret_.data()),
                                     raw(secret.data()));
    pair.ledger_key_[0] = std::byte{0xED};
    std::memcpy(pair.ledger_key_.data() + 1, pair.public_.bytes.data(), 32);
    return pair;
  }
  secp256k1_pubkey key;
  for (std::uint32_t attempt = 0;; ++attempt) {  // a second attempt has a chance of 2^-128
    const auto secret = secret_from(seed, index, type, attempt);
    if (secp256k1_ec_pubkey_create(secp, &key, raw(secret.data())) != 1) continue;
    std::memcpy(pair.secret_.data(), secret.data(), secret.size());
    break;
  }
  std::array<unsigned char, 65> whole;
  std::size_t size = whole.size();
  secp256k1_ec_pubkey_serialize(secp, whole.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
  std::memcpy(pair.public_.bytes.data(), whole.data() + 1, 64);
  size = pair.ledger_key_.size();
  secp256k1_ec_pubkey_serialize(secp, raw(pair.ledger_key_.data()), &size, &key,
                                SECP256K1_EC_COMPRESSED);
  return pair;
}

Signature KeyPair::sign(const channel::ChannelId& id, wire::Drops amount,
                        std::uint32_t nonce) const noexcept {
  const xrpl::ClaimMessage message = xrpl::claim_message(id, amount);
  Signature out{};
  if (type() == channel::KeyType::ed25519) {
    crypto_sign_ed25519_detached(raw(out.data()), nullptr, raw(message.data()), message.size(),
                                 raw(secret_.data()));
    return out;
  }
  const xrpl::Digest digest = xrpl::sha512_half(message);
  std::array<unsigned char, 32> entropy{};
  for (unsigned i = 0; i < 4; ++i) entropy[i] = static_cast<unsigned char>(nonce >> (8 * i));
  secp256k1_ecdsa_signature signature;
  [[maybe_unused]] const int made =
      secp256k1_ecdsa_sign(context(), &signature, raw(digest.data()), raw(secret_.data()),
                           secp256k1_nonce_function_rfc6979, nonce == 0 ? nullptr : entropy.data());
  assert(made == 1);  // fails for an invalid secret only, and derive() has none
  secp256k1_ecdsa_signature_serialize_compact(context(), raw(out.data()), &signature);
  return out;
}

bool verifies(const channel::PublicKey& key, const channel::ChannelId& id, wire::Drops amount,
              const std::byte* signature) noexcept {
  const secp256k1_context* secp = context();
  const xrpl::ClaimMessage message = xrpl::claim_message(id, amount);
  if (key.type == channel::KeyType::ed25519) {
    return crypto_sign_ed25519_verify_detached(raw(signature), raw(message.data()), message.size(),
                                               raw(key.bytes.data())) == 0;
  }
  std::array<unsigned char, 65> whole{0x04};
  std::memcpy(whole.data() + 1, key.bytes.data(), 64);
  secp256k1_pubkey point;
  secp256k1_ecdsa_signature parsed;
  const xrpl::Digest digest = xrpl::sha512_half(message);
  return secp256k1_ec_pubkey_parse(secp, &point, whole.data(), whole.size()) == 1 &&
         secp256k1_ecdsa_signature_parse_compact(secp, &parsed, raw(signature)) == 1 &&
         secp256k1_ecdsa_verify(secp, &parsed, raw(digest.data()), &point) == 1;
}

Signature non_canonical(const Signature& signature, channel::KeyType type) noexcept {
  Signature out = signature;
  unsigned carry = 0;
  if (type == channel::KeyType::ed25519) {
    for (std::size_t i = 0; i < 32; ++i) {
      carry += std::to_integer<unsigned>(signature[32 + i]) + ed25519_order[i];
      out[32 + i] = static_cast<std::byte>(carry & 0xFF);
      carry >>= 8;
    }
    return out;
  }
  const xrpl::Scalar s = xrpl::load_scalar(signature.data() + 32);
  for (std::size_t word = 4; word-- > 0;) {
    const std::uint64_t order = xrpl::group_order[word];
    const std::uint64_t difference = order - s[word] - carry;
    carry = order < s[word] || (order == s[word] && carry != 0) ? 1 : 0;
    wire::store_be(out.data() + 32 + 8 * word, difference);
  }
  return out;
}

}  // namespace claimgate::signing
