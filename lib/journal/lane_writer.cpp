#include "lib/journal/lane_writer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace claimgate::journal {

LaneWriter::LaneWriter(const Options& options, SegmentShelf& shelf)
    : options_(options),
      shelf_(shelf),
      per_frame_(records_per_frame(options.record_bytes)),
      stamp_(lane_stamp(options.node_uuid, options.lane)),
      next_lsn_(options.next_lsn),
      durable_lsn_(options.next_lsn - 1),
      told_durable_lsn_(options.next_lsn - 1) {
  const std::size_t group_bytes = options.frames_per_group * frame_bytes_max;
  assert(options.depth > 0 && options.segment_bytes >= page_bytes + group_bytes);
  for (unsigned i = 0; i <= options.depth; ++i) cells_.emplace_back(page_bytes + group_bytes);
}

std::size_t LaneWriter::room() const noexcept {
  return options_.frames_per_group * per_frame_ - open_count_;
}

void LaneWriter::append(const std::byte* record) noexcept {
  assert(room() > 0);
  assert(wire::load_raw<std::uint64_t>(record + record_lsn_offset) == next_lsn_);
  std::byte* const to = frame(static_cast<unsigned>(open_count_ / per_frame_)) +
                        frame_header_bytes + open_count_ % per_frame_ * options_.record_bytes;
  std::memcpy(to, record, options_.record_bytes);
  ++open_count_;
  ++next_lsn_;
}

// Frames follow each other without a gap: only the last one is shorter than its room.
std::size_t LaneWriter::seal(channel::LedgerTime now) noexcept {
  std::uint64_t lsn = next_lsn_ - open_count_;
  const std::uint64_t durable = durable_lsn();
  std::size_t left = open_count_;
  std::size_t bytes = 0;
  unsigned number = 0;
  do {
    const std::size_t count = std::min(left, per_frame_);
    const std::size_t size = frame_bytes(count, options_.record_bytes);
    const std::size_t used = frame_header_bytes + count * options_.record_bytes;
    std::memset(frame(number) + used, 0, size - used);
    seal_frame(frame(number), {.stamp = stamp_,
                               .term = options_.term,
                               .segment = segment_,
                               .first_lsn = lsn,
                               .durable_lsn = durable,
                               .time = now,
                               .count = static_cast<std::uint16_t>(count),
                               .bytes = static_cast<std::uint32_t>(size)});
    lsn += count;
    left -= count;
    bytes += size;
    ++number;
  } while (left > 0);
  return bytes;
}

bool LaneWriter::begin_segment() {
  auto spare = shelf_.take();
  if (!spare) return false;
  if (file_) shelf_.put_filled(segment_, next_lsn_ - open_count_ - 1, std::move(file_));
  file_ = std::move(spare->file);
  segment_ = spare->segment;
  offset_ = 0;
  return true;
}

std::optional<LaneWriter::Group> LaneWriter::close(channel::LedgerTime now) {
  if (under_way_ == options_.depth) return std::nullopt;
  const std::size_t full = open_count_ / per_frame_;
  const std::size_t last = open_count_ % per_frame_;
  const std::size_t bytes = full * frame_bytes_max +
                            (last > 0 || full == 0 ? frame_bytes(last, options_.record_bytes) : 0);
  if (!file_ || offset_ + bytes > options_.segment_bytes) {
    if (!begin_segment()) return std::nullopt;
  }
  Cell& cell = cells_[open_];
  [[maybe_unused]] const std::size_t sealed = seal(now);
  assert(sealed == bytes);
  std::byte* from = cell.buffer.data() + page_bytes;
  std::size_t length = bytes;
  if (offset_ == 0) {  // the header travels with the first group: one write, one sync
    from -= page_bytes;
    length += page_bytes;
    write_segment_header(from, {.node_uuid = options_.node_uuid,
                                .lane = options_.lane,
                                .record_bytes = static_cast<std::uint32_t>(options_.record_bytes),
                                .segment = segment_,
                                .bytes = options_.segment_bytes,
                                .first_lsn = next_lsn_ - open_count_,
                                .term = options_.term});
  }
  const Group group{.file = file_.get(),
                    .offset = offset_,
                    .bytes = {from, length},
                    .last_lsn = next_lsn_ - 1,
                    .number = open_};
  offset_ += length;
  told_durable_lsn_ = durable_lsn();
  cell.busy = true;
  cell.done = false;
  cell.last_lsn = group.last_lsn;
  cell.segment = segment_;
  ++under_way_;
  open_ = (open_ + 1) % static_cast<unsigned>(cells_.size());
  open_count_ = 0;
  return group;
}

void LaneWriter::complete(const Group& group) noexcept {
  assert(cells_[group.number].busy);
  cells_[group.number].done = true;
  while (under_way_ > 0 && cells_[oldest_].done) {
    Cell& cell = cells_[oldest_];
    durable_segment_.store(cell.segment, std::memory_order_relaxed);
    durable_lsn_.store(cell.last_lsn, std::memory_order_release);  // pairs with durable_lsn()
    cell.busy = cell.done = false;
    --under_way_;
    oldest_ = (oldest_ + 1) % static_cast<unsigned>(cells_.size());
  }
}

}  // namespace claimgate::journal
