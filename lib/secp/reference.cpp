#include "lib/secp/reference.hpp"

#include <secp256k1.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace claimgate::secp {
namespace {

const std::uint8_t* bytes(const std::byte* at) noexcept {
  return reinterpret_cast<const std::uint8_t*>(at);
}

}  // namespace

void Reference::Free::operator()(secp256k1_context_struct* context) const noexcept {
  secp256k1_context_destroy(context);
}

Expected<Reference> Reference::create() {
  Reference made;
  made.context_.reset(secp256k1_context_create(SECP256K1_CONTEXT_VERIFY));
  if (!made.context_) return fail("libsecp256k1 gives no context", "verify");
  return made;
}

bool Reference::verify(const std::byte* signature, const std::byte* digest,
                       const std::byte* key) const noexcept {
  const secp256k1_context* const context = context_.get();
  secp256k1_ecdsa_signature parsed;
  if (secp256k1_ecdsa_signature_parse_compact(context, &parsed, bytes(signature)) != 1) {
    return false;  // r or s not below n
  }
  std::array<std::uint8_t, 65> uncompressed;
  uncompressed[0] = 0x04;
  std::memcpy(uncompressed.data() + 1, key, 64);
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(context, &point, uncompressed.data(), uncompressed.size()) != 1) {
    return false;
  }
  // Refuses s > n/2 by itself, as rippled does.
  return secp256k1_ecdsa_verify(context, &parsed, bytes(digest), &point) == 1;
}

}  // namespace claimgate::secp
