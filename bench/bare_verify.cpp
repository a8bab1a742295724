#include "bench/bare_verify.hpp"

#include <sodium.h>

#include <cstring>
#include <span>
#include <stdexcept>

#include "lib/xrpl/message.hpp"

namespace claimgate::bench {
namespace {

const std::uint8_t* octets(const std::byte* at) noexcept {
  return reinterpret_cast<const std::uint8_t*>(at);
}

}  // namespace

BareVerify::BareVerify(const SignedClaims& claims, digest::Digester& digester)
    : context_(secp256k1_context_create(SECP256K1_CONTEXT_VERIFY)) {
  for (const SignedClaim& claim : claims.claims) {
    const channel::ChannelTerms& terms = claims.terms[claim.channel];
    const auto message = xrpl::claim_message(terms.id, claim.amount);
    if (terms.key.type == channel::KeyType::ed25519) {
      ed25519_.push_back({claim.signature, message, terms.key.bytes.data()});
      continue;
    }
    Ecdsa& made = ecdsa_.emplace_back();
    std::array<std::byte, digest::digest_bytes> hash;
    digester.digest(std::array{digest::Job{message.data(), hash.data()}});
    std::memcpy(made.digest.data(), hash.data(), hash.size());
    std::array<std::uint8_t, 65> key{0x04};
    std::memcpy(key.data() + 1, terms.key.bytes.data(), 64);
    if (secp256k1_ecdsa_signature_parse_compact(context_.get(), &made.signature,
                                                octets(claim.signature.data())) != 1 ||
        secp256k1_ec_pubkey_parse(context_.get(), &made.key, key.data(), key.size()) != 1) {
      throw std::runtime_error("a claim of ours does not parse");
    }
  }
}

std::uint64_t BareVerify::examine(std::size_t first, std::size_t count) const {
  std::size_t good = 0;
  if (!ecdsa_.empty()) {
    for (const Ecdsa& each : std::span(ecdsa_).subspan(first, count)) {
      good += secp256k1_ecdsa_verify(context_.get(), &each.signature, each.digest.data(),
                                     &each.key) == 1;
    }
  } else {
    for (const Ed25519& each : std::span(ed25519_).subspan(first, count)) {
      good +=
          crypto_sign_verify_detached(octets(each.signature.data()), octets(each.message.data()),
                                      each.message.size(), octets(each.key)) == 0;
    }
  }
  if (good != count) throw std::runtime_error("bare verification refuses a good claim");
  return count;
}

const char* BareVerify::function() const noexcept {
  return ecdsa_.empty() ? "crypto_sign_verify_detached" : "secp256k1_ecdsa_verify";
}

}  // namespace claimgate::bench
