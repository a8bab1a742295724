// The keeper over a real file system behind which a disk stands still or refuses: what it says of
// itself, and that it comes back by itself.
#include "src/durability/keeper.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "lib/journal/frame_walk.hpp"
#include "lib/journal/posix_storage.hpp"
#include "tests/lib/journal/faulty_storage.hpp"
#include "tests/scratch_folder.hpp"
#include "tests/src/durability/appliance.hpp"

namespace claimgate::durability {
namespace {

using Clock = std::chrono::steady_clock;
using Fault = journal::FaultyStorage::Fault;
using std::chrono::milliseconds;

class KeeperOnAFaultyDisk : public testing::Test {
 protected:
  void open(KeeperOptions options = {}) {
    folder = scratch.file("state");
    std::filesystem::create_directory(folder);
    auto opened = journal::PosixStorage::open(folder);
    ASSERT_TRUE(opened) << opened.error().text();
    disk = std::move(*opened);
    storage = std::make_unique<journal::FaultyStorage>(*disk);
    options.journal = Appliance::options();
    options.committer.sleeps = true;
    journal::Recovered recovered;
    auto started = Keeper::open(*storage, options, table, 1, recovered);
    ASSERT_TRUE(started) << started.error().text();
    keeper = std::move(*started);
    provision();
  }
  void TearDown() override {
    if (storage) storage->set(Fault::none);  // else its threads would never end
  }

  // Accepts one claim more; false: BUSY.
  bool accept() {
    LaneGate& gate = keeper->gate(0);
    if (!gate.reserve()) return false;
    const channel::Slot& held = table.slot(slot);
    const wire::Drops previous{held.amount}, amount{held.amount + 1};
    const std::array<std::byte, 64> signature{};
    const std::uint64_t lsn = gate.append({.channel = {7},
                                           .amount = amount,
                                           .previous = previous,
                                           .incarnation = held.incarnation,
                                           .slot = slot,
                                           .time = 5,
                                           .signature = signature.data()});
    table.commit(slot, amount, signature.data(), lsn, 5);
    gate.publish();
    return true;
  }
  bool is(Condition condition) { return keeper->health().condition == condition; }
  bool becomes(Condition condition) {
    return eventually([&] { return is(condition); });
  }
  bool all_durable() {
    return eventually([&] { return keeper->pending(0) == 0; });
  }

  ScratchFolder scratch;
  std::string folder;
  std::unique_ptr<journal::PosixStorage> disk;
  std::unique_ptr<journal::FaultyStorage> storage;
  channel::Table table = Appliance::empty_table();
  channel::SlotIndex slot = channel::no_slot;
  std::unique_ptr<Keeper> keeper;

 private:
  void provision() {
    std::array<journal::ProvisioningRecord, 1> batch;
    batch[0] = {.change = journal::Change::add,
                .incarnation = keeper->journal().issue_incarnations(1),
                .terms = terms_of(7)};
    ASSERT_TRUE(keeper->stage(batch));
    ASSERT_TRUE(keeper->commit());
    slot = table.apply(batch[0].terms, batch[0].incarnation).slot;
    keeper->journal().provisioned();
  }
};

TEST_F(KeeperOnAFaultyDisk, ThatStandsIsBehindWithItsGateOpenAndGoodAgainOnceTheDiskGoesOn) {
  open();
  ASSERT_TRUE(accept());
  ASSERT_TRUE(all_durable());
  ASSERT_TRUE(becomes(Condition::good)) << keeper->health().why;
  storage->set(Fault::stands, "lane-0/");
  ASSERT_TRUE(accept());
  const auto stood = Clock::now();
  ASSERT_TRUE(accept());
  ASSERT_TRUE(becomes(Condition::behind));
  EXPECT_GT(Clock::now() - stood, milliseconds(900)) << "a group may take its time";
  const std::string why = keeper->health().why;
  EXPECT_TRUE(why.starts_with("lane 0: the disk has not finished a group for 1.")) << why;
  EXPECT_TRUE(why.ends_with(" s; pending claims: 2")) << why;
  EXPECT_TRUE(keeper->gate(0).is_open()) << "the ring bounds what waits, not the watch";
  EXPECT_TRUE(accept());
  EXPECT_EQ(keeper->durable_lsn(0), 1U) << "nothing is called durable meanwhile";
  storage->set(Fault::none);
  EXPECT_TRUE(becomes(Condition::good)) << keeper->health().why;
  EXPECT_TRUE(all_durable());
  EXPECT_EQ(recovered_amount(*disk), 4U);
}

TEST_F(KeeperOnAFaultyDisk, ThatIsSlowIsNotBehindAsLongAsGroupsEnd) {
  open();
  const auto until = Clock::now() + std::chrono::seconds(30);
  for (unsigned rounds = 0; rounds < 4;) {  // 1.2 s in all
    ASSERT_LT(Clock::now(), until);
    storage->set(Fault::stands, "lane-0/");
    if (!accept()) {  // the segment that it needs first would stand as well
      storage->set(Fault::none);
      ASSERT_TRUE(eventually([&] { return keeper->gate(0).is_open(); }));
      continue;
    }
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_FALSE(is(Condition::behind)) << keeper->health().why;
    storage->set(Fault::none);
    ASSERT_TRUE(eventually([&] { return accept(); }));
    ASSERT_TRUE(all_durable());
    ++rounds;
  }
}

TEST_F(KeeperOnAFaultyDisk, ThatStandsClosesTheGateWhereRepliesLeaveAtOnce) {
  open({.release = Release::at_once, .async_max = milliseconds(400)});
  storage->set(Fault::stands, "lane-0/");
  const auto stood = Clock::now();
  ASSERT_TRUE(accept());
  ASSERT_TRUE(becomes(Condition::behind));
  EXPECT_LT(Clock::now() - stood, milliseconds(400)) << "what async_max promises";
  EXPECT_FALSE(accept()) << "BUSY";
  EXPECT_NE(keeper->health().why.find("pending claims: 1"), std::string::npos)
      << keeper->health().why;
  storage->set(Fault::none);
  EXPECT_TRUE(becomes(Condition::good));
  EXPECT_TRUE(accept());
}

TEST_F(KeeperOnAFaultyDisk, OnWhichNoCheckpointCanBeWrittenIsHinderedUntilOneIs) {
  open({.replay_bytes_max = 0});
  const std::uint64_t written_at_start = keeper->stats().checkpoints.value();
  storage->set(Fault::fails, "checkpoint-");
  // A full segment is what a checkpoint is due for.
  ASSERT_TRUE(eventually([&] {
    static_cast<void>(accept());
    return keeper->stats().checkpoint_failures.value() > 0;
  }));
  ASSERT_TRUE(becomes(Condition::hindered)) << keeper->health().why;
  const std::string why = keeper->health().why;
  EXPECT_NE(why.find("Input/output error"), std::string::npos) << why;
  EXPECT_NE(why.find(folder + "/checkpoint-"), std::string::npos) << "it names the file: " << why;
  EXPECT_EQ(keeper->stats().checkpoints.value(), written_at_start);
  const std::uint64_t before = keeper->durable_lsn(0);
  EXPECT_TRUE(eventually([&] { return accept(); })) << "claims go on";
  EXPECT_TRUE(all_durable());
  EXPECT_GT(keeper->durable_lsn(0), before);
  // Upkeep that goes well meanwhile does not hide it: it stays said until one is written.
  const auto again = keeper->stats().checkpoint_failures.value() + 1;
  const auto stays = [&] {
    EXPECT_TRUE(is(Condition::hindered)) << keeper->health().why;
    return keeper->stats().checkpoint_failures.value() >= again;
  };
  EXPECT_TRUE(eventually(stays)) << "it is tried again";
  storage->set(Fault::none);
  EXPECT_TRUE(becomes(Condition::good)) << keeper->health().why;
  EXPECT_GT(keeper->stats().checkpoints.value(), written_at_start);
  const std::uint64_t held = table.slot(slot).amount;
  ASSERT_TRUE(keeper->stop());
  EXPECT_EQ(recovered_amount(*disk), held);
}

TEST_F(KeeperOnAFaultyDisk, FramesOfBothLanesTellWhenTheyWereWritten) {
  const channel::LedgerTime before = ledger_now();
  open();
  ASSERT_TRUE(accept());
  ASSERT_TRUE(all_durable());
  for (const std::uint32_t lane : {0U, journal::provisioning_lane}) {
    unsigned frames = 0;
    const journal::FrameVisitor visitor{.frame = [&](const journal::WalkedFrame& frame) {
      ++frames;
      EXPECT_GE(frame.header.time, before) << journal::lane_folder(lane);
      EXPECT_LE(frame.header.time, ledger_now());
      return Expected<void>{};
    }};
    const auto& uuid = keeper->journal().manifest().node_uuid;
    ASSERT_TRUE(journal::walk_frames(*disk, uuid, lane, visitor));
    EXPECT_GE(frames, 1U);
  }
}

}  // namespace
}  // namespace claimgate::durability
