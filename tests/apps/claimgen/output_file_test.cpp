#include "apps/claimgen/output_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/scratch_folder.hpp"

namespace claimgate::claimgen {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::size_t files_beside(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(OutputFile, is_there_once_finished_and_not_before) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("out");
  auto file = OutputFile::open(path).value();
  file.stream() << "whole";
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file.finish());
  EXPECT_EQ(contents(path), "whole");
  EXPECT_EQ(files_beside(path), 1u);
}

TEST(OutputFile, without_finish_leaves_the_old_file_and_nothing_else) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("out");
  std::ofstream(path) << "old";
  {
    auto file = OutputFile::open(path).value();
    file.stream() << "half";
  }
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(files_beside(path), 1u);
}

// Through a link of our own, so that a wrong step takes the link and not the machine's device.
TEST(OutputFile, writes_to_a_device_instead_of_replacing_it) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("null");
  std::filesystem::create_symlink("/dev/null", path);
  auto file = OutputFile::open(path).value();
  file.stream() << "gone";
  ASSERT_TRUE(file.finish());
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  EXPECT_EQ(files_beside(path), 1u);
}

TEST(OutputFile, says_where_nothing_can_be_written_and_when_the_disk_is_full) {
  const ScratchFolder scratch;
  EXPECT_FALSE(OutputFile::open(scratch.file("nowhere/out")));
  const std::string path = scratch.file("full");
  std::filesystem::create_symlink("/dev/full", path);
  auto file = OutputFile::open(path).value();
  file.stream() << "too much";
  EXPECT_FALSE(file.finish());
  EXPECT_TRUE(std::filesystem::is_symlink(path));
}

}  // namespace
}  // namespace claimgate::claimgen
