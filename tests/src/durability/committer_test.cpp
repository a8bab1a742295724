// The committer and its gate: a real thread over a real file system, and over a disk that fails
// when it is told to.
#include "src/durability/committer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/journal/posix_storage.hpp"
#include "tests/lib/journal/simulated_disk.hpp"
#include "tests/src/durability/appliance.hpp"

namespace claimgate::durability {
namespace {

class OnDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "claimgate-committer-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    auto opened = journal::PosixStorage::open(folder);
    ASSERT_TRUE(opened) << opened.error().text();
    storage = std::move(*opened);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string folder;
  std::unique_ptr<journal::PosixStorage> storage;
};

TEST_F(OnDisk, WhatTheGateCallsDurableIsFoundByRecovery) {
  Appliance appliance(*storage);
  LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                      expect_no_failure);
  std::uint64_t refused = 0;
  while (appliance.amount() < 20'000) {
    if (appliance.accept(gate)) continue;
    ++refused;
    ASSERT_TRUE(appliance.journal->tend()) << "segments ahead of the lane";
  }
  const std::uint64_t last = appliance.amount();
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(appliance.journal->tend());
    return gate.durable_lsn() == last;
  }));
  EXPECT_EQ(recovered_amount(*storage), last) << "while it goes on";
  committer.stop();
  EXPECT_EQ(committer.stats().records.value(), last);
  EXPECT_LT(committer.stats().groups.value(), last) << "records share a sync";
  EXPECT_GT(refused, 0U) << "the ring is smaller than what a disk lags behind";
}

TEST_F(OnDisk, StoppingCommitsWhatWasPublishedAndStatesItInAHeartbeat) {
  Appliance appliance(*storage);
  LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
  {
    Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate,
                        {.heartbeat_ms = 1'000'000}, expect_no_failure);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(appliance.accept(gate));
    committer.stop();
    EXPECT_EQ(committer.stats().heartbeats.value(), 1U);
  }
  EXPECT_EQ(gate.durable_lsn(), 500U);
  EXPECT_FALSE(appliance.journal->claims(0).wants_heartbeat());
  EXPECT_EQ(recovered_amount(*storage), 500U);
}

TEST_F(OnDisk, ALaneThatRestsStatesWhatIsDurableByItself) {
  Appliance appliance(*storage);
  LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate,
                      {.heartbeat_ms = 1}, expect_no_failure);
  ASSERT_TRUE(appliance.accept(gate));
  EXPECT_TRUE(eventually([&] { return committer.stats().heartbeats.value() == 1; }));
}

TEST(LaneGate, RefusesWhatTheRingHasNoRoomForUntilItIsDurable) {
  LaneGate gate(4, 1);
  std::array<std::byte, 64> signature{};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(gate.reserve());
    gate.append({.amount = {1}, .incarnation = 1, .signature = signature.data()});
  }
  ASSERT_TRUE(gate.reserve());
  EXPECT_FALSE(gate.reserve()) << "three records and a reservation";
  gate.release();
  ASSERT_TRUE(gate.reserve());
  gate.append({.amount = {1}, .incarnation = 1, .signature = signature.data()});
  EXPECT_EQ(gate.published(), 0U) << "nobody takes what the slots do not have yet";
  gate.publish();
  EXPECT_EQ(gate.published(), 4U);
  EXPECT_FALSE(gate.reserve());
  gate.set_durable(1);
  EXPECT_TRUE(gate.reserve());
  EXPECT_FALSE(gate.reserve());
}

TEST(CommitterOnAFailingDisk, StopsForGoodAndAcknowledgesNothingMore) {
  journal::SimulatedDisk disk(1);
  Appliance appliance(disk);
  LaneGate gate(64, appliance.journal->claims(0).next_lsn());
  disk.fail_sync_at(1);
  std::atomic<int> failures{0};
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                      [&](const Failure&) { ++failures; });
  for (int i = 0; i < 10; ++i) appliance.accept(gate);
  ASSERT_TRUE(eventually([&] { return failures == 1; }));
  EXPECT_FALSE(gate.is_open());
  EXPECT_FALSE(appliance.accept(gate)) << "BUSY, and nothing changed";
  committer.stop();
  EXPECT_EQ(gate.durable_lsn(), 0U);
  EXPECT_EQ(failures, 1);
}

TEST(CommitterOnAFullDisk, ClosesTheGateAndOpensItAgainWhenThereIsASegment) {
  journal::SimulatedDisk disk(1);
  Appliance appliance(disk);
  LaneGate gate(1 << 16, appliance.journal->claims(0).next_lsn());
  disk.limit(0);
  {
    Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                        expect_no_failure);
    // One spare was made at start. When it is taken there is none ahead.
    ASSERT_TRUE(eventually([&] { return !appliance.accept(gate); }));
    while (committer.stats().stalls.value() == 0 && appliance.accept(gate)) {
    }
    EXPECT_FALSE(gate.is_open());
  }
  const std::uint64_t told = gate.durable_lsn();
  EXPECT_FALSE(appliance.journal->tend()) << "the disk is full";
  disk.limit(1 << 30);
  ASSERT_TRUE(appliance.journal->tend());
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                      expect_no_failure);
  EXPECT_TRUE(eventually([&] { return gate.is_open(); }));
  EXPECT_TRUE(eventually([&] { return appliance.accept(gate); }));
  EXPECT_TRUE(eventually([&] { return gate.durable_lsn() > told; }));
}

}  // namespace
}  // namespace claimgate::durability
