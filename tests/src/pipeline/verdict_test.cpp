// PROTOCOL.md, "When a claim is accepted", "Order of checks and codes", "Rules that follow", a
// sentence a test: through the real worker, table, digester and verifier.
#include <bit>
#include <limits>

#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;
using Codes = std::vector<Code>;

class Verdict : public testing::TestWithParam<KeyType> {
 protected:
  Stand<> stand;
  Payer payer = stand.open_channel(1, GetParam());
};
INSTANTIATE_TEST_SUITE_P(EachKeyType, Verdict,
                         testing::Values(KeyType::secp256k1, KeyType::ed25519), [](const auto& p) {
                           return p.param == KeyType::secp256k1 ? "secp256k1" : "ed25519";
                         });

// ---- when a claim is accepted ------------------------------------------------------------------

TEST_P(Verdict, AClaimAboveNothingIsAcceptedAndHeldWithItsSignature) {
  const auto claim = good_claim(payer, 1);
  EXPECT_EQ(stand.code(claim), Code::accepted);
  const auto seen = stand.view(payer);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->held.value, 1U);
  EXPECT_TRUE(std::equal(seen->signature.begin(), seen->signature.end(),
                         claim.begin() + wire::offset::claim_signature));
  EXPECT_EQ(seen->last_activity, stand.clock.ledger);
}

TEST_P(Verdict, AHigherClaimIsAcceptedOverALowerOne) {
  EXPECT_EQ(stand.code(good_claim(payer, 10)), Code::accepted);
  EXPECT_EQ(stand.code(good_claim(payer, 11)), Code::accepted);
  EXPECT_EQ(stand.held(payer), 11U);
}

TEST_P(Verdict, AClaimOfExactlyTheFundedAmountIsAccepted) {
  EXPECT_EQ(stand.code(good_claim(payer, 1'000)), Code::accepted);
}

TEST_P(Verdict, AClaimOneDropAboveTheFundedAmountIsOverFunds) {
  EXPECT_EQ(stand.code(good_claim(payer, 1'001)), Code::over_funds);
  EXPECT_EQ(stand.held(payer), 0U);
  EXPECT_EQ(stand.examined(), 0U);
}

TEST_P(Verdict, AClaimAboveTheBalanceIsAcceptedAndOneNotAboveItIsStaleAlthoughNothingIsHeld) {
  payer.terms.balance = {500};
  ASSERT_EQ(stand.apply(payer.terms), channel::ApplyResult::updated);
  EXPECT_EQ(stand.code(good_claim(payer, 499)), Code::stale);
  EXPECT_EQ(stand.code(good_claim(payer, 500)), Code::stale);
  EXPECT_EQ(stand.examined(), 0U);
  EXPECT_EQ(stand.code(good_claim(payer, 501)), Code::accepted);
}

TEST_P(Verdict, TenToTheSeventeenDropsAreAcceptedAndOneMoreIsMalformed) {
  payer.terms.funded = {100'000'000'000'000'000};
  stand.apply(payer.terms);
  EXPECT_EQ(stand.code(good_claim(payer, 100'000'000'000'000'001)), Code::malformed);
  EXPECT_EQ(stand.code(good_claim(payer, 100'000'000'000'000'000)), Code::accepted);
}

TEST_P(Verdict, AChannelIsOpenUntilTheSecondBeforeValidUntilAndClosedAtIt) {
  stand.clock.ledger = payer.terms.valid_until - 1;
  EXPECT_EQ(stand.code(good_claim(payer, 1)), Code::accepted);
  stand.clock.ledger = payer.terms.valid_until;
  EXPECT_EQ(stand.code(good_claim(payer, 2)), Code::closed);
  EXPECT_EQ(stand.held(payer), 1U);
}

TEST_P(Verdict, AChannelThatClosesWhileAClaimIsInFlightAnswersClosed) {
  stand.clock.ledger = payer.terms.valid_until - 1;
  auto& first = stand.deliver({good_claim(payer, 1)});
  auto& second = stand.deliver({good_claim(payer, 2)});
  stand.turn();  // examines one signature; the other claim waits
  ASSERT_EQ(stand.stats.claims_in_flight.value(), 1U);
  stand.clock.ledger = payer.terms.valid_until;
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(first).at(0).code, Code::accepted);
  EXPECT_EQ(stand.verdicts_of(second).at(0).code, Code::closed);
  EXPECT_EQ(stand.held(payer), 1U);
}

TEST_P(Verdict, AClosedChannelOpensAgainWhenItIsImportedFromANewerLedger) {
  stand.clock.ledger = payer.terms.valid_until;
  EXPECT_EQ(stand.code(good_claim(payer, 1)), Code::closed);
  payer.terms.valid_until += 3'600;
  payer.terms.ledger_index += 1;
  ASSERT_EQ(stand.apply(payer.terms), channel::ApplyResult::updated);
  EXPECT_EQ(stand.code(good_claim(payer, 1)), Code::accepted);
}

TEST_P(Verdict, ASignatureOverAnotherAmountOrChannelOrByAnotherKeyIsBad) {
  const Payer other = stand.open_channel(2, GetParam());
  const auto one = payer.key.sign(payer.terms.id, {1});
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 2, one)), Code::bad_signature);
  EXPECT_EQ(stand.code(claim_with(other.handle(), 1, one)), Code::bad_signature);
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 1, other.key.sign(payer.terms.id, {1}))),
            Code::bad_signature);
  EXPECT_EQ(stand.held(payer), 0U);
  EXPECT_EQ(stand.held(other), 0U);
}

TEST_P(Verdict, ASignatureThatTheLedgerCallsNonCanonicalIsBad) {
  const auto good = payer.key.sign(payer.terms.id, {5});
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, signing::non_canonical(good, GetParam()))),
            Code::bad_signature)
      << "high S, or S + L";
  EXPECT_EQ(stand.held(payer), 0U);
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, good)), Code::accepted) << "its low twin";
}

TEST_P(Verdict, ZeroAndAllOnesAreNoSignatures) {
  signing::Signature signature{};
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, signature)), Code::bad_signature);
  signature.fill(std::byte{0xFF});
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, signature)), Code::bad_signature);
}

TEST_P(Verdict, TheWholeChannelIdIsSignedNotOnlyItsHandle) {
  auto id = payer.terms.id;
  id.bytes[31] ^= std::byte{1};
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, payer.key.sign(id, {5}))),
            Code::bad_signature);
}

// ---- order of checks ---------------------------------------------------------------------------
// Each claim below deserves every code from its own on, and gets the first.

TEST_P(Verdict, MalformedComesBeforeUnknownChannel) {
  auto claim = forged_claim(make_payer(99, GetParam()), 5);
  claim[0] = std::byte{2};
  EXPECT_EQ(stand.code(claim), Code::malformed);
  EXPECT_EQ(stand.code(claim_with(make_payer(99).handle(), 0, {})), Code::malformed);
  claim[0] = std::byte{0x81};
  EXPECT_EQ(stand.code(claim), Code::malformed);
}

TEST_P(Verdict, UnknownChannelIsAnsweredForAHandleThatIsNotHere) {
  EXPECT_EQ(stand.code(good_claim(make_payer(99, GetParam()), 5)), Code::unknown_channel);
}

TEST_P(Verdict, ClosedComesBeforeOverFunds) {
  stand.clock.ledger = payer.terms.valid_until;
  EXPECT_EQ(stand.code(forged_claim(payer, 1'001)), Code::closed);
}

TEST_P(Verdict, ClosedComesBeforeStaleAndDuplicate) {
  const auto held = good_claim(payer, 10);
  stand.code(held);
  stand.clock.ledger = payer.terms.valid_until;
  EXPECT_EQ(stand.code(held), Code::closed);
  EXPECT_EQ(stand.code(good_claim(payer, 9)), Code::closed);
}

TEST_P(Verdict, StaleComesBeforeBadSignatureAndCostsNoVerification) {
  stand.code(good_claim(payer, 10));
  const auto before = stand.examined();
  EXPECT_EQ(stand.code(forged_claim(payer, 9)), Code::stale);
  EXPECT_EQ(stand.examined(), before);
}

TEST_P(Verdict, NothingThatIsRefusedForLessCostsASignatureVerification) {
  const Payer closed = [&] {
    Payer made = make_payer(3, GetParam());
    made.terms.valid_until = stand.clock.ledger;
    stand.apply(made.terms);
    return made;
  }();
  const auto unknown = make_payer(99, GetParam());
  EXPECT_EQ(stand.codes({good_claim(payer, 0), good_claim(unknown, 5), good_claim(closed, 5),
                         good_claim(payer, 1'001)}),
            (Codes{Code::malformed, Code::unknown_channel, Code::closed, Code::over_funds}));
  EXPECT_EQ(stand.examined(), 0U);
}

// ---- duplicates --------------------------------------------------------------------------------

TEST_P(Verdict, TwoEqualAmountsInOneDatagramAreAcceptedThenDuplicate) {
  const auto claim = good_claim(payer, 5);
  EXPECT_EQ(stand.codes({claim, claim}), (Codes{Code::accepted, Code::duplicate}));
  EXPECT_EQ(stand.examined(), 1U) << "byte-identical: no second verification";
  EXPECT_EQ(stand.stats.signatures_matched.value(), 1U);
}

TEST_P(Verdict, ADuplicateChangesNothing) {
  const auto claim = good_claim(payer, 5);
  stand.code(claim);
  const auto before = stand.view(payer);
  stand.clock.ledger += 100;
  EXPECT_EQ(stand.code(claim), Code::duplicate);
  const auto after = stand.view(payer);
  EXPECT_EQ(after->lsn, before->lsn);
  EXPECT_EQ(after->last_activity, before->last_activity);
}

TEST_P(Verdict, AnEqualAmountWithOtherInvalidSignatureBytesIsBadSignature) {
  stand.code(good_claim(payer, 5));
  EXPECT_EQ(stand.code(forged_claim(payer, 5)), Code::bad_signature);
}

TEST_P(Verdict, TheNonCanonicalTwinOfAHeldClaimIsBadSignatureNotDuplicate) {
  const auto good = payer.key.sign(payer.terms.id, {5});
  stand.code(claim_with(payer.handle(), 5, good));
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 5, signing::non_canonical(good, GetParam()))),
            Code::bad_signature);
}

TEST(VerdictOfSecp256k1, AnEqualAmountWithOtherValidSignatureBytesIsDuplicateAndKeepsTheFirst) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  const auto first = good_claim(payer, 5), second = good_claim(payer, 5, 1);
  ASSERT_NE(first, second);
  EXPECT_EQ(stand.codes({first, second}), (Codes{Code::accepted, Code::duplicate}));
  EXPECT_EQ(stand.examined(), 2U);
  EXPECT_TRUE(
      std::equal(first.begin() + 21, first.begin() + 85, stand.view(payer)->signature.begin()));
}

TEST_P(Verdict, AnEqualAmountBelowARaisedBalanceIsStillDuplicateAndAnotherIsStale) {
  const auto held = good_claim(payer, 5);
  stand.code(held);
  payer.terms.balance = {10};
  stand.apply(payer.terms);
  EXPECT_EQ(stand.code(held), Code::duplicate);
  EXPECT_EQ(stand.code(good_claim(payer, 7)), Code::stale);
  EXPECT_EQ(stand.code(good_claim(payer, 10)), Code::stale);
  EXPECT_EQ(stand.code(good_claim(payer, 11)), Code::accepted);
}

TEST_P(Verdict, ADuplicateOfAClaimStillInFlightThatTurnsOutForgedIsJudgedByItself) {
  EXPECT_EQ(stand.codes({forged_claim(payer, 5), good_claim(payer, 5), good_claim(payer, 5)}),
            (Codes{Code::bad_signature, Code::accepted, Code::duplicate}));
}

// ---- arrival order -----------------------------------------------------------------------------

TEST_P(Verdict, ClaimsCountInTheOrderInWhichTheyStandInADatagram) {
  EXPECT_EQ(stand.codes({good_claim(payer, 10), good_claim(payer, 5), good_claim(payer, 20)}),
            (Codes{Code::accepted, Code::stale, Code::accepted}));
  EXPECT_EQ(stand.codes({good_claim(payer, 21), good_claim(payer, 22), good_claim(payer, 21)}),
            (Codes{Code::accepted, Code::accepted, Code::stale}));
}

TEST_P(Verdict, ADuplicateBehindAHigherClaimInFlightIsStale) {
  const auto five = good_claim(payer, 5);
  EXPECT_EQ(stand.code(five), Code::accepted);
  EXPECT_EQ(stand.codes({good_claim(payer, 6), five}), (Codes{Code::accepted, Code::stale}));
}

TEST_P(Verdict, DatagramsCountInTheOrderInWhichTheyArrive) {
  auto& high = stand.deliver({good_claim(payer, 10)});
  auto& low = stand.deliver({good_claim(payer, 5)});
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(high).at(0).code, Code::accepted);
  EXPECT_EQ(stand.verdicts_of(low).at(0).code, Code::stale);
}

TEST_P(Verdict, AClaimThatAnEarlierOneInFlightHasOvertakenIsStaleWithoutVerification) {
  stand.codes({good_claim(payer, 10), forged_claim(payer, 5), forged_claim(payer, 6)});
  EXPECT_EQ(stand.counted(Code::stale), 2U);
  EXPECT_EQ(stand.examined(), 1U);
}

TEST_P(Verdict, OneBadClaimNeverHarmsItsNeighbours) {
  std::vector<Payer> payers;
  for (unsigned i = 0; i < 15; ++i) {
    payers.push_back(stand.open_channel(100 + i, i % 2 ? KeyType::ed25519 : KeyType::secp256k1));
  }
  for (unsigned bad = 0; bad < 15; ++bad) {
    std::vector<ClaimBytes> claims;
    Codes expected;
    for (unsigned i = 0; i < 15; ++i) {
      claims.push_back(i == bad ? forged_claim(payers[i], bad + 1)
                                : good_claim(payers[i], bad + 1));
      expected.push_back(i == bad ? Code::bad_signature : Code::accepted);
    }
    EXPECT_EQ(stand.codes(claims), expected) << "bad claim at " << bad;
  }
}

TEST_P(Verdict, ADatagramOfEveryKindIsAnsweredPositionByPosition) {
  const auto held = good_claim(payer, 10);
  const auto unknown = make_payer(99, GetParam());
  stand.code(held);
  auto malformed = good_claim(payer, 20);
  malformed[0] = std::byte{2};
  EXPECT_EQ(
      stand.codes({malformed, good_claim(unknown, 1), good_claim(payer, 1'001),
                   good_claim(payer, 9), held, forged_claim(payer, 11), good_claim(payer, 11),
                   good_claim(payer, 12), good_claim(payer, 11)}),
      (Codes{Code::malformed, Code::unknown_channel, Code::over_funds, Code::stale, Code::duplicate,
             Code::bad_signature, Code::accepted, Code::accepted, Code::stale}));
}

// ---- what is not signed decides nothing --------------------------------------------------------

TEST_P(Verdict, SequenceNeverDecidesAnything) {
  const auto signature = [&](std::uint64_t amount) {
    return payer.key.sign(payer.terms.id, {amount});
  };
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 1, signature(1), 0xFFFF'FFFF)), Code::accepted);
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 2, signature(2), 0)), Code::accepted);
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 2, signature(2), 5)), Code::duplicate);
  EXPECT_EQ(stand.code(claim_with(payer.handle(), 1, signature(1), 0xFFFF'FFFF)), Code::stale);
}

TEST_P(Verdict, TimestampNeverDecidesAnythingAndIsEchoedBitForBit) {
  using Limits = std::numeric_limits<double>;
  std::uint64_t amount = 0;
  for (const double stamp :
       {0.0, -0.0, Limits::quiet_NaN(), std::bit_cast<double>(0x7FF0'0000'0000'BEEFULL),
        std::bit_cast<double>(0xFFF8'1234'5678'9ABCULL), Limits::infinity(), -Limits::infinity(),
        -1e300, 1e300, Limits::denorm_min()}) {
    ++amount;
    const auto got = stand.verdicts({claim_with(
        payer.handle(), amount, payer.key.sign(payer.terms.id, {amount}), 0xDEAD'BEEF, stamp)});
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].code, Code::accepted);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(got[0].timestamp_ms),
              std::bit_cast<std::uint64_t>(stamp));
  }
}

TEST_P(Verdict, ChannelSequenceAndAmountAreEchoedWhateverTheCode) {
  auto malformed = claim_with(payer.handle(), ~std::uint64_t{0}, {}, 0x0102'0304, 3.5);
  const auto unknown = claim_with({0x1122'3344'5566'7788}, 9, {}, 0xFFFF'FFFF, -2.5);
  const auto got = stand.verdicts({malformed, unknown});
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].handle, payer.handle());
  EXPECT_EQ(got[0].sequence, 0x0102'0304U);
  EXPECT_EQ(got[0].amount.value, ~std::uint64_t{0});
  EXPECT_EQ(got[0].timestamp_ms, 3.5);
  EXPECT_EQ(got[1].handle.value, 0x1122'3344'5566'7788U);
  EXPECT_EQ(got[1].sequence, 0xFFFF'FFFFU);
  EXPECT_EQ(got[1].amount.value, 9U);
  EXPECT_EQ(got[1].timestamp_ms, -2.5);
}

TEST_P(Verdict, OnlyBusyCarriesARetryTime) {
  for (const auto& verdict :
       stand.verdicts({good_claim(payer, 5), forged_claim(payer, 6), good_claim(payer, 1'001)})) {
    EXPECT_EQ(verdict.retry_after_ms, 0U);
  }
}

// ---- channels that come and go -----------------------------------------------------------------

class Removal : public Verdict {
 protected:
  // Puts `first` and `second` in flight, lets the worker decide the first of them only, then
  // executes `commands` at the end of that turn.
  void in_flight(std::vector<Command*> commands) {
    first = &stand.deliver({good_claim(payer, 5)});
    second = &stand.deliver({good_claim(payer, 6)});
    for (Command* command : commands) stand.mailbox.post(command);
    stand.turn();
    ASSERT_EQ(stand.stats.claims_in_flight.value(), 1U);
    stand.settle();
  }
  SimulatedPort::Frame* first = nullptr;
  SimulatedPort::Frame* second = nullptr;
  Command remove{.verb = Command::Verb::remove, .terms = {.id = payer.terms.id}};
  Command add{.verb = Command::Verb::apply, .terms = payer.terms, .incarnation = 77};
};
INSTANTIATE_TEST_SUITE_P(EachKeyType, Removal,
                         testing::Values(KeyType::secp256k1, KeyType::ed25519), [](const auto& p) {
                           return p.param == KeyType::secp256k1 ? "secp256k1" : "ed25519";
                         });

TEST_P(Removal, AClaimInFlightForAChannelRemovedMeanwhileIsUnknown) {
  in_flight({&remove});
  EXPECT_TRUE(remove.removed);
  EXPECT_EQ(stand.verdicts_of(*first).at(0).code, Code::accepted);
  EXPECT_EQ(stand.verdicts_of(*second).at(0).code, Code::unknown_channel);
  EXPECT_EQ(stand.table.size(), 0U);
}

TEST_P(Removal, AClaimInFlightForAChannelRemovedAndImportedAgainIsUnknownAndChangesNothing) {
  in_flight({&remove, &add});
  EXPECT_EQ(add.result, channel::ApplyResult::added);
  EXPECT_EQ(stand.verdicts_of(*second).at(0).code, Code::unknown_channel);
  EXPECT_EQ(stand.held(payer), 0U) << "the new incarnation holds nothing";
  EXPECT_EQ(stand.view(payer)->incarnation, 77U);
  EXPECT_EQ(stand.code(good_claim(payer, 6)), Code::accepted) << "sent again";
}

TEST_P(Removal, AClaimInFlightNeverReachesTheChannelThatTookItsSlot) {
  const Payer heir = make_payer(50, GetParam());
  Command add_heir{.verb = Command::Verb::apply, .terms = heir.terms, .incarnation = 78};
  const auto slot =
      stand.table.find(payer.handle(), stand.table.hash(payer.handle()), channel::no_slot);
  in_flight({&remove, &add_heir});
  ASSERT_EQ(add_heir.slot, slot) << "the free slot is used again";
  EXPECT_EQ(stand.verdicts_of(*second).at(0).code, Code::unknown_channel);
  EXPECT_EQ(stand.held(heir), 0U);
}

TEST_P(Removal, AfterRemovalAClaimIsUnknown) {
  stand.code(good_claim(payer, 5));
  ASSERT_TRUE(stand.table.remove(payer.terms.id));
  EXPECT_EQ(stand.code(good_claim(payer, 6)), Code::unknown_channel);
}

TEST_P(Verdict, AnotherIdUnderATakenHandleIsRefusedAndClaimsGoToTheFirst) {
  Payer other = make_payer(60, GetParam());
  std::copy_n(payer.terms.id.bytes.begin(), 8, other.terms.id.bytes.begin());
  ASSERT_EQ(other.handle(), payer.handle());
  EXPECT_EQ(stand.apply(other.terms), channel::ApplyResult::handle_taken);
  EXPECT_EQ(stand.code(good_claim(other, 5)), Code::bad_signature);
  EXPECT_EQ(stand.code(good_claim(payer, 5)), Code::accepted);
}

TEST_P(Verdict, ABalanceRaisedWhileAClaimIsInFlightMakesItStale) {
  payer.terms.balance = {6};
  Command raise{.verb = Command::Verb::apply, .terms = payer.terms, .incarnation = 9};
  auto& first = stand.deliver({good_claim(payer, 5)});
  auto& second = stand.deliver({good_claim(payer, 6)});
  stand.mailbox.post(&raise);
  stand.settle();
  EXPECT_EQ(raise.result, channel::ApplyResult::updated);
  EXPECT_EQ(stand.verdicts_of(first).at(0).code, Code::accepted);
  EXPECT_EQ(stand.verdicts_of(second).at(0).code, Code::stale) << "redeemed meanwhile";
}

// ---- answer_unknown ----------------------------------------------------------------------------

TEST(AnswerUnknown, OffADatagramOfUnknownChannelsOnlyGetsNoReplyAndItsCounter) {
  Stand<> stand({.rules = {.answer_unknown = false}});
  auto& frame = stand.deliver({good_claim(make_payer(8), 1), good_claim(make_payer(9), 1)});
  stand.settle();
  EXPECT_EQ(frame.place, SimulatedPort::Place::discarded);
  EXPECT_EQ(stand.stats.datagrams_silenced.value(), 1U);
  EXPECT_EQ(stand.counted(Code::unknown_channel), 2U);
}

TEST(AnswerUnknown, OffADatagramWithAnyOtherVerdictIsAnsweredWhole) {
  Stand<> stand({.rules = {.answer_unknown = false}});
  const Payer payer = stand.open_channel(1);
  EXPECT_EQ(stand.codes({good_claim(make_payer(8), 1), good_claim(payer, 1)}),
            (Codes{Code::unknown_channel, Code::accepted}));
}

}  // namespace
}  // namespace claimgate::pipeline
