// One signature to verify, with everything a Lane points to.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "lib/verify/verifier.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::verify {

struct Case {
  channel::PublicKey key;
  channel::ChannelId id;
  std::uint64_t amount = 0;
  std::array<std::byte, 64> signature{};
  xrpl::ClaimMessage message{};
  xrpl::Digest digest{};

  // Message and digest follow from id and amount.
  Case& finish() {
    message = xrpl::claim_message(id, {amount});
    digest = xrpl::sha512_half(message);
    return *this;
  }
  [[nodiscard]] Lane lane() const {
    return {.signature = signature.data(),
            .key = key.bytes.data(),
            .digest = digest.data(),
            .message = message.data(),
            .type = key.type};
  }
};

inline channel::PublicKey key_of(std::span<const std::byte> ledger_form) {
  if (ledger_form.size() != xrpl::key_bytes) throw std::runtime_error("no key of 33 bytes");
  return xrpl::parse_public_key(ledger_form.first<xrpl::key_bytes>()).value();
}

inline Case make_case(const nlohmann::json& claim, const std::array<std::byte, 64>& signature) {
  Case made{.key = key_of(xrpl::test::bytes_of(claim.at("public_key_hex"))),
            .id = {xrpl::test::array_of<32>(claim.at("channel_id"))},
            .amount = std::stoull(claim.at("amount_drops").get<std::string>()),
            .signature = signature};
  return made.finish();
}

inline Reference make_reference() {
  auto made = Reference::create();
  if (!made) throw std::runtime_error(made.error().text());
  return std::move(*made);
}

}  // namespace claimgate::verify
