// secp256k1 keys and signatures for tests of lib/secp, by libsecp256k1; all from a seed.
#pragma once

#include <secp256k1.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>

namespace claimgate::secp {

struct Signed {
  std::array<std::byte, 64> signature;
  std::array<std::byte, 32> digest;
  std::array<std::byte, 64> key;
};

class Signer {
 public:
  using Secret = std::array<unsigned char, 32>;

  explicit Signer(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Secret secret() {
    Secret made;
    do {
      for (auto& byte : made) byte = static_cast<unsigned char>(random_());
    } while (secp256k1_ec_seckey_verify(context_.get(), made.data()) != 1);
    return made;
  }
  [[nodiscard]] std::array<std::byte, 64> key_of(const Secret& secret) const {
    secp256k1_pubkey key;
    if (secp256k1_ec_pubkey_create(context_.get(), &key, secret.data()) != 1) {
      throw std::invalid_argument("no secret key");
    }
    std::array<unsigned char, 65> bytes;
    std::size_t length = bytes.size();
    secp256k1_ec_pubkey_serialize(context_.get(), bytes.data(), &length, &key,
                                  SECP256K1_EC_UNCOMPRESSED);
    std::array<std::byte, 64> out;
    std::memcpy(out.data(), bytes.data() + 1, out.size());
    return out;
  }
  // A good one over a random digest.
  [[nodiscard]] Signed sign(const Secret& secret) {
    Signed out;
    for (auto& byte : out.digest) byte = static_cast<std::byte>(random_());
    secp256k1_ecdsa_signature signature;
    if (secp256k1_ecdsa_sign(context_.get(), &signature, bytes(out.digest), secret.data(), nullptr,
                             nullptr) != 1) {
      throw std::invalid_argument("no signature");
    }
    secp256k1_ecdsa_signature_serialize_compact(context_.get(), bytes(out.signature), &signature);
    out.key = key_of(secret);
    return out;
  }

 private:
  struct Free {
    void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
  };
  template <std::size_t n>
  static unsigned char* bytes(std::array<std::byte, n>& of) {
    return reinterpret_cast<unsigned char*>(of.data());
  }
  std::unique_ptr<secp256k1_context, Free> context_{
      secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY)};
  std::mt19937_64 random_;
};

}  // namespace claimgate::secp
