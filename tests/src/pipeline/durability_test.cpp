// What waits for the journal, what does not, and what a full journal does (PROTOCOL.md, "A verdict
// that reports or rests on state"; ARCHITECTURE.md, decision 7).
#include <atomic>

#include "src/durability/lane_gate.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;
using Place = SimulatedPort::Place;

class Durability : public testing::Test {
 protected:
  Stand<GatedJournal> stand;
  Payer payer = stand.open_channel(1);

  // The one verdict of `frame`, which must have left.
  wire::Verdict verdict_of(SimulatedPort::Frame& frame) {
    const auto got = stand.verdicts_of(frame);
    return got.size() == 1 ? got[0] : wire::Verdict{.code = undecided};
  }
};

TEST_F(Durability, AnAcceptedClaimIsAnsweredOnlyOnceItsRecordIsDurable) {
  auto& frame = stand.deliver({good_claim(payer, 5)});
  stand.settle();
  EXPECT_EQ(stand.held(payer), 5U) << "decided";
  EXPECT_EQ(frame.place, Place::with_worker) << "and not told";
  stand.journal.durable = stand.journal.last;
  stand.settle();
  const auto verdict = verdict_of(frame);
  EXPECT_EQ(verdict.code, Code::accepted);
  EXPECT_EQ(verdict.flags, wire::flag_durable);
}

TEST_F(Durability, ADuplicateOfAClaimThatIsNotDurableYetWaitsForIt) {
  const auto claim = good_claim(payer, 5);
  stand.deliver({claim});
  stand.settle();
  auto& again = stand.deliver({claim});
  stand.settle();
  EXPECT_EQ(stand.counted(Code::duplicate), 1U);
  EXPECT_EQ(again.place, Place::with_worker);
  stand.journal.durable = stand.journal.last;
  stand.settle();
  EXPECT_EQ(verdict_of(again).code, Code::duplicate);
  EXPECT_EQ(verdict_of(again).flags, wire::flag_durable);
}

TEST_F(Durability, AStaleVerdictOnAnAmountThatIsNotDurableYetWaitsForIt) {
  stand.deliver({good_claim(payer, 5)});
  stand.settle();
  auto& lower = stand.deliver({good_claim(payer, 4)});
  stand.settle();
  EXPECT_EQ(stand.counted(Code::stale), 1U);
  EXPECT_EQ(lower.place, Place::with_worker);
  stand.journal.durable = stand.journal.last;
  stand.settle();
  EXPECT_EQ(verdict_of(lower).code, Code::stale);
  EXPECT_EQ(verdict_of(lower).flags, wire::flag_durable);
}

TEST_F(Durability, AStaleVerdictDecidedByCommitWaitsToo) {
  auto& high = stand.deliver({good_claim(payer, 5)});
  auto& low = stand.deliver({good_claim(payer, 4)});
  stand.settle();
  EXPECT_EQ(low.place, Place::with_worker);
  stand.journal.durable = stand.journal.last;
  stand.settle();
  EXPECT_EQ(verdict_of(high).code, Code::accepted);
  EXPECT_EQ(verdict_of(low).code, Code::stale);
}

TEST_F(Durability, ADatagramWaitsForTheHighestRecordItRestsOn) {
  const Payer second = stand.open_channel(2);
  auto& frame = stand.deliver({good_claim(payer, 5), good_claim(second, 5)});
  stand.settle();
  ASSERT_EQ(stand.journal.last, 2U);
  stand.journal.durable = 1;
  stand.settle();
  EXPECT_EQ(frame.place, Place::with_worker);
  stand.journal.durable = 2;
  stand.settle();
  EXPECT_EQ(frame.place, Place::sent);
}

TEST_F(Durability, TheHighestRecordCountsWhereverItsClaimStands) {
  const Payer second = stand.open_channel(2);
  const auto early = good_claim(payer, 5), late = good_claim(second, 5);
  stand.deliver({early});
  stand.settle();
  stand.deliver({late});
  stand.settle();
  auto& frame = stand.deliver({late, early});  // LSN 2, then LSN 1
  stand.settle();
  stand.journal.durable = 1;
  stand.settle();
  EXPECT_EQ(frame.place, Place::with_worker);
  auto& stale = stand.deliver({good_claim(second, 4), good_claim(payer, 4)});
  stand.settle();
  EXPECT_EQ(stale.place, Place::with_worker);
  stand.journal.durable = 2;
  stand.settle();
  EXPECT_EQ(frame.place, Place::sent);
  EXPECT_EQ(stale.place, Place::sent);
}

TEST_F(Durability, ALaterClaimThatRestsOnAnOlderRecordDoesNotLowerTheBound) {
  const Payer second = stand.open_channel(2);
  const auto early = good_claim(payer, 5);
  auto& frame = stand.deliver({early, good_claim(second, 5), early});  // LSN 1, 2, and 1 again
  stand.settle();
  stand.journal.durable = 1;
  stand.settle();
  EXPECT_EQ(frame.place, Place::with_worker);
  stand.journal.durable = 2;
  stand.settle();
  EXPECT_EQ(frame.place, Place::sent);
}

TEST_F(Durability, ADuplicateWaitsForItsRecordAlsoWhereNoEarlierReplyDoes) {
  const auto claim = good_claim(payer, 5);
  const auto at =
      stand.table.find(payer.handle(), stand.table.hash(payer.handle()), channel::no_slot);
  stand.table.commit(at, {5}, wire::ClaimFrame(claim.data()).signature(), 50, stand.clock.ledger);
  auto& again = stand.deliver({claim});
  stand.journal.durable = 49;
  stand.settle();
  EXPECT_EQ(again.place, Place::with_worker);
  stand.journal.durable = 50;
  stand.settle();
  EXPECT_EQ(verdict_of(again).code, Code::duplicate);
}

TEST_F(Durability, WhatRestsOnNoStateIsAnsweredAtOnceAndIsNotCalledDurable) {
  stand.deliver({good_claim(payer, 5)});  // holds the gate
  stand.settle();
  auto malformed = good_claim(payer, 6);
  malformed[0] = std::byte{9};
  auto& frame = stand.deliver({malformed, good_claim(make_payer(9), 1), good_claim(payer, 1'001)});
  stand.settle();
  for (const auto& verdict : stand.verdicts_of(frame)) EXPECT_EQ(verdict.flags, 0U);
  EXPECT_EQ(frame.place, Place::sent);
  stand.journal.durable = stand.journal.last;
  stand.settle();
}

TEST_F(Durability, ABadSignatureIsNotCalledDurable) {
  auto& frame = stand.deliver({forged_claim(payer, 5)});
  stand.settle();
  EXPECT_EQ(verdict_of(frame).code, Code::bad_signature);
  EXPECT_EQ(verdict_of(frame).flags, 0U);
}

TEST_F(Durability, RepliesLeaveInTheOrderOfTheirRecords) {
  std::vector<SimulatedPort::Frame*> frames;
  for (unsigned i = 0; i < 5; ++i) {
    frames.push_back(&stand.deliver({good_claim(stand.open_channel(10 + i), 1)}));
  }
  stand.settle();
  for (unsigned i = 0; i < 5; ++i) {
    stand.journal.durable = i + 1;
    stand.turn();
    const auto sent = stand.port.take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0], frames[i]);
  }
}

TEST_F(Durability, WhatIsDurableAlreadyDoesNotWaitBehindWhatIsNot) {
  const Payer second = stand.open_channel(2);
  stand.deliver({good_claim(payer, 5)});
  stand.settle();
  stand.journal.durable = 1;
  stand.settle();
  auto& waiting = stand.deliver({good_claim(second, 5)});
  stand.settle();
  auto& stale = stand.deliver({good_claim(payer, 4)});
  auto& duplicate = stand.deliver({good_claim(payer, 5)});
  auto& forged = stand.deliver({forged_claim(payer, 6)});
  stand.settle();
  EXPECT_EQ(waiting.place, Place::with_worker);
  EXPECT_EQ(verdict_of(stale).code, Code::stale);
  EXPECT_EQ(verdict_of(stale).flags, wire::flag_durable);
  EXPECT_EQ(verdict_of(duplicate).flags, wire::flag_durable);
  EXPECT_EQ(verdict_of(forged).code, Code::bad_signature);
  stand.journal.durable = 2;
  stand.settle();
  EXPECT_EQ(waiting.place, Place::sent);
}

// ---- replies at once ---------------------------------------------------------------------------

// A gate whose committer is the test: what it says is on the disk.
struct PromptGate : durability::LaneGate {
  PromptGate() : LaneGate(1024, 1, durability::Release::at_once) {}
};

TEST_F(Durability, RepliesThatLeaveAtOnceSayWhatIsDurable) {
  Stand<PromptGate> prompt;
  const Payer someone = prompt.open_channel(1);
  const auto claim = good_claim(someone, 5);
  for (const auto& verdict : prompt.verdicts({claim, claim, good_claim(someone, 4)})) {
    EXPECT_EQ(verdict.flags, 0U) << wire::name(verdict.code);
  }
  prompt.journal.set_durable(prompt.journal.published());
  for (const auto& verdict : prompt.verdicts({claim, good_claim(someone, 4)})) {
    EXPECT_EQ(verdict.flags, wire::flag_durable) << wire::name(verdict.code);
  }
  EXPECT_EQ(prompt.verdicts({good_claim(someone, 6)}).at(0).flags, 0U);
}

TEST_F(Durability, ATicketIsCalledDurableOnlyWhereAllThatItRestsOnIs) {
  Stand<PromptGate> prompt;
  const Payer first = prompt.open_channel(1), second = prompt.open_channel(2);
  prompt.code(good_claim(first, 5));
  prompt.code(good_claim(second, 5));
  prompt.journal.set_durable(1);
  EXPECT_EQ(prompt.verdicts({good_claim(first, 5)}).at(0).flags, wire::flag_durable);
  EXPECT_EQ(prompt.verdicts({good_claim(second, 5)}).at(0).flags, 0U);
  for (const auto& verdict : prompt.verdicts({good_claim(first, 5), good_claim(second, 5)}))
    EXPECT_EQ(verdict.flags, 0U);
}

// ---- what the journal is handed ----------------------------------------------------------------

TEST_F(Durability, TheRecordHasAllThatRecoveryNeeds) {
  stand.journal.durable = 100;
  stand.code(good_claim(payer, 5));
  const auto claim = good_claim(payer, 8);
  ASSERT_EQ(stand.code(claim), Code::accepted);
  const AcceptedClaim& record = stand.journal.appended;
  const auto view = stand.view(payer);
  ASSERT_TRUE(view);
  EXPECT_EQ(record.channel, payer.handle());
  EXPECT_EQ(record.amount.value, 8U);
  EXPECT_EQ(record.previous.value, 5U);
  EXPECT_EQ(record.incarnation, view->incarnation);
  EXPECT_EQ(record.time, stand.clock.ledger);
  EXPECT_EQ(stand.table.slot(record.slot).handle, payer.handle().value);
  EXPECT_EQ(view->lsn, stand.journal.last);
}

TEST_F(Durability, ASlotIsAdvancedBeforeItsRecordIsHandedOver) {
  unsigned published = 0;
  stand.journal.at_publish = [&] {
    ++published;
    EXPECT_EQ(stand.held(payer), stand.journal.appended.amount.value);
  };
  stand.deliver({good_claim(payer, 5)});
  stand.settle();
  stand.deliver({good_claim(payer, 6)});
  stand.settle();
  EXPECT_EQ(published, 2U);
  stand.journal.durable = stand.journal.last;
  stand.settle();
}

// ---- refusals that wait ------------------------------------------------------------------------

// A quarter of what may be held may wait with refusals; the rest is for claims.
class Refusals : public testing::Test {
 protected:
  static constexpr unsigned held_max = 64;
  static constexpr unsigned refusals_max = held_max / 4;
  Stand<GatedJournal> stand{{.rules = {.held_max = held_max}}};
  Payer payer = stand.open_channel(1);
  void SetUp() override {
    stand.deliver({good_claim(payer, 5)});  // not durable from here on
    stand.settle();
  }
  void expect_bound(const ClaimBytes& refused, Code code) {
    for (unsigned i = 0; i < held_max; ++i) {
      stand.deliver({refused});
      stand.settle();
    }
    EXPECT_EQ(stand.counted(code), refusals_max);
    EXPECT_EQ(stand.counted(Code::busy), held_max - refusals_max);
    EXPECT_EQ(stand.port.outstanding(), 1 + refusals_max);
    auto& good = stand.deliver({good_claim(payer, 6)});
    stand.settle();
    EXPECT_EQ(stand.counted(Code::accepted), 2U) << "junk has not crowded it out";
    stand.journal.durable = stand.journal.last;
    stand.settle();
    EXPECT_EQ(stand.verdicts_of(good).at(0).code, Code::accepted);
    EXPECT_EQ(stand.port.outstanding(), 0U);
    // And there is room again.
    stand.deliver({good_claim(payer, 7)});
    stand.settle();
    stand.deliver({good_claim(payer, 6)});
    stand.settle();
    EXPECT_EQ(stand.counted(Code::busy), held_max - refusals_max);
  }
  void TearDown() override {
    stand.journal.durable = stand.journal.last;
    stand.settle();
  }
};

TEST_F(Refusals, StaleOnesHaveABoundOfTheirOwn) {
  expect_bound(good_claim(payer, 4), Code::stale);
}

TEST_F(Refusals, DuplicatesHaveTheSameBound) {
  expect_bound(good_claim(payer, 5), Code::duplicate);
}

TEST_F(Refusals, AreCountedByDatagram) {
  const auto low = good_claim(payer, 4);
  for (unsigned i = 0; i < refusals_max; ++i) stand.deliver({low, low, good_claim(payer, 5)});
  stand.settle();
  EXPECT_EQ(stand.counted(Code::busy), 0U);
  EXPECT_EQ(stand.counted(Code::stale), 2 * refusals_max);
}

TEST_F(Refusals, WhatIsDurableNeedsNoRoomAmongThem) {
  stand.journal.durable = stand.journal.last;
  for (unsigned i = 0; i < held_max; ++i) stand.deliver({good_claim(payer, 4)});
  stand.settle();
  EXPECT_EQ(stand.counted(Code::stale), held_max);
}

// ---- a journal that has failed -----------------------------------------------------------------

TEST_F(Durability, AWorkerThatStopsDoesNotWaitForAFailedJournal) {
  auto& frame = stand.deliver({good_claim(payer, 5)});
  stand.settle();
  stand.journal.failed = true;
  const std::atomic<bool> stop{true};
  stand.worker.run(stop);
  EXPECT_EQ(frame.place, Place::with_worker) << "and never says what it does not know";
  stand.journal = {.last = 1, .durable = 1};
  stand.settle();
}

// ---- reserve before you commit -----------------------------------------------------------------

TEST_F(Durability, AClaimTheJournalHasNoRoomForIsBusyWithNothingChangedOrExamined) {
  stand.journal.room = 0;
  auto& frame = stand.deliver({good_claim(payer, 5)});
  stand.settle();
  const auto verdict = verdict_of(frame);
  EXPECT_EQ(verdict.code, Code::busy);
  EXPECT_EQ(verdict.retry_after_ms, Rules{}.busy_retry_ms);
  EXPECT_EQ(verdict.flags, 0U);
  EXPECT_EQ(stand.held(payer), 0U);
  EXPECT_EQ(stand.examined(), 0U);
  EXPECT_EQ(stand.journal.last, 0U);
  stand.journal.room = 1;
  stand.journal.durable = 100;
  EXPECT_EQ(stand.code(good_claim(payer, 5)), Code::accepted) << "sent again";
}

TEST_F(Durability, AFullJournalStillGivesTheCheapVerdicts) {
  stand.journal.durable = 100;
  stand.code(good_claim(payer, 5));
  stand.journal.room = 0;
  Payer redeemed = make_payer(2);
  redeemed.terms.balance = {500};
  stand.apply(redeemed.terms);
  EXPECT_EQ(
      stand.codes({good_claim(payer, 4), good_claim(redeemed, 500), good_claim(make_payer(9), 1),
                   good_claim(payer, 1'001), good_claim(payer, 6)}),
      (std::vector{Code::stale, Code::stale, Code::unknown_channel, Code::over_funds, Code::busy}));
}

TEST_F(Durability, EveryReservationThatCameToNothingIsGivenBack) {
  stand.journal.durable = 100;
  stand.journal.room = 4;
  const auto five = good_claim(payer, 5);
  for (unsigned round = 0; round < 3; ++round) {
    // BAD_SIGNATURE, ACCEPTED or DUPLICATE, DUPLICATE or STALE: one record at most.
    stand.codes({forged_claim(payer, 900), five, five, good_claim(payer, 1)});
    EXPECT_EQ(stand.journal.reserved, 0U);
  }
  EXPECT_EQ(stand.counted(Code::busy), 0U);
  EXPECT_EQ(stand.journal.last, 1U);
}

TEST_F(Durability, AReservationForAChannelRemovedInFlightIsGivenBack) {
  Command remove{.verb = Command::Verb::remove, .terms = {.id = payer.terms.id}};
  stand.mailbox.post(&remove);
  stand.deliver({good_claim(payer, 1), good_claim(payer, 2)});
  stand.journal.durable = 100;
  stand.settle();
  EXPECT_EQ(stand.counted(Code::unknown_channel), 1U);
  EXPECT_EQ(stand.journal.reserved, 0U);
}

}  // namespace
}  // namespace claimgate::pipeline
