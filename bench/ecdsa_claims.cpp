#include "bench/ecdsa_claims.hpp"

#include <cstring>
#include <stdexcept>

namespace claimgate::bench {
namespace {

template <std::size_t size>
void fill(std::array<unsigned char, size>& bytes, std::mt19937_64& random) {
  for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
}

}  // namespace

Libsecp256k1::Libsecp256k1()
    : context_(secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY)) {
  if (!context_) throw std::runtime_error("libsecp256k1 gives no context");
}

EcdsaKey Libsecp256k1::make_key(std::mt19937_64& random) const {
  EcdsaKey key;
  do {
    fill(key.secret, random);
  } while (secp256k1_ec_pubkey_create(context_.get(), &key.parsed, key.secret.data()) != 1);
  std::array<unsigned char, 65> uncompressed;
  std::size_t length = uncompressed.size();
  secp256k1_ec_pubkey_serialize(context_.get(), uncompressed.data(), &length, &key.parsed,
                                SECP256K1_EC_UNCOMPRESSED);
  std::memcpy(key.point.data(), uncompressed.data() + 1, key.point.size());
  return key;
}

EcdsaClaim Libsecp256k1::make_claim(std::mt19937_64& random, const EcdsaKey& key,
                                    std::uint32_t number, bool broken) const {
  EcdsaClaim claim;
  claim.key = number;
  fill(claim.digest, random);
  secp256k1_ecdsa_signature made;
  if (secp256k1_ecdsa_sign(context_.get(), &made, claim.digest.data(), key.secret.data(), nullptr,
                           nullptr) != 1) {
    throw std::runtime_error("libsecp256k1 does not sign");
  }
  secp256k1_ecdsa_signature_serialize_compact(context_.get(), claim.signature.data(), &made);
  // Bit 184 of s: to leave 1 .. n/2 by that, s would have to lie within 2^184 of an end of it.
  if (broken) claim.signature[40] ^= 1;
  claim.good = verify(claim, key);
  if (claim.good == broken) {
    throw std::runtime_error("libsecp256k1 does not say of a claim of ours what it was made for");
  }
  return claim;
}

bool Libsecp256k1::verify(const EcdsaClaim& claim, const EcdsaKey& key) const noexcept {
  secp256k1_ecdsa_signature parsed;
  return secp256k1_ecdsa_signature_parse_compact(context_.get(), &parsed, claim.signature.data()) ==
             1 &&
         secp256k1_ecdsa_verify(context_.get(), &parsed, claim.digest.data(), &key.parsed) == 1;
}

ClaimSet::ClaimSet(const Libsecp256k1& libsecp256k1, std::span<const EcdsaKey> keys, unsigned count,
                   bool half_broken)
    : keys_(keys) {
  std::mt19937_64 random(keys.size());
  claims_.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    const auto number = static_cast<std::uint32_t>(random() % keys.size());
    const bool broken = half_broken && random() % 2 == 0;
    claims_.push_back(libsecp256k1.make_claim(random, keys[number], number, broken));
  }
}

std::span<const EcdsaClaim> ClaimSet::take(unsigned count) {
  if (place_ + count > claims_.size()) place_ = 0;
  const auto taken = std::span(claims_).subspan(place_, count);
  place_ += count;
  return taken;
}

}  // namespace claimgate::bench
