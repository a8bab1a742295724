// Vectors of other projects, read where they lie and never copied. Without them: NOT RUN.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "lib/xrpl/base58.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using test::array_of;
using test::bytes_of;

TEST(SharedVectors, PublishedClaimsHoldExactlyWhereTheirPublisherSaysSo) {
  const auto file = test::load_json(test::shared_vectors_dir() + "/xrpl-published.json");
  int held = 0;
  for (const auto& claim : file.at("published")) {
    const auto& expect = claim.at("expect");
    const bool holds = expect == true || expect == "documented as true";
    EXPECT_EQ(test::claim_holds(claim), holds) << claim.at("source");
    held += holds;
    const channel::ChannelId id{array_of<32>(claim.at("channel_id"))};
    const auto message =
        claim_message(id, {std::stoull(claim.at("amount_drops").get<std::string>())});
    EXPECT_EQ(to_hex(message), claim.at("message_hex"));
    EXPECT_EQ(to_hex(sha512_half(message)), claim.at("sha512half_hex"));
    const auto compact = compact_from_der(bytes_of(claim.at("signature_hex")));
    ASSERT_TRUE(compact);
    EXPECT_EQ(to_hex(*compact), claim.at("compact_rs_hex"));
    if (claim.contains("public_key_base58")) {
      EXPECT_EQ(key_text(array_of<key_bytes>(claim.at("public_key_hex"))),
                claim.at("public_key_base58"));
    }
  }
  EXPECT_EQ(held, 2);
}

TEST(SharedVectors, WycheproofEcdsaAcceptsExactlyTheLowSSignaturesThatAreValid) {
  const auto suite = test::load_json(test::shared_vectors_dir() +
                                     "/wycheproof/ecdsa_secp256k1_sha512_p1363_test.json");
  int accepted = 0, high_s = 0, invalid = 0;
  for (const auto& group : suite.at("testGroups")) {
    const auto point = bytes_of(group.at("publicKey").at("uncompressed"));
    KeyBytes compressed;
    std::copy_n(point.begin() + 1, 32, compressed.begin() + 1);
    compressed[0] = std::byte{2} | (point[64] & std::byte{1});
    const auto key = parse_public_key(compressed);
    ASSERT_TRUE(key);
    EXPECT_TRUE(std::equal(key->bytes.begin(), key->bytes.end(), point.begin() + 1));
    for (const auto& test : group.at("tests")) {
      const auto signature = bytes_of(test.at("sig"));
      const bool sized = signature.size() == wire::signature_bytes;
      const bool low = sized && canonical_compact(signature.data());
      const Digest digest = sha512_half(bytes_of(test.at("msg")));
      const bool accept = low && test::ecdsa_verifies(*key, digest, signature.data());
      accepted += accept;
      if (test.at("result") == "invalid") {
        ++invalid;
        EXPECT_FALSE(accept) << test.at("tcId");
      } else if (!accept) {
        ++high_s;
        EXPECT_TRUE(sized && ranges_valid(signature.data()) && !is_low_s(signature.data()))
            << test.at("tcId");
      }
      if (sized && ranges_valid(signature.data())) {
        const auto back = compact_from_der(der_from_compact(signature.data()).view());
        ASSERT_TRUE(back);
        EXPECT_TRUE(std::equal(back->begin(), back->end(), signature.begin()));
      }
    }
  }
  EXPECT_EQ(accepted, 129);
  EXPECT_EQ(high_s, 107);
  EXPECT_EQ(invalid, 86);
}

TEST(SharedVectors, WycheproofEd25519AgreesCaseByCase) {
  const auto suite = test::load_json(test::shared_vectors_dir() + "/wycheproof/ed25519_test.json");
  int cases = 0;
  for (const auto& group : suite.at("testGroups")) {
    KeyBytes bytes{std::byte{0xED}};
    const auto given = array_of<32>(group.at("publicKey").at("pk"));
    std::copy(given.begin(), given.end(), bytes.begin() + 1);
    const auto key = parse_public_key(bytes);
    ASSERT_TRUE(key) << key.error().text();
    for (const auto& test : group.at("tests")) {
      const auto signature = bytes_of(test.at("sig"));
      const bool accept = signature.size() == wire::signature_bytes &&
                          test::ed25519_verifies(*key, bytes_of(test.at("msg")), signature.data());
      EXPECT_EQ(accept, test.at("result") == "valid") << test.at("tcId");
      ++cases;
    }
  }
  EXPECT_EQ(cases, 151);
}

}  // namespace
}  // namespace claimgate::xrpl

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string dir = claimgate::xrpl::test::shared_vectors_dir();
  if (!std::filesystem::is_directory(dir)) {
    std::cout
        << "NOT RUN: xrpl_shared_vectors: no folder of published vectors at " << dir
        << "; set CLAIMGATE_SHARED_VECTORS to the one with xrpl-published.json and wycheproof/\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
