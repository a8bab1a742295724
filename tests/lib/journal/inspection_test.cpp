// A state folder is judged without a claimd: sound, torn or damaged, and all damage is named.
#include "lib/journal/inspection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "lib/journal/frame_walk.hpp"
#include "lib/memory/crc32c.hpp"
#include "tests/lib/journal/journal_life.hpp"
#include "tests/lib/journal/state_files.hpp"

namespace claimgate::journal {
namespace {

class InspectionTest : public ::testing::Test {
 protected:
  // Two terms; checkpoints before and behind the last records of every kind.
  void live() {
    {
      JournalLife first(disk_, JournalLife::small(2));
      ASSERT_TRUE(first.started()) << first.refused().text();
      ASSERT_TRUE(first.import({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}));
      first.claim(0, {2, 4});
      first.rest();
    }
    JournalLife life(disk_, JournalLife::small(2));
    ASSERT_TRUE(life.started()) << life.refused().text();
    life.claim(0, {2, 10});
    life.checkpoint();
    life.claim(0, {2, 4});
    life.rest();  // a heartbeat in the middle of a lane
    life.claim(0, {2, 12});
    life.claim(1, {1, 13});
    ASSERT_TRUE(life.import({3, 19}));
    life.claim(0, {2, 19});
    life.rest();
    expected_ = life.state();
  }

  [[nodiscard]] Inspection look() {
    auto inspection = inspect(disk_, {});
    EXPECT_TRUE(inspection) << inspection.error().text();
    return std::move(*inspection);
  }
  [[nodiscard]] static bool names(const Inspection& inspection, const std::string& path) {
    return std::ranges::any_of(inspection.damages, [&](const Failure& damage) {
      const std::string text = damage.text();
      return damage.where.starts_with("disk:" + path) && text.contains("offset") &&
             text.contains("damaged: ") && !damage.remedy.empty();
    });
  }

  SimulatedDisk disk_{1};
  State expected_;
};

TEST_F(InspectionTest, FindsASoundFolderSoundAndCountsWhatIsThere) {
  live();
  const Inspection sound = look();
  EXPECT_TRUE(sound.damages.empty()) << sound.damages.front().text();
  EXPECT_FALSE(sound.fresh);
  EXPECT_EQ(sound.manifest_pages, 2u);
  EXPECT_EQ(sound.checkpoints.size(), 2u);
  ASSERT_TRUE(sound.recovered);
  EXPECT_EQ(state_of(*sound.table), expected_);
  ASSERT_EQ(sound.lanes.size(), 3u);
  for (const InspectedLane& lane : sound.lanes) {
    EXPECT_GT(lane.records, 0u);
    EXPECT_GT(lane.frames, 0u);
    EXPECT_EQ(lane.torn_bytes, 0u);
    EXPECT_EQ(lane.last_lsn, lane.durable_lsn);
  }
}

TEST_F(InspectionTest, FindsAnEmptyFolderFresh) {
  const Inspection none = look();
  EXPECT_TRUE(none.fresh);
  EXPECT_TRUE(none.damages.empty());
}

TEST_F(InspectionTest, CallsATornTailNoDamage) {
  {
    JournalLife life(disk_);
    ASSERT_TRUE(life.import({1}));
    life.claim(0, {1});
    life.rest();
    LaneWriter& writer = life.journal().claims(0);
    for (unsigned i = 0; i < 40; ++i) writer.append(claim_of(writer.next_lsn()).data());
    const auto group = writer.close(1);
    ASSERT_TRUE(group);
    ASSERT_TRUE(group->file->write_durably(group->offset, group->bytes.first(page_bytes)));
  }
  const Inspection torn = look();
  EXPECT_TRUE(torn.damages.empty()) << torn.damages.front().text();
  ASSERT_TRUE(torn.recovered);
  EXPECT_GT(std::ranges::max(torn.lanes, {}, &InspectedLane::torn_bytes).torn_bytes, 0u);
}

// The frames that nothing behind them states to be durable: rot in such a one looks like a tear.
TEST_F(InspectionTest, FindsEveryFlippedBitButInTheLastHeartbeats) {
  live();
  const Inspection sound = look();
  ASSERT_TRUE(sound.damages.empty());
  struct Part {
    std::string path;
    std::uint64_t offset, bytes;
  };
  std::vector<Part> parts{{manifest_path, 0, 2 * page_bytes}};
  for (const InspectedCheckpoint& each : sound.checkpoints) {
    parts.push_back({each.path, 0, checkpoint_bytes(each.ref.channels)});
  }
  for (const InspectedLane& lane : sound.lanes) {
    std::vector<Part> of_lane;
    std::size_t up_to = 0;
    const FrameVisitor visitor{
        .segment = {}, .frame = [&](const WalkedFrame& frame) -> Expected<void> {
          if (frame.header.first_lsn + frame.header.count <= lane.after_lsn + 1) return {};
          const std::string path = segment_path(lane.lane, frame.segment);
          if (frame.offset == page_bytes) of_lane.push_back({path, 0, page_bytes});
          of_lane.push_back({path, frame.offset, frame.header.bytes});
          if (frame.header.count > 0) up_to = of_lane.size();
          return {};
        }};
    ASSERT_TRUE(walk_frames(disk_, test_uuid(), lane.lane, visitor));
    of_lane.resize(up_to);
    EXPECT_FALSE(of_lane.empty());
    parts.insert(parts.end(), of_lane.begin(), of_lane.end());
  }
  std::set<std::string> tried;
  for (const Part& part : parts) {
    for (std::uint64_t bit = part.offset * 8; bit < (part.offset + part.bytes) * 8; bit += 613) {
      disk_.rot(part.path, bit);
      EXPECT_TRUE(names(look(), part.path)) << part.path << ", bit " << bit;
      disk_.rot(part.path, bit);
    }
    tried.insert(part.path);
  }
  EXPECT_GE(tried.size(), 6u) << "manifest, two checkpoints, three lanes";
  EXPECT_TRUE(look().damages.empty());
}

TEST_F(InspectionTest, NamesAllDamageAndNotOnlyTheFirst) {
  live();
  const Inspection sound = look();
  disk_.rot(manifest_path, 999);
  for (const InspectedCheckpoint& each : sound.checkpoints) disk_.rot(each.path, 9999);
  const Inspection damaged = look();
  EXPECT_FALSE(damaged.recovered);
  EXPECT_TRUE(names(damaged, manifest_path));
  for (const InspectedCheckpoint& each : sound.checkpoints) EXPECT_TRUE(names(damaged, each.path));
}

TEST_F(InspectionTest, NamesAFileThatIsGone) {
  live();
  const std::string path = look().checkpoints.front().path;
  ASSERT_TRUE(disk_.remove(path));
  const Inspection found = look();
  EXPECT_TRUE(names(found, path));
  EXPECT_TRUE(found.recovered) << "from the checkpoint before";
  EXPECT_EQ(state_of(*found.table), expected_);
}

TEST_F(InspectionTest, RefusesANewerVersion) {
  live();
  const Files before = files_of(disk_);
  std::string segment;  // any that is in use
  for (const auto& [path, bytes] : before) {
    if (path.starts_with("lane-0/") && bytes.front() != std::byte{}) segment = path;
  }
  for (const std::string& path : {std::string(manifest_path), segment}) {
    Files files = before;
    Bytes& file = files.at(path);
    for (std::size_t page = 0; page < (path == manifest_path ? 2u : 1u); ++page) {
      std::byte* const at = file.data() + page * page_bytes;
      at[12] = std::byte{2};
      wire::store_raw(at + 8, memory::crc32c({at + 12, page_bytes - 12}));
    }
    put(disk_, files);
    const auto refused = inspect(disk_, {});
    ASSERT_FALSE(refused) << path;
    EXPECT_TRUE(refused.error().what.contains("newer")) << refused.error().text();
    EXPECT_EQ(refused.error().where.find("disk:" + path), 0u);
    EXPECT_EQ(files_of(disk_), files) << "nothing was changed";
  }
}

}  // namespace
}  // namespace claimgate::journal
