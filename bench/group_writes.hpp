// The ways to make a group of records durable in a file whose blocks are written already.
// Thread: one. What a disk or kernel refuses is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/journal/aligned_buffer.hpp"

namespace claimgate::bench {

// Where the next group goes: behind the one before, and at the file's start again where it ends.
// What is written differs from group to group.
class Course {
 public:
  // `file` is open for writing and holds `file_bytes`, written; it stays its owner's.
  Course(int file, std::uint64_t file_bytes);

  struct Group {
    std::uint64_t offset;
    std::span<const std::byte> bytes;
  };
  // Precondition: whole pages, at most group_bytes_max.
  [[nodiscard]] Group next(std::size_t bytes) noexcept;
  [[nodiscard]] int file() const noexcept { return file_; }

  static constexpr std::size_t group_bytes_max = std::size_t{512} << 10;

 private:
  int file_;
  std::uint64_t file_bytes_;
  std::uint64_t offset_ = 0;
  std::size_t source_at_ = 0;
  journal::AlignedBuffer source_;
};

class GroupWrites {
 public:
  virtual ~GroupWrites() = default;
  // For each of `count` groups of `bytes`: microseconds from its submission until it was durable.
  [[nodiscard]] virtual std::vector<double> write(Course& course, std::size_t bytes,
                                                  unsigned count) = 0;
};

struct Way {
  std::string name;
  std::unique_ptr<GroupWrites> writes;
};

// The first is what the others are held against.
[[nodiscard]] std::vector<Way> ways_of_system_calls();
// Throws std::system_error where this kernel, or who confines this program, grants no io_uring.
[[nodiscard]] std::vector<Way> ways_of_io_uring();

}  // namespace claimgate::bench
