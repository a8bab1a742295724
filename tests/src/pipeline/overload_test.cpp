// Every bound of DESIGN.md, reached: BUSY with nothing changed, never a lost ticket.
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;
using Place = SimulatedPort::Place;

TEST(Overload, AClaimThatFindsTheClaimRingFullIsBusyAndItsNeighboursAreNot) {
  Stand<> stand({.claims_in_flight_max = 4});
  std::vector<Payer> payers;
  std::vector<ClaimBytes> claims;
  for (unsigned i = 0; i < 6; ++i) {
    payers.push_back(stand.open_channel(i + 1));
    claims.push_back(good_claim(payers[i], 5));
  }
  claims.push_back(good_claim(payers[0], 1'001));
  const auto got = stand.verdicts(claims);
  ASSERT_EQ(got.size(), 7U);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(got[i].code, Code::accepted) << i;
  for (unsigned i = 4; i < 6; ++i) {
    EXPECT_EQ(got[i].code, Code::busy) << i;
    EXPECT_EQ(got[i].retry_after_ms, 20U);
    EXPECT_EQ(stand.held(payers[i]), 0U);
  }
  EXPECT_EQ(got[6].code, Code::over_funds) << "cheap refusals need no room";
  EXPECT_EQ(stand.examined(), 4U);
}

TEST(Overload, ADatagramBeyondTheHeldBoundIsBusyWhole) {
  Stand<> stand({.rules = {.busy_retry_ms = 333, .held_max = 2}});
  const Payer payer = stand.open_channel(1);
  std::vector<SimulatedPort::Frame*> frames;
  for (unsigned i = 1; i <= 4; ++i) frames.push_back(&stand.deliver({good_claim(payer, i)}));
  stand.settle();
  for (unsigned i = 0; i < 4; ++i) {
    const auto verdict = stand.verdicts_of(*frames[i]).at(0);
    EXPECT_EQ(verdict.code, i < 2 ? Code::accepted : Code::busy) << i;
    EXPECT_EQ(verdict.retry_after_ms, i < 2 ? 0 : 333) << i;
  }
  EXPECT_EQ(stand.held(payer), 2U);
}

TEST(Overload, BusyEchoesTheRequestAlsoWhereItIsNotCopied) {
  Stand<> stand({.rules = {.held_max = 0}});
  const Payer payer = stand.open_channel(1);
  const auto verdict = stand.verdicts({good_claim(payer, 5)}).at(0);
  EXPECT_EQ(verdict.code, Code::busy);
  EXPECT_EQ(verdict.handle, payer.handle());
  EXPECT_EQ(verdict.amount.value, 5U);
  EXPECT_EQ(verdict.timestamp_ms, 1.75e12);
}

TEST(Overload, WhileTheJournalStandsStillAnyNumberOfDatagramsIsAnsweredBusyAtOnce) {
  constexpr unsigned held_max = 32;
  Stand<GatedJournal> stand({.rules = {.held_max = held_max}});
  const Payer payer = stand.open_channel(1);
  std::vector<SimulatedPort::Frame*> held;
  for (unsigned i = 1; i <= held_max; ++i) held.push_back(&stand.deliver({good_claim(payer, i)}));
  stand.settle();
  ASSERT_EQ(stand.port.outstanding(), held_max);
  // Many times what any ring or pool was sized for.
  for (unsigned burst = 0; burst < 20; ++burst) {
    for (unsigned i = 0; i < burst_datagrams_max; ++i) stand.deliver({good_claim(payer, 900)});
    stand.turn();
    EXPECT_EQ(stand.port.outstanding(), held_max) << "buffers taken beyond the bound";
  }
  EXPECT_EQ(stand.counted(Code::busy), 20 * burst_datagrams_max);
  EXPECT_EQ(stand.port.take_sent().size(), 20 * burst_datagrams_max);
  stand.journal.durable = stand.journal.last;
  stand.settle();
  for (unsigned i = 0; i < held_max; ++i) {
    EXPECT_EQ(stand.verdicts_of(*held[i]).at(0).code, Code::accepted) << i;
  }
  EXPECT_EQ(stand.held(payer), held_max);
}

TEST(Overload, ARingOfOneClaimDecidesAllOfThemInTheEnd) {
  Stand<> stand({.claims_in_flight_max = 1});
  const Payer payer = stand.open_channel(1);
  for (std::uint64_t amount = 1; amount <= 50; ++amount) {
    EXPECT_EQ(stand.code(good_claim(payer, amount)), Code::accepted);
  }
}

TEST(Overload, MoreFramesThanABurstWaitInThePort) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  for (unsigned i = 0; i < 100; ++i) stand.deliver({good_claim(payer, 1'001)});
  stand.turn();
  EXPECT_EQ(stand.stats.datagrams_received.value(), burst_datagrams_max);
  EXPECT_EQ(stand.port.waiting(), 100 - burst_datagrams_max);
  stand.settle();
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 100U);
}

TEST(Overload, AFullBurstOfFullDatagramsFits) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  std::vector<ClaimBytes> claims;
  for (unsigned i = 0; i < 15; ++i) claims.push_back(good_claim(payer, i + 1));
  for (unsigned i = 0; i < burst_datagrams_max; ++i) stand.deliver(claims);
  stand.settle();
  EXPECT_EQ(stand.stats.claims_parsed.value(), burst_claims_max);
  EXPECT_EQ(stand.counted(Code::accepted), 15U);
  EXPECT_EQ(stand.counted(Code::stale) + stand.counted(Code::duplicate), burst_claims_max - 15U);
}

TEST(Overload, AReplyTheTransmitRingRefusesIsCountedApartAndChangesNoVerdict) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  const auto claim = good_claim(payer, 5);
  stand.port.accept_only(0);
  auto& lost = stand.deliver({claim});
  stand.settle();
  EXPECT_EQ(lost.place, Place::refused_by_ring);
  EXPECT_EQ(stand.stats.transmit_failed.value(), 1U);
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 0U);
  EXPECT_EQ(stand.held(payer), 5U);
  stand.port.accept_all();
  EXPECT_EQ(stand.code(claim), Code::duplicate) << "sent again";
}

TEST(Overload, ATransmitRingThatTakesAPartLosesOnlyTheRest) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  for (unsigned i = 0; i < 10; ++i) stand.deliver({good_claim(payer, 1'001)});
  stand.port.accept_only(7);
  stand.settle();
  EXPECT_EQ(stand.port.count(Place::sent), 7U);
  EXPECT_EQ(stand.port.count(Place::refused_by_ring), 3U);
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 7U);
  EXPECT_EQ(stand.stats.transmit_failed.value(), 3U);
}

}  // namespace
}  // namespace claimgate::pipeline
