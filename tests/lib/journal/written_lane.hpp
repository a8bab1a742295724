// A claim lane on a simulated disk, written by the LaneWriter as a committer would: every record is
// a function of its LSN, so that a reader can say whether it is the right one. One thread.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "lib/journal/lane_writer.hpp"
#include "lib/journal/segment_shelf.hpp"
#include "tests/lib/channel/make_terms.hpp"
#include "tests/lib/journal/simulated_disk.hpp"

namespace claimgate::journal {

inline constexpr std::uint64_t small_segment_bytes = 9 * page_bytes;  // its header, and one frame

inline Uuid test_uuid() {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::byte>(0x10 + i);
  return uuid;
}

using ClaimBytes = std::array<std::byte, claim_record_bytes>;

inline ClaimBytes claim_of(std::uint64_t lsn) {
  const channel::Signature signature = channel::make_signature(lsn);
  ClaimBytes bytes;
  write_claim_record(bytes.data(), {.lsn = lsn,
                                    .channel = {0x1000 + lsn % 5},
                                    .amount = {10 * lsn},
                                    .previous = {10 * lsn - 1},
                                    .incarnation = static_cast<std::uint32_t>(1 + lsn % 5),
                                    .slot = static_cast<std::uint32_t>(lsn % 5),
                                    .time = static_cast<channel::LedgerTime>(700'000'000 + lsn),
                                    .signature = signature.data()});
  return bytes;
}

class WrittenLane {
 public:
  WrittenLane(SimulatedDisk& disk, const LaneWriter::Options& options,
              std::uint64_t first_segment = 1)
      : shelf_(disk, {.lane = options.lane, .segment_bytes = options.segment_bytes, .spares = 1},
               first_segment),
        writer_(options, shelf_) {
    EXPECT_TRUE(disk.make_folder(lane_folder(options.lane)));
    EXPECT_TRUE(shelf_.tend());
  }

  [[nodiscard]] LaneWriter& writer() noexcept { return writer_; }
  [[nodiscard]] SegmentShelf& shelf() noexcept { return shelf_; }

  // One group of the next `count` claims; of none: a heartbeat.
  void claims(unsigned count) {
    for (unsigned i = 0; i < count; ++i) writer_.append(claim_of(writer_.next_lsn()).data());
    write(0);
  }
  void heartbeat() { claims(0); }
  void write(channel::LedgerTime now) {
    const auto group = writer_.close(now);
    ASSERT_TRUE(group);
    ASSERT_TRUE(group->file->write_durably(group->offset, group->bytes));
    writer_.complete(*group);
    ASSERT_TRUE(shelf_.tend());
  }

 private:
  SegmentShelf shelf_;
  LaneWriter writer_;
};

}  // namespace claimgate::journal
