// Recovery of a whole state folder: everything that was acknowledged, or a refusal that names the
// place; never less in silence. What is done to the folder in between is done to its bytes.
#include "lib/journal/recovery.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "lib/memory/crc32c.hpp"
#include "tests/lib/journal/journal_life.hpp"
#include "tests/lib/journal/state_files.hpp"

namespace claimgate::journal {
namespace {

constexpr unsigned every = 7;  // bits: one of each would take a minute
constexpr std::uint32_t small_capacity = 24;

const std::string provisioning_folder = lane_folder(provisioning_lane);

class RecoveryTest : public ::testing::Test {
 protected:
  // Two lives with checkpoints between, and behind the last one records of every kind, stated to be
  // durable by what follows them.
  void live_twice() {
    {
      JournalLife first(disk_, JournalLife::small(2));
      ASSERT_TRUE(first.started()) << first.refused().text();
      ASSERT_TRUE(first.import({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}));
      first.claim(0, {2, 4, 6, 8});
      first.claim(1, {1, 3, 5, 7});
      first.rest();
    }
    JournalLife second(disk_, JournalLife::small(2));
    ASSERT_TRUE(second.started()) << second.refused().text();
    second.claim(0, {2, 10});
    second.claim(1, {1, 11});
    ASSERT_TRUE(second.import({18}));
    second.checkpoint();
    second.claim(0, {2, 12});
    second.claim(1, {1, 13});
    ASSERT_TRUE(second.import({3, 19}));
    second.remove(5);
    second.claim(0, {2, 4, 18});
    second.rest();
    expected_ = second.state();
    next_incarnation_ = second.next_incarnation();
    files_ = files_of(disk_);
  }

  [[nodiscard]] bool all_found(const Found& found) const {
    return found.state == expected_ && found.recovered.next_incarnation == next_incarnation_;
  }

  // A Failure that names a file and a place in it.
  static bool names_the_place(const Failure& failure) {
    const std::string text = failure.text();
    return failure.where.starts_with("disk:") && text.find("offset") != std::string::npos &&
           text.find("damaged: ") != std::string::npos && !failure.remedy.empty();
  }

  struct Flipped {
    unsigned tried = 0;
    unsigned refused = 0;
  };
  // The pages of a file that hold anything, a bit of them at a time.
  Flipped flip_bits(const std::string& path) {
    Flipped flipped;
    channel::Table table = table_for(small_capacity);
    const Bytes file = files_.at(path);
    for (std::size_t page = 0; page < file.size(); page += page_bytes) {
      const auto first = file.begin() + static_cast<std::ptrdiff_t>(page);
      const bool used = std::any_of(first, first + page_bytes,
                                    [](std::byte each) { return each != std::byte{0}; });
      if (!used) continue;
      for (std::size_t bit = page * 8; bit < (page + page_bytes) * 8; bit += every) {
        disk_.rot(path, bit);
        const auto found = find_in(disk_, table);
        disk_.rot(path, bit);
        ++flipped.tried;
        flipped.refused += !found;
        const bool well = found ? all_found(*found) : names_the_place(found.error());
        EXPECT_TRUE(well) << path << ", byte " << bit / 8 << ", bit " << bit % 8 << ": "
                          << (found ? "less in silence" : found.error().text());
        if (!well) return flipped;
      }
    }
    return flipped;
  }

  void expect_refused(const std::string& what, const std::string& where) {
    const Files before = files_of(disk_);
    const auto found = find_in(disk_);
    ASSERT_FALSE(found) << what;
    EXPECT_NE(found.error().what.find(what), std::string::npos) << found.error().text();
    EXPECT_TRUE(found.error().where.starts_with("disk:" + where)) << found.error().text();
    EXPECT_FALSE(found.error().remedy.empty());
    const JournalLife life(disk_, JournalLife::small(2));
    EXPECT_FALSE(life.started());
    EXPECT_EQ(files_of(disk_), before) << "changed by a start that refused";
  }

  Bytes& bytes(const std::string& path) { return disk_.names().at(path)->now; }
  // Of a page that carries its checksum at 8: all but that of a frame.
  void change_page(const std::string& path, std::size_t page,
                   const std::function<void(std::byte*)>& change) {
    std::byte* const at = bytes(path).data() + page * page_bytes;
    change(at);
    wire::store_raw(at + 8, memory::crc32c({at + 12, page_bytes - 12}));
  }
  // Of the two pages: the one that counts.
  [[nodiscard]] std::size_t newest_manifest_page() {
    return read_manifest(disk_).value()->sequence % 2;
  }

  SimulatedDisk disk_{1};
  Files files_;  // as live_twice() left them
  State expected_;
  std::uint32_t next_incarnation_ = 0;
};

TEST_F(RecoveryTest, OfAnEmptyFolderIsAFreshStart) {
  const auto found = find_in(disk_);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->recovered.fresh);
  EXPECT_TRUE(found->state.empty());
}

TEST_F(RecoveryTest, FindsWhatTheLastLifeAcknowledgedAndOnlyReads) {
  live_twice();
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  EXPECT_FALSE(found->recovered.fresh);
  EXPECT_EQ(found->recovered.set_aside, "");
  EXPECT_EQ(found->recovered.changes, 3u);
  EXPECT_EQ(found->recovered.claims, 7u);
  EXPECT_EQ(files_of(disk_), files_);
  EXPECT_FALSE(found->state.contains(5));
}

// ---- a flipped bit ------------------------------------------------------------------------

TEST_F(RecoveryTest, AFlippedBitOfAManifestPageLosesNothingAsTheOtherPageIsEnough) {
  live_twice();
  const Flipped flipped = flip_bits("MANIFEST");
  EXPECT_EQ(flipped.refused, 0u);
  EXPECT_GT(flipped.tried, 2 * page_bytes * 8 / every);
}

TEST_F(RecoveryTest, AFlippedBitOfACheckpointLosesNothingAsTheOneBeforeIsEnough) {
  live_twice();
  const Manifest manifest = *read_manifest(disk_).value();
  for (const CheckpointRef& ref : {manifest.current, manifest.previous}) {
    const Flipped flipped = flip_bits(checkpoint_path(ref.generation));
    EXPECT_EQ(flipped.refused, 0u);
    EXPECT_GE(flipped.tried, 2 * page_bytes * 8 / every) << "of two pages";
  }
}

TEST_F(RecoveryTest, AFlippedBitOfAProvisioningSegmentIsFoundOrHarmless) {
  live_twice();
  for (const auto& [path, bytes] : files_) {
    if (!path.starts_with(provisioning_folder)) continue;
    flip_bits(path);
  }
}

TEST_F(RecoveryTest, AFlippedBitOfAClaimSegmentIsFoundOrHarmless) {
  live_twice();
  unsigned refused = 0;
  for (const auto& [path, bytes] : files_) {
    if (path.starts_with("lane-0") || path.starts_with("lane-1"))
      refused += flip_bits(path).refused;
  }
  EXPECT_GT(refused, 4 * page_bytes * 8 / every);
}

// ---- checkpoints --------------------------------------------------------------------------

TEST_F(RecoveryTest, FallsBackToTheCheckpointBeforeAndWritesANewOne) {
  live_twice();
  const Manifest manifest = *read_manifest(disk_).value();
  const std::string newest = checkpoint_path(manifest.current.generation);
  disk_.rot(newest, 100 * 8);
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  EXPECT_EQ(found->recovered.base.generation, manifest.previous.generation);
  EXPECT_NE(found->recovered.set_aside.find(newest), std::string::npos);
  {
    JournalLife life(disk_, JournalLife::small(2));
    ASSERT_TRUE(life.started()) << life.refused().text();
    EXPECT_EQ(life.state(), expected_);
    life.claim(0, {2});
    life.rest();
    expected_ = life.state();
  }
  const Manifest after = *read_manifest(disk_).value();
  EXPECT_EQ(after.current.generation, manifest.current.generation + 1);
  EXPECT_EQ(after.previous.generation, manifest.previous.generation);
  disk_.rot(checkpoint_path(after.current.generation), 100 * 8);
  const auto again = find_in(disk_);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_TRUE(all_found(*again));
}

TEST_F(RecoveryTest, WithTwoDamagedCheckpointsNamesTheNewer) {
  live_twice();
  const Manifest manifest = *read_manifest(disk_).value();
  for (const CheckpointRef& ref : {manifest.current, manifest.previous}) {
    disk_.rot(checkpoint_path(ref.generation), 100 * 8);
  }
  expect_refused("wrong checksum of a page, offset 0",
                 checkpoint_path(manifest.current.generation));
}

TEST_F(RecoveryTest, WithACheckpointCutShortOrMissingFallsBack) {
  live_twice();
  const std::string newest = checkpoint_path(read_manifest(disk_).value()->current.generation);
  bytes(newest).resize(page_bytes);
  auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  EXPECT_NE(found->recovered.set_aside.find("cut short, offset 4096"), std::string::npos);
  disk_.names().erase(newest);
  found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
}

TEST_F(RecoveryTest, ACheckpointOfAnotherGenerationOrNodeIsNotTheOneThatIsMeant) {
  live_twice();
  const Manifest manifest = *read_manifest(disk_).value();
  bytes(checkpoint_path(manifest.current.generation)) =
      files_.at(checkpoint_path(manifest.previous.generation));
  auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  EXPECT_NE(found->recovered.set_aside.find("a page from elsewhere, offset 0"), std::string::npos);

  put(disk_, files_);
  change_page(checkpoint_path(manifest.current.generation), 1,
              [](std::byte* page) { page[32] ^= std::byte{1}; });
  found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_NE(found->recovered.set_aside.find("a page from elsewhere, offset 4096"),
            std::string::npos);
}

// An import that changed nothing leaves one record, its COMMIT, and nothing to write a checkpoint
// for.
TEST_F(RecoveryTest, AfterAnEmptyImportTheCheckpointBeforeIsStillEnough) {
  {
    JournalLife life(disk_);
    ASSERT_TRUE(life.import({1, 2}));
    life.checkpoint();
    ASSERT_TRUE(life.import({}));
    life.rest();
    expected_ = life.state();
    next_incarnation_ = life.next_incarnation();
  }
  {
    JournalLife life(disk_);
    ASSERT_TRUE(life.started());
    EXPECT_EQ(life.state(), expected_);
  }
  disk_.rot(checkpoint_path(read_manifest(disk_).value()->current.generation), 100 * 8);
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found)) << found->state.size() << " channels";
}

// ---- the manifest -------------------------------------------------------------------------

TEST_F(RecoveryTest, WithoutAWholeManifestPageRefusesWhereThereAreLanes) {
  live_twice();
  disk_.rot("MANIFEST", 100 * 8);
  disk_.rot("MANIFEST", (page_bytes + 100) * 8);
  expect_refused("neither of its two pages is whole", "MANIFEST");
  bytes("MANIFEST").resize(page_bytes);
  expect_refused("neither of its two pages is whole", "MANIFEST");
  disk_.names().erase("MANIFEST");
  expect_refused("neither of its two pages is whole", "MANIFEST");
}

TEST_F(RecoveryTest, OfANewerMajorVersionOrUnknownFeatureIsRefusedAndLeftAsItWas) {
  live_twice();
  for (const std::size_t page : {0, 1}) {
    for (const std::size_t at : {12, 13, 16, 23}) {
      change_page("MANIFEST", page, [at](std::byte* bytes) { bytes[at] ^= std::byte{0x80}; });
      expect_refused("newer claimd", "MANIFEST");
      put(disk_, files_);
    }
  }
}

// Only the places of version and features are promised to stay what they are.
TEST_F(RecoveryTest, OfANewerMajorVersionIsRefusedWhateverItsOtherPlacesHold) {
  live_twice();
  for (const std::size_t page : {0, 1}) {
    change_page("MANIFEST", page, [](std::byte* bytes) {
      bytes[12] = std::byte{2};
      std::fill(bytes + 32, bytes + page_bytes, std::byte{0xFF});
    });
    expect_refused("newer claimd", "MANIFEST");
  }
}

TEST_F(RecoveryTest, OfANewerMinorVersionIsRead) {
  live_twice();
  change_page("MANIFEST", newest_manifest_page(),
              [](std::byte* bytes) { bytes[14] = std::byte{9}; });
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  EXPECT_TRUE(JournalLife(disk_, JournalLife::small(2)).started());
}

TEST_F(RecoveryTest, OfAnUnknownFeatureThatOnlyAWriterMustKnowIsReadAndNotGoneOnWith) {
  live_twice();
  change_page("MANIFEST", newest_manifest_page(),
              [](std::byte* bytes) { bytes[24] = std::byte{1}; });
  const Files before = files_of(disk_);
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
  const JournalLife life(disk_, JournalLife::small(2));
  ASSERT_FALSE(life.started());
  EXPECT_EQ(life.refused().where, "disk:MANIFEST");
  EXPECT_NE(life.refused().text().find("newer claimd"), std::string::npos);
  EXPECT_EQ(files_of(disk_), before);
}

TEST_F(RecoveryTest, WithMoreLanesThanThereCanBeIsDamaged) {
  live_twice();
  for (const std::size_t page : {0, 1}) {
    change_page("MANIFEST", page,
                [](std::byte* bytes) { wire::store_raw(bytes + 60, std::uint32_t{66}); });
  }
  expect_refused("neither of its two pages is whole", "MANIFEST");
}

// ---- lanes --------------------------------------------------------------------------------

TEST_F(RecoveryTest, WithALanesFolderGoneRefuses) {
  live_twice();
  for (const std::string& folder : {provisioning_folder, lane_folder(0), lane_folder(1)}) {
    Files fewer = files_;
    std::erase_if(fewer, [&folder](const auto& file) { return file.first.starts_with(folder); });
    put(disk_, fewer);
    expect_refused("was in use", folder);
  }
}

TEST_F(RecoveryTest, WithTheLaneOfAnotherNodeRefuses) {
  live_twice();
  SimulatedDisk elsewhere(2);
  JournalOptions options = JournalLife::small();
  options.new_node_uuid[0] = std::byte{0xEE};
  JournalLife life(elsewhere, options);
  ASSERT_TRUE(life.import({1}));
  life.claim(0, {1});
  life.rest();
  for (const std::string& folder : {provisioning_folder, lane_folder(0)}) {
    Files mixed = files_;
    mixed[folder + "/seg-99.jnl"] = files_of(elsewhere).at(folder + "/seg-1.jnl");
    put(disk_, mixed);
    expect_refused("belongs elsewhere", folder + "/seg-99.jnl, offset 0");
  }
}

TEST_F(RecoveryTest, WithTwoLanesSegmentsSwappedRefuses) {
  live_twice();
  Files swapped = files_;
  std::optional<std::string> in_use[2];
  for (const unsigned lane : {0u, 1u}) {
    const std::uint64_t segment = read_manifest(disk_).value()->lane(lane)->segment_in_use;
    ASSERT_NE(segment, 0u);
    in_use[lane] = segment_path(lane, segment);
  }
  std::swap(swapped[*in_use[0]], swapped[*in_use[1]]);
  put(disk_, swapped);
  expect_refused("belongs elsewhere", "lane-");
}

// ---- provisioning -------------------------------------------------------------------------

// A frame full of changes, so that the COMMIT has one of its own; zeros in its place are a tear.
TEST_F(RecoveryTest, AnImportWithoutItsCommitLeavesNothingButItsNumbers) {
  std::vector<std::uint64_t> handles;
  for (std::uint64_t i = 1; i <= records_per_frame(provisioning_record_bytes); ++i) {
    handles.push_back(i);
  }
  JournalOptions options = JournalLife::small();
  options.provisioning_segment_bytes = 3 * small_segment_bytes;
  options.frames_per_group = 2;
  options.segment_bytes = 3 * small_segment_bytes;
  {
    JournalLife life(disk_, options);
    ASSERT_TRUE(life.import(handles));
  }
  Bytes& segment = bytes(segment_path(provisioning_lane, 1));
  const auto commit = segment.begin() + page_bytes + frame_bytes_max;
  ASSERT_NE(*commit, std::byte{0});
  std::fill(commit, commit + page_bytes, std::byte{0});
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(found->state.empty());
  EXPECT_EQ(found->recovered.changes, 0u);
  EXPECT_EQ(found->recovered.changes_ignored, handles.size());
  EXPECT_EQ(found->recovered.next_incarnation, handles.size() + 1) << "none is issued twice";
  {
    JournalLife life(disk_, options);
    ASSERT_TRUE(life.started()) << life.refused().text();
    ASSERT_TRUE(life.import({500}));
  }
  const auto later = find_in(disk_);
  ASSERT_TRUE(later) << later.error().text();
  ASSERT_EQ(later->state.size(), 1u) << "the later COMMIT is of its own import only";
  EXPECT_EQ(std::get<0>(later->state.at(500)), handles.size() + 1);
}

TEST_F(RecoveryTest, IntoATableThatIsTooSmallNamesTheCapacity) {
  live_twice();
  const Files before = files_of(disk_);
  const auto size = static_cast<std::uint32_t>(expected_.size());
  for (const std::uint32_t capacity :
       {1u, size - 2, size - 1}) {  // in the checkpoint, and behind it
    const auto found = find_in(disk_, capacity);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().what.find("channels.capacity = " + std::to_string(capacity)),
              std::string::npos)
        << found.error().text();
    EXPECT_EQ(found.error().remedy, "Raise channels.capacity");
    EXPECT_FALSE(JournalLife(disk_, JournalLife::small(2), capacity).started());
    EXPECT_EQ(files_of(disk_), before);
  }
  const auto found = find_in(disk_, size);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found)) << "one removed, one added";
}

// ---- starts -------------------------------------------------------------------------------

TEST_F(RecoveryTest, LsnsIncarnationsAndTermsGoOnAfterEveryStart) {
  std::uint64_t lsn = 1;
  std::uint32_t incarnation = 1, term = 0;
  for (std::uint64_t start = 1; start <= 5; ++start) {
    JournalLife life(disk_);
    ASSERT_TRUE(life.started()) << life.refused().text();
    EXPECT_EQ(life.journal().claims(0).next_lsn(), lsn);
    EXPECT_EQ(life.next_incarnation(), incarnation);
    EXPECT_EQ(life.journal().manifest().term, ++term);
    ASSERT_TRUE(life.import({start}));
    life.claim(0, {start, 1});
    lsn += 2;
    ++incarnation;
    if (start % 2) life.rest();
    expected_ = life.state();
  }
  EXPECT_EQ(expected_, find_in(disk_)->state);
  EXPECT_EQ(std::get<1>(expected_.at(1)), 60u);
}

TEST_F(RecoveryTest, TheNumberOfClaimLanesMayChangeBetweenStarts) {
  std::map<unsigned, std::uint64_t> next_lsn{{0, 1}, {1, 1}, {2, 1}};
  for (const unsigned lanes : {1u, 3u, 1u, 1u, 2u, 3u}) {
    JournalLife life(disk_, JournalLife::small(lanes));
    ASSERT_TRUE(life.started()) << life.refused().text();
    EXPECT_EQ(life.state(), expected_);
    if (expected_.empty()) {
      ASSERT_TRUE(life.import({1, 2, 3, 4}));
    }
    for (unsigned lane = 0; lane < lanes; ++lane) {
      EXPECT_EQ(life.journal().claims(lane).next_lsn(), next_lsn[lane]);
      life.claim(lane, {1 + lane, 4});
      next_lsn[lane] += 2;
    }
    if (lanes == 1) life.checkpoint();
    life.claim(0, {4});
    ++next_lsn[0];
    life.rest();
    expected_ = life.state();
    next_incarnation_ = life.next_incarnation();
  }
  disk_.rot(checkpoint_path(read_manifest(disk_).value()->current.generation), 100 * 8);
  const auto found = find_in(disk_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(all_found(*found));
}

TEST_F(RecoveryTest, AClaimOfAnIncarnationThatIsGoneCountsForNothing) {
  {
    JournalLife life(disk_);
    ASSERT_TRUE(life.import({1, 2}));
    life.claim(0, {1, 2}, 1000);
    life.remove(1);
    ASSERT_TRUE(life.import({1}));
    life.claim(0, {1}, 10);
    life.rest();
    expected_ = life.state();
  }
  const auto found = find_in(disk_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, expected_);
  EXPECT_EQ(std::get<1>(expected_.at(1)), 10u);
  EXPECT_EQ(found->recovered.claims_ignored, 1u);
}

}  // namespace
}  // namespace claimgate::journal
