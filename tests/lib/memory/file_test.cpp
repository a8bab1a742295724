#include "lib/memory/file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace claimgate::memory {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "claimgate-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = (directory_ / "file").string();
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path directory_;
  std::string path_;
};

TEST_F(Files, AreReplacedWholeOnCommitAndNotBefore) {
  std::ofstream(path_) << "old";
  std::ofstream(path_ + ".new") << "what a crash left behind, longer than the new one";
  auto file = FileReplacement::begin(path_);
  ASSERT_TRUE(file) << file.error().text();
  ASSERT_TRUE(file->append(bytes_of("xxxx")));
  ASSERT_TRUE(file->append(bytes_of(" world")));
  ASSERT_TRUE(file->write_at(0, bytes_of("hell")));
  ASSERT_TRUE(file->append(bytes_of("!")));
  EXPECT_EQ(read_text(path_), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_text(path_), "hell world!");
  EXPECT_FALSE(fs::exists(path_ + ".new"));
}

TEST_F(Files, StayAsTheyWereWithoutCommit) {
  std::ofstream(path_) << "old";
  {
    auto file = FileReplacement::begin(path_);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(bytes_of("new")));
    const FileReplacement moved = std::move(*file);
  }
  EXPECT_EQ(read_text(path_), "old");
  EXPECT_FALSE(fs::exists(path_ + ".new"));
}

TEST_F(Files, SayWhatFailedWhereAndWhatToDo) {
  const auto created = FileReplacement::begin((directory_ / "no/such").string());
  ASSERT_FALSE(created);
  EXPECT_NE(created.error().text().find("no/such"), std::string::npos);
  EXPECT_FALSE(created.error().remedy.empty());
  const auto opened = FileReader::open(path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().where, path_);
  const auto directory = FileReader::open(directory_.string());
  ASSERT_TRUE(directory);
  EXPECT_FALSE(directory->size());
}

TEST_F(Files, AreReadAtOffsetsAndNotBeyondTheirEnd) {
  std::ofstream(path_) << "0123456789";
  const auto file = FileReader::open(path_);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size().value(), 10u);
  std::array<std::byte, 4> piece;
  ASSERT_TRUE(file->read_at(6, piece));
  EXPECT_EQ(piece[3], std::byte{'9'});
  const auto beyond = file->read_at(7, piece);
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().what.find("offset 10"), std::string::npos);
}

}  // namespace
}  // namespace claimgate::memory
