// Signatures examined by the libraries themselves, with nothing of ours around them: what
// verification costs at least.
#pragma once

#include <secp256k1.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/claim_streams.hpp"
#include "lib/digest/digester.hpp"

namespace claimgate::bench {

class BareVerify {
 public:
  // Keys, signatures and digests are parsed and made here, outside of what is timed.
  BareVerify(const SignedClaims& claims, digest::Digester& digester);

  // secp256k1_ecdsa_verify or crypto_sign_verify_detached over the claims first .. first + count;
  // how many they were. Throws where one is refused.
  std::uint64_t examine(std::size_t first, std::size_t count) const;
  [[nodiscard]] const char* function() const noexcept;

 private:
  struct Free {
    void operator()(secp256k1_context* context) const noexcept {
      secp256k1_context_destroy(context);
    }
  };
  struct Ecdsa {
    secp256k1_ecdsa_signature signature;
    secp256k1_pubkey key;
    std::array<std::uint8_t, digest::digest_bytes> digest;
  };
  struct Ed25519 {
    signing::Signature signature;
    std::array<std::byte, digest::message_bytes> message;
    const std::byte* key;
  };
  std::unique_ptr<secp256k1_context, Free> context_;
  std::vector<Ecdsa> ecdsa_;
  std::vector<Ed25519> ed25519_;
};

}  // namespace claimgate::bench
