// The worker's loop around the verdicts: drops, neighbours, families, commands, its end; and the
// port, clock and rings it is tested with.
#include <chrono>
#include <ctime>
#include <thread>

#include "lib/packet/headers.hpp"
#include "src/pipeline/clock.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;
using Place = SimulatedPort::Place;

// ---- frames in, frames out ---------------------------------------------------------------------

TEST(Worker, AnswersFromWhereTheDatagramWasSentTo) {
  Stand<> stand;
  for (const bool ipv6 : {false, true}) {
    for (const bool tagged : {false, true}) {
      auto ends = ipv6 ? client_to_appliance_v6() : client_to_appliance();
      if (tagged) ends.vlan = 0x6042;
      ends.destination_port = wire::port_shard_first + 5;
      auto& frame = stand.port.deliver(datagram({good_claim(make_payer(9), 1)}, ends));
      stand.settle();
      ASSERT_EQ(frame.place, Place::sent);
      const auto reply = packet::read_udp(frame.view());
      ASSERT_TRUE(reply) << "checksums verify";
      EXPECT_EQ(reply->payload.size(), wire::verdict_bytes);
      EXPECT_EQ(reply->endpoints.source, ends.destination);
      EXPECT_EQ(reply->endpoints.destination, ends.source);
      EXPECT_EQ(reply->endpoints.source_port, ends.destination_port);
      EXPECT_EQ(reply->endpoints.destination_port, ends.source_port);
      EXPECT_EQ(reply->endpoints.source_mac, ends.destination_mac);
      EXPECT_EQ(reply->endpoints.destination_mac, ends.source_mac);
      EXPECT_EQ(reply->endpoints.vlan, ends.vlan);
    }
  }
}

TEST(Worker, AReplyIsNeverLongerThanItsRequest) {
  Stand<> stand;
  for (unsigned n = 1; n <= 15; ++n) {
    const std::vector<ClaimBytes> claims(n, good_claim(make_payer(9), 1));
    const auto request = datagram(claims);
    auto& frame = stand.port.deliver(request);
    stand.settle();
    EXPECT_EQ(frame.size, 42 + n * wire::verdict_bytes);
    EXPECT_LE(frame.size, request.size());
  }
}

TEST(Worker, TrustsTheUdpLengthNotTheFramesAndCutsPaddingOff) {
  Stand<> stand;
  auto request = datagram({good_claim(make_payer(9), 1)});
  request.resize(request.size() + 37, std::byte{0xEE});
  auto& frame = stand.port.deliver(request);
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(frame).size(), 1U);
  EXPECT_EQ(frame.size, 42 + wire::verdict_bytes);
}

TEST(Worker, EveryUdpPayloadThatIsNotOneToFifteenClaimsIsDroppedAndCounted) {
  Stand<> stand;
  const std::vector<std::byte> zeros(1'472);
  unsigned dropped = 0, answered = 0;
  for (std::size_t size = 0; size <= zeros.size(); ++size) {
    stand.port.deliver(datagram_around(std::span(zeros).first(size)));
    const bool claims = size > 0 && size % 93 == 0 && size <= 15 * 93;
    (claims ? answered : dropped) += 1;
  }
  stand.settle();
  EXPECT_EQ(answered, 15U);
  EXPECT_EQ(stand.stats.datagrams_answered.value(), answered);
  EXPECT_EQ(stand.dropped(packet::Drop::payload_size), dropped);
}

TEST(Worker, EveryTruncationOfAFrameIsDroppedWithNothingRead) {
  Stand<> stand;
  const auto whole = datagram({good_claim(make_payer(9), 1)});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    stand.port.deliver(std::span(whole).first(size));
  }
  stand.settle();
  EXPECT_EQ(stand.port.count(Place::discarded), whole.size());
  EXPECT_EQ(stand.stats.claims_parsed.value(), 0U);
}

TEST(Worker, AFrameInSeveralSegmentsIsDroppedUnread) {
  Stand<> stand;
  stand.port.deliver(datagram({good_claim(make_payer(9), 1)}), 0, rx_segmented);
  stand.settle();
  EXPECT_EQ(stand.dropped(packet::Drop::segmented), 1U);
}

TEST(Worker, AChecksumIsCheckedUnlessThePortSaysItIsGood) {
  Stand<> stand;
  auto frame = datagram({good_claim(make_payer(9), 1)});
  frame.back() ^= std::byte{1};
  stand.port.deliver(frame);
  stand.settle();
  EXPECT_EQ(stand.dropped(packet::Drop::udp_checksum), 1U);
  stand.port.deliver(frame, 0, rx_udp_checksum_good);
  stand.settle();
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 1U);
}

TEST(Worker, AUdpChecksumItsSenderLeftOutIsAcceptedAndABadOneIsCountedByItsLayer) {
  Stand<> stand;
  auto frame = datagram({good_claim(make_payer(9), 1)});
  frame[40] = frame[41] = std::byte{0};
  stand.port.deliver(frame);
  stand.settle();
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 1U);
  frame[24] ^= std::byte{1};
  stand.port.deliver(frame);
  stand.settle();
  EXPECT_EQ(stand.dropped(packet::Drop::ip_checksum), 1U);
}

TEST(Worker, AnswersArpAndNeighbourSolicitationsInPlace) {
  Stand<> stand;
  for (const auto& ends : {client_to_appliance(), client_to_appliance_v6()}) {
    std::array<std::byte, 128> query;
    const auto length = packet::build_neighbour_query(query, ends);
    auto& frame = stand.port.deliver(std::span(query).first(length), 128);
    stand.settle();
    ASSERT_EQ(frame.place, Place::sent);
    const auto mac = packet::parse_neighbour_answer(frame.view(), ends.destination);
    ASSERT_TRUE(mac);
    EXPECT_EQ(*mac, stand.local.mac());
  }
  EXPECT_EQ(stand.stats.neighbours_answered.value(), 2U);
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 0U);
}

TEST(Worker, ABurstOfEverythingGivesEachFrameItsOneOutcome) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  std::array<std::byte, 128> query;
  const auto length = packet::build_neighbour_query(query, client_to_appliance());
  for (std::uint64_t i = 1; i <= 10; ++i) {
    stand.deliver({good_claim(payer, i), good_claim(payer, 1'001)});
    stand.port.deliver(std::span(query).first(length), 128);
    stand.port.deliver(std::span(query).first(20));
    stand.deliver({forged_claim(payer, 500)});
  }
  stand.settle();
  EXPECT_EQ(stand.stats.datagrams_answered.value(), 20U);
  EXPECT_EQ(stand.stats.neighbours_answered.value(), 10U);
  EXPECT_EQ(stand.port.count(Place::discarded), 10U);
  EXPECT_EQ(stand.counted(Code::accepted), 10U);
  EXPECT_EQ(stand.counted(Code::bad_signature), 10U);
}

// ---- commands ----------------------------------------------------------------------------------

TEST(Worker, ExecutesCommandsInOrderAndAtMostEightATurn) {
  Stand<> stand;
  std::vector<Command> commands(20);
  for (unsigned i = 0; i < 20; ++i) {
    commands[i] = {
        .verb = Command::Verb::apply, .terms = make_payer(i + 1).terms, .incarnation = i + 1};
    stand.mailbox.post(&commands[i]);
  }
  for (const std::size_t done : {8U, 16U, 20U, 20U}) {
    stand.turn();
    EXPECT_EQ(stand.mailbox.answered().size(), done);
  }
  EXPECT_EQ(stand.stats.commands.value(), 20U);
  for (unsigned i = 0; i < 20; ++i) {
    EXPECT_EQ(stand.mailbox.answered()[i], &commands[i]);
    EXPECT_EQ(commands[i].result, channel::ApplyResult::added);
  }
}

TEST(Worker, FindsAndRemovesByCommand) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1), stranger = make_payer(2);
  Command find{.terms = {.id = payer.terms.id}}, miss{.terms = {.id = stranger.terms.id}};
  Command remove{.verb = Command::Verb::remove, .terms = {.id = payer.terms.id}}, again = remove;
  for (Command* command : {&find, &miss, &remove, &again}) stand.mailbox.post(command);
  stand.settle();
  EXPECT_NE(find.slot, channel::no_slot);
  EXPECT_EQ(miss.slot, channel::no_slot);
  EXPECT_TRUE(remove.removed);
  EXPECT_FALSE(again.removed);
}

// ---- the loop ----------------------------------------------------------------------------------

TEST(Worker, ATurnWithNothingToDoSaysSo) {
  Stand<> stand;
  const Payer payer = stand.open_channel(1);
  EXPECT_FALSE(stand.turn());
  stand.deliver({good_claim(payer, 5)});
  EXPECT_TRUE(stand.turn());
  EXPECT_FALSE(stand.turn());
  EXPECT_EQ(stand.stats.polls_empty.value(), 2U);
  EXPECT_EQ(stand.stats.bursts.value(), 1U);
}

TEST(Worker, ExaminesAtMostAVerifiersLanesInATurn) {
  Stand<> stand;
  for (unsigned i = 0; i < 10; ++i) stand.deliver({good_claim(stand.open_channel(i + 1), 5)});
  for (unsigned turns = 1; turns <= 10; ++turns) {
    stand.turn();
    EXPECT_EQ(stand.examined(), turns * OneByOne::lanes_max);
  }
}

TEST(Worker, AnswersWhatIsInFlightBeforeRunReturns) {
  Stand<> stand;
  for (unsigned i = 0; i < 10; ++i) stand.deliver({good_claim(stand.open_channel(i + 1), 5)});
  stand.turn();
  ASSERT_GT(stand.port.outstanding(), 0U);
  const std::atomic<bool> stop = true;
  stand.worker.run(stop);
  EXPECT_EQ(stand.port.outstanding(), 0U);
  EXPECT_EQ(stand.counted(Code::accepted), 10U);
  expect_accounts_to_balance(stand.stats);
}

TEST(Worker, SleepsWhereItMayYieldAndNeverWhereItSpins) {
  for (const Idle idle : {Idle::yield, Idle::spin}) {
    Stand<> stand({.idle = idle});
    std::atomic<bool> stop = false;
    std::thread runner([&] { stand.worker.run(stop); });
    while (stand.stats.polls_empty.value() < 1'000) std::this_thread::yield();
    stop = true;
    runner.join();
    EXPECT_EQ(stand.stats.sleeps.value() > 0, idle == Idle::yield);
  }
}

// ---- the clock ---------------------------------------------------------------------------------

TEST(SystemClock, SaysTheLedgersSecond) {
  SystemClock clock(1'000'000'000);
  const auto expected = time(nullptr) - channel::ledger_epoch_unix_s;
  EXPECT_NEAR(static_cast<double>(clock.ledger_now(clock.cycles())), static_cast<double>(expected),
              1.0);
}

TEST(SystemClock, TellsIntervalsInNanoseconds) {
  const SystemClock clock(2'000'000'000);
  EXPECT_EQ(clock.nanoseconds(2'000'000'000), 1'000'000'000U);
  EXPECT_EQ(clock.nanoseconds(2), 1U);
}

// ---- the simulated port itself -----------------------------------------------------------------

TEST(SimulatedPort, SeesATicketThatIsGivenBackTwice) {
  SimulatedPort port;
  port.deliver(datagram({good_claim(make_payer(1), 1)}));
  Ticket* ticket = nullptr;
  ASSERT_EQ(port.receive(&ticket, 1, 0), 1U);
  port.discard(&ticket, 1);
  EXPECT_EQ(port.wrong_returns(), 0U);
  port.transmit(&ticket, 1);
  EXPECT_EQ(port.wrong_returns(), 1U);
  port.forgive();
}

TEST(SimulatedPort, SeesATicketThatIsNeverGivenBack) {
  SimulatedPort port;
  port.deliver(datagram({good_claim(make_payer(1), 1)}));
  Ticket* ticket = nullptr;
  ASSERT_EQ(port.receive(&ticket, 1, 0), 1U);
  EXPECT_EQ(port.outstanding(), 1U);
  port.forgive();
}

}  // namespace
}  // namespace claimgate::pipeline
