// verify::Reference and verify::Verifier on claims that xrpl.js signed, and on what must be
// refused.
#include "lib/verify/verifier.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "lib/signing/signing.hpp"
#include "tests/lib/verify/case.hpp"

namespace claimgate::verify {
namespace {

using channel::KeyType;
using xrpl::test::array_of;
using xrpl::test::bytes_of;

class ReferenceTest : public testing::Test {
 protected:
  Reference reference = make_reference();
};

Case good(const nlohmann::json& claim) {
  return make_case(claim, array_of<64>(claim.at("compact_rs_hex")));
}

TEST_F(ReferenceTest, AcceptsEveryClaimThatXrplJsSigned) {
  for (const auto& claim : xrpl::test::good_claims()) {
    EXPECT_TRUE(reference.verify(good(claim).lane())) << claim.at("i");
  }
}

TEST_F(ReferenceTest, RefusesTheHighSTwinOfEveryEcdsaClaim) {
  int twins = 0;
  for (const auto& claim : xrpl::test::good_claims()) {
    if (!claim.contains("high_s_twin_compact_hex")) continue;
    ++twins;
    const auto twin = make_case(claim, array_of<64>(claim.at("high_s_twin_compact_hex")));
    EXPECT_FALSE(reference.verify(twin.lane())) << claim.at("i");
  }
  EXPECT_EQ(twins, 10);
}

TEST_F(ReferenceTest, RefusesSPlusLOfEveryEd25519Claim) {
  int twins = 0;
  for (const auto& claim : xrpl::test::good_claims()) {
    auto twin = good(claim);
    if (twin.key.type != KeyType::ed25519) continue;
    ++twins;
    twin.signature = signing::non_canonical(twin.signature, KeyType::ed25519);
    EXPECT_FALSE(reference.verify(twin.lane())) << claim.at("i");
  }
  EXPECT_EQ(twins, 10);
}

TEST_F(ReferenceTest, RefusesEveryClaimThatXrplJsRefused) {
  int refused = 0;
  const auto vectors = xrpl::test::claim_vectors();
  for (const auto& claim : vectors.at("negative")) {
    const auto bytes = bytes_of(claim.at("signature_hex"));
    std::array<std::byte, 64> signature{};
    const bool ed25519 = claim.at("public_key_hex").get<std::string>().starts_with("ED");
    if (ed25519) {
      std::copy(bytes.begin(), bytes.end(), signature.begin());
    } else {
      const auto compact = xrpl::compact_from_der(bytes);
      if (!compact) continue;  // its fault is one of the DER form alone
      signature = *compact;
    }
    ++refused;
    EXPECT_FALSE(reference.verify(make_case(claim, signature).lane())) << claim.at("why");
  }
  EXPECT_EQ(refused, 7);
}

TEST_F(ReferenceTest, RefusesEverySingleBitOfChangeInSignatureAndAmount) {
  for (const auto& claim : xrpl::test::good_claims()) {
    if (claim.at("i") != 0 && claim.at("i") != 10) continue;  // one of each kind
    for (unsigned bit = 0; bit < 512; ++bit) {
      auto changed = good(claim);
      changed.signature[bit / 8] ^= std::byte{1} << bit % 8;
      EXPECT_FALSE(reference.verify(changed.lane())) << "signature bit " << bit;
    }
    for (unsigned bit = 0; bit < 64; ++bit) {
      auto changed = good(claim);
      changed.amount ^= std::uint64_t{1} << bit;
      EXPECT_FALSE(reference.verify(changed.finish().lane())) << "amount bit " << bit;
    }
  }
}

TEST_F(ReferenceTest, RefusesScalarsOutOfRange) {
  auto changed = good(xrpl::test::good_claims().at(0));
  ASSERT_EQ(changed.key.type, KeyType::secp256k1);
  const auto order =
      array_of<32>("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141");
  const auto original = changed.signature;
  for (const auto& scalar : {std::array<std::byte, 32>{}, order}) {
    for (const std::size_t at : {0U, 32U}) {
      changed.signature = original;
      std::ranges::copy(scalar, changed.signature.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_FALSE(reference.verify(changed.lane()));
    }
  }
}

TEST_F(ReferenceTest, AKeyOffTheCurveAcceptsNothing) {
  auto changed = good(xrpl::test::good_claims().at(0));
  changed.key.bytes[63] ^= std::byte{1};
  EXPECT_FALSE(reference.verify(changed.lane()));
  changed.key.bytes.fill(std::byte{});
  EXPECT_FALSE(reference.verify(changed.lane()));
}

// Of both key types, by the kernel that is chosen here and by the reference.
class VerifierTest : public testing::TestWithParam<std::string> {
 protected:
  Expected<Verifier> made =
      Verifier::create({.kernel = GetParam(), .table_bytes = std::size_t{16} << 20});
};

TEST_P(VerifierTest, AnswersInTheOrderOfSubmission) {
  ASSERT_TRUE(made);
  std::deque<Case> cases;
  std::vector<bool> expected;
  unsigned i = 0;
  for (const auto& claim : xrpl::test::good_claims()) {
    cases.push_back(good(claim));
    expected.push_back(++i % 3 != 0);
    if (!expected.back()) cases.back().signature[50] ^= std::byte{2};
  }
  std::vector<bool> answers;
  std::size_t submitted = 0;
  while (answers.size() < cases.size()) {
    while (submitted < cases.size() && made->free_lanes() > 0) {
      made->submit(cases[submitted++].lane());
    }
    std::array<bool, Verifier::lanes_max> answered;
    const unsigned count = made->poll(answered);
    answers.insert(answers.end(), answered.begin(), answered.begin() + count);
  }
  EXPECT_EQ(answers, expected);
}

TEST_P(VerifierTest, KeepsItsOrderOverManyRoundsOfItsLanes) {
  ASSERT_TRUE(made);
  std::deque<Case> cases;
  for (const auto& claim : xrpl::test::good_claims()) cases.push_back(good(claim));
  // Runs of one key type longer than a round, and mixtures.
  const auto pick = [&](unsigned i) -> Case {
    const bool wants_ed25519 = i / 300 % 3 == 1 || (i / 300 % 3 == 2 && i % 5 == 0);
    for (unsigned k = i;; ++k) {
      const Case& each = cases[k % cases.size()];
      if ((each.key.type == KeyType::ed25519) == wants_ed25519) return each;
    }
  };
  constexpr unsigned all = 1'500;
  std::deque<Case> sent;
  std::vector<bool> expected, answers;
  std::array<bool, Verifier::lanes_max> answered;
  while (answers.size() < all) {
    while (sent.size() < all && made->free_lanes() > 0) {
      sent.push_back(pick(static_cast<unsigned>(sent.size())));
      expected.push_back(sent.size() % 4 != 0);
      if (!expected.back()) sent.back().signature[50] ^= std::byte{2};
      made->submit(sent.back().lane());
    }
    const unsigned count = made->poll(answered);
    answers.insert(answers.end(), answered.begin(), answered.begin() + count);
  }
  EXPECT_EQ(answers, expected);
}

TEST_P(VerifierTest, HasAllItsLanesFreeAgainOnceTheyAreAnswered) {
  ASSERT_TRUE(made);
  std::array<bool, Verifier::lanes_max> answers;
  EXPECT_EQ(made->free_lanes(), Verifier::lanes_max);
  EXPECT_EQ(made->poll(answers), 0U) << "nothing was submitted";
  const auto one = good(xrpl::test::good_claims().at(0));
  made->submit(one.lane());
  EXPECT_EQ(made->free_lanes(), Verifier::lanes_max - 1);
  while (made->poll(answers) == 0) {
  }
  EXPECT_TRUE(answers[0]);
  EXPECT_EQ(made->free_lanes(), Verifier::lanes_max);
}

INSTANTIATE_TEST_SUITE_P(Kernels, VerifierTest, testing::Values("auto", "reference"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace claimgate::verify
