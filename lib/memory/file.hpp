// Files as the state directory needs them: one that replaces another whole or not at all, and one
// that is read at offsets. Control path only: every call is a system call.
// Owner: whoever holds the object; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "lib/failure/failure.hpp"

namespace claimgate::memory {

// Writes `path`.new beside `path`; commit() makes it durable and puts it in `path`'s place. Without
// commit() the new file is removed and `path` stays as it was, also across power loss.
class FileReplacement {
 public:
  // Mode 0600; what an interrupted attempt left behind is overwritten.
  [[nodiscard]] static Expected<FileReplacement> begin(const std::string& path);

  [[nodiscard]] Expected<void> append(std::span<const std::byte> bytes);
  // Over bytes written before, or ahead of the end.
  [[nodiscard]] Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  // fsync, rename, fsync of the directory. The object is spent, whatever the result.
  [[nodiscard]] Expected<void> commit();

  FileReplacement(FileReplacement&& other) noexcept;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();

 private:
  FileReplacement(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  [[nodiscard]] std::string temporary() const { return path_ + ".new"; }
  [[nodiscard]] std::unexpected<Failure> failed(const char* what) const;

  std::string path_;
  int fd_ = -1;
  std::uint64_t end_ = 0;
};

class FileReader {
 public:
  [[nodiscard]] static Expected<FileReader> open(const std::string& path);

  // Bytes at the time of the call.
  [[nodiscard]] Expected<std::uint64_t> size() const;
  // Fills the whole span; a file that ends before is a Failure.
  [[nodiscard]] Expected<void> read_at(std::uint64_t offset, std::span<std::byte> into) const;

  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader();

 private:
  FileReader(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
};

}  // namespace claimgate::memory
