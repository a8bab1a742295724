// C2SP/wycheproof through verify::Reference, read where it lies and never copied. Without: NOT RUN.
#include <filesystem>
#include <iostream>

#include "lib/xrpl/signature.hpp"
#include "tests/lib/verify/case.hpp"

namespace claimgate::verify {
namespace {

nlohmann::json suite(const std::string& name) {
  return xrpl::test::load_json(xrpl::test::shared_vectors_dir() + "/wycheproof/" + name);
}

TEST(Wycheproof, EcdsaOverSha512HalfAcceptsTheValidLowSSignaturesAndNoOthers) {
  const auto reference = make_reference();
  int cases = 0, accepted = 0, high_s = 0;
  const auto whole = suite("ecdsa_secp256k1_sha512_p1363_test.json");
  for (const auto& group : whole.at("testGroups")) {
    const auto point = xrpl::test::bytes_of(group.at("publicKey").at("uncompressed"));
    Case given;
    std::copy_n(point.begin() + 1, 64, given.key.bytes.begin());
    for (const auto& test : group.at("tests")) {
      ++cases;
      const auto signature = xrpl::test::bytes_of(test.at("sig"));
      if (signature.size() != wire::signature_bytes) {
        // No frame can carry it.
        EXPECT_EQ(test.at("result"), "invalid") << test.at("tcId");
        continue;
      }
      std::ranges::copy(signature, given.signature.begin());
      given.digest = xrpl::sha512_half(xrpl::test::bytes_of(test.at("msg")));
      const bool holds = reference.verify(given.lane());
      const bool low = xrpl::is_low_s(given.signature.data());
      const bool valid = test.at("result") == "valid";
      EXPECT_EQ(holds, valid && low) << test.at("tcId") << ": " << test.at("comment");
      accepted += holds;
      high_s += valid && !low;
    }
  }
  EXPECT_EQ(cases, 322);
  EXPECT_EQ(accepted, 129);
  EXPECT_EQ(high_s, 107);
}

TEST(Wycheproof, Ed25519AgreesCaseByCase) {
  const auto reference = make_reference();
  int cases = 0, accepted = 0;
  const auto whole = suite("ed25519_test.json");
  for (const auto& group : whole.at("testGroups")) {
    const auto key = xrpl::test::array_of<32>(group.at("publicKey").at("pk"));
    for (const auto& test : group.at("tests")) {
      ++cases;
      const auto signature = xrpl::test::bytes_of(test.at("sig"));
      const auto message = xrpl::test::bytes_of(test.at("msg"));
      const bool holds = signature.size() == wire::signature_bytes &&
                         verify_ed25519(signature.data(), key.data(), message);
      EXPECT_EQ(holds, test.at("result") == "valid") << test.at("tcId");
      accepted += holds;
    }
  }
  EXPECT_EQ(cases, 151);
  EXPECT_EQ(accepted, 88);
}

}  // namespace
}  // namespace claimgate::verify

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string dir = claimgate::xrpl::test::shared_vectors_dir();
  if (!std::filesystem::is_directory(dir)) {
    std::cout << "NOT RUN: verify_wycheproof: no folder of published vectors at " << dir
              << "; set CLAIMGATE_SHARED_VECTORS to the one with wycheproof/\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
