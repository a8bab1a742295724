// What bench verify verifies: keys, claims under keys chosen at random, and libsecp256k1 as the
// reference.
//
// Thread: the one that measures.
#pragma once

#include <secp256k1.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace claimgate::bench {

struct EcdsaKey {
  std::array<unsigned char, 32> secret;
  std::array<unsigned char, 64> point;  // x‖y, big endian
  secp256k1_pubkey parsed;
};

struct EcdsaClaim {
  std::array<unsigned char, 64> signature;  // r‖s, 0 < r < n, 0 < s <= n/2
  std::array<unsigned char, 32> digest;
  std::uint32_t key;  // its place among the keys
  bool good;          // says libsecp256k1
};

class Libsecp256k1 {
 public:
  Libsecp256k1();
  [[nodiscard]] EcdsaKey make_key(std::mt19937_64& random) const;
  // A signature that verifies, or, `broken`, one with a bit of s flipped. Throws where libsecp256k1
  // says otherwise.
  [[nodiscard]] EcdsaClaim make_claim(std::mt19937_64& random, const EcdsaKey& key,
                                      std::uint32_t number, bool broken) const;
  // From r‖s and a parsed key: what our kernels are compared with.
  [[nodiscard]] bool verify(const EcdsaClaim& claim, const EcdsaKey& key) const noexcept;

 private:
  struct Free {
    void operator()(secp256k1_context* context) const noexcept {
      secp256k1_context_destroy(context);
    }
  };
  std::unique_ptr<secp256k1_context, Free> context_;
};

// Claims under keys chosen at random, taken one piece after the other and then from the start
// again, so that what a piece needs of its keys' tables was last read long ago.
class ClaimSet {
 public:
  // Of `count` claims, a multiple of 64; with `half_broken` each is broken with a chance of 1/2.
  ClaimSet(const Libsecp256k1& libsecp256k1, std::span<const EcdsaKey> keys, unsigned count,
           bool half_broken = false);

  // The next `count` claims, at most 64.
  [[nodiscard]] std::span<const EcdsaClaim> take(unsigned count);
  [[nodiscard]] const EcdsaKey& key_of(const EcdsaClaim& claim) const { return keys_[claim.key]; }
  [[nodiscard]] std::size_t keys() const noexcept { return keys_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return claims_.size(); }

 private:
  std::span<const EcdsaKey> keys_;
  std::vector<EcdsaClaim> claims_;
  std::size_t place_ = 0;
};

}  // namespace claimgate::bench
