#include "lib/xrpl/judge.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/lib/xrpl/answers.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using namespace test;

constexpr LedgerTime noon = 800'000'000;

struct Case {
  RawChannel raw;
  AnswerInfo answer;
  Policy policy;
};

Case good_case() {
  const auto read = read_text(listed_answer(listed_channel()));
  Case given{read.channels.at(0), read.answers.at(0), {}};
  given.policy.destinations.insert(given.raw.destination);
  given.policy.as_of = given.policy.now = noon;
  return given;
}

// The reason's name, or "" where the channel was taken on.
std::string verdict(const std::function<void(Case&)>& change) {
  Case given = good_case();
  change(given);
  const auto terms = judge(given.raw, given.answer, given.policy);
  if (terms) return "";
  EXPECT_FALSE(terms.error().text.empty());
  return std::string(name(terms.error().reason));
}

TEST(Judge, CarriesEveryTermOfAGoodChannel) {
  Case given = good_case();
  given.raw.sequence = some_sequence;
  given.raw.expiration = noon + 70'000;
  given.raw.cancel_after = noon + 80'000;
  const auto terms = judge(given.raw, given.answer, given.policy);
  ASSERT_TRUE(terms) << terms.error().text;
  EXPECT_EQ(to_hex(terms->id.bytes), some_id);
  EXPECT_EQ(to_hex(key_form(terms->key)), some_key);
  EXPECT_EQ(address_text(terms->source), some_account);
  EXPECT_EQ(terms->funded.value, 1'000'000U);
  EXPECT_EQ(terms->balance.value, 7U);
  EXPECT_EQ(terms->expiration, noon + 70'000);
  EXPECT_EQ(terms->cancel_after, noon + 80'000);
  EXPECT_EQ(terms->settle_delay_s, 86400U);
  EXPECT_EQ(terms->ledger_index, 99'000'000U);
  EXPECT_EQ(terms->valid_until, noon + 70'000 - 600);
}

TEST(Judge, TakesOnAllTwentyChannelsThatXrplJsMade) {
  const auto read =
      read_text(text_of(std::string(CLAIMGATE_TEST_VECTORS) + "/account_channels.json"));
  Policy policy;
  policy.as_of = policy.now = noon;
  policy.destinations.insert(parse_address(some_destination).value());
  const auto vectors = claim_vectors();
  for (std::size_t i = 0; i < read.channels.size(); ++i) {
    RawChannel raw = read.channels[i];
    raw.sequence = vectors.at("vectors").at(i).at("sequence");
    EXPECT_TRUE(judge(raw, read.answers.at(0), policy));
  }
}

TEST(Judge, AnswersMustBeValidatedUnlessThePolicySaysOtherwise) {
  EXPECT_EQ(verdict([](Case& c) { c.answer.validated = false; }), "not_validated");
  EXPECT_EQ(verdict([](Case& c) { c.answer.validated.reset(); }), "not_validated");
  EXPECT_EQ(verdict([](Case& c) { c.answer.is_current = true; }), "not_validated");
  EXPECT_EQ(verdict([](Case& c) {
              c.answer.validated = false;
              c.policy.require_validated = false;
            }),
            "");
}

TEST(Judge, KeysMustBePresentAndPoints) {
  for (const KeyForm form :
       {KeyForm::missing, KeyForm::wrong_length, KeyForm::bad_text, KeyForm::conflicting})
    EXPECT_EQ(verdict([&](Case& c) { c.raw.key_form = form; }), "bad_key");
  EXPECT_EQ(verdict([](Case& c) { c.raw.key[0] = std::byte{0x32}; }), "bad_key");
  EXPECT_EQ(verdict([](Case& c) {
              c.raw.key.fill(std::byte{0});
              c.raw.key[0] = std::byte{0x02};
              c.raw.key[32] = std::byte{5};  // x = 5 is on no point
            }),
            "bad_key");
  EXPECT_EQ(verdict([](Case& c) {
              c.raw.key.fill(std::byte{0});
              c.raw.key[0] = std::byte{0xED};
              c.raw.key[1] = std::byte{1};  // the identity
            }),
            "bad_key");
}

TEST(Judge, AmountsAreBoundedAtOneDropAndTenToTheSeventeen) {
  EXPECT_EQ(verdict([](Case& c) { c.raw.amount_drops = c.raw.balance_drops = 0; }), "zero_amount");
  EXPECT_EQ(verdict([](Case& c) { c.raw.amount_drops = 1, c.raw.balance_drops = 0; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.amount_drops = 100'000'000'000'000'000; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.amount_drops = 100'000'000'000'000'001; }),
            "oversized_amount");
  EXPECT_EQ(verdict([](Case& c) { c.raw.balance_drops = 1'000'000; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.balance_drops = 1'000'001; }), "balance_above_amount");
  EXPECT_EQ(verdict([](Case& c) { c.raw.is_token = true; }), "unsupported_token");
}

TEST(Judge, TheDestinationMustBeConfiguredAsOurs) {
  EXPECT_EQ(verdict([](Case& c) { c.policy.destinations.clear(); }), "no_destination_configured");
  EXPECT_EQ(verdict([](Case& c) { c.raw.destination[19] ^= std::byte{1}; }),
            "destination_not_ours");
  EXPECT_EQ(verdict([](Case& c) { c.policy.destinations.insert(AccountId{}); }), "");
}

TEST(Judge, TheIdMustMatchWhereTheSequenceIsKnown) {
  EXPECT_EQ(verdict([](Case& c) { c.raw.sequence = some_sequence; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.sequence = some_sequence + 1; }), "id_mismatch");
  EXPECT_EQ(verdict([](Case& c) {
              c.raw.sequence = some_sequence;
              c.raw.id.bytes[31] ^= std::byte{1};
            }),
            "id_mismatch");
  EXPECT_EQ(verdict([](Case& c) {
              c.raw.sequence = some_sequence;
              c.raw.account[0] ^= std::byte{1};
            }),
            "id_mismatch");
}

TEST(Judge, TheSettleDelayFloorIsInclusive) {
  EXPECT_EQ(verdict([](Case& c) { c.raw.settle_delay_s = 3600; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.settle_delay_s = 3599; }), "settle_delay_too_short");
}

TEST(Judge, AChannelClosingWithinTheMarginIsRefusedToTheSecond) {
  EXPECT_EQ(verdict([](Case& c) { c.raw.expiration = noon + 601; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.expiration = noon + 600; }), "closing");
  EXPECT_EQ(verdict([](Case& c) { c.raw.cancel_after = noon + 601; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.raw.cancel_after = noon + 600; }), "closing");
  EXPECT_EQ(verdict([](Case& c) { c.raw.expiration = 0; }), "closing");
  // An old answer: the source may have asked to close right after it.
  EXPECT_EQ(verdict([](Case& c) { c.policy.as_of = noon - 86400 + 601; }), "");
  EXPECT_EQ(verdict([](Case& c) { c.policy.as_of = noon - 86400 + 600; }), "closing");
}

TEST(Judge, AnAnswerFromTheFutureStretchesNothing) {
  Case given = good_case();
  given.policy.as_of = noon + 1'000'000;
  EXPECT_EQ(judge(given.raw, given.answer, given.policy)->valid_until, noon + 86400 - 600);
}

TEST(Judge, ValidUntilIsTheLeastOfThreeLessTheMarginAndSaturates) {
  constexpr auto never = channel::never;
  EXPECT_EQ(valid_until(never, never, 1000, 500, 100), 1400U);
  EXPECT_EQ(valid_until(1200, never, 1000, 500, 100), 1100U);
  EXPECT_EQ(valid_until(never, 1300, 1000, 500, 100), 1200U);
  EXPECT_EQ(valid_until(1200, 1100, 1000, 500, 100), 1000U);
  EXPECT_EQ(valid_until(50, never, 1000, 500, 100), 0U);
  EXPECT_EQ(valid_until(100, never, 1000, 500, 100), 0U);
  EXPECT_EQ(valid_until(never, never, never, never, 0), never);
  EXPECT_EQ(valid_until(never, never, never, 1, 1), never - 1);
  EXPECT_EQ(valid_until(never, never, 0, 0, never), 0U);
}

TEST(Judge, EveryReasonHasANameOfItsOwn) {
  const std::set<std::string_view> names(reason_names.begin(), reason_names.end());
  EXPECT_EQ(names.size(), reason_count);
  EXPECT_EQ(name(Reason::closing), "closing");
}

}  // namespace
}  // namespace claimgate::xrpl
