#include "apps/claimgen/oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace claimgate::claimgen {
namespace {

using wire::Code;

constexpr PlannedClaim planned(Kind kind, std::uint64_t amount, Code expected) {
  return {.amount = amount, .channel = 0, .kind = kind, .expected = expected};
}

TEST(CodeSet, NamesItsMembers) {
  EXPECT_EQ((CodeSet{Code::covered, Code::accepted}).text(), "ACCEPTED or COVERED");
  EXPECT_EQ(CodeSet{}.text(), "");
}

TEST(Oracle, PermitsExactlyThePlannedCodeInAnOrderWithoutLoss) {
  const std::array claims = {planned(Kind::good, 10, Code::accepted),
                             planned(Kind::duplicate, 10, Code::duplicate),
                             planned(Kind::stale, 5, Code::stale),
                             planned(Kind::bad_signature, 20, Code::bad_signature),
                             planned(Kind::high_s, 20, Code::bad_signature),
                             planned(Kind::over_funds, 99, Code::over_funds),
                             planned(Kind::unknown, 1, Code::unknown_channel),
                             planned(Kind::malformed, 0, Code::malformed)};
  for (std::size_t code = 0; code < wire::code_count; ++code) {
    for (std::uint32_t at = 0; at < claims.size(); ++at) {
      Oracle oracle(claims, 1);
      for (std::uint32_t i = 0; i <= at; ++i) oracle.sent(i);
      for (std::uint32_t i = 0; i < at; ++i) {
        ASSERT_EQ(oracle.judge(i, claims[i].expected), Judgement::permitted);
      }
      const auto given = static_cast<Code>(code);
      const Judgement wanted = given == Code::busy            ? Judgement::busy
                               : given == claims[at].expected ? Judgement::permitted
                                                              : Judgement::wrong;
      EXPECT_EQ(oracle.judge(at, given), wanted) << at << " " << wire::name(given);
    }
  }
}

TEST(Oracle, PermitsCoveredOnlyWhereAHigherValidAmountHasBeenSent) {
  const std::array claims = {planned(Kind::good, 10, Code::accepted),
                             planned(Kind::bad_signature, 15, Code::bad_signature),
                             planned(Kind::good, 20, Code::accepted)};
  Oracle oracle(claims, 1);
  oracle.sent(0);
  oracle.sent(1);
  EXPECT_EQ(oracle.permitted(0), CodeSet{Code::accepted});  // 15 is not validly signed
  oracle.sent(2);
  EXPECT_EQ(oracle.permitted(0), (CodeSet{Code::accepted, Code::covered}));
  EXPECT_EQ(oracle.judge(0, Code::covered), Judgement::permitted);
  EXPECT_EQ(oracle.permitted(1), (CodeSet{Code::bad_signature, Code::covered}));
  EXPECT_EQ(oracle.judge(1, Code::covered), Judgement::permitted);
  EXPECT_EQ(oracle.permitted(2), CodeSet{Code::accepted});
  EXPECT_EQ(oracle.judge(2, Code::accepted), Judgement::permitted);
  EXPECT_EQ(oracle.confirmed(0), 20u);
}

TEST(Oracle, PermitsCoveredForWhatRestsOnAClaimThatIsUnderWayWithIt) {
  const std::array claims = {
      planned(Kind::good, 10, Code::accepted), planned(Kind::stale, 5, Code::stale),
      planned(Kind::duplicate, 10, Code::duplicate), planned(Kind::good, 20, Code::accepted),
      planned(Kind::stale, 15, Code::stale)};
  Oracle oracle(claims, 1);
  for (std::uint32_t i = 0; i < 4; ++i) oracle.sent(i);
  EXPECT_EQ(oracle.judge(0, Code::covered), Judgement::permitted);
  EXPECT_EQ(oracle.permitted(1), (CodeSet{Code::stale, Code::covered}));
  EXPECT_EQ(oracle.judge(1, Code::covered), Judgement::permitted);
  EXPECT_EQ(oracle.permitted(2), (CodeSet{Code::duplicate, Code::covered}));
  EXPECT_EQ(oracle.judge(2, Code::covered), Judgement::permitted);
  EXPECT_EQ(oracle.judge(3, Code::accepted), Judgement::permitted);
  oracle.sent(4);
  EXPECT_EQ(oracle.permitted(4), CodeSet{Code::stale}) << "20 was known to be held";
}

TEST(Oracle, PermitsDuplicateAndStaleForAnAcceptedClaimThatWasSentTwice) {
  const std::array claims = {planned(Kind::good, 10, Code::accepted),
                             planned(Kind::good, 20, Code::accepted)};
  Oracle oracle(claims, 1);
  oracle.sent(0);
  oracle.resent(0);
  EXPECT_EQ(oracle.permitted(0), (CodeSet{Code::accepted, Code::duplicate}));
  oracle.sent(1);
  EXPECT_EQ(oracle.permitted(0),
            (CodeSet{Code::accepted, Code::duplicate, Code::stale, Code::covered}));
}

TEST(Oracle, NeverPermitsABadClaimToBeAcceptedWhateverTheOrder) {
  for (const Kind kind :
       {Kind::bad_signature, Kind::high_s, Kind::over_funds, Kind::unknown, Kind::malformed}) {
    const std::array claims = {planned(Kind::good, 10, Code::accepted),
                               planned(kind, 15, Code::bad_signature),
                               planned(Kind::good, 20, Code::accepted)};
    Oracle oracle(claims, 1);
    for (std::uint32_t i = 0; i < claims.size(); ++i) oracle.sent(i);
    for (std::uint32_t i = 0; i < claims.size(); ++i) oracle.resent(i);
    EXPECT_FALSE(oracle.permitted(1).has(Code::accepted)) << name(kind);
    EXPECT_FALSE(oracle.permitted(1).has(Code::duplicate)) << name(kind);
  }
}

TEST(Oracle, IsExactAgainOnceAllThatLostItsOrderIsDecided) {
  const std::array claims = {planned(Kind::good, 10, Code::accepted),
                             planned(Kind::duplicate, 10, Code::duplicate),
                             planned(Kind::good, 20, Code::accepted)};
  Oracle oracle(claims, 1);
  oracle.sent(0);
  oracle.sent(1);
  EXPECT_EQ(oracle.judge(0, Code::busy), Judgement::busy);
  EXPECT_TRUE(oracle.undecided(0));
  EXPECT_TRUE(oracle.permitted(1).has(Code::accepted));  // it came before the repetition of 0
  EXPECT_EQ(oracle.judge(1, Code::accepted), Judgement::permitted);
  EXPECT_EQ(oracle.judge(0, Code::duplicate), Judgement::permitted);
  oracle.sent(2);
  EXPECT_EQ(oracle.permitted(2), CodeSet{Code::accepted});
}

TEST(Oracle, DoesNotHoldADifferentChannelsTroubleAgainstAClaim) {
  std::array claims = {planned(Kind::good, 10, Code::accepted),
                       planned(Kind::good, 10, Code::accepted)};
  claims[1].channel = 1;
  Oracle oracle(claims, 2);
  oracle.sent(0);
  oracle.resent(0);
  oracle.sent(1);
  EXPECT_EQ(oracle.permitted(1), CodeSet{Code::accepted});
}

}  // namespace
}  // namespace claimgate::claimgen
