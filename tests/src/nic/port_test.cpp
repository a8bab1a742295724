// nic::Port on DPDK's pcap, ring and null drivers, with the appliance's worker behind it.
// Argument: "never" or "auto", the huge pages EAL may use. EAL starts once per process.
#include <gtest/gtest.h>

#include <optional>

#include "src/nic/eal.hpp"
#include "tests/src/nic/appliance_loop.hpp"
#include "tests/src/nic/capture.hpp"

namespace claimgate::nic {
namespace {

using packet::Drop;
using pipeline::client_to_appliance;
using pipeline::client_to_appliance_v6;
using pipeline::datagram;
using pipeline::forged_claim;
using pipeline::good_claim;
using pipeline::make_payer;
using pipeline::need;
using pipeline::Payer;
using wire::Code;

std::optional<Eal> eal;
HugePages huge_pages = HugePages::never;
std::string pcap_device, jumbo_device;
std::string replies_file;

CommandRing& idle_commands() {
  static std::optional<CommandRing> ring;
  if (!ring) ring.emplace(need(CommandRing::create("port-test")));
  return *ring;
}

// One frame of the capture and what must come of it: verdict codes, or an answer to ARP, or
// nothing.
struct Exchange {
  FrameBytes request;
  std::vector<Code> codes;
  bool neighbour = false;
};

std::vector<Exchange> exchanges() {
  const Payer one = make_payer(1), two = make_payer(2, channel::KeyType::ed25519);
  auto tagged = client_to_appliance();
  tagged.vlan = 42;
  auto bad_checksum = datagram({good_claim(one, 900)});
  bad_checksum.back() ^= std::byte{1};
  FrameBytes query(128);
  query.resize(packet::build_neighbour_query(query, client_to_appliance()));
  auto fragment = datagram({good_claim(one, 900)});
  fragment[20] = std::byte{0x20};
  const std::vector<pipeline::ClaimBytes> fifteen(15, good_claim(one, 7));
  return {
      {datagram({good_claim(one, 5)}), {Code::accepted}},
      {datagram({good_claim(one, 5), good_claim(one, 4)}), {Code::duplicate, Code::stale}},
      {query, {}, true},
      {bad_checksum, {}},
      {datagram({good_claim(two, 1'000), forged_claim(one, 6)}, client_to_appliance_v6()),
       {Code::accepted, Code::bad_signature}},
      {FrameBytes(4'000, std::byte{1}), {}},  // more than one buffer
      {datagram({good_claim(make_payer(9), 1)}, tagged), {Code::unknown_channel}},
      {fragment, {}},
      {FrameBytes(14, std::byte{2}), {}},
      {datagram(fifteen),
       {Code::accepted, Code::duplicate, Code::duplicate, Code::duplicate, Code::duplicate,
        Code::duplicate, Code::duplicate, Code::duplicate, Code::duplicate, Code::duplicate,
        Code::duplicate, Code::duplicate, Code::duplicate, Code::duplicate, Code::duplicate}},
      {datagram({good_claim(one, 1'001)}), {Code::over_funds}},
  };
}

TEST(PcapPort, ACaptureGoesInAndTheRightFramesComeOut) {
  const auto all = exchanges();
  {
    auto port = need(Port::open({.device = pcap_device}));
    EXPECT_EQ(port.driver(), "net_pcap");
    EXPECT_FALSE(port.shares_buffers());
    EXPECT_EQ(port.pool().available(), port.pool().size());
    ApplianceLoop loop(port, idle_commands());
    loop.open_channel(1);
    loop.open_channel(2, channel::KeyType::ed25519);
    for (unsigned turns = 0; turns < 200; ++turns) loop.turn();
    EXPECT_EQ(loop.stats.datagrams_received.value(), all.size());
    EXPECT_EQ(loop.worker.datagrams_in_flight(), 0U);
    EXPECT_EQ(loop.dropped(Drop::segmented), 1U);
    EXPECT_EQ(loop.dropped(Drop::udp_checksum), 1U);
    EXPECT_EQ(loop.dropped(Drop::ip_fragment), 1U);
    EXPECT_EQ(port.pool().available(), port.pool().size()) << "every buffer is back";
  }  // closes the file
  const auto replies = read_capture(replies_file);
  // Verdicts and neighbours leave by different calls: compare each kind in its order.
  std::vector<packet::UdpDatagram> verdicts;
  unsigned neighbours = 0;
  for (const auto& reply : replies) {
    if (const auto seen = packet::read_udp(reply)) {
      verdicts.push_back(*seen);
    } else {
      const auto mac = packet::parse_neighbour_answer(reply, client_to_appliance().destination);
      EXPECT_TRUE(mac) << "a frame that is neither verdicts nor an answer";
      neighbours += mac.has_value();
    }
  }
  EXPECT_EQ(neighbours, 1U);
  std::vector<std::vector<Code>> expected, got;
  for (const auto& exchange : all) {
    if (!exchange.codes.empty()) expected.push_back(exchange.codes);
  }
  for (const auto& reply : verdicts) {
    EXPECT_EQ(reply.endpoints.source_port, wire::port_any);
    EXPECT_EQ(reply.endpoints.destination_port, 40'000);
    auto& codes = got.emplace_back();
    for (std::size_t at = 0; at < reply.payload.size(); at += wire::verdict_bytes) {
      codes.push_back(wire::read_verdict(reply.payload.data() + at).code);
    }
  }
  std::ranges::sort(expected);
  std::ranges::sort(got);
  EXPECT_EQ(got, expected);
}

TEST(PcapPort, EveryFrameLargerThanABufferIsDroppedAsSegmented) {
  auto port = need(Port::open({.device = jumbo_device, .room_bytes = 1'536}));
  ApplianceLoop loop(port, idle_commands());
  for (unsigned turns = 0; turns < 50; ++turns) loop.turn();
  EXPECT_EQ(loop.stats.datagrams_received.value(), 40U);
  EXPECT_EQ(loop.dropped(Drop::segmented), 39U);
  EXPECT_EQ(loop.counted(Code::unknown_channel), 15U) << "the largest claim datagram fits";
  EXPECT_EQ(port.pool().available(), port.pool().size());
}

// ---- a ring that gives back what is sent -------------------------------------------------------

class RingPort : public testing::Test {
 protected:
  static void SetUpTestSuite() { port.emplace(need(Port::open({.device = "net_ring0"}))); }
  static void TearDownTestSuite() { port.reset(); }

  static rte_mbuf* mbuf_with(std::span<const std::byte> frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(port->pool().raw());
    EXPECT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    return mbuf;
  }
  static void inject(rte_mbuf* mbuf) { ASSERT_EQ(rte_eth_tx_burst(port->id(), 0, &mbuf, 1), 1); }
  static std::optional<Port> port;
};
std::optional<Port> RingPort::port;

TEST_F(RingPort, OurOwnReplyThatComesBackIsDropped) {
  ApplianceLoop loop(*port, idle_commands());
  const Payer payer = loop.open_channel(1);
  inject(mbuf_with(datagram({good_claim(payer, 5)})));
  for (unsigned turns = 0; turns < 10; ++turns) loop.turn();
  EXPECT_EQ(loop.counted(Code::accepted), 1U);
  EXPECT_EQ(loop.stats.datagrams_received.value(), 2U);
  EXPECT_EQ(loop.stats.datagrams_answered.value(), 1U);
  EXPECT_EQ(port->pool().available(), port->pool().size());
}

TEST_F(RingPort, AChainOfBuffersIsDroppedWhole) {
  ApplianceLoop loop(*port, idle_commands());
  const auto frame = datagram({good_claim(loop.open_channel(1), 5)});
  rte_mbuf* head = mbuf_with(std::span(frame).first(60));
  ASSERT_EQ(rte_pktmbuf_chain(head, mbuf_with(std::span(frame).subspan(60))), 0);
  inject(head);
  for (unsigned turns = 0; turns < 5; ++turns) loop.turn();
  EXPECT_EQ(loop.dropped(Drop::segmented), 1U);
  EXPECT_EQ(port->pool().available(), port->pool().size());
}

TEST_F(RingPort, ReceiveFillsTheTicketFromTheMbufWhateverLayThere) {
  const auto frame = datagram({good_claim(make_payer(1), 5)});
  rte_mbuf* mbuf = mbuf_with(frame);
  std::memset(static_cast<void*>(ticket_of(mbuf)), 0xA5, sizeof(pipeline::Ticket));
  inject(mbuf);
  pipeline::Ticket* ticket = nullptr;
  ASSERT_EQ(port->receive(&ticket, 1, 77), 1U);
  EXPECT_EQ(mbuf_of(ticket), mbuf);
  EXPECT_EQ(ticket->frame, rte_pktmbuf_mtod(mbuf, std::byte*));
  EXPECT_EQ(ticket->length, frame.size());
  EXPECT_EQ(ticket->capacity, frame_room_bytes);
  EXPECT_EQ(ticket->arrival, 77U);
  EXPECT_EQ(ticket->n, 0);
  EXPECT_EQ(ticket->pending, 0);
  EXPECT_EQ(ticket->lsn, 0U);
  EXPECT_EQ(ticket->copy, pipeline::no_copy);
  port->discard(&ticket, 1);
}

TEST_F(RingPort, TransmitIntoAFullRingFreesWhatItDidNotTake) {
  std::vector<pipeline::Ticket*> tickets;
  constexpr unsigned more_than_the_ring = 2'000;
  for (unsigned i = 0; i < more_than_the_ring; ++i) {
    rte_mbuf* mbuf = mbuf_with(datagram({good_claim(make_payer(1), 5)}));
    pipeline::Ticket* ticket = ticket_of(mbuf);
    *ticket = {};
    ticket->length = 75;
    tickets.push_back(ticket);
  }
  const unsigned sent = port->transmit(tickets.data(), more_than_the_ring);
  EXPECT_GT(sent, 0U);
  ASSERT_LT(sent, more_than_the_ring);
  EXPECT_EQ(port->pool().available(), port->pool().size() - sent);
  unsigned came_back = 0;
  std::array<pipeline::Ticket*, burst_max> burst;
  while (const unsigned got = port->receive(burst.data(), burst_max, 0)) {
    for (unsigned i = 0; i < got; ++i) EXPECT_EQ(burst[i]->length, 75) << "cut to the reply";
    port->discard(burst.data(), got);
    came_back += got;
  }
  EXPECT_EQ(came_back, sent);
  EXPECT_EQ(port->pool().available(), port->pool().size());
}

TEST_F(RingPort, CannotBeOpenedTwice) {
  const auto again = Port::open({.device = "net_ring0"});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text().find("open already"), std::string::npos) << again.error().text();
}

TEST(ExposedMemory, IsRefusedUnlessThePeerIsTrusted) {
  for (const char* device : {"net_memif7,role=client,zero-copy=yes", "net_virtio_user7,path=/x"}) {
    const auto refused = Port::open({.device = device});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("trusted_peer"), std::string::npos) << device;
    // Trusted, it gets as far as asking DPDK for a port that this test never made.
    const auto trusted = Port::open({.device = device, .trusted_peer = true});
    ASSERT_FALSE(trusted);
    EXPECT_EQ(trusted.error().text().find("trusted_peer"), std::string::npos) << device;
  }
}

TEST_F(RingPort, TellsItsStatistics) {
  unsigned names = 0;
  port->for_each_statistic([&](std::string_view name, std::uint64_t) { names += !name.empty(); });
  EXPECT_GT(names, 0U);
}

// ---- others ------------------------------------------------------------------------------------

TEST(NullPort, TenThousandBurstsOfRubbishLeakNothing) {
  auto port = need(Port::open({.device = "net_null0,size=135"}));
  ApplianceLoop loop(port, idle_commands());
  for (unsigned turns = 0; turns < 10'000; ++turns) loop.worker.turn(true);
  pipeline::expect_accounts_to_balance(loop.stats);
  EXPECT_GT(loop.stats.datagrams_received.value(), 100'000U);
  EXPECT_EQ(loop.stats.datagrams_answered.value(), 0U);
  EXPECT_EQ(port.pool().available(), port.pool().size());
}

TEST(Port, ADeviceThatIsNotThereIsAFailureThatNamesItAndTheRemedy) {
  const auto port = Port::open({.device = "net_nosuch7,size=1"});
  ASSERT_FALSE(port);
  const auto text = port.error().text();
  EXPECT_NE(text.find("net_nosuch7"), std::string::npos) << text;
  EXPECT_FALSE(port.error().remedy.empty());
}

TEST(Port, APoolThatDoesNotFitIsAFailureThatNamesTheKeysToChange) {
  const auto pool = MbufPool::create("too-large", 5'000'000);
  ASSERT_FALSE(pool);
  EXPECT_NE(pool.error().text().find("5000000"), std::string::npos) << pool.error().text();
  EXPECT_NE(pool.error().remedy.find("worker.held_max"), std::string::npos);
}

TEST(CommandRing, RefusesMoreThanItsBoundAndKeepsTheirOrder) {
  auto ring = need(CommandRing::create("bound"));
  std::vector<pipeline::Command> commands(CommandRing::commands_max + 1);
  for (unsigned i = 0; i < CommandRing::commands_max; ++i) EXPECT_TRUE(ring.post(&commands[i]));
  EXPECT_FALSE(ring.post(&commands.back()));
  EXPECT_EQ(ring.waiting(), CommandRing::commands_max);
  for (unsigned i = 0; i < CommandRing::commands_max; ++i) {
    pipeline::Command* command = ring.take();
    ASSERT_EQ(command, &commands[i]);
    ring.give_back(command);
  }
  EXPECT_EQ(ring.take(), nullptr);
  for (auto& command : std::span(commands).first(CommandRing::commands_max)) {
    EXPECT_EQ(ring.collect(), &command);
  }
  EXPECT_EQ(ring.collect(), nullptr);
}

TEST(Eal, StartsOncePerProcess) {
  const auto again = Eal::start({});
  ASSERT_FALSE(again);
  EXPECT_FALSE(again.error().remedy.empty());
}

TEST(Eal, UsesHugePagesOnlyWhereItMay) {
  EXPECT_FALSE(huge_pages == HugePages::never && eal->huge_pages());
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "auto") huge_pages = HugePages::automatic;
  ScratchFolder scratch;
  const auto requests = scratch.file("in.pcap"), jumbo = scratch.file("jumbo.pcap");
  replies_file = scratch.file("out.pcap");
  std::vector<FrameBytes> frames;
  for (const auto& exchange : exchanges()) frames.push_back(exchange.request);
  write_capture(requests, frames);
  frames.clear();
  frames.push_back(datagram(std::vector(15, good_claim(make_payer(9), 1))));
  for (std::size_t i = 1; i < 40; ++i) frames.emplace_back(1'537 + i * 200, std::byte(i));
  write_capture(jumbo, frames);

  pcap_device = "net_pcap0,rx_pcap=" + requests + ",tx_pcap=" + replies_file;
  jumbo_device = "net_pcap1,rx_pcap=" + jumbo + ",tx_pcap=" + scratch.file("ignored.pcap");
  auto started =
      Eal::start({.file_prefix = "claimgate-test-port-" + std::to_string(getpid()),
                  .huge_pages = huge_pages,
                  .memory_mib = 192,
                  .lcore_cpus = {allowed_cpus().front()},
                  .vdevs = {pcap_device, jumbo_device, "net_ring0", "net_null0,size=135"}});
  if (!started) {
    fprintf(stderr, "%s\n", started.error().text().c_str());
    return 1;
  }
  eal.emplace(std::move(*started));
  const int result = RUN_ALL_TESTS();
  return result;
}

}  // namespace
}  // namespace claimgate::nic

int main(int argc, char** argv) {
  return claimgate::nic::run(argc, argv);
}
