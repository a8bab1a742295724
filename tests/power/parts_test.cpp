// What the virtual machine of `./dev test --power` judges with: the log of writes, the moments of
// it, and what a recovery owes.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/power/crash_points.hpp"
#include "tests/power/history.hpp"
#include "tests/power/write_log.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::power {
namespace {

using journal::Change;
using journal::ProvisioningRecord;

// ---- the log ------------------------------------------------------------------------------

// A log as the kernel writes it, from its format alone.
class MadeLog {
 public:
  void write(std::uint64_t sector, const std::string& letters, std::uint64_t flags = 0) {
    entry(sector, letters.size(), flags, "");
    for (const char letter : letters) body_.append(512, letter);
  }
  void flush() { entry(0, 0, 1, ""); }
  void mark(const std::string& text) { entry(0, 0, 8, text); }
  void save(const std::string& path) const {
    std::string super(512, '\0');
    const std::uint64_t magic = 0x6A736677736872, version = 1;
    super.replace(0, 8, bytes(magic)).replace(8, 8, bytes(version));
    super.replace(16, 8, bytes(entries_)).replace(24, 4, bytes(512).substr(0, 4));
    std::ofstream(path, std::ios::binary) << super << body_;
  }

 private:
  static std::string bytes(std::uint64_t number) {
    std::string text;
    for (int i = 0; i < 8; ++i) text.push_back(static_cast<char>(number >> (8 * i)));
    return text;
  }
  void entry(std::uint64_t sector, std::uint64_t sectors, std::uint64_t flags,
             const std::string& mark) {
    std::string header = bytes(sector) + bytes(sectors) + bytes(flags) + bytes(mark.size()) + mark;
    header.resize(512, '\0');
    body_ += header;
    ++entries_;
  }
  std::string body_;
  std::uint64_t entries_ = 0;
};

constexpr std::uint64_t fua = 2;

class WriteLogTest : public testing::Test {
 protected:
  void SetUp() override {
    MadeLog log;
    log.write(8, "ab");
    log.mark("3");
    log.write(20, "c", fua);
    log.flush();
    log.mark("5");
    log.write(8, "d");
    log.write(30, "efgh");
    log.write(21, "i", fua);
    log.flush();
    log.mark("dm-log-writes-end");
    log.save(path);
    std::ofstream(disk, std::ios::binary) << std::string(512 * 40, '.');
  }
  // A letter for each sector of the disk, from the eighth on.
  [[nodiscard]] std::string sectors() const {
    std::ifstream file(disk, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    std::string letters;
    for (std::size_t i = 8; i < 40; ++i) letters.push_back(all[i * 512]);
    return letters;
  }

  ScratchFolder scratch;
  const std::string path = scratch.file("log"), disk = scratch.file("disk");
};

TEST_F(WriteLogTest, HasEachEntryWithTheMarkBeforeIt) {
  const WriteLog log(path);
  ASSERT_EQ(log.entries().size(), 10U);
  const std::vector<std::uint64_t> marks = {0, 3, 3, 3, 5, 5, 5, 5, 5, 5};
  for (std::size_t i = 0; i < marks.size(); ++i) {
    EXPECT_EQ(log.entries()[i].mark, marks[i]);
    EXPECT_EQ(log.entries()[i].flush, i == 3 || i == 8);
    EXPECT_EQ(log.entries()[i].fua, i == 2 || i == 7);
  }
  const auto data = log.data(log.entries()[6]);
  ASSERT_EQ(data.size(), 4 * sector_bytes);
  EXPECT_EQ(data[3 * sector_bytes], std::byte{'h'});
}

TEST_F(WriteLogTest, IsCutBeforeEachFlushAndEachWritePastTheCache) {
  const WriteLog log(path);
  std::mt19937_64 random(1);
  const auto points = crash_points(log, 4, random);
  ASSERT_EQ(points.size(), 4U);
  const std::vector<std::size_t> settled = {0, 0, 4, 4}, end = {2, 3, 7, 8}, owed = {3, 3, 5, 5};
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].settled, settled[i]);
    EXPECT_EQ(points[i].end, end[i]);
    EXPECT_EQ(points[i].acknowledged, owed[i]);
  }
}

TEST_F(WriteLogTest, LeavesOnTheDiskWhatTheCutLeft) {
  const WriteLog log(path);
  std::mt19937_64 random(1);
  Replayed replayed(disk);
  bring(log, 0, 4, replayed);
  EXPECT_EQ(sectors(), "ab..........c...................");
  bring_unflushed(log, {.settled = 4, .end = 8, .left = Unflushed::none}, random, replayed);
  EXPECT_EQ(sectors(), "ab..........ci..................") << "only what went past the cache";
  bool torn = false;
  for (int i = 0; i < 50; ++i) {
    bring_unflushed(log, {.settled = 4, .end = 8, .left = Unflushed::torn}, random, replayed);
    const std::string part = sectors().substr(22, 4);
    torn = torn || (part.find('.') != part.npos && part != "....");
  }
  EXPECT_TRUE(torn);
  bring_unflushed(log, {.settled = 4, .end = 8, .left = Unflushed::all}, random, replayed);
  EXPECT_EQ(sectors(), "db..........ci........efgh......");
}

TEST_F(WriteLogTest, IsNotTakenFromAnythingElse) {
  EXPECT_THROW(WriteLog log(disk), std::runtime_error);
}

// ---- what is owed -------------------------------------------------------------------------

ProvisioningRecord added(Number handle, Incarnation incarnation) {
  return {.change = Change::add, .incarnation = incarnation, .terms = channel::make_terms(handle)};
}
ProvisioningRecord removed(Number handle, Incarnation incarnation) {
  ProvisioningRecord record{.change = Change::remove, .incarnation = incarnation};
  record.terms.id = channel::make_terms(handle).id;
  return record;
}
channel::Table table_of(std::initializer_list<std::pair<ProvisioningRecord, std::uint64_t>> all) {
  auto table = channel::Table::create(16, {1, 2}, memory::Pages::normal).value();
  for (const auto& [record, amount] : all) {
    const auto slot = table.apply(record.terms, record.incarnation).slot;
    const auto signature = signature_of(record.terms.id.handle().value, amount);
    if (amount > 0) table.commit(slot, {amount}, signature.data(), 1, 5);
  }
  return table;
}

TEST(Owed, IsEveryAcknowledgedAmountAndNoneThatNobodySigned) {
  History history;
  history.acknowledged = {{.changes = {added(1, 1)}},
                          {.changes = {}, .handle = 1, .incarnation = 1, .amount = 50}};
  history.signed_for[{1, 1}] = 70;
  Owed owed(history);
  owed.advance(2);
  EXPECT_NE(owed.lost(table_of({{added(1, 1), 49}})), "");
  EXPECT_EQ(owed.lost(table_of({{added(1, 1), 50}})), "");
  EXPECT_EQ(owed.lost(table_of({{added(1, 1), 70}})), "") << "on the disk, and not answered yet";
  EXPECT_NE(owed.lost(table_of({{added(1, 1), 71}})), "");
  EXPECT_NE(owed.lost(table_of({{added(1, 2), 50}})), "") << "another incarnation";
  EXPECT_NE(owed.lost(table_of({})), "");
}

TEST(Owed, IsAnImportUnderWayWhollyOrNotAtAll) {
  History history;
  history.acknowledged = {{.changes = {added(1, 1)}}, {.changes = {added(2, 2), added(3, 3)}}};
  history.unanswered = {removed(1, 1)};
  Owed owed(history);
  owed.advance(1);
  EXPECT_EQ(owed.lost(table_of({{added(1, 1), 0}})), "");
  EXPECT_NE(owed.lost(table_of({{added(1, 1), 0}, {added(2, 2), 0}})), "");
  EXPECT_EQ(owed.lost(table_of({{added(1, 1), 0}, {added(2, 2), 0}, {added(3, 3), 0}})), "");
  owed.advance(2);
  EXPECT_NE(owed.lost(table_of({{added(1, 1), 0}})), "");
  EXPECT_EQ(owed.lost(table_of({{added(2, 2), 0}, {added(3, 3), 0}})), "") << "1 was being removed";
}

TEST(Owed, IsNothingForAChannelThatWasRemoved) {
  History history;
  history.acknowledged = {{.changes = {added(1, 1)}},
                          {.changes = {removed(1, 1)}},
                          {.changes = {}, .handle = 1, .incarnation = 1, .amount = 50}};
  history.signed_for[{1, 1}] = 50;
  Owed owed(history);
  owed.advance(3);
  EXPECT_EQ(owed.lost(table_of({})), "");
  EXPECT_NE(owed.lost(table_of({{added(1, 1), 50}})), "");
}

}  // namespace
}  // namespace claimgate::power
