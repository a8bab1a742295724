// What claimd finds and makes on disk when it starts: the state folder, the table in it, and the
// folders of its sockets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "lib/channel/snapshot.hpp"
#include "src/control/socket_folder.hpp"
#include "src/control/state_folder.hpp"
#include "src/control/table_load.hpp"
#include "tests/src/control/scratch_dir.hpp"

namespace {
std::set<ino_t> synced;  // the inodes of what was synced
}

// In the place of libc's: remembers what it syncs.
extern "C" int fsync(int file) {
  struct stat entry {};
  if (fstat(file, &entry) == 0) synced.insert(entry.st_ino);
  return static_cast<int>(syscall(SYS_fsync, file));
}

namespace claimgate::control {
namespace {

ino_t inode_of(const std::string& path) {
  struct stat entry {};
  EXPECT_EQ(stat(path.c_str(), &entry), 0) << path;
  return entry.st_ino;
}

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

TEST(StateFolder, PutsTheRunningMarkOnTheDiskAndTakesItAwayAgain) {
  const test::ScratchDir scratch;
  const StateFolder folder = open_folder(scratch);
  EXPECT_FALSE(folder.was_running());
  synced.clear();
  ASSERT_TRUE(folder.mark_running());
  EXPECT_TRUE(folder.was_running());
  EXPECT_TRUE(synced.contains(inode_of(scratch.path("state/running"))));
  EXPECT_TRUE(synced.contains(inode_of(scratch.path("state"))));
  synced.clear();
  folder.mark_stopped();
  EXPECT_FALSE(folder.was_running());
  EXPECT_TRUE(synced.contains(inode_of(scratch.path("state"))));
}

// What is logged while the state file that was saved at 1,000,000 is loaded at `now`.
std::string logged_by_load_at(std::int64_t now, channel::Table& into) {
  const test::ScratchDir scratch;
  const StateFolder folder = open_folder(scratch);
  channel::Table table = make_table();
  channel::ChannelView view;
  view.terms.funded = {1'000};
  view.terms.ledger_index = 7;
  view.incarnation = 3;
  view.held = {50};
  view.lsn = 12'345;
  view.last_activity = 99;
  EXPECT_EQ(table.restore(view).result, channel::ApplyResult::added);
  const channel::Table* tables[] = {&table};
  EXPECT_TRUE(channel::save_snapshot(folder.table_file(), tables,
                                     {.next_incarnation = 4, .saved_at_unix_s = 1'000'000}));
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log)));
  const auto header = load_table(folder, into, now);
  spdlog::set_default_logger(before);
  EXPECT_TRUE(header) << header.error().text();
  if (header) {
    EXPECT_EQ(header->next_incarnation, 4U);
  }
  return log.str();
}

TEST(LoadTable, KeepsTheHeldClaimButNotItsLsnBecauseTheGateCountsFromZeroAgain) {
  channel::Table table = make_table();
  (void)logged_by_load_at(1'000'001, table);
  const auto view = table.view(0);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->held.value, 50U);
  EXPECT_EQ(view->last_activity, 99U);
  EXPECT_EQ(view->incarnation, 3U);
  EXPECT_EQ(view->lsn, 0U);
}

TEST(LoadTable, WarnsWhereTheClockIsBehindTheStateFileAndOnlyThere) {
  for (const std::int64_t now : {1'000'000, 2'000'000}) {
    channel::Table table = make_table();
    EXPECT_EQ(logged_by_load_at(now, table).find("CLOCK"), std::string::npos) << now;
  }
  channel::Table table = make_table();
  const auto log = logged_by_load_at(999'900, table);
  EXPECT_NE(log.find("warning"), std::string::npos) << log;
  EXPECT_NE(log.find("THE CLOCK IS WRONG: it is 100 s behind"), std::string::npos) << log;
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
