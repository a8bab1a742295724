// PosixStorage where the system calls fail, end early or are interrupted, at each of them.
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/system_calls.hpp"

namespace claimgate::journal {
namespace {

class PosixFaults : public PosixSite {};

using Writing = Expected<void> (File::*)(std::uint64_t, std::span<const std::byte>);

struct Way {
  Call call;
  Writing write;
};
constexpr std::array ways = {Way{Call::write, &File::write},
                             Way{Call::write_durably, &File::write_durably}};

TEST_F(PosixFaults, ADurableWriteIsOneCallThatFlushes) {
  const auto file = made("file", 4);
  AlignedBuffer two = pages(2, 1);
  SystemCalls calls;
  ASSERT_TRUE(file->write_durably(page_bytes, two.first(two.size())));
  ASSERT_EQ(calls.seen().size(), 1u);
  EXPECT_EQ(calls.seen()[0].call, Call::write_durably);
  EXPECT_EQ(calls.seen()[0].direct, direct_here());
  EXPECT_EQ(disk_->direct(), direct_here());
  EXPECT_TRUE(disk_->durable_in_one_call());
}

TEST_F(PosixFaults, WhereAKernelKnowsNoDurableWriteItIsAWriteAndASyncFromThenOn) {
  for (const int error : {EOPNOTSUPP, ENOSYS}) {
    reopen();
    const auto file = made("file", 2);
    AlignedBuffer page = pages(1, 1);
    SystemCalls calls;
    calls.fail(Call::write_durably, SystemCalls::each, error);
    ASSERT_TRUE(file->write_durably(0, page.first(page_bytes)));
    EXPECT_FALSE(disk_->durable_in_one_call());
    const auto other = disk_->open("file", Access::read_write);
    ASSERT_TRUE((*other)->write_durably(page_bytes, page.first(page_bytes)));
    EXPECT_EQ(calls.count(Call::write_durably), 1u) << "asked once, for all files";
    ASSERT_EQ(calls.seen().size(), 5u);
    for (const std::size_t i : {1, 3}) {
      EXPECT_EQ(calls.seen()[i].call, Call::write);
      EXPECT_EQ(calls.seen()[i + 1].call, Call::sync);
    }
    EXPECT_EQ(content("file"), text(page) + text(page));
  }
}

TEST_F(PosixFaults, AWriteWhoseSyncFailsIsNotDurable) {
  const auto file = made("file", 1);
  AlignedBuffer page = pages(1, 1);
  SystemCalls calls;
  calls.fail(Call::write_durably, SystemCalls::each, EOPNOTSUPP);
  calls.fail(Call::sync, 1, EIO);
  EXPECT_FALSE(file->write_durably(0, page.first(page_bytes)));
}

TEST_F(PosixFaults, AFileSystemThatRefusesDirectTransfersGetsThemThroughThePageCache) {
  for (const Call call : {Call::write, Call::write_durably, Call::read}) {
    reopen();
    auto file = made("file", 2);
    AlignedBuffer two = pages(2, 1), read(2 * page_bytes);
    SystemCalls calls;
    calls.refuse_direct(call);
    ASSERT_TRUE(file->write(0, two.first(page_bytes)));
    ASSERT_TRUE(file->write_durably(page_bytes, two.first(two.size()).subspan(page_bytes)));
    ASSERT_TRUE(file->read(0, read.first(read.size())));
    EXPECT_EQ(text(read), text(two));
    EXPECT_EQ(content("file"), text(two));
    EXPECT_FALSE(disk_->direct());
    EXPECT_EQ(calls.count(call), direct_here() ? 2u : 1u) << "direct once";
  }
}

TEST_F(PosixFaults, AnArgumentThatIsRefusedWithoutDirectTransfersToo) {
  const auto file = made("file", 1);
  AlignedBuffer page = pages(1, 1);
  SystemCalls calls;
  calls.fail(Call::write_durably, SystemCalls::each, EINVAL);
  EXPECT_FALSE(file->write_durably(0, page.first(page_bytes)));
  EXPECT_LE(calls.count(Call::write_durably), 2u);
}

TEST_F(PosixFaults, AnInterruptedCallIsMadeAgain) {
  SystemCalls calls;
  for (const Call call : {Call::make_room, Call::write, Call::sync}) calls.fail(call, 1, EINTR);
  const auto file = made("file", 3);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(calls.count(Call::make_room), 2u);
  EXPECT_EQ(calls.count(Call::write), 2u);
  EXPECT_EQ(calls.count(Call::sync), 2u);

  calls.forget();
  for (const Call call : {Call::write_durably, Call::read, Call::sync, Call::sync_folder}) {
    calls.fail(call, 1, EINTR);
    calls.fail(call, 2, EINTR);
  }
  AlignedBuffer three = pages(3, 1), read(3 * page_bytes);
  ASSERT_TRUE(file->write_durably(0, three.first(three.size())));
  ASSERT_TRUE(file->read(0, read.first(read.size())));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk_->sync_folder(""));
  EXPECT_EQ(text(read), text(three));
}

TEST_F(PosixFaults, AShortTransferIsGoneOnWith) {
  for (const Way& way : ways) {
    reopen();
    const auto file = made("file", 4);
    AlignedBuffer four = pages(4, 1), read(4 * page_bytes);
    SystemCalls calls;
    calls.shorten(way.call, 1, page_bytes);
    calls.shorten(way.call, 2, 2 * page_bytes);
    calls.shorten(Call::read, 1, 3 * page_bytes);
    ASSERT_TRUE((*file.*way.write)(0, four.first(four.size())));
    EXPECT_EQ(calls.count(way.call), 3u);
    EXPECT_EQ(calls.seen()[1].offset, page_bytes);
    EXPECT_EQ(calls.seen()[2].offset, 3 * page_bytes);
    ASSERT_TRUE(file->read(0, read.first(read.size())));
    EXPECT_EQ(text(read), text(four));
    EXPECT_EQ(content("file"), text(four));
    EXPECT_EQ(disk_->direct(), direct_here()) << "it ended between pages";
  }
}

TEST_F(PosixFaults, AShortTransferThatEndsWithinAPageIsGoneOnWithThroughThePageCache) {
  for (const Way& way : ways) {
    for (const std::size_t moved : {std::size_t{1}, std::size_t{512}, page_bytes + 512}) {
      reopen();
      const auto file = made("file", 4);
      AlignedBuffer four = pages(4, 1);
      SystemCalls calls;
      calls.shorten(way.call, 1, moved);
      ASSERT_TRUE((*file.*way.write)(0, four.first(four.size()))) << moved;
      ASSERT_EQ(calls.seen().size(), 2u) << "a durable write flushes its second part, too";
      EXPECT_EQ(calls.seen()[1].call, way.call);
      EXPECT_EQ(calls.seen()[1].offset, moved);
      EXPECT_FALSE(calls.seen()[1].direct);
      EXPECT_EQ(content("file"), text(four)) << moved;
      EXPECT_FALSE(disk_->direct());
    }
  }
}

TEST_F(PosixFaults, ADiskThatTakesNothingMoreIsNoEndlessLoop) {
  for (const Way& way : ways) {
    reopen();
    const auto file = made("file", 2);
    AlignedBuffer two = pages(2, 1);
    SystemCalls calls;
    calls.shorten(way.call, 1, page_bytes);
    calls.shorten(way.call, 2, 0);
    const auto done = (*file.*way.write)(0, two.first(two.size()));
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().what.find("offset 4096"), std::string::npos) << done.error().what;
  }
}

TEST_F(PosixFaults, AfterAFailedWriteOrSyncNothingIsWrittenToThatFileAnyMore) {
  const auto fails = std::to_array<std::function<Expected<void>(File&, AlignedBuffer&)>>({
      [](File& file, AlignedBuffer& page) { return file.write(0, page.first(page_bytes)); },
      [](File& file, AlignedBuffer& page) { return file.write_durably(0, page.first(page_bytes)); },
      [](File& file, AlignedBuffer&) { return file.sync(); },
  });
  for (const auto& first : fails) {
    reopen();
    const auto file = made("file", 2), other = made("other", 2);
    AlignedBuffer page = pages(1, 1), read(page_bytes);
    SystemCalls calls;
    for (const Call call : {Call::write, Call::write_durably, Call::sync}) {
      calls.fail(call, 1, EIO);  // once: the kernel, too, reports it once
    }
    const auto failure = first(*file, page);
    ASSERT_FALSE(failure);
    calls.forget();
    for (const auto& later : fails) {
      const auto again = later(*file, page);
      ASSERT_FALSE(again);
      EXPECT_EQ(again.error().text(), failure.error().text());
    }
    EXPECT_TRUE(calls.seen().empty());
    EXPECT_TRUE(file->read(0, read.first(page_bytes)));
    for (const auto& later : fails) EXPECT_TRUE(later(*other, page)) << "the others are well";
  }
}

TEST_F(PosixFaults, AFailedReadIsToldAndHarmsNoWrite) {
  const auto file = made("file", 1);
  AlignedBuffer page = pages(1, 1);
  SystemCalls calls;
  calls.fail(Call::read, 1, EIO);
  const auto done = file->read(0, page.first(page_bytes));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("cannot read 4096 bytes at offset 0"), std::string::npos);
  EXPECT_NE(done.error().remedy.find("kernel's log"), std::string::npos);
  EXPECT_TRUE(file->write(0, page.first(page_bytes)));
}

TEST_F(PosixFaults, AFailureSaysWhatWhereWhyAndWhatToDo) {
  struct Known {
    int error;
    const char* remedy;
  };
  for (const Known& known :
       {Known{ENOSPC, "free some space"}, Known{EDQUOT, "quota"}, Known{EIO, "kernel's log"},
        Known{EROFS, "writable"}, Known{EACCES, "the right"}, Known{EPERM, "the right"},
        Known{EFBIG, "LimitFSIZE"}}) {
    reopen();
    const auto file = made("file", 2);
    AlignedBuffer page = pages(1, 1);
    SystemCalls calls;
    calls.fail(Call::write_durably, 1, known.error);
    const auto done = file->write_durably(page_bytes, page.first(page_bytes));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().where, path("file"));
    EXPECT_EQ(done.error().what,
              std::string("cannot write 4096 bytes at offset 4096: ") + std::strerror(known.error));
    EXPECT_NE(done.error().remedy.find(known.remedy), std::string::npos) << done.error().text();
  }
}

TEST_F(PosixFaults, AFileThatCannotBeMadeWholeLeavesTheOldOneAndNothingElse) {
  struct Step {
    Call call;
    unsigned nth;
  };
  for (const Step step : {Step{Call::make_room, 1}, Step{Call::write, 1}, Step{Call::write, 2},
                          Step{Call::sync, 1}}) {
    reopen();
    const auto old = made("file", 1);
    AlignedBuffer page = pages(1, 1);
    ASSERT_TRUE(old->write(0, page.first(page_bytes)));
    SystemCalls calls;
    calls.fail(step.call, step.nth, ENOSPC);
    const auto done = disk_->create("file", 300 * page_bytes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().where, path("file"));
    EXPECT_NE(done.error().remedy.find("free some space"), std::string::npos);
    EXPECT_EQ(content("file"), text(page));
    EXPECT_EQ(files_there(), 1u);
  }
}

TEST_F(PosixFaults, RoomThatCannotBeAskedForIsWrittenAllTheSame) {
  for (const int error : {EOPNOTSUPP, ENOSYS}) {
    SystemCalls calls;
    calls.fail(Call::make_room, 1, error);
    const auto file = made("file", 3);
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(content("file"), std::string(3 * page_bytes, '\0'));
  }
}

TEST_F(PosixFaults, AFolderWhoseSyncFailsIsNotDurable) {
  SystemCalls calls;
  calls.fail(Call::sync_folder, 1, EIO);
  const auto done = disk_->sync_folder("");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().where, folder_);
  EXPECT_FALSE(done.error().remedy.empty());
}

}  // namespace
}  // namespace claimgate::journal
