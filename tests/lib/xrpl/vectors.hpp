// Reading of the vector files for the tests of lib/xrpl. Tests may build a DOM; lib/ does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <secp256k1.h>
#include <sodium.h>
#include <nlohmann/json.hpp>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"
#include "lib/xrpl/message.hpp"
#include "lib/xrpl/signature.hpp"

namespace claimgate::xrpl::test {

inline std::vector<std::byte> bytes_of(const std::string& hex) {
  std::vector<std::byte> bytes(hex.size() / 2);
  if (!read_hex(hex, bytes)) throw std::runtime_error("a vector holds bad hexadecimal: " + hex);
  return bytes;
}

template <std::size_t N>
std::array<std::byte, N> array_of(const std::string& hex) {
  std::array<std::byte, N> bytes{};
  if (!read_hex(hex, bytes)) throw std::runtime_error("a vector holds bad hexadecimal: " + hex);
  return bytes;
}

inline nlohmann::json load_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(file);
}

inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline nlohmann::json claim_vectors() {
  return load_json(std::string(CLAIMGATE_TEST_VECTORS) + "/xrpl-claims.json");
}

// The twenty; a copy, so that a range-for may walk it.
inline nlohmann::json good_claims() {
  nlohmann::json claims = claim_vectors().at("vectors");
  if (claims.size() != 20) throw std::runtime_error("xrpl-claims.json must hold 20 good claims");
  return claims;
}

inline std::string shared_vectors_dir() {
  const char* named = std::getenv("CLAIMGATE_SHARED_VECTORS");
  return named != nullptr ? named : std::string(CLAIMGATE_SOURCE_ROOT) + "/../shared/vectors";
}

inline const unsigned char* octets(const std::byte* at) {
  return reinterpret_cast<const unsigned char*>(at);
}

// libsecp256k1's own answer about r‖s over a 32-byte digest. It refuses high s by itself.
inline bool ecdsa_verifies(const channel::PublicKey& key, const Digest& digest,
                           const std::byte* compact) {
  std::array<unsigned char, 65> uncompressed{0x04};
  std::copy_n(octets(key.bytes.data()), 64, uncompressed.begin() + 1);
  secp256k1_pubkey point;
  secp256k1_ecdsa_signature signature;
  return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, uncompressed.data(), 65) ==
             1 &&
         secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &signature,
                                                 octets(compact)) == 1 &&
         secp256k1_ecdsa_verify(secp256k1_context_static, &signature, octets(digest.data()),
                                &point) == 1;
}

inline bool ed25519_verifies(const channel::PublicKey& key, std::span<const std::byte> message,
                             const std::byte* signature) {
  return crypto_sign_verify_detached(octets(signature), octets(message.data()), message.size(),
                                     octets(key.bytes.data())) == 0;
}

// What the appliance does with a claim in the ledger's form: all of key, form, range, signature.
inline bool claim_holds(const nlohmann::json& claim) {
  const auto key_bytes_given = bytes_of(claim.at("public_key_hex"));
  if (key_bytes_given.size() != key_bytes) return false;
  const auto key = parse_public_key(std::span<const std::byte, key_bytes>(key_bytes_given));
  if (!key) return false;
  const channel::ChannelId id{array_of<32>(claim.at("channel_id"))};
  const auto message =
      claim_message(id, {std::stoull(claim.at("amount_drops").get<std::string>())});
  const auto signature = bytes_of(claim.at("signature_hex"));
  if (key->type == channel::KeyType::ed25519)
    return signature.size() == 64 && ed25519_verifies(*key, message, signature.data());
  const auto compact = compact_from_der(signature);
  return compact && canonical_compact(compact->data()) &&
         ecdsa_verifies(*key, sha512_half(message), compact->data());
}

}  // namespace claimgate::xrpl::test
