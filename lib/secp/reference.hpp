// libsecp256k1: the reference that every kernel must agree with, and who settles what one cannot.
#pragma once

#include <cstddef>
#include <memory>

#include "lib/failure/failure.hpp"

struct secp256k1_context_struct;

namespace claimgate::secp {

class Reference {
 public:
  [[nodiscard]] static Expected<Reference> create();

  // ECDSA by the ledger's rules: 0 < r, s < n and s <= n/2. `signature`: 64 bytes, r‖s; `digest`:
  // 32; `key`: 64, x‖y. False as well where a number is out of range or the key not on the curve.
  // Thread-safe.
  [[nodiscard]] bool verify(const std::byte* signature, const std::byte* digest,
                            const std::byte* key) const noexcept;

 private:
  struct Free {
    void operator()(secp256k1_context_struct* context) const noexcept;
  };
  std::unique_ptr<secp256k1_context_struct, Free> context_;
};

}  // namespace claimgate::secp
