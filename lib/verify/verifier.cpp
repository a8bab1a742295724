#include "lib/verify/verifier.hpp"

#include <secp256k1.h>
#include <sodium.h>

#include <cstring>

namespace claimgate::verify {

void Reference::Free::operator()(secp256k1_context_struct* context) const noexcept {
  secp256k1_context_destroy(context);
}

Expected<Reference> Reference::create() {
  if (sodium_init() < 0) return fail("libsodium does not start", "verify");
  Reference made;
  made.secp256k1_.reset(secp256k1_context_create(SECP256K1_CONTEXT_VERIFY));
  if (!made.secp256k1_) return fail("libsecp256k1 gives no context", "verify");
  return made;
}

namespace {

constexpr std::size_t message_bytes = 44;

const std::uint8_t* bytes(const std::byte* at) noexcept {
  return reinterpret_cast<const std::uint8_t*>(at);
}

bool verify_secp256k1(const secp256k1_context* context, const Lane& lane) noexcept {
  secp256k1_ecdsa_signature signature;
  if (secp256k1_ecdsa_signature_parse_compact(context, &signature, bytes(lane.signature)) != 1) {
    return false;  // r or s not below n
  }
  std::array<std::uint8_t, 65> uncompressed;
  uncompressed[0] = 0x04;
  std::memcpy(uncompressed.data() + 1, lane.key, 64);
  secp256k1_pubkey key;
  if (secp256k1_ec_pubkey_parse(context, &key, uncompressed.data(), uncompressed.size()) != 1) {
    return false;
  }
  // Refuses s > n/2 by itself, as rippled does.
  return secp256k1_ecdsa_verify(context, &signature, bytes(lane.digest), &key) == 1;
}

}  // namespace

bool verify_ed25519(const std::byte* signature, const std::byte* key,
                    std::span<const std::byte> message) noexcept {
  return crypto_sign_verify_detached(bytes(signature), bytes(message.data()), message.size(),
                                     bytes(key)) == 0;
}

bool Reference::verify(const Lane& lane) const noexcept {
  switch (lane.type) {
    case channel::KeyType::secp256k1:
      return verify_secp256k1(secp256k1_.get(), lane);
    case channel::KeyType::ed25519:
      return verify_ed25519(lane.signature, lane.key, {lane.message, message_bytes});
  }
  return false;
}

Expected<Verifier> Verifier::create() {
  auto reference = Reference::create();
  if (!reference) return std::unexpected(reference.error());
  return Verifier(std::move(*reference));
}

const char* Verifier::kernel() noexcept {
  return "libsecp256k1 and libsodium";
}

unsigned Verifier::poll(std::span<bool> results) noexcept {
  for (unsigned i = 0; i < count_; ++i) results[i] = reference_.verify(lanes_[i]);
  return std::exchange(count_, 0);
}

}  // namespace claimgate::verify
