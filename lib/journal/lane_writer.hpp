// The writing end of a lane: records into frames, frames into groups, groups into segments.
//
//   append() … append() ─► close() ─► [write the group, durably] ─► complete() ─► durable_lsn()
//
// It does no I/O itself: whoever owns it writes what close() hands out and reports back. Up to
// `depth` groups may be under way at once and be completed in any order; durable_lsn() only ever
// passes LSNs below which nothing is missing.
//
// Owner: one committer thread. Allocates when made, never after. CRC and copy of a record take some
// 20 ns, so a lane carries far more records than any worker verifies.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/layout.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {

class LaneWriter {
 public:
  struct Options {
    Uuid node_uuid{};
    std::uint32_t lane = 0;
    std::size_t record_bytes = claim_record_bytes;
    std::uint64_t segment_bytes = 0;  // room for its header and one full group at least
    std::uint32_t term = 0;
    std::uint64_t next_lsn = 1;  // everything below is durable
    unsigned depth = 1;          // groups under way at once
    unsigned frames_per_group = 16;
  };
  // What one write makes durable. Valid until it is completed.
  struct Group {
    File* file = nullptr;
    std::uint64_t offset = 0;
    std::span<const std::byte> bytes;
    std::uint64_t last_lsn = 0;  // of a heartbeat: the last one before it
    unsigned number = 0;
  };

  LaneWriter(const Options& options, SegmentShelf& shelf);

  // How many records may be appended now.
  [[nodiscard]] std::size_t room() const noexcept;
  // Preconditions: room() > 0; `record` has record_bytes and carries next_lsn().
  void append(const std::byte* record) noexcept;
  [[nodiscard]] bool open_is_empty() const noexcept { return open_count_ == 0; }
  // Hands out what was appended, as the next group; empty: a heartbeat. Nothing where `depth`
  // groups are under way, or where a new segment is needed and the shelf has none: then it stays
  // open, to be closed later. `now` is for people who read the journal.
  [[nodiscard]] std::optional<Group> close(channel::LedgerTime now);
  // Takes back what was appended since the last group was closed; its LSNs are given again.
  void discard() noexcept {
    next_lsn_ -= open_count_;
    open_count_ = 0;
  }
  // The group is on the disk.
  void complete(const Group& group) noexcept;

  [[nodiscard]] std::uint64_t next_lsn() const noexcept { return next_lsn_; }
  // Any thread: nothing at or below it can be lost any more.
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept {
    return durable_lsn_.load(std::memory_order_acquire);  // pairs with complete()
  }
  // Any thread: the segment of the last durable group, 0 before the first.
  [[nodiscard]] std::uint64_t durable_segment() const noexcept {
    return durable_segment_.load(std::memory_order_relaxed);
  }
  // True while no frame on the disk says that the last record is durable: rot in that record's
  // frame would look like a tear. An empty close() mends it.
  [[nodiscard]] bool wants_heartbeat() const noexcept {
    return under_way_ == 0 && open_count_ == 0 && told_durable_lsn_ < durable_lsn();
  }

 private:
  struct Cell {  // a group and its memory: one page for a segment's header, then frames
    explicit Cell(std::size_t bytes) : buffer(bytes) {}
    AlignedBuffer buffer;
    bool busy = false;
    bool done = false;
    std::uint64_t last_lsn = 0;
    std::uint64_t segment = 0;
  };
  [[nodiscard]] std::byte* frame(unsigned number) noexcept {
    return cells_[open_].buffer.data() + page_bytes + number * frame_bytes_max;
  }
  [[nodiscard]] bool begin_segment();
  [[nodiscard]] std::size_t seal(channel::LedgerTime now) noexcept;

  const Options options_;
  SegmentShelf& shelf_;
  const std::size_t per_frame_;
  const std::uint32_t stamp_;
  std::vector<Cell> cells_;
  unsigned open_ = 0;    // the cell being filled
  unsigned oldest_ = 0;  // the oldest cell under way
  unsigned under_way_ = 0;
  std::size_t open_count_ = 0;  // records in the open cell
  std::uint64_t next_lsn_;
  std::atomic<std::uint64_t> durable_lsn_;
  std::atomic<std::uint64_t> durable_segment_{0};
  std::uint64_t told_durable_lsn_;  // the highest that a durable frame states
  std::uint64_t segment_ = 0;       // being filled; 0 before the first
  std::uint64_t offset_ = 0;        // in the segment
  std::unique_ptr<File> file_;
};

}  // namespace claimgate::journal
