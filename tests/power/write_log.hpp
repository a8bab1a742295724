// What a disk was told, in order, as the kernel's target log-writes has kept it, and any moment of
// it brought to another disk.
//
// The log, little-endian, in sectors of the size that its first one states:
//   first sector   magic (u64 at 0) · version 1 (u64 at 8) · entries (u64 at 16) · sector size (u32
//                  at 24)
//   each entry     one sector: first sector written (u64 at 0) · sectors (u64 at 8) · flags (u64 at
//                  16) · length of a mark (u64 at 24) · the mark; then what was written, where it
//                  is not a discard
// A write without FUA stands in the log once a flush has covered it, in front of that flush; a mark
// stands where the log was when it was made. So between two flushes come the marks of that time,
// and all the writes that a power cut before the second flush could have left undone, done or torn.
//
// (Documentation/admin-guide/device-mapper/log-writes.rst, drivers/md/dm-log-writes.c.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/journal/descriptor.hpp"

namespace claimgate::power {

inline constexpr std::uint64_t sector_bytes = 512;

struct LogEntry {
  std::uint64_t place = 0;  // of its data in the log, bytes
  std::uint64_t sector = 0;
  std::uint64_t sectors = 0;
  bool flush = false;  // covers what stands before it
  bool fua = false;    // durable by itself
  bool discard = false;
  std::uint64_t mark = 0;  // the number of the last mark up to here
};

class WriteLog {
 public:
  // Throws std::runtime_error where `device` has no such log.
  explicit WriteLog(const std::string& device);

  // Marks are numbers, in rising order.
  [[nodiscard]] const std::vector<LogEntry>& entries() const noexcept { return entries_; }
  // What an entry wrote.
  [[nodiscard]] std::vector<std::byte> data(const LogEntry& entry) const;

 private:
  void read(std::uint64_t place, std::byte* into, std::size_t bytes) const;

  std::string device_;
  journal::Descriptor log_;
  std::vector<LogEntry> entries_;
};

// A disk that entries are brought to.
class Replayed {
 public:
  explicit Replayed(const std::string& device);
  void write(std::uint64_t sector, const std::byte* data, std::size_t bytes);
  void sync();

 private:
  std::string device_;
  journal::Descriptor disk_;
};

}  // namespace claimgate::power
