// The journal, its gate and its committer on an ext4 that runs full, and on one of which a write
// fails: nothing acknowledged is lost, and service comes back where it may.
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "lib/journal/posix_storage.hpp"
#include "src/durability/committer.hpp"
#include "tests/src/durability/appliance.hpp"
#include "tests/src/durability/loop_disk.hpp"

namespace {

// Durable writes until one fails, of whichever thread; below 0: none does.
std::atomic<int> writes_until_error{-1};
// Whether the failing one has reached the disk all the same.
std::atomic<bool> written_all_the_same{false};

}  // namespace

// In the place of the C library's, for what is linked into this program.
extern "C" ssize_t pwritev2(int file, const iovec* pieces, int count, off_t offset, int flags) {
  const auto write = [&] { return ::syscall(SYS_pwritev2, file, pieces, count, offset, 0, flags); };
  if (writes_until_error.load() < 0 || writes_until_error.fetch_sub(1) != 0) return write();
  if (written_all_the_same) write();
  errno = EIO;
  return -1;
}

namespace claimgate::durability {
namespace {

constexpr std::uint64_t mib = 1 << 20;

class RealDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk.missing().empty()) {
      const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
      std::printf("NOT RUN: %s.%s: %s\n", test->test_suite_name(), test->name(),
                  disk.missing().c_str());
      GTEST_SKIP();
    }
    open();
  }
  void open() {
    auto opened = journal::PosixStorage::open(disk.folder());
    ASSERT_TRUE(opened) << opened.error().text();
    storage = std::move(*opened);
  }
  void start_again() {
    storage.reset();
    disk.mount_again();
    open();
  }

  LoopDisk disk;
  std::unique_ptr<journal::PosixStorage> storage;
};

// The amount is the LSN here: one channel, and each claim is one drop above the one before.

// The control thread's and the worker's part in turn, until the gate has stayed closed through a
// tend() that found no space. What tend() said then.
Failure run_full(Appliance& appliance, LaneGate& gate) {
  Failure said;
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 200; ++i) appliance.accept(gate);
    const auto tended = appliance.journal->tend();
    if (!tended) said = tended.error();
    return !tended && !gate.is_open();
  }));
  return said;
}

// As claimd's control thread does, whatever tend() says.
bool back_in_service(Appliance& appliance, LaneGate& gate) {
  const std::uint64_t before = appliance.amount();
  return eventually([&] {
           (void)appliance.journal->tend();
           return appliance.accept(gate);
         }) &&
         eventually([&] { return gate.durable_lsn() > before; });
}

TEST_F(RealDisk, ThatIsFullRefusesClaimsAndTakesThemAgainByItselfOnceThereIsSpace) {
  Appliance appliance(*storage);
  LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                      expect_no_failure);
  disk.leave_free(8 * mib);
  const Failure full = run_full(appliance, gate);
  EXPECT_NE(full.what.find("No space left"), std::string::npos) << full.text();
  EXPECT_NE(full.remedy.find("free some space"), std::string::npos);

  const std::uint64_t held = appliance.amount();
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(appliance.accept(gate)) << "BUSY";
    ASSERT_FALSE(appliance.journal->tend());
  }
  EXPECT_EQ(appliance.amount(), held) << "and nothing changed";
  const std::uint64_t told = gate.durable_lsn();
  EXPECT_GT(told, 10'000U) << "claims before the disk was full";
  EXPECT_GE(recovered_amount(*storage), told);

  disk.free_again();
  EXPECT_TRUE(back_in_service(appliance, gate));
  committer.stop();
  EXPECT_EQ(gate.durable_lsn(), appliance.amount());
  EXPECT_EQ(recovered_amount(*storage), appliance.amount());
}

TEST_F(RealDisk, ThatIsFullIsGivenSpaceByCheckpoints) {
  Appliance appliance(*storage);
  LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
  Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                      expect_no_failure);
  disk.leave_free(8 * mib);
  ASSERT_FALSE(run_full(appliance, gate).what.empty());
  // Segments are free once they lie below the checkpoint before.
  for (int i = 0; i < 2; ++i) {
    const auto written = appliance.checkpoint();
    EXPECT_TRUE(written) << written.error().text();
  }
  EXPECT_TRUE(back_in_service(appliance, gate));
  committer.stop();
  EXPECT_EQ(recovered_amount(*storage), appliance.amount());
}

TEST_F(RealDisk, ThatIsFullAtAStartSaysSoAndLosesNothing) {
  std::uint64_t told = 0;
  {
    Appliance appliance(*storage);
    LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
    Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                        expect_no_failure);
    disk.leave_free(8 * mib);
    ASSERT_FALSE(run_full(appliance, gate).what.empty());
    committer.stop();
    told = gate.durable_lsn();
  }
  start_again();
  for (int start = 0; start < 5; ++start) {
    channel::Table table = Appliance::empty_table();
    journal::Recovered recovered;
    const auto opened = journal::Journal::open(*storage, Appliance::options(), table, 1, recovered);
    ASSERT_FALSE(opened) << "start " << start;
    EXPECT_NE(opened.error().remedy.find("free some space"), std::string::npos)
        << opened.error().text();
    EXPECT_GE(recovered_amount(*storage), told);
  }
  disk.free_again();
  Appliance appliance(*storage);
  EXPECT_GE(appliance.amount(), told);
}

// What is free is of another size, and has to go before there is room.
TEST_F(RealDisk, ThatIsFullStartsAtOnceWithSegmentsOfAnotherSizeThatHaveRoomInTheFreeOnes) {
  std::uint64_t told = 0;
  {
    Appliance appliance(*storage);
    LaneGate gate(1024, appliance.journal->claims(0).next_lsn());
    Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate, {},
                        expect_no_failure);
    disk.leave_free(8 * mib);
    ASSERT_FALSE(run_full(appliance, gate).what.empty());
    committer.stop();
    told = gate.durable_lsn();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(appliance.checkpoint());
  }
  start_again();
  channel::Table table = Appliance::empty_table();
  journal::Recovered recovered;
  journal::JournalOptions options = Appliance::options();
  options.segment_bytes = 3 * segment_bytes;
  const auto opened = journal::Journal::open(*storage, options, table, 1, recovered);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_GE(recovered_amount(*storage), told);
}

TEST_F(RealDisk, OfWhichAWriteFailsAcknowledgesNothingMoreAndTheNextStartFindsAllThatWas) {
  for (const bool written : {false, true}) {
    for (const int nth : {1, 2, 17, 40}) {
      std::uint64_t told = 0, held = 0;
      {
        Appliance appliance(*storage);
        LaneGate gate(64, appliance.journal->claims(0).next_lsn());
        std::atomic<int> failures{0};
        while (appliance.journal->tend().value()) continue;
        written_all_the_same = written;
        writes_until_error = nth - 1;
        Committer committer(appliance.journal->claims(0), appliance.journal->shelf(0), gate,
                            {.heartbeat_ms = 1'000'000}, [&](const Failure& failure) {
                              EXPECT_NE(failure.what.find("Input/output error"), std::string::npos)
                                  << failure.text();
                              ++failures;
                            });
        ASSERT_TRUE(eventually([&] {
          while (appliance.accept(gate)) continue;
          return failures == 1;
        }));
        EXPECT_FALSE(gate.is_open());
        held = appliance.amount();
        EXPECT_FALSE(appliance.accept(gate)) << "BUSY, for good";
        committer.stop();
        EXPECT_EQ(failures, 1);
        told = gate.durable_lsn();
        EXPECT_LT(told, held) << "the group that failed was never acknowledged";
      }
      writes_until_error = -1;
      start_again();
      const std::uint64_t found = recovered_amount(*storage);
      EXPECT_GE(found, told) << "write " << nth;
      EXPECT_LE(found, held);
      EXPECT_EQ(found > told, written) << "whether the failed write is there, the disk decides";
    }
  }
}

}  // namespace
}  // namespace claimgate::durability
