// What claimd finds and makes on disk when it starts: the state folder, the table in it, and the
// folders of its sockets.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "lib/channel/snapshot.hpp"
#include "src/control/socket_folder.hpp"
#include "src/control/state_folder.hpp"
#include "src/control/state_load.hpp"
#include "tests/src/control/scratch_dir.hpp"

namespace claimgate::control {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat entry {};
  EXPECT_EQ(stat(path.c_str(), &entry), 0) << path;
  return entry.st_mode & 07777;
}

StateFolder open_folder(const test::ScratchDir& scratch) {
  auto folder = StateFolder::open(scratch.path("state"));
  EXPECT_TRUE(folder) << folder.error().text();
  return std::move(*folder);
}

channel::Table make_table() {
  auto table = channel::Table::create(8, {1, 2}, memory::Pages::normal);
  EXPECT_TRUE(table) << table.error().text();
  return std::move(*table);
}

// One start of claimd's on the folder of `scratch`, and what it logged. Ends as a crash does.
struct Started {
  std::string log;
  channel::Table table = make_table();
  std::optional<Failure> failure;
};
Started start_at(const test::ScratchDir& scratch, std::int64_t now_unix_s) {
  Started out;
  const StateFolder folder = open_folder(scratch);
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log)));
  {
    auto storage = journal::PosixStorage::open(folder.path());
    EXPECT_TRUE(storage);
    durability::KeeperOptions options;
    options.journal.segment_bytes = options.journal.provisioning_segment_bytes = 1 << 20;
    options.journal.spares = 1;
    const auto keeper = load_state(folder, **storage, options, out.table, now_unix_s);
    if (!keeper) out.failure = keeper.error();
  }
  spdlog::set_default_logger(before);
  out.log = log.str();
  return out;
}

constexpr channel::LedgerTime accepted_at = 800'000'000;
constexpr std::int64_t accepted_at_unix_s = channel::ledger_epoch_unix_s + accepted_at;

// As a release before the journal left it: one channel with a claim.
void leave_a_state_file(const test::ScratchDir& scratch) {
  const StateFolder folder = open_folder(scratch);
  channel::Table table = make_table();
  channel::ChannelView view;
  view.terms.funded = {1'000};
  view.terms.ledger_index = 7;
  view.incarnation = 3;
  view.held = {50};
  view.lsn = 12'345;
  view.last_activity = accepted_at;
  EXPECT_EQ(table.restore(view).result, channel::ApplyResult::added);
  const channel::Table* tables[] = {&table};
  EXPECT_TRUE(channel::save_snapshot(folder.table_file(), tables,
                                     {.next_incarnation = 4, .saved_at_unix_s = 1'000'000}));
}

TEST(LoadState, TakesAStateFileOverOnceAndPutsItAside) {
  const test::ScratchDir scratch;
  leave_a_state_file(scratch);
  for (unsigned start = 0; start < 3; ++start) {
    const Started started = start_at(scratch, accepted_at_unix_s + 1);
    ASSERT_FALSE(started.failure) << started.failure->text();
    EXPECT_EQ(started.log.find("taken over") != std::string::npos, start == 0) << started.log;
    const auto view = started.table.view(0);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->held.value, 50U);
    EXPECT_EQ(view->last_activity, accepted_at);
    EXPECT_EQ(view->incarnation, 3U);
    EXPECT_EQ(view->lsn, 0U) << "the lanes count from their own beginning";
    EXPECT_FALSE(std::filesystem::exists(scratch.path("state/table.cgt")));
    EXPECT_TRUE(std::filesystem::exists(scratch.path("state/table.cgt.old")));
  }
}

// The first start was cut short between making the file and writing it.
TEST(LoadState, TakesAStateFileOverBesideAManifestThatWasNeverWritten) {
  const test::ScratchDir scratch;
  leave_a_state_file(scratch);
  (void)scratch.file("state/MANIFEST", std::string(8192, '\0'));
  const Started started = start_at(scratch, accepted_at_unix_s);
  ASSERT_FALSE(started.failure) << started.failure->text();
  ASSERT_TRUE(started.table.view(0));
  EXPECT_EQ(started.table.view(0)->held.value, 50U);
}

TEST(LoadState, DoesNotTakeAStateFileOverWhereThereIsAJournal) {
  const test::ScratchDir scratch;
  ASSERT_FALSE(start_at(scratch, accepted_at_unix_s).failure);
  leave_a_state_file(scratch);
  const Started started = start_at(scratch, accepted_at_unix_s);
  ASSERT_FALSE(started.failure);
  EXPECT_EQ(started.table.size(), 0U);
}

TEST(LoadState, SaysWhatAReleaseWithoutAJournalMayHaveLost) {
  const test::ScratchDir scratch;
  leave_a_state_file(scratch);
  (void)scratch.file("state/running", "");
  EXPECT_NE(start_at(scratch, accepted_at_unix_s).log.find("did not stop cleanly"),
            std::string::npos);
  EXPECT_EQ(start_at(scratch, accepted_at_unix_s).log.find("did not stop cleanly"),
            std::string::npos);
}

TEST(LoadState, WarnsWhereTheClockIsBehindTheLastClaimAndOnlyThere) {
  const test::ScratchDir scratch;
  leave_a_state_file(scratch);
  for (const std::int64_t later : {0, 1'000'000}) {
    const auto log = start_at(scratch, accepted_at_unix_s + later).log;
    EXPECT_EQ(log.find("CLOCK"), std::string::npos) << log;
  }
  const auto log = start_at(scratch, accepted_at_unix_s - 100).log;
  EXPECT_NE(log.find("warning"), std::string::npos) << log;
  EXPECT_NE(log.find("THE CLOCK IS WRONG: it is 100 s behind"), std::string::npos) << log;
}

TEST(LoadState, RefusesADamagedStateFileAndLeavesItWhereItIs) {
  const test::ScratchDir scratch;
  leave_a_state_file(scratch);
  std::filesystem::resize_file(scratch.path("state/table.cgt"), 100);
  const Started started = start_at(scratch, accepted_at_unix_s);
  ASSERT_TRUE(started.failure);
  EXPECT_EQ(started.failure->where, scratch.path("state/table.cgt"));
  EXPECT_TRUE(std::filesystem::exists(scratch.path("state/table.cgt")));
  EXPECT_FALSE(std::filesystem::exists(scratch.path("state/MANIFEST")));
}

TEST(SocketFolder, IsMadeWithAllAboveItReadableForTheSocketsGroup) {
  const test::ScratchDir scratch;
  const mode_t before = umask(0077);
  const auto made = make_socket_folder(scratch.path("run/claimgate/admin.sock"), "admin.socket");
  umask(before);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(mode_of(scratch.path("run")), 0755U);
  EXPECT_EQ(mode_of(scratch.path("run/claimgate")), 0755U);
  EXPECT_FALSE(std::filesystem::exists(scratch.path("run/claimgate/admin.sock")));
}

TEST(SocketFolder, ThatIsThereStaysAsItIs) {
  const test::ScratchDir scratch;
  std::filesystem::create_directory(scratch.path("run"));
  ASSERT_EQ(chmod(scratch.path("run").c_str(), 0710), 0);
  ASSERT_TRUE(make_socket_folder(scratch.path("run/admin.sock"), "admin.socket"));
  EXPECT_EQ(mode_of(scratch.path("run")), 0710U);
  EXPECT_TRUE(make_socket_folder("admin.sock", "admin.socket")) << "the working directory's";
}

TEST(SocketFolder, ThatCannotBeMadeIsNamedWithItsKeyAndARemedy) {
  const test::ScratchDir scratch;
  (void)scratch.file("file", "");
  const auto made = make_socket_folder(scratch.path("file/admin.sock"), "admin.socket");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().where, scratch.path("file"));
  EXPECT_NE(made.error().remedy.find("admin.socket"), std::string::npos);
  // Nobody, root included, makes a folder there.
  const auto in_proc = make_socket_folder("/proc/claimgate/admin.sock", "admin.socket");
  ASSERT_FALSE(in_proc);
  EXPECT_NE(in_proc.error().remedy.find("install -d"), std::string::npos);
}

}  // namespace
}  // namespace claimgate::control
