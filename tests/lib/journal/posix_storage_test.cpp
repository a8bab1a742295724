// PosixStorage on a real file system: what each call does, and what it refuses.
#include "lib/journal/posix_storage.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/system_calls.hpp"

namespace claimgate::journal {
namespace {

namespace fs = std::filesystem;

class PosixStorageTest : public PosixSite {};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::size_t descriptors_open() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

std::set<std::string> names(const std::vector<FolderEntry>& entries) {
  std::set<std::string> out;
  for (const auto& entry : entries) out.insert(entry.name);
  return out;
}

TEST_F(PosixStorageTest, OpensAFolderThatIsThereAndNothingElse) {
  const auto missing = PosixStorage::open(path("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().where, path("none"));
  EXPECT_EQ(missing.error().remedy, "name an existing folder");
  std::ofstream(path("file")) << "x";
  EXPECT_FALSE(PosixStorage::open(path("file")));
}

TEST_F(PosixStorageTest, MakesFilesOfZerosThatWereWrittenAndSynced) {
  constexpr std::size_t count = 2 * 256 + 3;  // more than is written at once, and no multiple of it
  SystemCalls calls;
  const auto file = made("seg", count);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size().value(), count * page_bytes);
  EXPECT_EQ(content("seg"), std::string(count * page_bytes, '\0'));

  std::size_t written = 0;
  std::uint64_t next = 0;
  for (const auto& seen : calls.seen()) {
    if (seen.call != Call::write) continue;
    EXPECT_EQ(seen.offset, next);
    EXPECT_LE(seen.bytes, std::size_t{1} << 20);
    EXPECT_EQ(seen.direct, direct_here());
    next += seen.bytes;
    written += seen.bytes;
  }
  EXPECT_EQ(written, count * page_bytes) << "room that was only asked for is slow to write";
  ASSERT_FALSE(calls.seen().empty());
  EXPECT_EQ(calls.seen().back().call, Call::sync) << "after the last zero";
}

TEST_F(PosixStorageTest, MakesEmptyFilesToo) {
  const auto file = made("empty", 0);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size().value(), 0u);
}

TEST_F(PosixStorageTest, KeepsFilesAndFoldersToTheirOwner) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_NE(made("lane-0/seg", 1), nullptr);
  EXPECT_EQ(mode_of(path("lane-0")), 0700u);
  EXPECT_EQ(mode_of(path("lane-0/seg")), 0600u);
}

TEST_F(PosixStorageTest, ReplacesAFileOfThatNameAndLeavesTheOldOneToThoseWhoHaveItOpen) {
  const auto old = made("file", 2);
  AlignedBuffer ones = pages(2, 1);
  ASSERT_TRUE(old->write(0, ones.first(2 * page_bytes)));
  const auto fresh = made("file", 1);
  EXPECT_EQ(content("file"), std::string(page_bytes, '\0'));
  AlignedBuffer read(2 * page_bytes);
  ASSERT_TRUE(old->read(0, read.first(2 * page_bytes)));
  EXPECT_EQ(text(read), text(ones));
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(PosixStorageTest, ReadsWhatWasWrittenWhereItWasWritten) {
  const auto file = made("file", 8);
  AlignedBuffer first = pages(2, 1), second = pages(3, 99);
  ASSERT_TRUE(file->write(5 * page_bytes, second.first(second.size())));
  ASSERT_TRUE(file->write_durably(page_bytes, first.first(first.size())));
  ASSERT_TRUE(file->sync());

  const std::string zeros(page_bytes, '\0');
  EXPECT_EQ(content("file"), zeros + text(first) + zeros + zeros + text(second));
  const auto again = disk_->open("file", Access::read_only);
  ASSERT_TRUE(again) << again.error().text();
  AlignedBuffer read(3 * page_bytes);
  ASSERT_TRUE((*again)->read(5 * page_bytes, read.first(read.size())));
  EXPECT_EQ(text(read), text(second));
}

TEST_F(PosixStorageTest, WritesPastTheEndMakeAFileGrow) {
  const auto file = made("file", 1);
  AlignedBuffer page = pages(1, 5);
  ASSERT_TRUE(file->write(3 * page_bytes, page.first(page_bytes)));
  EXPECT_EQ(file->size().value(), 4 * page_bytes);
}

TEST_F(PosixStorageTest, ReadsNothingWhereTheFileEndsBefore) {
  const auto file = made("file", 2);
  AlignedBuffer read(2 * page_bytes);
  const auto beyond = file->read(page_bytes, read.first(read.size()));
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().where, path("file"));
  EXPECT_NE(beyond.error().what.find("ends at offset 8192"), std::string::npos);
  fs::resize_file(path("file"), 6000);
  EXPECT_FALSE(file->read(0, read.first(read.size())));
  EXPECT_TRUE(file->read(0, read.first(page_bytes)));
  EXPECT_EQ(disk_->direct(), direct_here()) << "a cut file says nothing about the disk";
}

TEST_F(PosixStorageTest, OpensForReadingWithoutTheRightToWrite) {
  ASSERT_NE(made("file", 1), nullptr);
  const auto file = disk_->open("file", Access::read_only);
  ASSERT_TRUE(file);
  AlignedBuffer page = pages(1, 5);
  EXPECT_FALSE((*file)->write(0, page.first(page_bytes)));
  EXPECT_EQ(content("file"), std::string(page_bytes, '\0'));
}

TEST_F(PosixStorageTest, RenamesOverWhatIsThereAndBetweenFolders) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_NE(made("a", 1), nullptr);
  ASSERT_NE(made("lane-0/b", 2), nullptr);
  ASSERT_TRUE(disk_->rename("a", "lane-0/b"));
  EXPECT_FALSE(fs::exists(path("a")));
  EXPECT_EQ(fs::file_size(path("lane-0/b")), page_bytes);
}

TEST_F(PosixStorageTest, RemovesFilesAndNoFolders) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_NE(made("a", 1), nullptr);
  ASSERT_TRUE(disk_->remove("a"));
  EXPECT_FALSE(fs::exists(path("a")));
  EXPECT_FALSE(disk_->remove("a"));
  EXPECT_FALSE(disk_->remove("lane-0"));
  EXPECT_TRUE(fs::exists(path("lane-0")));
}

TEST_F(PosixStorageTest, MakesAFolderOnceAndIsContentWhereItIsThere) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_TRUE(disk_->make_folder("lane-0/deeper"));
  ASSERT_NE(made("file", 1), nullptr);
  EXPECT_FALSE(disk_->make_folder("file")) << "a file stands in its place";
  EXPECT_FALSE(disk_->make_folder("none/deeper"));
}

TEST_F(PosixStorageTest, SyncsTheTopmostFolderAndThoseBelow) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  SystemCalls calls;
  EXPECT_TRUE(disk_->sync_folder(""));
  EXPECT_TRUE(disk_->sync_folder("lane-0"));
  EXPECT_EQ(calls.count(Call::sync_folder), 2u);
  EXPECT_FALSE(disk_->sync_folder("lane-1"));
}

TEST_F(PosixStorageTest, ListsWhatIsThere) {
  ASSERT_TRUE(disk_->make_folder("lane-0"));
  ASSERT_NE(made("lane-0/seg", 3), nullptr);
  ASSERT_NE(made("manifest", 2), nullptr);
  auto top = disk_->list("");
  ASSERT_TRUE(top);
  std::ranges::sort(*top, {}, &FolderEntry::name);
  ASSERT_EQ(top->size(), 2u);
  EXPECT_TRUE((*top)[0].name == "lane-0" && (*top)[0].is_folder && (*top)[0].bytes == 0);
  EXPECT_TRUE((*top)[1].name == "manifest" && !(*top)[1].is_folder);
  EXPECT_EQ((*top)[1].bytes, 2 * page_bytes);
  EXPECT_EQ(names(disk_->list("lane-0").value()), std::set<std::string>{"seg"});
}

TEST_F(PosixStorageTest, ListsNothingWhereThereIsNoFolderButRefusesAFile) {
  EXPECT_TRUE(disk_->list("none").value().empty());
  EXPECT_TRUE(disk_->list("none/deeper").value().empty());
  ASSERT_NE(made("file", 1), nullptr);
  EXPECT_FALSE(disk_->list("file"));
}

TEST_F(PosixStorageTest, HidesWhatACrashLeftOfAFileAndReplacesIt) {
  std::ofstream(path("seg.zeroing")) << "half";
  EXPECT_TRUE(disk_->list("").value().empty());
  ASSERT_NE(made("seg", 1), nullptr);
  EXPECT_EQ(names(disk_->list("").value()), std::set<std::string>{"seg"});
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(PosixStorageTest, TellsTheRoomThatAUserHas) {
  struct statvfs room {};
  ASSERT_EQ(::statvfs(folder_.c_str(), &room), 0);
  const auto bytes = disk_->free_bytes();
  ASSERT_TRUE(bytes);
  EXPECT_LE(*bytes, std::uint64_t{room.f_blocks} * room.f_frsize);
  EXPECT_EQ(*bytes % room.f_frsize, 0u);
}

TEST_F(PosixStorageTest, SaysWhereAPathIs) {
  EXPECT_EQ(disk_->where("lane-0/seg"), folder_ + "/lane-0/seg");
  EXPECT_EQ(disk_->where(""), folder_);
}

TEST_F(PosixStorageTest, RefusesPathsThatAreNotOfItsFolder) {
  std::ofstream(scratch_.file("outside")) << "precious";
  ASSERT_NE(made("file", 1), nullptr);
  const std::string_view with_nul("file\0x", 6);
  for (const std::string_view bad :
       {std::string_view("../outside"), std::string_view("/etc/passwd"), std::string_view(".."),
        std::string_view("."), std::string_view("./file"), std::string_view("file/"),
        std::string_view("/file"), std::string_view("a//b"), with_nul}) {
    EXPECT_FALSE(disk_->open(bad, Access::read_only)) << bad;
    EXPECT_FALSE(disk_->create(bad, page_bytes)) << bad;
    EXPECT_FALSE(disk_->remove(bad)) << bad;
    EXPECT_FALSE(disk_->rename("file", bad)) << bad;
    EXPECT_FALSE(disk_->rename(bad, "file")) << bad;
    EXPECT_FALSE(disk_->make_folder(bad)) << bad;
    EXPECT_FALSE(disk_->sync_folder(bad)) << bad;
  }
  EXPECT_FALSE(disk_->open("", Access::read_only));
  EXPECT_FALSE(disk_->create("", page_bytes));
  EXPECT_EQ(fs::file_size(scratch_.file("outside")), 8u);
  EXPECT_EQ(files_there(), 1u);
  EXPECT_NE(disk_->remove("../outside").error().remedy.find("inside it"), std::string::npos);
}

TEST_F(PosixStorageTest, FollowsALinkToTheStateFolderAndNoneBelowIt) {
  const std::string link = scratch_.file("link"), outside = scratch_.file("outside");
  fs::create_directory(outside);
  std::ofstream(outside + "/file") << std::string(page_bytes, 'x');
  fs::create_symlink(folder_, link);
  const auto linked = PosixStorage::open(link);
  ASSERT_TRUE(linked);
  ASSERT_TRUE((*linked)->make_folder("lane-0"));
  EXPECT_TRUE(fs::exists(path("lane-0")));

  fs::create_symlink(outside, path("lane-1"));
  fs::create_symlink(outside + "/file", path("file"));
  const auto opened = disk_->open("file", Access::read_write);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().remedy.find("symbolic link"), std::string::npos);
  EXPECT_FALSE(disk_->open("lane-1/file", Access::read_write));
  EXPECT_FALSE(disk_->create("lane-1/new", page_bytes));
  EXPECT_FALSE(disk_->remove("lane-1/file"));
  EXPECT_FALSE(disk_->make_folder("lane-1"));
  EXPECT_FALSE(disk_->sync_folder("lane-1"));
  EXPECT_FALSE(disk_->list("lane-1"));
  EXPECT_NE(made("file", 2), nullptr) << "replaces the link, not what it points to";
  EXPECT_EQ(fs::file_size(outside + "/file"), page_bytes);
  EXPECT_TRUE(fs::exists(outside + "/file"));
  EXPECT_FALSE(fs::exists(outside + "/new"));
}

TEST_F(PosixStorageTest, NeitherOpensNorWaitsForWhatIsNoFile) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  ASSERT_TRUE(disk_->make_folder("folder"));
  EXPECT_FALSE(disk_->open("fifo", Access::read_only));
  EXPECT_FALSE(disk_->open("fifo", Access::read_write));
  EXPECT_FALSE(disk_->open("folder", Access::read_only));
  EXPECT_FALSE(disk_->open("folder", Access::read_write));
  EXPECT_FALSE(disk_->create("folder", page_bytes));
  EXPECT_EQ(files_there(), 2u) << "a file that got no name is gone";
}

TEST_F(PosixStorageTest, SaysWhatIsMissing) {
  const auto missing = disk_->open("lane-0/seg", Access::read_write);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().where, path("lane-0/seg"));
  EXPECT_NE(missing.error().what.find("No such file"), std::string::npos);
  EXPECT_FALSE(missing.error().remedy.empty());
  EXPECT_FALSE(disk_->create("lane-0/seg", page_bytes));
  EXPECT_FALSE(disk_->rename("none", "other"));
}

TEST_F(PosixStorageTest, FilesOutliveTheirStorage) {
  const auto file = made("file", 1);
  disk_.reset();
  AlignedBuffer page = pages(1, 5);
  EXPECT_TRUE(file->write_durably(0, page.first(page_bytes)));
  EXPECT_EQ(content("file"), text(page));
}

TEST_F(PosixStorageTest, LeavesNoDescriptorOpenAndNoneToChildren) {
  const std::size_t before = descriptors_open();
  {
    ASSERT_TRUE(disk_->make_folder("a"));
    const auto file = made("a/file", 1);
    EXPECT_EQ(descriptors_open(), before + 1);
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const fs::path target = fs::read_symlink(entry.path(), gone);
      if (!target.string().starts_with(folder_)) continue;
      const int number = std::stoi(entry.path().filename());
      EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0) << target;
    }
    (void)disk_->open("a/none", Access::read_only);
    (void)disk_->open("a", Access::read_only);
    (void)disk_->create("a", page_bytes);
    (void)disk_->list("a");
    (void)disk_->list("a/file");
    (void)disk_->sync_folder("a");
    (void)disk_->rename("a/none", "b/none");
    EXPECT_EQ(descriptors_open(), before + 1);
  }
  EXPECT_EQ(descriptors_open(), before);
}

TEST_F(PosixStorageTest, TransfersOffTheGridOfPagesAreMistakesOfTheCaller) {
  const auto file = made("file", 4);
  AlignedBuffer buffer(2 * page_bytes);
  EXPECT_DEATH((void)file->write(512, buffer.first(page_bytes)), "on_pages");
  EXPECT_DEATH((void)file->write_durably(0, buffer.first(100)), "on_pages");
  EXPECT_DEATH((void)file->read(0, buffer.first(page_bytes + 64).subspan(64)), "on_pages");
}

}  // namespace
}  // namespace claimgate::journal
