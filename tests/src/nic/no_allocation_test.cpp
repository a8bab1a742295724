// The worker allocates nothing after start: every kind of claim, drop, neighbour and command, on a
// port of memory and on DPDK's pcap port, with malloc forbidden on its thread.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "src/nic/eal.hpp"
#include "tests/src/nic/allocation_hook.hpp"
#include "tests/src/nic/appliance_loop.hpp"
#include "tests/src/nic/capture.hpp"

namespace claimgate::nic {
namespace {

using pipeline::Command;
using pipeline::datagram;
using pipeline::forged_claim;
using pipeline::good_claim;
using pipeline::make_payer;
using pipeline::need;
using pipeline::Payer;
using wire::Code;

constexpr unsigned rounds = 40;
// Beyond one buffer of `room_bytes`, yet within the 2,048 that libpcap's reader starts with (it
// grows its own buffer for more; a port of hardware has no such thing).
constexpr std::size_t oversize = 1'500;
constexpr unsigned room_bytes = 1'024;
std::string pcap_device;

// A mixture in which every verdict that channels 1 and 2 can give occurs, and most drops.
std::vector<FrameBytes> traffic() {
  const Payer one = make_payer(1), two = make_payer(2, channel::KeyType::ed25519);
  FrameBytes arp(128), solicitation(128);
  arp.resize(packet::build_neighbour_query(arp, pipeline::client_to_appliance()));
  solicitation.resize(
      packet::build_neighbour_query(solicitation, pipeline::client_to_appliance_v6()));
  auto bad_checksum = datagram({good_claim(one, 900)});
  bad_checksum.back() ^= std::byte{1};
  auto malformed = good_claim(one, 1);
  malformed[0] = std::byte{7};
  std::vector<FrameBytes> frames;
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    const auto claim = good_claim(one, 2 * i);
    frames.push_back(datagram({claim, claim, good_claim(one, 2 * i, 1), good_claim(one, 2 * i - 1),
                               forged_claim(one, 2 * i + 1), malformed,
                               good_claim(make_payer(9), 1), good_claim(one, 1'001)}));
    frames.push_back(datagram({good_claim(two, i), forged_claim(two, i + 1)},
                              pipeline::client_to_appliance_v6()));
    frames.push_back(datagram({good_claim(make_payer(9), 1)}));  // silenced
    frames.push_back(arp);
    frames.push_back(solicitation);
    frames.push_back(bad_checksum);
    frames.push_back(FrameBytes(oversize, std::byte{1}));
    frames.push_back(FrameBytes(9, std::byte{1}));
  }
  return frames;
}

void expect_every_kind(const pipeline::Stats& stats) {
  for (const Code code : {Code::accepted, Code::duplicate, Code::stale, Code::unknown_channel,
                          Code::bad_signature, Code::over_funds, Code::malformed, Code::covered}) {
    EXPECT_GT(stats.verdicts[static_cast<std::size_t>(code)].value(), 0U) << wire::name(code);
  }
  EXPECT_GT(stats.signatures_secp256k1.value(), 0U);
  EXPECT_GT(stats.signatures_ed25519.value(), 0U);
  EXPECT_GT(stats.signatures_matched.value(), 0U);
  EXPECT_GT(stats.neighbours_answered.value(), 0U);
  EXPECT_GT(stats.datagrams_silenced.value(), 0U);
  EXPECT_GT(stats.dropped[static_cast<std::size_t>(packet::Drop::udp_checksum)].value(), 0U);
  EXPECT_GT(stats.commands.value(), 0U);
}

const pipeline::WorkerOptions options{
    .rules = {.copy_payloads = true, .answer_unknown = false, .coalesce = true}};

TEST(AllocationHookDeathTest, SeesEveryWayToAllocate) {
  void* volatile kept = nullptr;
  const auto forbidden = [&](auto&& allocate) {
    AllocationForbidden guard;
    kept = allocate();
  };
  const char* const words = "allocated on a thread that must not";
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH(forbidden([] { return malloc(1); }), words);
  EXPECT_DEATH(forbidden([] { return calloc(1, 1); }), words);
  EXPECT_DEATH(forbidden([] { return realloc(nullptr, 1); }), words);
  EXPECT_DEATH(forbidden([] { return aligned_alloc(64, 64); }), words);
  EXPECT_DEATH(forbidden([]() -> void* { return new int; }), words);
  EXPECT_DEATH(forbidden([]() -> void* { return new std::string(100, 'x'); }), words);
  EXPECT_DEATH(forbidden([]() -> void* { return fopen("/dev/null", "r"); }), words)
      << "inside the C library";
  (void)kept;
}

TEST(AllocationHook, LeavesOtherThreadsAlone) {
  AllocationForbidden guard;
  EXPECT_GT(allocations_seen(), 0U);
}

TEST(NoAllocation, OnAPortOfMemory) {
  pipeline::Stand<> stand(options);
  stand.open_channel(1);
  stand.open_channel(2, channel::KeyType::ed25519);
  for (const auto& frame : traffic()) {
    stand.port.deliver(frame, 128, frame.size() == oversize ? pipeline::rx_segmented : 0);
  }
  std::vector<Command> commands(8);
  commands[0] = {.verb = Command::Verb::apply, .terms = make_payer(5).terms, .incarnation = 50};
  commands[1] = {.verb = Command::Verb::find, .terms = make_payer(5).terms};
  commands[2] = {.verb = Command::Verb::remove, .terms = make_payer(5).terms};
  for (auto& command : commands) stand.mailbox.post(&command);
  const auto before = allocations_seen();
  {
    AllocationForbidden guard;
    for (unsigned turns = 0; turns < 2'000; ++turns) stand.worker.turn(true);
  }
  EXPECT_EQ(allocations_seen(), before);
  EXPECT_EQ(stand.port.outstanding(), 0U);
  expect_every_kind(stand.stats);
}

TEST(NoAllocation, OnThePcapPort) {
  auto ring = need(CommandRing::create("no-allocation"));
  auto port = need(Port::open({.device = pcap_device, .room_bytes = room_bytes}));
  ApplianceLoop loop(port, ring, options);
  loop.open_channel(1);
  loop.open_channel(2, channel::KeyType::ed25519);
  std::vector<Command> commands(3);
  commands[0] = {.verb = Command::Verb::apply, .terms = make_payer(5).terms, .incarnation = 50};
  commands[1] = {.verb = Command::Verb::find, .terms = make_payer(5).terms};
  commands[2] = {.verb = Command::Verb::remove, .terms = make_payer(5).terms};
  for (auto& command : commands) ASSERT_TRUE(ring.post(&command));
  {
    AllocationForbidden guard;
    for (unsigned turns = 0; turns < 2'000; ++turns) loop.worker.turn(true);
  }
  EXPECT_EQ(loop.stats.datagrams_received.value(), rounds * 8U);
  EXPECT_EQ(loop.dropped(packet::Drop::segmented), rounds);
  EXPECT_EQ(port.pool().available(), port.pool().size());
  pipeline::expect_accounts_to_balance(loop.stats);
  expect_every_kind(loop.stats);
}

TEST(NoAllocation, InTheWholeRunOfAWorkerThatSleeps) {
  pipeline::Stand<> stand({.idle = pipeline::Idle::yield});
  for (const auto& frame : traffic()) {
    if (frame.size() != oversize) stand.port.deliver(frame, 128);
  }
  std::atomic<bool> stop = false;
  std::thread runner([&] {
    AllocationForbidden guard;
    stand.worker.run(stop);
  });
  while (stand.stats.sleeps.value() < 3) std::this_thread::yield();
  stop = true;
  runner.join();
  EXPECT_EQ(stand.port.outstanding(), 0U);
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  ScratchFolder scratch;
  const auto requests = scratch.file("in.pcap");
  write_capture(requests, traffic());
  pcap_device = "net_pcap0,rx_pcap=" + requests + ",tx_pcap=" + scratch.file("out.pcap");
  const auto eal = Eal::start({.file_prefix = "claimgate-test-alloc-" + std::to_string(getpid()),
                               .huge_pages = HugePages::never,
                               .memory_mib = 96,
                               .lcore_cpus = {allowed_cpus().front()},
                               .vdevs = {pcap_device}});
  if (!eal) {
    fprintf(stderr, "%s\n", eal.error().text().c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace claimgate::nic

int main(int argc, char** argv) {
  return claimgate::nic::run(argc, argv);
}
