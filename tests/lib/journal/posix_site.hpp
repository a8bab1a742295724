// A state folder of a test's own, opened as PosixStorage, with what is looked at from outside.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/posix_storage.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::journal {

// Pages whose bytes tell where they belong.
inline AlignedBuffer pages(std::size_t count, unsigned char seed) {
  AlignedBuffer out(count * page_bytes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out.data()[i] = static_cast<std::byte>(seed + i * 7 + i / page_bytes);
  }
  return out;
}

class PosixSite : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch_.file("state");
    std::filesystem::create_directory(folder_);
    reopen();
  }

  // As it is after a start: nothing is known of the disk.
  void reopen() {
    auto opened = PosixStorage::open(folder_);
    ASSERT_TRUE(opened) << opened.error().text();
    disk_ = std::move(*opened);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

  [[nodiscard]] std::unique_ptr<File> made(const std::string& name, std::size_t count) {
    auto file = disk_->create(name, count * page_bytes);
    EXPECT_TRUE(file) << file.error().text();
    return file ? std::move(*file) : nullptr;
  }

  // Through the page cache, so by another way than what is tested.
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] static std::string text(AlignedBuffer& buffer) {
    return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
  }
  [[nodiscard]] std::size_t files_there() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  // Whether the file system under the temporary folder takes O_DIRECT.
  [[nodiscard]] bool direct_here() const {
    const std::string name = scratch_.file("probe");
    const Descriptor file(::open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    return ::fcntl(file.number(), F_SETFL, O_DIRECT) == 0;
  }

  ScratchFolder scratch_;
  std::string folder_;
  std::unique_ptr<PosixStorage> disk_;
};

}  // namespace claimgate::journal
