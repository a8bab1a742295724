// The claims that xrpl.js signed, through every form of lib/xrpl, and the two verifiers.
#include <gtest/gtest.h>

#include "lib/xrpl/base58.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using test::array_of;
using test::bytes_of;

TEST(ClaimVectors, MessageDigestAndIdAreWhatXrplJsComputed) {
  const auto vectors = test::claim_vectors();
  ASSERT_EQ(vectors.at("vectors").size(), 20U);
  for (const auto& vector : vectors.at("vectors")) {
    const channel::ChannelId id{array_of<32>(vector.at("channel_id"))};
    const auto message =
        claim_message(id, {std::stoull(vector.at("amount_drops").get<std::string>())});
    EXPECT_EQ(to_hex(message), vector.at("message_hex"));
    EXPECT_EQ(to_hex(sha512_half(message)), vector.at("sha512half_hex"));
    const auto source = parse_address(vector.at("account").get<std::string>());
    const auto destination = parse_address(vector.at("destination").get<std::string>());
    ASSERT_TRUE(source && destination);
    EXPECT_EQ(channel_id(*source, *destination, vector.at("sequence")), id);
    EXPECT_NE(channel_id(*destination, *source, vector.at("sequence")), id);
  }
}

TEST(ClaimVectors, KeysPassThroughEveryFormAndNameTheirAccount) {
  for (const auto& vector : test::good_claims()) {
    const auto bytes = array_of<key_bytes>(vector.at("public_key_hex"));
    EXPECT_EQ(key_text(bytes), vector.at("public_key_base58"));
    const auto from_text = parse_key_text(vector.at("public_key_base58").get<std::string>());
    ASSERT_TRUE(from_text) << from_text.error().text();
    EXPECT_EQ(*from_text, bytes);
    const auto key = parse_public_key(bytes);
    ASSERT_TRUE(key) << key.error().text();
    EXPECT_EQ(key_form(*key), bytes);
    EXPECT_EQ(key->type == channel::KeyType::ed25519, vector.at("algorithm") == "ed25519");
    EXPECT_EQ(address_text(account_of(bytes)), vector.at("account"));
  }
}

TEST(ClaimVectors, DerAndCompactMapOntoEachOther) {
  int seen = 0;
  for (const auto& vector : test::good_claims()) {
    if (vector.at("algorithm") != "secp256k1") continue;
    ++seen;
    for (const auto& [der_name, compact_name, low] :
         {std::tuple{"signature_hex", "compact_rs_hex", true},
          std::tuple{"high_s_twin_der_hex", "high_s_twin_compact_hex", false}}) {
      const auto compact = compact_from_der(bytes_of(vector.at(der_name)));
      ASSERT_TRUE(compact) << compact.error().text();
      EXPECT_EQ(to_hex(*compact), vector.at(compact_name));
      EXPECT_EQ(to_hex(der_from_compact(compact->data()).view()), vector.at(der_name));
      EXPECT_TRUE(ranges_valid(compact->data()));
      EXPECT_EQ(is_low_s(compact->data()), low);
      EXPECT_EQ(canonical_compact(compact->data()), low);
    }
  }
  EXPECT_EQ(seen, 10);
}

TEST(ClaimVectors, TheTwentyGoodClaimsVerify) {
  for (const auto& vector : test::good_claims())
    EXPECT_TRUE(test::claim_holds(vector)) << vector.at("i");
}

TEST(ClaimVectors, TheEightBadClaimsAreRefused) {
  const auto vectors = test::claim_vectors();
  ASSERT_EQ(vectors.at("negative").size(), 8U);
  for (const auto& vector : vectors.at("negative"))
    EXPECT_FALSE(test::claim_holds(vector)) << vector.at("why");
}

TEST(ClaimVectors, NoSingleBitOfAGoodClaimsSignatureMayChange) {
  for (const auto& vector : test::good_claims()) {
    if (vector.at("i") != 0 && vector.at("i") != 19) continue;
    auto changed = vector;
    std::string hex = vector.at("signature_hex");
    for (char& digit : hex) {
      const char original = digit;
      digit = digit == '0' ? '1' : '0';
      changed["signature_hex"] = hex;
      EXPECT_FALSE(test::claim_holds(changed));
      digit = original;
    }
  }
}

}  // namespace
}  // namespace claimgate::xrpl
