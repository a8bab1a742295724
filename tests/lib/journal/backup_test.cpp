// A backup recovers to the table it was made of, also of a journal that writes meanwhile; and what
// is restored from it is the same.
#include "lib/journal/backup.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "lib/journal/follower.hpp"
#include "lib/journal/frame_walk.hpp"
#include "lib/memory/crc32c.hpp"
#include "tests/lib/journal/journal_life.hpp"
#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/state_files.hpp"

namespace claimgate::journal {
namespace {

const Restored as_another_node{.node_uuid = {std::byte{9}, std::byte{8}}};

class BackupTest : public PosixSite {
 protected:
  [[nodiscard]] std::unique_ptr<PosixStorage> empty_folder(const std::string& name) {
    std::filesystem::remove_all(scratch_.file(name));
    std::filesystem::create_directory(scratch_.file(name));
    return std::move(*PosixStorage::open(scratch_.file(name)));
  }
  static State recovered(const BackedUp& made) { return state_of(*made.verified.table); }
};

TEST_F(BackupTest, OfAStoppedFolderHoldsWhatRecoveryWouldFindAndLeavesItAlone) {
  State expected;
  {
    JournalLife life(*disk_, JournalLife::small(2));
    ASSERT_TRUE(life.import({1, 2, 3}));
    life.claim(0, {1, 2});
    life.checkpoint();
    life.claim(1, {3});
    ASSERT_TRUE(life.import({4, 1}));
    life.remove(2);
    ASSERT_TRUE(life.import({2}));
    life.claim(0, {1, 2, 4});  // nothing states that it is durable, and it is
    expected = life.state();
  }
  const Files before = files_of(std::filesystem::path(folder_));
  const auto copy = empty_folder("copy");
  const auto made = back_up(*disk_, *copy, {.is_stopped = true, .now = 812'345'678}, {});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(recovered(*made), expected);
  EXPECT_EQ(made->tries, 1u);
  const FrameVisitor written{.frame = [](const WalkedFrame& frame) {
    EXPECT_EQ(frame.header.time, 812'345'678u);
    return Expected<void>{};
  }};
  for (const auto& [lane, lsn] : made->lanes) {
    ASSERT_TRUE(walk_frames(*copy, made->verified.manifest.node_uuid, lane, written));
  }
  EXPECT_EQ(files_of(std::filesystem::path(folder_)), before);

  const auto again = empty_folder("again");
  const auto restored = restore(*copy, *again, as_another_node, {});
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(restored->manifest.node_uuid, as_another_node.node_uuid);
  EXPECT_EQ(state_of(*restored->table), expected);
  EXPECT_TRUE(restored->damages.empty());
  for (const std::string name : {"copy", "again"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch_.file(name))) {
      const auto mode = static_cast<unsigned>(entry.status().permissions());
      EXPECT_EQ(mode, entry.is_directory() ? 0700u : 0600u) << entry.path();
    }
  }
  // A claimd goes on from it, term after term.
  for (unsigned start = 0; start < 3; ++start) {
    JournalLife life(*again, JournalLife::small(2));
    ASSERT_TRUE(life.started()) << life.refused().text();
    EXPECT_EQ(life.state(), expected);
    for (unsigned i = 0; i < 10; ++i) life.claim(0, {1, 4});
    life.rest();
    life.checkpoint();
    expected = life.state();
  }
}

// The rest of a position fits: the LSNs that came after the backup are given again.
TEST_F(BackupTest, RestoredIsAnotherHistoryThatAPositionOfBeforeDoesNotFit) {
  JournalLife before(*disk_);
  ASSERT_TRUE(before.import({1, 2}));
  before.claim(0, {1});
  before.rest();
  const auto copy = empty_folder("copy"), again = empty_folder("again");
  ASSERT_TRUE(back_up(*disk_, *copy, {}, {}));
  before.claim(0, {1, 2, 1});
  before.rest();
  const FollowPosition known{.node_uuid = test_uuid(), .lanes = {{0, 4}}};
  ASSERT_TRUE(Follower::open(*disk_, known));
  ASSERT_TRUE(restore(*copy, *again, as_another_node, {}));
  JournalLife after(*again);
  ASSERT_TRUE(after.started()) << after.refused().text();
  for (unsigned i = 0; i < 5; ++i) after.claim(0, {2});
  after.rest();
  const auto refused = Follower::open(*again, known);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("before it was restored"), std::string::npos);
  EXPECT_NE(refused.error().remedy.find("without a position"), std::string::npos);
  EXPECT_TRUE(Follower::open(
      *again, FollowPosition{.node_uuid = as_another_node.node_uuid, .lanes = {{0, 4}}}));
  // Not even the copy's bytes tell of the node that it was: every stamp is the new one's.
  const auto sound = inspect(*again, {});
  ASSERT_TRUE(sound) << sound.error().text();
  EXPECT_TRUE(sound->damages.empty());
}

TEST_F(BackupTest, IsNotRestoredWhereANewerClaimdWroteWhatThisOneMayNotWrite) {
  {
    JournalLife life(*disk_);
    ASSERT_TRUE(life.import({1}));
  }
  std::string pages = content("MANIFEST");
  ASSERT_EQ(pages.size(), 2 * page_bytes);
  for (std::size_t at = 0; at < pages.size(); at += page_bytes) {
    auto* const page = reinterpret_cast<std::byte*>(pages.data()) + at;
    if (page[0] == std::byte{}) continue;  // not written yet
    page[24] = std::byte{1};
    wire::store_raw(page + 8, memory::crc32c({page + 12, page_bytes - 12}));
  }
  std::ofstream(path("MANIFEST"), std::ios::binary) << pages;
  const auto again = empty_folder("again");
  const auto refused = restore(*disk_, *again, as_another_node, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("newer claimd"), std::string::npos);
  EXPECT_TRUE(again->list("")->empty());
}

TEST_F(BackupTest, IsRefusedOfADamagedFolderAndRestoredFromNoDamagedOne) {
  {
    JournalLife life(*disk_);
    ASSERT_TRUE(life.import({1}));
    for (unsigned i = 0; i < 5; ++i) life.claim(0, {1});
    life.rest();
  }
  const auto copy = empty_folder("copy");
  ASSERT_TRUE(back_up(*disk_, *copy, {.is_stopped = true}, {}));
  const auto flip = [](const std::string& file, std::size_t page) {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(static_cast<std::streamoff>(page * page_bytes + 100));
    const auto byte = static_cast<char>(bytes.get() ^ 1);
    bytes.seekp(static_cast<std::streamoff>(page * page_bytes + 100));
    bytes.put(byte);
  };
  flip(path("lane-0/seg-1.jnl"), 2);
  const auto other = empty_folder("other");
  const auto refused = back_up(*disk_, *other, {.is_stopped = true}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("lane-0/seg-1.jnl"), std::string::npos);
  flip(scratch_.file("copy") + "/lane-0/seg-1.jnl", 1);
  const auto again = empty_folder("again");
  const auto not_restored = restore(*copy, *again, as_another_node, {});
  ASSERT_FALSE(not_restored);
  EXPECT_NE(not_restored.error().text().find("copy/lane-0/seg-1.jnl"), std::string::npos);
  EXPECT_TRUE(again->list("")->empty());
}

// What was acknowledged before a backup began is in it, and nothing that never was. Channel 5 comes
// and goes, so that its claims are of many incarnations.
TEST_F(BackupTest, OfAFolderThatIsWrittenToHoldsWhatWasThereWhenItBegan) {
  std::atomic<bool> begun{false}, enough{false};
  std::atomic<std::uint64_t> held[3] = {0, 0, 0};  // of channels 1, 2, 3, at least
  std::thread writer([&] {
    JournalLife life(*disk_, JournalLife::small(2));
    ASSERT_TRUE(life.import({1, 2, 3}));
    begun = true;
    for (unsigned i = 0; !enough; ++i) {
      life.claim(i % 2, {1 + i % 3});
      held[i % 3] = std::get<1>(life.state().at(1 + i % 3));
      if (i % 16 == 3) {
        ASSERT_TRUE(life.import({5}));
      }
      if (i % 16 > 3 && i % 16 < 9) life.claim(0, {5});
      if (i % 16 == 9) life.remove(5);
      if (i % 4 == 0) life.rest();
      if (i % 64 == 0) life.checkpoint();
    }
    life.rest();
  });
  while (!begun) std::this_thread::yield();
  for (unsigned i = 0; i < 12; ++i) {
    std::uint64_t before[3];
    for (unsigned k = 0; k < 3; ++k) before[k] = held[k];
    const auto from = std::move(*PosixStorage::open(folder_));
    const auto copy = empty_folder("copy");
    const auto made = back_up(*from, *copy, {}, {});
    if (!made) ADD_FAILURE() << made.error().text();
    if (!made) break;
    const State state = recovered(*made);
    for (unsigned k = 0; k < 3; ++k) {
      const std::uint64_t amount = std::get<1>(state.at(1 + k));
      EXPECT_GE(amount, before[k]);
      EXPECT_LE(amount, held[k] + 10);
    }
    EXPECT_LE(state.size(), 4u);
    if (const auto at = state.find(5); at != state.end()) {
      EXPECT_LE(std::get<1>(at->second), 50u) << "of one incarnation";
    }
  }
  enough = true;
  writer.join();
}

TEST_F(BackupTest, BeginsAgainWhereTwoCheckpointsCameBetween) {
  JournalLife life(*disk_);
  ASSERT_TRUE(life.import({1}));
  life.claim(0, {1});
  life.rest();
  life.checkpoint();
  const auto copy = empty_folder("copy");
  unsigned steps = 0;
  const Step overtake = [&](const char* what, std::uint64_t, std::uint64_t) -> Expected<void> {
    if (std::string(what) != "copying" || ++steps > 1) return {};
    for (unsigned i = 0; i < 3; ++i) {
      life.claim(0, {1});
      life.rest();
      life.checkpoint();
    }
    return {};
  };
  const auto made = back_up(*disk_, *copy, {}, overtake);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->tries, 2u);
  EXPECT_EQ(recovered(*made), life.state());
}

// Before each lane's turn a channel comes, and one goes and comes again, and both are paid.
TEST_F(BackupTest, HasTheChannelAndIncarnationOfEveryClaimThatIsInIt) {
  JournalLife life(*disk_);
  ASSERT_TRUE(life.import({1}));
  life.rest();
  life.checkpoint();
  std::uint64_t next = 10;
  const Step provision = [&](const char* what, std::uint64_t,
                             std::uint64_t total) -> Expected<void> {
    if (std::string(what) != "copying" || total > 0) return {};
    life.remove(1);
    EXPECT_TRUE(life.import({1, ++next}));
    life.claim(0, {1, next});
    life.rest();
    return {};
  };
  const auto copy = empty_folder("copy");
  const auto made = back_up(*disk_, *copy, {}, provision);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->verified.recovered->claims_ignored, 1u) << "of the incarnation that went last";
  EXPECT_EQ(made->verified.recovered->claims, 1u);
  EXPECT_EQ(std::get<1>(recovered(*made).at(11)), 10u);
}

}  // namespace
}  // namespace claimgate::journal
