// The shelf of a lane's segments where files cannot be renamed or removed: none is forgotten, and
// the lane does not wait for one that resists.
#include "lib/journal/segment_shelf.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/lib/journal/faulty_storage.hpp"
#include "tests/lib/journal/simulated_disk.hpp"

namespace claimgate::journal {
namespace {

using Fault = FaultyStorage::Fault;
using Names = std::set<std::string>;

constexpr std::uint64_t bytes = 4 * page_bytes;

class ShelfTest : public testing::Test {
 protected:
  ShelfTest() {
    EXPECT_TRUE(disk.make_folder("lane-0"));
    shelf.adopt(1, 5, bytes);
    EXPECT_TRUE(disk.create("lane-0/seg-1.jnl", bytes));
  }
  // As behind a checkpoint.
  void release() { shelf.release_below(5); }
  // Whether it made a spare; the one is taken.
  bool makes_a_spare() {
    const auto made = shelf.tend();
    EXPECT_TRUE(made) << made.error().text();
    return made && *made && shelf.take();
  }
  [[nodiscard]] Names files() {
    Names names;
    const auto entries = disk.list("lane-0").value();
    for (const FolderEntry& entry : entries) names.insert(entry.name);
    return names;
  }

  SimulatedDisk disk{1};
  FaultyStorage storage{disk};
  SegmentShelf shelf{storage, {.lane = 0, .segment_bytes = bytes, .spares = 1}, 2};
};

TEST_F(ShelfTest, UsesAFileAgainWhoseRenamingFailedOnce) {
  release();
  storage.set(Fault::fails, "lane-0/seg-1.jnl");
  const auto failed = shelf.tend();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().text().find("lane-0/seg-1.jnl"), std::string::npos);
  storage.set(Fault::none);
  EXPECT_TRUE(makes_a_spare()) << "of a new file";
  EXPECT_EQ(files(), (Names{"seg-1.jnl", "seg-3.jnl"}));
  release();
  EXPECT_TRUE(makes_a_spare());
  EXPECT_EQ(files(), (Names{"seg-3.jnl", "seg-4.jnl"})) << "of the one that had resisted";
}

TEST_F(ShelfTest, FindsAFileWhoseRenamingFailedThoughItWasDone) {
  release();
  storage.set(Fault::fails_late, "lane-0/seg-1.jnl");
  ASSERT_FALSE(shelf.tend());
  EXPECT_EQ(files(), (Names{"seg-2.jnl"}));
  storage.set(Fault::none);
  release();
  EXPECT_TRUE(makes_a_spare());
  EXPECT_EQ(files(), (Names{"seg-3.jnl"}));
}

TEST_F(ShelfTest, MakesNewSparesBesideAFileThatIsNeverRenamedAndTriesItAfterEachCheckpoint) {
  storage.set(Fault::fails, "lane-0/seg-1.jnl");
  unsigned failures = 0;
  for (unsigned checkpoint = 0; checkpoint < 3; ++checkpoint) {
    release();
    for (unsigned i = 0; i < 3; ++i) {
      const auto made = shelf.tend();
      failures += !made;
      EXPECT_EQ(shelf.take().has_value(), made.has_value());
    }
  }
  EXPECT_EQ(failures, 3u);
  EXPECT_EQ(files().size(), 7u) << "two a checkpoint, and the one that resists";
}

TEST_F(ShelfTest, TriesAFileAgainThatResistedWhereThereIsNoRoomForANewOne) {
  release();
  disk.limit(0);
  storage.set(Fault::fails, "lane-0/seg-1.jnl");
  ASSERT_FALSE(shelf.tend());
  storage.set(Fault::none);
  const auto full = shelf.tend();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().what, "No space left on device");
  EXPECT_TRUE(makes_a_spare());
  EXPECT_EQ(files(), (Names{"seg-4.jnl"}));
}

TEST_F(ShelfTest, RemovesAFileOfAnotherSizeInTheEndThoughItCouldNotAtFirst) {
  for (const Fault fault : {Fault::fails, Fault::fails_late}) {
    SegmentShelf other(storage, {.lane = 0, .segment_bytes = 2 * bytes, .spares = 1}, 10);
    ASSERT_TRUE(disk.create("lane-0/seg-1.jnl", bytes));
    other.adopt(1, 0, bytes);
    storage.set(fault, "lane-0/seg-1.jnl");
    ASSERT_FALSE(other.tend());
    storage.set(Fault::none);
    other.release_below(5);
    const auto made = other.tend();
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_TRUE(*made);
    EXPECT_EQ(files(), (Names{"seg-11.jnl"}));
    ASSERT_TRUE(disk.remove("lane-0/seg-11.jnl"));
  }
}

}  // namespace
}  // namespace claimgate::journal
