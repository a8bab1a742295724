// PosixStorage on disks that refuse for real: full, read-only, without direct transfers; for users
// without rights; under a limit on file sizes.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "tests/lib/journal/posix_mount.hpp"
#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/system_calls.hpp"

namespace claimgate::journal {
namespace {

class PosixDisk : public PosixSite {};

// Signals and limits as they were, afterwards.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  rlimit before_{};
  void (*signal_)(int);
};

TEST_F(PosixDisk, ThatIsFullSaysSoBeforeAnythingIsWrittenAndKeepsNothing) {
  const Mount mount(folder_, "tmpfs", "size=1m");
  if (!mount) GTEST_SKIP();
  const auto disk = PosixStorage::open(folder_);
  ASSERT_TRUE(disk);
  EXPECT_EQ((*disk)->free_bytes().value(), 256 * page_bytes);
  ASSERT_TRUE((*disk)->create("small", 100 * page_bytes));
  EXPECT_EQ((*disk)->free_bytes().value(), 156 * page_bytes);

  SystemCalls calls;
  const auto large = (*disk)->create("large", 200 * page_bytes);
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().remedy.find("free some space"), std::string::npos);
  EXPECT_EQ(calls.count(Call::write), 0u);
  EXPECT_EQ((*disk)->free_bytes().value(), 156 * page_bytes);
  EXPECT_EQ(files_there(), 1u);
}

TEST_F(PosixDisk, ThatRunsFullWhileZerosAreWrittenKeepsNothing) {
  const Mount mount(folder_, "tmpfs", "size=4m");
  if (!mount) GTEST_SKIP();
  const auto disk = PosixStorage::open(folder_);
  ASSERT_TRUE(disk);
  SystemCalls calls;
  calls.fail(Call::make_room, 1, EOPNOTSUPP);
  const auto large = (*disk)->create("large", 1300 * page_bytes);
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().what.find("No space left"), std::string::npos) << large.error().what;
  EXPECT_GE(calls.count(Call::write), 4u);
  EXPECT_EQ((*disk)->free_bytes().value(), 1024 * page_bytes);
  EXPECT_EQ(files_there(), 0u);
}

TEST_F(PosixDisk, ThatIsFullEndsAWriteThatWouldMakeAFileGrow) {
  const Mount mount(folder_, "tmpfs", "size=1m");
  if (!mount) GTEST_SKIP();
  const auto disk = PosixStorage::open(folder_);
  ASSERT_TRUE(disk);
  const auto file = (*disk)->create("file", 250 * page_bytes);
  ASSERT_TRUE(file);
  AlignedBuffer ten = pages(10, 1);
  const auto done = (*file)->write_durably(250 * page_bytes, ten.first(ten.size()));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("No space left"), std::string::npos) << done.error().what;
}

TEST_F(PosixDisk, WithoutDirectTransfersIsWorkedOnWithoutAndSaysSo) {
  // ramfs has none on any kernel; tmpfs has since Linux 6.6.
  const Mount mount(folder_, "ramfs", nullptr);
  if (!mount) GTEST_SKIP();
  const auto disk = PosixStorage::open(folder_);
  ASSERT_TRUE(disk);
  EXPECT_TRUE((*disk)->direct()) << "unknown so far";
  const auto file = (*disk)->create("file", 4 * page_bytes);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_FALSE((*disk)->direct());
  AlignedBuffer two = pages(2, 1), read(2 * page_bytes);
  ASSERT_TRUE((*file)->write_durably(page_bytes, two.first(two.size())));
  ASSERT_TRUE((*file)->read(page_bytes, read.first(read.size())));
  EXPECT_EQ(text(read), text(two));
}

TEST_F(PosixDisk, ThatIsReadOnlyIsReadAndNotWritten) {
  const Mount mount(folder_, "tmpfs", "size=1m");
  if (!mount) GTEST_SKIP();
  const auto disk = PosixStorage::open(folder_);
  ASSERT_TRUE(disk);
  ASSERT_TRUE((*disk)->create("file", page_bytes));
  ASSERT_EQ(::mount("none", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto written = (*disk)->open("file", Access::read_write);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().remedy.find("writable file system"), std::string::npos);
  EXPECT_FALSE((*disk)->create("new", page_bytes));
  EXPECT_FALSE((*disk)->remove("file"));
  EXPECT_FALSE((*disk)->rename("file", "new"));
  EXPECT_FALSE((*disk)->make_folder("folder"));
  const auto file = (*disk)->open("file", Access::read_only);
  ASSERT_TRUE(file);
  AlignedBuffer page(page_bytes);
  EXPECT_TRUE((*file)->read(0, page.first(page_bytes)));
}

TEST_F(PosixDisk, OfSomebodyElseIsRefusedWithWhatToDo) {
  ASSERT_NE(made("file", 1), nullptr);
  ::chmod(path("file").c_str(), 0000);
  ::chmod(folder_.c_str(), 0555);
  // Root may do everything; nobody may not.
  const uid_t me = ::geteuid();
  if (me == 0) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto opened = disk_->open("file", Access::read_only);
  const auto made = disk_->create("new", page_bytes);
  const auto folder = disk_->make_folder("folder");
  const auto removed = disk_->remove("file");
  if (me == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ::chmod(folder_.c_str(), 0700);
  for (const Failure* failure :
       {opened ? nullptr : &opened.error(), made ? nullptr : &made.error(),
        folder ? nullptr : &folder.error(), removed ? nullptr : &removed.error()}) {
    ASSERT_NE(failure, nullptr);
    EXPECT_NE(failure->text().find("Permission denied. give this user the right"),
              std::string::npos)
        << failure->text();
  }
}

TEST_F(PosixDisk, WithALimitOnFileSizesEndsAWriteWhereTheLimitIs) {
  const auto file = made("file", 2);
  AlignedBuffer four = pages(4, 1);
  const FileSizeLimit limit(3 * page_bytes);
  const auto done = file->write_durably(0, four.first(four.size()));
  ASSERT_FALSE(done) << "the first three pages were a short write";
  EXPECT_EQ(done.error().what, "cannot write 4096 bytes at offset 12288: File too large");
  EXPECT_NE(done.error().remedy.find("LimitFSIZE"), std::string::npos);
}

TEST_F(PosixDisk, WithALimitWithinAPageSaysThatItIsTheLimit) {
  const auto file = made("file", 1);
  AlignedBuffer two = pages(2, 1);
  const FileSizeLimit limit(page_bytes + 1000);
  const auto done = file->write(0, two.first(two.size()));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("File too large"), std::string::npos) << done.error().what;
}

TEST_F(PosixDisk, WithALimitMakesNoFileBeyondIt) {
  const FileSizeLimit limit(16 * page_bytes);
  EXPECT_FALSE(disk_->create("file", 17 * page_bytes));
  EXPECT_EQ(files_there(), 0u);
  EXPECT_TRUE(disk_->create("file", 16 * page_bytes));
}

}  // namespace
}  // namespace claimgate::journal
