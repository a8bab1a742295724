// The journal over a real file system, start after start; and over a disk that fills up or fails.
#include "lib/journal/journal.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/lib/journal/journal_life.hpp"
#include "tests/lib/journal/posix_mount.hpp"
#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/simulated_disk.hpp"
#include "tests/lib/journal/system_calls.hpp"

namespace claimgate::journal {
namespace {

// ---- a real file system -------------------------------------------------------------------

class JournalFiles : public PosixSite {
 protected:
  [[nodiscard]] std::set<std::string> files_in(const std::string& folder) {
    std::set<std::string> names;
    const auto entries = disk_->list(folder).value();
    for (const FolderEntry& entry : entries) names.insert(entry.name);
    return names;
  }
};

TEST_F(JournalFiles, HoldEverythingFromStartToStart) {
  State expected;
  for (std::uint64_t start = 1; start <= 4; ++start) {
    reopen();
    JournalLife life(*disk_, JournalLife::small(2));
    ASSERT_TRUE(life.started()) << life.refused().text();
    EXPECT_EQ(life.recovered().fresh, start == 1);
    EXPECT_EQ(life.state(), expected);
    ASSERT_TRUE(life.import({start, 10 + start}));
    life.claim(0, {start, 11});
    life.claim(1, {1});
    life.rest();
    life.checkpoint();
    life.claim(1, {10 + start, 1});
    if (start > 2) life.remove(start - 1);
    if (start % 2) life.rest();
    expected = life.state();
  }
  EXPECT_EQ(expected.size(), 6u);
  EXPECT_EQ(files_in(""),
            (std::set<std::string>{"MANIFEST", "checkpoint-0.cgc", "checkpoint-1.cgc",
                                   "checkpoint-2.cgc", "lane-0", "lane-1", "lane-provisioning"}));
  const auto found = find_in(*disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->state, expected);
}

TEST_F(JournalFiles, AreRecycledBehindTheCheckpoints) {
  State expected;
  {
    JournalLife life(*disk_);
    ASSERT_TRUE(life.started()) << life.refused().text();
    ASSERT_TRUE(life.import({1, 2, 3}));
    for (unsigned i = 1; i <= 120; ++i) {  // eight groups to a segment
      life.claim(0, {1, 2, 3});
      if (i % 10 == 0) life.checkpoint();
      if (i % 4 == 0) life.rest();
    }
    EXPECT_LE(files_in("lane-0").size(), 5u);
    EXPECT_LT(life.journal().bytes_to_replay(), 5 * small_segment_bytes);
    expected = life.state();
  }
  reopen();
  JournalLife life(*disk_);
  ASSERT_TRUE(life.started()) << life.refused().text();
  EXPECT_EQ(life.state(), expected);
  EXPECT_EQ(life.journal().claims(0).next_lsn(), 361u);
}

TEST_F(JournalFiles, ThatFillTheDiskStopALaneUntilThereIsRoomAgain) {
  const Mount mount(folder_, "tmpfs", "size=400k");
  if (!mount) GTEST_SKIP();
  reopen();
  State expected;
  {
    JournalLife life(*disk_);
    ASSERT_TRUE(life.started()) << life.refused().text();
    ASSERT_TRUE(life.import({1}));
    life.rest();
    const std::uint64_t room = disk_->free_bytes().value() / page_bytes * page_bytes;
    ASSERT_TRUE(disk_->create("filler", room - small_segment_bytes + page_bytes));
    LaneWriter& writer = life.journal().claims(0);
    while (life.journal().shelf(0).spares() > 0) life.claim(0, {1});
    const auto full = life.journal().tend();
    ASSERT_FALSE(full);
    EXPECT_NE(full.error().what.find("No space left"), std::string::npos) << full.error().text();
    EXPECT_NE(full.error().remedy.find("free some space"), std::string::npos);
    for (unsigned i = 0; i < 7; ++i) life.claim(0, {1});  // what is left of the segment
    EXPECT_FALSE(writer.close(1)) << "nothing is handed out without a place for it";
    EXPECT_FALSE(life.journal().tend());

    ASSERT_TRUE(disk_->remove("filler"));
    ASSERT_TRUE(life.journal().tend());
    life.claim(0, {1});
    ASSERT_TRUE(life.import({2}));
    life.rest();
    expected = life.state();
  }
  reopen();
  const auto found = find_in(*disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->state, expected);
}

// Whether the import reached the disk nobody knows after a failed sync; the next start does.
TEST_F(JournalFiles, OfWhichASyncFailedTakeNoImportUntilTheNextStartDecides) {
  for (const bool written : {false, true}) {
    State expected;
    {
      JournalLife life(*disk_);
      ASSERT_TRUE(life.started()) << life.refused().text();
      ASSERT_TRUE(life.import({1}));
      expected = life.state();
      SystemCalls calls;
      if (written) {  // the write comes about, its sync does not
        calls.fail(Call::write_durably, SystemCalls::each, EOPNOTSUPP);
        calls.fail(Call::sync, 1, EIO);
      } else {
        calls.fail(Call::write_durably, 1, EIO);
      }
      const auto failed = life.import({2, 3});
      ASSERT_FALSE(failed);
      EXPECT_NE(failed.error().text().find("Input/output error"), std::string::npos);
      EXPECT_EQ(life.state(), expected) << "no worker sees it";
      calls.forget();
      const auto again = life.import({4});
      ASSERT_FALSE(again);
      EXPECT_NE(again.error().what.find("has failed before"), std::string::npos);
      EXPECT_FALSE(again.error().remedy.empty());
      EXPECT_TRUE(calls.seen().empty());
      life.claim(0, {1});  // the claims' lane is well
      life.rest();
      expected = life.state();
    }
    reopen();
    JournalLife life(*disk_);
    ASSERT_TRUE(life.started()) << life.refused().text();
    State found = life.state();
    EXPECT_EQ(found.size(), written ? 3u : 1u);
    std::erase_if(found,
                  [](const auto& channel) { return channel.first == 2 || channel.first == 3; });
    EXPECT_EQ(found, expected);
    ASSERT_TRUE(life.import({4}));
    life.remove(4);
  }
}

// ---- a simulated disk ---------------------------------------------------------------------

// Imports of a page each, until the segment of the provisioning lane is full.
void fill_provisioning_segment(JournalLife& life) {
  for (std::uint64_t i = 1; i < small_segment_bytes / page_bytes; ++i) {
    ASSERT_TRUE(life.import({i}));
  }
}

TEST(JournalOnADisk, ThatIsFullForAHeartbeatTakesImportsOnceThereIsRoom) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.started());
  fill_provisioning_segment(life);
  disk.limit(0);
  EXPECT_FALSE(life.journal().tend());
  disk.limit(std::uint64_t{1} << 30);
  ASSERT_TRUE(life.journal().tend());
  ASSERT_TRUE(life.import({100}));
  life.rest();
  EXPECT_EQ(find_in(disk)->state, life.state());
}

TEST(JournalOnADisk, ThatIsFullForAnImportTakesNoneUntilThereIsRoom) {
  SimulatedDisk disk(1);
  State expected;
  {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    fill_provisioning_segment(life);
    expected = life.state();
    disk.limit(0);
    EXPECT_FALSE(life.import({100}));
    EXPECT_FALSE(life.journal().provisioning_has_failed());
    EXPECT_EQ(life.state(), expected) << "nothing of it happened";
    disk.limit(std::uint64_t{1} << 30);
    ASSERT_TRUE(life.journal().tend());
    EXPECT_TRUE(life.import({101}));
    expected = life.state();
  }
  JournalLife life(disk);
  ASSERT_TRUE(life.started());
  EXPECT_EQ(life.state(), expected);
}

TEST(JournalOnADisk, ThatIsFullAmidABatchTakesNothingOfIt) {
  SimulatedDisk disk(1);
  State expected;
  {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1}));
    expected = life.state();
    disk.limit(0);
    std::vector<ProvisioningRecord> changes(3, {.change = Change::update, .incarnation = 1});
    for (auto& change : changes) change.terms = channel::make_terms(1, 500);
    while (life.journal().stage(changes)) {
    }
    EXPECT_FALSE(life.journal().provisioning_has_failed());
    disk.limit(std::uint64_t{1} << 30);
    ASSERT_TRUE(life.journal().tend());
    ASSERT_TRUE(life.journal().tend());
    ASSERT_TRUE(life.import({2}));
    expected = life.state();
  }
  JournalLife life(disk);
  ASSERT_TRUE(life.started());
  EXPECT_EQ(life.state(), expected) << "not even what had been written of it";
}

// What starts on a disk that is full say, one after the other: '+' for each that went well.
std::string starts_on_a_full(SimulatedDisk& disk, const JournalOptions& options) {
  std::uint64_t used = 0;
  for (const auto& [name, content] : disk.names()) used += content ? content->now.size() : 0;
  disk.limit(used);
  std::string said;
  for (unsigned start = 0; start < 4; ++start) {
    const JournalLife life(disk, options);
    said += life.started() ? '+' : '-';
    if (life.started()) continue;
    EXPECT_EQ(life.refused().what, "No space left on device");
  }
  return said;
}

// Segments of another size go first: what they leave is room for one of the new size, or is not.
TEST(JournalOnADisk, ThatIsFullSaysTheSameAtEachStartWhateverSizeSegmentsHad) {
  std::map<std::string, unsigned> said;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedDisk disk(seed);
    const auto options = [&random] {
      JournalOptions out = JournalLife::small(1 + random() % 2);
      out.segment_bytes *= 1 + random() % 3;
      out.spares = 1 + random() % 3;
      return out;
    };
    for (std::uint64_t lives = 1 + random() % 3; lives > 0; --lives) {
      const JournalOptions made_with = options();
      JournalLife life(disk, made_with);
      ASSERT_TRUE(life.started()) << life.refused().text();
      ASSERT_TRUE(life.import({1}));
      for (std::uint64_t groups = random() % 60; groups > 0; --groups) {
        life.claim(random() % made_with.claim_lanes, {1});
        if (random() % 12 == 0) life.checkpoint();
      }
      if (random() % 2 == 0) life.rest();
      if (random() % 2 == 0) disk.crash();
    }
    ++said[starts_on_a_full(disk, options())];
  }
  EXPECT_EQ(said.size(), 2u);
  EXPECT_GT(said["++++"], 50u);
  EXPECT_GT(said["----"], 10u);
}

TEST(JournalOnADisk, ThatIsFullGivesOneLaneTheRoomOfWhatAnotherHasOfAnotherSize) {
  SimulatedDisk disk(1);
  {
    JournalLife life(disk, JournalLife::small(2));
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1}));
    for (unsigned i = 0; i < 50; ++i) life.claim(1, {1});  // eight groups to a segment
    for (unsigned i = 0; i < 8; ++i) life.claim(0, {1});
    life.write(0);
    life.checkpoint();
    life.claim(0, {1});
    life.checkpoint();
  }
  JournalOptions options = JournalLife::small(2);
  options.segment_bytes *= 2;
  EXPECT_EQ(starts_on_a_full(disk, options), "++++");
}

TEST(JournalOnADisk, ThatIsFullTakesASegmentInWhichNothingCameAboutAtTheFirstStart) {
  SimulatedDisk disk(1);
  {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1}));
    for (unsigned i = 0; i < 8; ++i) life.claim(0, {1});
    life.write(0);  // a heartbeat, the first frame of the second one
    ASSERT_EQ(life.journal().shelf(0).spares(), 0u);
    ASSERT_TRUE(disk.names().contains("lane-0/seg-2.jnl"));
  }
  EXPECT_EQ(starts_on_a_full(disk, JournalLife::small()), "++++");
}

// Between the two checkpoints lie records that only the older one needs, in a segment that a start
// which replays nothing does not read.
TEST(JournalOnADisk, KeepsWhatTheCheckpointBeforeNeedsOverAStartThatReplaysNothing) {
  SimulatedDisk disk(1);
  State expected;
  {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1, 2}));
    for (unsigned i = 0; i < 60; ++i) {  // eight groups to a segment
      life.claim(0, {1});
      if (i == 12) life.checkpoint();
      if (i % 4 == 0) life.rest();
    }
    life.rest();
    life.checkpoint();
    expected = life.state();
  }
  for (unsigned start = 0; start < 2; ++start) {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    EXPECT_FALSE(life.recovered().replayed());
    life.rest();
    life.rest();
  }
  const Manifest manifest = *read_manifest(disk).value();
  disk.rot(checkpoint_path(manifest.current.generation), 100 * 8);
  JournalLife life(disk);
  ASSERT_TRUE(life.started()) << life.refused().text();
  EXPECT_FALSE(life.recovered().set_aside.empty());
  EXPECT_EQ(life.state(), expected);
}

// A batch that was committed and never carried out, because the worker did not answer; then the
// same channel again. The later incarnation is the one that claims are accepted for.
TEST(JournalOnADisk, KeepsTheClaimsOfAChannelThatWasAddedAgainWithoutARemoval) {
  SimulatedDisk disk(1);
  State expected;
  {
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    ProvisioningRecord never_applied{.change = Change::add,
                                     .incarnation = life.journal().issue_incarnations(1)};
    never_applied.terms = channel::make_terms(1, 100);
    ASSERT_TRUE(life.journal().provision({&never_applied, 1}));
    ASSERT_TRUE(life.import({1}));
    life.claim(0, {1});
    expected = life.state();
  }
  JournalLife life(disk);
  ASSERT_TRUE(life.started());
  EXPECT_EQ(life.state(), expected);
}

TEST(JournalOnADisk, WhoseManifestWasNotSyncedIsToldAgainWhatIsInUse) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedDisk disk(seed);
    JournalLife life(disk);
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1}));
    life.claim(0, {1});
    disk.fail_sync_at(1);
    ASSERT_FALSE(life.journal().tend());
    ASSERT_TRUE(life.journal().tend());
    const Manifest manifest = *read_manifest(disk).value();
    for (const LaneEntry& entry : manifest.lanes) EXPECT_EQ(entry.segment_in_use, 1u);
  }
}

// The page whose sync failed may be torn. The other one is all there is until it is written again.
TEST(JournalOnADisk, WhoseManifestWasNotSyncedKeepsAWholePageWhateverHappensNext) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimulatedDisk disk(seed);
    State expected;
    try {
      JournalLife life(disk);
      ASSERT_TRUE(life.import({1}));
      life.claim(0, {1});
      expected = life.state();
      disk.fail_sync_at(1);
      ASSERT_FALSE(life.journal().tend());
      disk.cut_power_at(1 + seed % 6);
      (void)life.journal().tend();
      (void)life.journal().tend();
      disk.cut_power_at(0);
    } catch (const PowerCut&) {
      disk.crash();
    }
    const auto found = find_in(disk);
    ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().text();
    EXPECT_EQ(found->state, expected);
  }
}

// A manifest page whose sync failed may be on the disk all the same, and what it names counts. The
// next checkpoint has that one's file to write to.
TEST(JournalOnADisk, WhoseManifestWasNotSyncedHasNoFileRewrittenThatItMayName) {
  unsigned named = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedDisk disk(seed);
    JournalLife life(disk);
    ASSERT_TRUE(life.import({1}));
    channel::Table table = table_for(1);
    disk.fail_sync_at(2);  // of the checkpoint, of the manifest
    ASSERT_FALSE(life.journal().checkpoint(table, {}));
    const std::uint64_t before = life.journal().manifest().current.generation;
    const auto told = read_manifest(disk);
    named += told && *told && (*told)->current.generation > before;

    const auto look = [&disk](std::size_t) -> Expected<void> {
      const Manifest manifest = *read_manifest(disk).value();
      for (const CheckpointRef& ref : {manifest.current, manifest.previous}) {
        if (ref.generation == 0) continue;
        EXPECT_TRUE(disk.names().at(checkpoint_path(ref.generation))->dirty.empty())
            << "generation " << ref.generation;
      }
      return {};
    };
    table.apply(channel::make_terms(1), 1);
    ASSERT_TRUE(life.journal().checkpoint(table, look));
  }
  EXPECT_GT(named, 10u) << "of the failed ones";
}

// Full, superfluous and renamed before anybody noted that it was in use; the next one not yet
// begun.
TEST(JournalOnADisk, StartsAgainThoughTheLastDurableSegmentWasRecycled) {
  SimulatedDisk disk(1);
  State expected;
  {
    JournalOptions options = JournalLife::small();
    options.spares = 2;
    JournalLife life(disk, options);
    ASSERT_TRUE(life.import({1}));
    life.rest();
    for (unsigned i = 0; i < 8; ++i) life.claim(0, {1});
    ASSERT_TRUE(life.journal().claims(0).close(0)) << "a heartbeat that never gets to the disk";
    life.checkpoint();
    life.checkpoint();
    while (life.journal().tend().value()) continue;
    EXPECT_FALSE(disk.names().contains("lane-0/seg-1.jnl"));
    expected = life.state();
  }
  const auto found = find_in(disk);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->state, expected);
}

}  // namespace
}  // namespace claimgate::journal
