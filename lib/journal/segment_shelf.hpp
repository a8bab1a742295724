// The segments of one lane that are not being filled: prepared ones in front of its writer, filled
// ones behind it until a checkpoint makes them superfluous.
//
//   tend() ─► spare ─► LaneWriter fills ─► filled ─ release_below() ─► free ─► tend() renames ─►
//   spare
//
// tend() is for a background thread: it writes zeros and renames. take() and put_filled() are the
// committer's; they take a lock that tend() never holds across an I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/failure/failure.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

[[nodiscard]] std::string lane_folder(std::uint32_t lane);
[[nodiscard]] std::string segment_path(std::uint32_t lane, std::uint64_t segment);

// A segment as its file's name says it; nothing where a name is no segment's.
[[nodiscard]] std::optional<std::uint64_t> segment_number(const std::string& file_name);

class SegmentShelf {
 public:
  struct Options {
    std::uint32_t lane = 0;
    std::uint64_t segment_bytes = 0;
    unsigned spares = 4;  // to hold ready
  };
  struct Spare {
    std::uint64_t segment = 0;
    std::unique_ptr<File> file;
  };

  // `next_segment` is above every number in use.
  SegmentShelf(Storage& storage, const Options& options, std::uint64_t next_segment);

  // Files that recovery found: filled up to `last_lsn`, or never used (0).
  void adopt(std::uint64_t segment, std::uint64_t last_lsn, std::uint64_t bytes);
  // Makes one spare where some are wanting: by renaming a free segment, or by writing a new one.
  // True where it did. A full disk is a Failure; it may be called again. A free segment that cannot
  // be renamed or removed stays free: the next one is taken meanwhile, or a new one made, and it is
  // tried again after a checkpoint, or where there is no room for a new one.
  [[nodiscard]] Expected<bool> tend();
  // Removes the free segments that were made under another configuration: of another size. Where a
  // new one is made it is done anyhow; at a start one lane's room is another's.
  [[nodiscard]] Expected<void> shed();
  // Every filled segment whose last record is at or below `lsn` becomes free.
  void release_below(std::uint64_t lsn);
  // Whether that would make this one free.
  [[nodiscard]] bool releases(std::uint64_t segment, std::uint64_t lsn) const;

  [[nodiscard]] std::optional<Spare> take();
  void put_filled(std::uint64_t segment, std::uint64_t last_lsn, std::unique_ptr<File> file);

  [[nodiscard]] unsigned spares() const;
  // Bytes of the filled segments with records above `lsn`: what recovery from there would read.
  [[nodiscard]] std::uint64_t filled_bytes_above(std::uint64_t lsn) const;

 private:
  struct Filled {
    std::uint64_t segment = 0;
    std::uint64_t last_lsn = 0;
    std::uint64_t bytes = 0;
    std::unique_ptr<File> file;  // none where recovery found it
    bool resists = false;        // could not be renamed or removed when it was tried last
  };
  [[nodiscard]] Expected<std::unique_ptr<File>> reuse(Filled& old, const std::string& path);
  [[nodiscard]] Expected<std::unique_ptr<File>> make(const std::string& path);
  [[nodiscard]] std::optional<Filled> take_free(bool fits);
  void put_back(Filled old, std::uint64_t segment);
  void try_all_again();

  Storage& storage_;
  const Options options_;
  mutable std::mutex mutex_;
  std::uint64_t next_segment_;
  std::deque<Spare> spares_;
  std::vector<Filled> filled_;
  std::vector<Filled> free_;
};

}  // namespace claimgate::journal
