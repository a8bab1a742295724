// COVERED: claims of one channel that are in flight together, the highest examined first.
// (That everything else stays as it was: model_test.cpp.)
#include <algorithm>

#include "src/durability/lane_gate.hpp"
#include "tests/src/pipeline/slow_engine.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;
using Codes = std::vector<Code>;
using Place = SimulatedPort::Place;

constexpr WorkerOptions coalescing{.rules = {.coalesce = true}};

class Coalescing : public testing::Test {
 protected:
  Stand<> stand{coalescing};
  Payer payer = stand.open_channel(1);

  Codes codes(const std::vector<std::uint64_t>& amounts) {
    std::vector<ClaimBytes> claims;
    for (const auto amount : amounts) claims.push_back(good_claim(payer, amount));
    return stand.codes(claims);
  }
};

// ---- what is covered ---------------------------------------------------------------------------

TEST_F(Coalescing, OnlyTheHighestIsExaminedAndThoseBeforeItAreCovered) {
  EXPECT_EQ(codes({1, 2, 3, 4}),
            (Codes{Code::covered, Code::covered, Code::covered, Code::accepted}));
  EXPECT_EQ(stand.examined(), 1U);
  EXPECT_EQ(stand.held(payer), 4U);
  const auto highest = good_claim(payer, 4);
  EXPECT_TRUE(std::equal(highest.begin() + wire::offset::claim_signature,
                         highest.begin() + wire::offset::claim_timestamp,
                         stand.view(payer)->signature.begin()));
}

TEST_F(Coalescing, OffEachClaimIsExamined) {
  Stand<> strict;
  const Payer someone = strict.open_channel(1);
  EXPECT_EQ(strict.codes({good_claim(someone, 1), good_claim(someone, 2)}),
            (Codes{Code::accepted, Code::accepted}));
  EXPECT_EQ(strict.examined(), 2U);
}

TEST_F(Coalescing, DatagramsOfOneBurstCoverEachOther) {
  auto& first = stand.deliver({good_claim(payer, 1)});
  auto& second = stand.deliver({good_claim(payer, 2)});
  stand.turn();
  EXPECT_EQ(stand.verdicts_of(first).at(0).code, Code::covered);
  EXPECT_EQ(stand.verdicts_of(second).at(0).code, Code::accepted);
}

TEST_F(Coalescing, ChannelsCoverOnlyThemselves) {
  const Payer other = stand.open_channel(2, KeyType::ed25519);
  EXPECT_EQ(stand.codes({good_claim(payer, 1), good_claim(other, 9), good_claim(payer, 2),
                         good_claim(other, 10), good_claim(payer, 3)}),
            (Codes{Code::covered, Code::covered, Code::covered, Code::accepted, Code::accepted}));
  EXPECT_EQ(stand.examined(), 2U);
}

TEST_F(Coalescing, AForgedClaimThatNobodyExaminedIsCoveredToo) {
  EXPECT_EQ(stand.codes({forged_claim(payer, 1), good_claim(payer, 2)}),
            (Codes{Code::covered, Code::accepted}));
}

TEST_F(Coalescing, WhatWouldRestOnACoveredClaimIsCovered) {
  EXPECT_EQ(codes({5, 3, 5, 9}),
            (Codes{Code::covered, Code::covered, Code::covered, Code::accepted}))
      << "in a strict sequence 3 is STALE and the second 5 DUPLICATE, if the first 5 is good";
}

TEST_F(Coalescing, TheExampleOfDesign) {
  EXPECT_EQ(stand.codes({good_claim(payer, 5), good_claim(payer, 3), forged_claim(payer, 9),
                         good_claim(payer, 7), good_claim(payer, 8), good_claim(payer, 6)}),
            (Codes{Code::covered, Code::covered, Code::bad_signature, Code::covered, Code::accepted,
                   Code::stale}));
  EXPECT_EQ(stand.examined(), 2U);
}

// ---- what is not -------------------------------------------------------------------------------

TEST_F(Coalescing, WhatArrivesBehindTheHighestKeepsItsFate) {
  EXPECT_EQ(stand.codes({good_claim(payer, 1), good_claim(payer, 5), good_claim(payer, 3),
                         good_claim(payer, 5), forged_claim(payer, 5), good_claim(payer, 2)}),
            (Codes{Code::covered, Code::accepted, Code::stale, Code::duplicate, Code::bad_signature,
                   Code::stale}));
}

TEST_F(Coalescing, OfEqualAmountsTheFirstIsTheOneHeld) {
  const auto first = good_claim(payer, 7), second = good_claim(payer, 7, 1);
  EXPECT_EQ(stand.codes({good_claim(payer, 3), first, second}),
            (Codes{Code::covered, Code::accepted, Code::duplicate}));
  EXPECT_TRUE(
      std::equal(first.begin() + 21, first.begin() + 85, stand.view(payer)->signature.begin()));
}

TEST_F(Coalescing, ADuplicateOfWhatIsHeldIsNotPassedOver) {
  ASSERT_EQ(codes({5}), Codes{Code::accepted});
  EXPECT_EQ(codes({5, 6, 9}), (Codes{Code::duplicate, Code::covered, Code::accepted}));
  const auto nine = good_claim(payer, 9);
  EXPECT_EQ(stand.codes({forged_claim(payer, 10), nine, good_claim(payer, 12)}),
            (Codes{Code::bad_signature, Code::duplicate, Code::accepted}));
  EXPECT_EQ(codes({13, 12, 15}), (Codes{Code::accepted, Code::stale, Code::accepted}));
}

TEST_F(Coalescing, WhatIsStaleWhoeverIsExaminedStaysStale) {
  payer.terms.balance = {10};
  Command raise{.verb = Command::Verb::apply, .terms = payer.terms, .incarnation = 9};
  auto& busy = stand.deliver({good_claim(stand.open_channel(2), 1)});  // the first turn's work
  auto& frame = stand.deliver({good_claim(payer, 15), good_claim(payer, 5), good_claim(payer, 20)});
  stand.mailbox.post(&raise);
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(busy).at(0).code, Code::accepted);
  const auto got = stand.verdicts_of(frame);
  EXPECT_EQ(got.at(0).code, Code::covered);
  EXPECT_EQ(got.at(1).code, Code::stale);
  EXPECT_EQ(got.at(2).code, Code::accepted);
}

// ---- garbage above good claims -----------------------------------------------------------------

TEST_F(Coalescing, AGarbageHighestDisplacesNoGoodClaim) {
  EXPECT_EQ(stand.codes({good_claim(payer, 1), good_claim(payer, 2), forged_claim(payer, 9)}),
            (Codes{Code::covered, Code::accepted, Code::bad_signature}));
  EXPECT_EQ(stand.codes({forged_claim(payer, 9), good_claim(payer, 3), forged_claim(payer, 8),
                         good_claim(payer, 4)}),
            (Codes{Code::bad_signature, Code::covered, Code::bad_signature, Code::accepted}));
}

TEST_F(Coalescing, AllGarbageIsExaminedOnceEach) {
  EXPECT_EQ(stand.codes({forged_claim(payer, 2), forged_claim(payer, 3), forged_claim(payer, 1),
                         forged_claim(payer, 3)}),
            Codes(4, Code::bad_signature));
  EXPECT_EQ(stand.examined(), 4U);
  EXPECT_EQ(stand.held(payer), 0U);
}

TEST_F(Coalescing, AFloodOfGarbageDelaysAGoodClaimByAGroupAtMostAndIsExaminedOnceEach) {
  constexpr unsigned datagrams = 20;
  auto& good = stand.deliver({good_claim(payer, 1)});
  for (unsigned i = 0; i < datagrams; ++i) {
    std::vector<ClaimBytes> garbage;
    for (unsigned j = 0; j < 15; ++j) garbage.push_back(forged_claim(payer, 10 + i * 15 + j));
    stand.deliver(garbage);
  }
  for (unsigned turns = 0; turns < group_claims_max; ++turns) stand.turn();
  EXPECT_EQ(stand.verdicts_of(good).at(0).code, Code::accepted);
  stand.settle();
  EXPECT_EQ(stand.counted(Code::bad_signature), datagrams * 15U);
  EXPECT_EQ(stand.examined(), datagrams * 15U + 1);
}

TEST_F(Coalescing, OfALongChainAGroupAtATimeIsDecided) {
  std::uint64_t amount = 0;
  for (unsigned i = 0; i < 20; ++i) {
    std::vector<ClaimBytes> claims;
    for (unsigned j = 0; j < 15; ++j) claims.push_back(good_claim(payer, ++amount));
    stand.deliver(claims);
  }
  stand.settle();
  const unsigned groups = (300 + group_claims_max - 1) / group_claims_max;
  EXPECT_EQ(stand.examined(), groups);
  EXPECT_EQ(stand.counted(Code::accepted), groups);
  EXPECT_EQ(stand.counted(Code::covered), 300U - groups);
  EXPECT_EQ(stand.held(payer), 300U);
}

TEST(CoalescingIndex, WhereChannelsMeetInItChainsEndEarlyAndVerdictsStand) {
  Stand<> stand({.rules = {.coalesce = true}, .claims_in_flight_max = 8});
  std::vector<Payer> payers;
  for (unsigned i = 0; i < 9; ++i) payers.push_back(stand.open_channel(i + 1));
  const Payer &one = payers[0], &other = payers[8];  // slots 0 and 8
  EXPECT_EQ(stand.codes(
                {good_claim(one, 1), good_claim(other, 1), good_claim(one, 2), good_claim(one, 3)}),
            (Codes{Code::accepted, Code::accepted, Code::covered, Code::accepted}));
}

// ---- the journal -------------------------------------------------------------------------------

TEST(CoalescingJournal, AGroupIsOneRecordAndAllOfItWaitsForIt) {
  Stand<GatedJournal> stand(coalescing);
  const Payer payer = stand.open_channel(1);
  std::vector<SimulatedPort::Frame*> frames;
  for (std::uint64_t i = 1; i <= 5; ++i) frames.push_back(&stand.deliver({good_claim(payer, i)}));
  stand.settle();
  EXPECT_EQ(stand.journal.last, 1U);
  EXPECT_EQ(stand.journal.reserved, 0U);
  EXPECT_EQ(stand.journal.appended.amount.value, 5U);
  EXPECT_EQ(stand.journal.appended.previous.value, 0U);
  for (const auto* frame : frames) EXPECT_EQ(frame->place, Place::with_worker);
  stand.journal.durable = 1;
  stand.settle();
  for (auto* frame : frames) {
    const auto verdict = stand.verdicts_of(*frame).at(0);
    EXPECT_EQ(verdict.code, frame == frames.back() ? Code::accepted : Code::covered);
    EXPECT_EQ(verdict.flags, wire::flag_durable);
  }
}

TEST(CoalescingJournal, CoveredClaimsTakeNoRoomAmongTheRefusalsThatWait) {
  constexpr unsigned held_max = 64;  // of which 16 for refusals
  Stand<GatedJournal> stand({.rules = {.held_max = held_max, .coalesce = true}});
  const Payer payer = stand.open_channel(1);
  for (std::uint64_t i = 1; i <= held_max; ++i) stand.deliver({good_claim(payer, i)});
  stand.settle();
  EXPECT_EQ(stand.counted(Code::busy), 0U);
  EXPECT_GT(stand.counted(Code::covered), held_max / 2);
  stand.journal.durable = stand.journal.last;
  stand.settle();
}

struct PromptGate : durability::LaneGate {
  PromptGate() : LaneGate(1024, 1, durability::Release::at_once) {}
};

TEST(CoalescingJournal, ACoveredVerdictThatLeavesAtOnceDoesNotSayDurable) {
  Stand<PromptGate> stand(coalescing);
  const Payer payer = stand.open_channel(1);
  const auto verdict = stand.verdicts({good_claim(payer, 1), good_claim(payer, 2)}).at(0);
  EXPECT_EQ(verdict.code, Code::covered);
  EXPECT_EQ(verdict.flags, 0U);
}

// ---- while the verifier has the highest --------------------------------------------------------

class CoalescingInHands : public testing::Test {
 protected:
  Stand<PromptJournal, SlowEngine> stand{coalescing};  // the first poll answers nothing
  Payer payer = stand.open_channel(1);

  std::vector<ClaimBytes> claims(std::uint64_t from, std::uint64_t to) {
    std::vector<ClaimBytes> out;
    for (; from <= to; ++from) out.push_back(good_claim(payer, from));
    return out;
  }
};

TEST_F(CoalescingInHands, OtherChannelsUseTheOtherLanes) {
  for (unsigned i = 0; i < 10; ++i) stand.deliver(claims(15 * i + 1, 15 * i + 15));
  for (unsigned i = 1; i < SlowEngine::lanes_max; ++i) {
    stand.deliver({good_claim(stand.open_channel(i + 1), 1)});
  }
  for (unsigned turns = 0; turns < 3; ++turns) stand.turn();  // 64 digests each
  EXPECT_GE(stand.examined(), SlowEngine::lanes_max);
  stand.settle();
  EXPECT_EQ(stand.held(payer), 150U);
}

TEST_F(CoalescingInHands, AHigherOneThatComesMeanwhileStartsTheNextGroup) {
  auto& first = stand.deliver(claims(1, 3));
  stand.turn();
  auto& second = stand.deliver(claims(4, 6));
  stand.settle();
  const auto before = stand.verdicts_of(first), after = stand.verdicts_of(second);
  EXPECT_EQ(before.at(1).code, Code::covered);
  EXPECT_EQ(before.at(2).code, Code::accepted);
  EXPECT_EQ(after.at(1).code, Code::covered);
  EXPECT_EQ(after.at(2).code, Code::accepted);
  EXPECT_EQ(stand.examined(), 2U);
}

TEST_F(CoalescingInHands, AChannelThatClosesMeanwhileIsClosedForAll) {
  auto& frame = stand.deliver(claims(1, 3));
  stand.turn();
  stand.clock.ledger = payer.terms.valid_until;
  stand.settle();
  for (const auto& verdict : stand.verdicts_of(frame)) EXPECT_EQ(verdict.code, Code::closed);
  EXPECT_EQ(stand.held(payer), 0U);
}

TEST_F(CoalescingInHands, AChannelRemovedAndImportedMeanwhileIsUnknownForAllAndTakesNewClaims) {
  Command remove{.verb = Command::Verb::remove, .terms = {.id = payer.terms.id}};
  Command add{.verb = Command::Verb::apply, .terms = payer.terms, .incarnation = 77};
  auto& frame = stand.deliver(claims(1, 3));
  for (Command* command : {&remove, &add}) stand.mailbox.post(command);
  stand.turn();
  auto& later = stand.deliver(claims(4, 6));
  stand.settle();
  for (const auto& verdict : stand.verdicts_of(frame)) {
    EXPECT_EQ(verdict.code, Code::unknown_channel);
  }
  const auto got = stand.verdicts_of(later);
  EXPECT_EQ(got.at(0).code, Code::covered);
  EXPECT_EQ(got.at(2).code, Code::accepted);
}

TEST_F(CoalescingInHands, AFloodOfGarbageForOneChannelDoesNotKeepTheLanesFromOthers) {
  for (unsigned i = 0; i < 20; ++i) {
    std::vector<ClaimBytes> garbage;
    for (unsigned j = 0; j < 15; ++j) garbage.push_back(forged_claim(payer, 10 + i * 15 + j));
    stand.deliver(garbage);
  }
  for (unsigned i = 0; i < 12; ++i) stand.deliver({good_claim(stand.open_channel(i + 2), 1)});
  // 312 claims are hashed in five turns; until then the engine can have answered no more than so
  // many of the flood, and afterwards four lanes of five go to the others.
  for (unsigned turns = 0; turns < 20; ++turns) stand.turn();
  const auto garbage_examined = stand.examined() - 12;
  EXPECT_LT(garbage_examined, 25U) << "one lane at a time";
  stand.settle();
  EXPECT_EQ(stand.counted(Code::accepted), 12U);
  EXPECT_EQ(stand.counted(Code::bad_signature), 300U);
}

}  // namespace
}  // namespace claimgate::pipeline
