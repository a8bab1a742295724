// Real folders on real file systems.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "lib/machine/machine.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::machine {
namespace {

std::size_t entries(const std::string& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(Disk, IsWrittenPastThePageCacheAndLeftAsItWas) {
  const ScratchFolder scratch;
  const std::string folder = scratch.file("");
  const Disk disk = look_at_disk(folder);
  EXPECT_TRUE(disk.exists);
  EXPECT_TRUE(disk.is_folder);
  EXPECT_TRUE(disk.writable);
  EXPECT_NE(disk.filesystem, "");
  EXPECT_GT(disk.free_bytes, 0U);
  EXPECT_NE(disk.direct, Disk::Direct::not_tried);
  if (disk.filesystem == "ext4" || disk.filesystem == "xfs") {
    EXPECT_EQ(disk.direct, Disk::Direct::works) << disk.direct_refusal;
  }
  EXPECT_EQ(entries(folder), 0U);
}

TEST(Disk, ThatIsNotThereIsLookedAtFromItsParentAndNothingIsMade) {
  const ScratchFolder scratch;
  const Disk disk = look_at_disk(scratch.file("not/yet/there"));
  EXPECT_FALSE(disk.exists);
  EXPECT_TRUE(disk.is_folder);
  EXPECT_TRUE(disk.writable);
  EXPECT_EQ(std::filesystem::path(disk.looked_at),
            std::filesystem::path(scratch.file("not")).parent_path());
  EXPECT_EQ(disk.direct, Disk::Direct::not_tried);
  EXPECT_EQ(entries(scratch.file("")), 0U);
}

TEST(Disk, BehindAFileIsNoFolder) {
  const ScratchFolder scratch;
  const std::string file = scratch.file("file");
  std::fclose(std::fopen(file.c_str(), "w"));
  EXPECT_FALSE(look_at_disk(file).is_folder);
  EXPECT_FALSE(look_at_disk(file + "/state").is_folder);
  EXPECT_EQ(look_at_disk(file).direct, Disk::Direct::not_tried);
}

TEST(Disk, InTheKernelsMemoryIsSeenAsSuch) {
  if (!std::filesystem::is_directory("/dev/shm")) {
    std::puts("NOT RUN: Disk.InTheKernelsMemoryIsSeenAsSuch: there is no /dev/shm");
    GTEST_SKIP();
  }
  EXPECT_EQ(look_at_disk("/dev/shm").filesystem, "tmpfs");
}

TEST(Disk, ThatRefusesDirectWritesSaysWhy) {
  // ramfs has no direct I/O on any kernel; tmpfs has since Linux 6.6.
  const ScratchFolder scratch;
  const std::string folder = scratch.file("ramfs");
  std::filesystem::create_directory(folder);
  if (::mount("none", folder.c_str(), "ramfs", 0, nullptr) != 0) {
    std::puts("NOT RUN: Disk.ThatRefusesDirectWritesSaysWhy: mounting needs root and ramfs");
    GTEST_SKIP();
  }
  const Disk disk = look_at_disk(folder);
  ::umount2(folder.c_str(), MNT_DETACH);
  EXPECT_EQ(disk.filesystem, "ramfs");
  EXPECT_EQ(disk.direct, Disk::Direct::refused);
  EXPECT_NE(disk.direct_refusal.find("Invalid argument"), std::string::npos) << disk.direct_refusal;
}

TEST(Disk, ThatIsReadOnlyIsNotTried) {
  if (!std::filesystem::is_directory("/proc/sys")) GTEST_SKIP();
  const Disk disk = look_at_disk("/proc/sys");  // not even root makes files there
  EXPECT_NE(disk.direct, Disk::Direct::works);
}

}  // namespace
}  // namespace claimgate::machine
