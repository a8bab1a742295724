// The reading end of a lane over what LaneWriter wrote: all of it, or a refusal that names the
// place.
#include "lib/journal/lane_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "lib/memory/crc32c.hpp"
#include "tests/lib/journal/state_files.hpp"
#include "tests/lib/journal/written_lane.hpp"

namespace claimgate::journal {
namespace {

constexpr unsigned full_frame = 255;

class LaneScan : public ::testing::Test {
 protected:
  static LaneWriter::Options options() {
    return {.node_uuid = test_uuid(),
            .segment_bytes = small_segment_bytes,
            .term = 1,
            .frames_per_group = 1};
  }
  static LaneQuery query() { return {.node_uuid = test_uuid(), .term = 1}; }

  // Every record above query.after_lsn in order, and each the one that was written.
  Expected<LaneEnd> scan(const LaneQuery& query) {
    std::uint64_t next = query.after_lsn + 1;
    auto end = scan_lane(disk_, query, [&next](const std::byte* record, const RecordPlace& place) {
      EXPECT_EQ(place.lsn, next++);
      EXPECT_TRUE(std::equal(record, record + claim_record_bytes, claim_of(place.lsn).data()))
          << place.lsn;
      return Expected<void>{};
    });
    EXPECT_EQ(end ? end->next_lsn : next, next);
    return end;
  }

  // By a Failure that names a file of the lane, the place in it, and what to do.
  bool refused(const LaneQuery& query) {
    const auto end = scan(query);
    return !end && end.error().what.starts_with("damaged: ") &&
           end.error().where.starts_with("disk:lane-0/seg-") &&
           end.error().where.find(", offset ") != std::string::npos && !end.error().remedy.empty();
  }

  void expect_refused(const LaneQuery& query, const std::string& what, const std::string& where) {
    const auto end = scan(query);
    ASSERT_FALSE(end) << what;
    EXPECT_NE(end.error().what.find(what), std::string::npos) << end.error().text();
    EXPECT_EQ(end.error().where, "disk:" + where);
    EXPECT_FALSE(end.error().remedy.empty());
  }

  // Every `step`th bit of [from, to) of a file, each flipped for one scan.
  void flip_bits(const std::string& path, std::uint64_t from, std::uint64_t to, unsigned step,
                 const std::function<bool()>& well) {
    for (std::uint64_t bit = from * 8; bit < to * 8; bit += step) {
      disk_.rot(path, bit);
      ASSERT_TRUE(well()) << path << ", byte " << bit / 8 << ", bit " << bit % 8;
      disk_.rot(path, bit);
    }
  }

  Bytes& bytes(std::uint64_t segment) { return disk_.names()[segment_path(0, segment)]->now; }
  // Three segments of one full frame each; the third ends with a heartbeat.
  void write_three_segments() {
    WrittenLane lane(disk_, options());
    lane.claims(full_frame);
    lane.claims(full_frame);
    lane.claims(40);
    lane.heartbeat();
    files_ = files_of(disk_);
  }

  SimulatedDisk disk_{1};
  Files files_;  // as they were written
};

constexpr std::uint64_t three_segments_lsn = 2 * full_frame + 40;

TEST_F(LaneScan, OfALaneThatIsNotThereFindsNothing) {
  const auto end = scan(query());
  ASSERT_TRUE(end);
  EXPECT_EQ(end->next_lsn, 1u);
  EXPECT_EQ(end->highest_segment, 0u);
  EXPECT_EQ(end->records, 0u);
}

TEST_F(LaneScan, DeliversEveryRecordOverAllSegments) {
  write_three_segments();
  const auto end = scan(query());
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->records, three_segments_lsn);
  EXPECT_EQ(end->next_lsn, three_segments_lsn + 1);
  EXPECT_EQ(end->durable_lsn, three_segments_lsn);
  EXPECT_EQ(end->highest_segment, 4u) << "a spare";
  EXPECT_EQ(end->highest_term, 1u);
  EXPECT_EQ(end->torn_bytes, 0u);
  ASSERT_EQ(end->segments.size(), 4u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const SegmentFacts& facts = end->segments[i];
    EXPECT_EQ(facts.segment, i + 1);
    EXPECT_EQ(facts.first_lsn, i * full_frame + 1);
    EXPECT_EQ(facts.last_lsn, std::min((i + 1) * full_frame, three_segments_lsn));
    EXPECT_EQ(facts.bytes, small_segment_bytes);
    EXPECT_EQ(facts.term, 1u);
  }
  EXPECT_EQ(end->segments[3].first_lsn, 0u);
}

TEST_F(LaneScan, DeliversOnlyWhatACheckpointHasNot) {
  write_three_segments();
  for (const std::uint64_t after : {std::uint64_t{1}, std::uint64_t{254}, std::uint64_t{255},
                                    std::uint64_t{256}, three_segments_lsn}) {
    LaneQuery some = query();
    some.after_lsn = after;
    const auto end = scan(some);
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ(end->records, three_segments_lsn - after);
  }
}

TEST_F(LaneScan, EndsWithTheFirstFailureOfTheReceiver) {
  write_three_segments();
  unsigned calls = 0;
  const auto end =
      scan_lane(disk_, query(), [&calls](const std::byte*, const RecordPlace&) -> Expected<void> {
        if (++calls == 300) return fail("enough");
        return {};
      });
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().what, "enough");
  EXPECT_EQ(calls, 300u);
}

TEST_F(LaneScan, SaysWhereARecordLies) {
  write_three_segments();
  const auto end = scan_lane(disk_, query(), [](const std::byte* record, const RecordPlace& place) {
    EXPECT_EQ(place.segment, (place.lsn - 1) / full_frame + 1);
    EXPECT_EQ(place.offset,
              page_bytes + frame_header_bytes + (place.lsn - 1) % full_frame * claim_record_bytes);
    EXPECT_EQ(wire::load_raw<std::uint64_t>(record + record_lsn_offset), place.lsn);
    return Expected<void>{};
  });
  ASSERT_TRUE(end);
}

// ---- a flipped bit ------------------------------------------------------------------------

TEST_F(LaneScan, AFlippedBitOfAFrameThatALaterOneFollowsIsAlwaysFound) {
  WrittenLane lane(disk_, options());
  lane.claims(3);
  lane.claims(40);  // over a page's end
  lane.claims(1);
  lane.heartbeat();
  // The header and all three frames: what is stated behind them is more than is left.
  flip_bits(segment_path(0, 1), 0, 5 * page_bytes, 1, [this] { return refused(query()); });
}

TEST_F(LaneScan, AFlippedBitOfAHeartbeatLosesNothing) {
  WrittenLane lane(disk_, options());
  lane.claims(3);
  lane.heartbeat();
  flip_bits(segment_path(0, 1), 2 * page_bytes, 3 * page_bytes, 1, [this] {
    const auto end = scan(query());
    return end && end->next_lsn == 4;
  });
  lane.claims(2);
  lane.heartbeat();
  flip_bits(segment_path(0, 1), 2 * page_bytes, 3 * page_bytes, 1, [this] {
    const auto end = scan(query());
    return end && end->next_lsn == 6;
  });
}

TEST_F(LaneScan, AFlippedBitBehindTheEndLosesNothing) {
  WrittenLane lane(disk_, options());
  lane.claims(3);
  lane.heartbeat();
  flip_bits(segment_path(0, 1), 3 * page_bytes, 4 * page_bytes, 7, [this] {
    const auto end = scan(query());
    return end && end->next_lsn == 4;
  });
  flip_bits(segment_path(0, 2), 0, 2 * page_bytes, 7, [this] {
    const auto end = scan(query());
    return end && end->next_lsn == 4;
  });
}

TEST_F(LaneScan, AFlippedBitOfAnySegmentsHeaderIsFound) {
  write_three_segments();
  for (const std::uint64_t segment : {1, 2, 3}) {
    flip_bits(segment_path(0, segment), 0, page_bytes, 7, [this] { return refused(query()); });
  }
}

TEST_F(LaneScan, AFlippedBitOfWhatACheckpointHasIsHarmlessOrFound) {
  WrittenLane lane(disk_, options());
  for (unsigned i = 0; i < 4; ++i) lane.claims(2);
  lane.heartbeat();
  for (const std::uint64_t after : {2, 6}) {
    LaneQuery some = query();
    some.after_lsn = after;
    flip_bits(segment_path(0, 1), page_bytes, 6 * page_bytes, 1, [this, &some, after] {
      const auto end = scan(some);
      return end ? end->next_lsn == 9 && end->records == 8 - after
                 : end.error().what.starts_with("damaged: ");
    });
  }
}

// ---- tears --------------------------------------------------------------------------------

TEST_F(LaneScan, AFrameThatNobodyWasToldOfIsATearAndDiscarded) {
  WrittenLane lane(disk_, options());
  lane.claims(3);
  lane.claims(40);
  for (std::uint64_t sector = 0; sector < 2 * page_bytes / sector_bytes; ++sector) {
    const std::uint64_t at = 2 * page_bytes + sector * sector_bytes;
    const Bytes before = bytes(1);
    std::fill_n(bytes(1).begin() + static_cast<std::ptrdiff_t>(at), sector_bytes, std::byte{0});
    const auto end = scan(query());
    // The last sector was zeros before.
    const bool torn = before != bytes(1);
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ(end->next_lsn, torn ? 4u : 44u) << "sector " << sector;
    bytes(1) = before;
  }
}

TEST_F(LaneScan, ATornFrameBeforeAWholeOneOfADeeperQueueIsATear) {
  LaneWriter::Options deep = options();
  deep.depth = 3;
  WrittenLane lane(disk_, deep);
  lane.claims(3);
  std::vector<LaneWriter::Group> groups;
  for (unsigned i = 0; i < 2; ++i) {
    lane.writer().append(claim_of(lane.writer().next_lsn()).data());
    groups.push_back(*lane.writer().close(0));
  }
  ASSERT_TRUE(groups[1].file->write_durably(groups[1].offset, groups[1].bytes));
  const auto end = scan(query());
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->next_lsn, 4u);
  EXPECT_EQ(end->torn_bytes, page_bytes);
}

TEST_F(LaneScan, AGroupTornAtASegmentsEndIsATearThoughTheNextSegmentHasBegun) {
  LaneWriter::Options deep = options();
  deep.depth = 2;
  WrittenLane lane(disk_, deep);
  lane.claims(1);
  std::vector<LaneWriter::Group> groups;
  for (const unsigned count : {200u, 100u}) {
    for (unsigned i = 0; i < count; ++i)
      lane.writer().append(claim_of(lane.writer().next_lsn()).data());
    groups.push_back(*lane.writer().close(0));
  }
  ASSERT_NE(groups[0].file, groups[1].file);
  ASSERT_TRUE(groups[1].file->write_durably(groups[1].offset, groups[1].bytes));
  const auto end = scan(query());
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->next_lsn, 2u);
}

TEST_F(LaneScan, WhatWasDiscardedBeforeThisTermStaysSo) {
  write_three_segments();
  LaneQuery later = query();
  later.term = 2;
  later.term_lsn = full_frame;
  later.after_lsn = full_frame;
  const auto end = scan(later);
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->next_lsn, full_frame + 1u) << "segments 2 and 3 begin beyond the term's end";
}

// ---- files that are not where they were ---------------------------------------------------

TEST_F(LaneScan, SwappedSegmentsAreRefused) {
  write_three_segments();
  for (const auto& [one, other] : {std::pair{1, 2}, {2, 3}, {1, 3}}) {
    Files swapped = files_;
    std::swap(swapped[segment_path(0, one)], swapped[segment_path(0, other)]);
    put(disk_, swapped);
    expect_refused(query(), "belongs elsewhere", segment_path(0, one) + ", offset 0");
  }
}

TEST_F(LaneScan, ARemovedSegmentIsRefused) {
  write_three_segments();
  LaneQuery told = query();
  told.segment_in_use = 3;
  for (const std::uint64_t segment : {1, 2, 3}) {
    Files fewer = files_;
    fewer.erase(segment_path(0, segment));
    put(disk_, fewer);
    const auto end = scan(told);
    ASSERT_FALSE(end) << segment;
    EXPECT_TRUE(end.error().where.starts_with("disk:lane-0")) << end.error().where;
  }
  Files none = files_;
  for (const std::uint64_t segment : {1, 2, 3, 4}) none.erase(segment_path(0, segment));
  put(disk_, none);
  expect_refused(told, "segment 3 was in use", "lane-0/seg-3.jnl, offset 0");
}

TEST_F(LaneScan, ASegmentReplacedByAnOlderCopyOfItselfIsRefusedWhereSomethingStatesMore) {
  WrittenLane lane(disk_, options());
  const Bytes unused = bytes(1);
  lane.claims(40);
  const Bytes first = bytes(1);
  lane.claims(100);
  lane.claims(full_frame);  // the second segment
  lane.heartbeat();         // the third
  for (const Bytes& older : {unused, first}) {
    Files files = files_of(disk_);
    files[segment_path(0, 1)] = older;
    SimulatedDisk other(1);
    put(other, files);
    const auto end = scan_lane(other, query(), [](auto...) { return Expected<void>{}; });
    ASSERT_FALSE(end);
    EXPECT_TRUE(end.error().what.starts_with("damaged: acknowledged records"));
    EXPECT_TRUE(end.error().where.starts_with("disk:lane-0"));
  }
  // The segment in use: the manifest's statement is all there is.
  Files files = files_of(disk_);
  files[segment_path(0, 3)] = unused;
  files[segment_path(0, 2)] = unused;
  put(disk_, files);
  LaneQuery told = query();
  told.durable_lsn = 140 + full_frame;
  expect_refused(told, "records from LSN 141 to 395", "lane-0/seg-1.jnl, offset 28672");
}

TEST_F(LaneScan, ATruncatedSegmentIsRefusedAtAnyLength) {
  WrittenLane lane(disk_, options());
  lane.claims(3);
  lane.claims(2);
  lane.heartbeat();
  const Bytes whole = bytes(1);
  LaneQuery told = query();
  told.segment_in_use = 1;
  for (std::size_t size = whole.size(); size > 0; size -= sector_bytes) {
    bytes(1).resize(size - sector_bytes);
    const auto end = scan(told);
    ASSERT_FALSE(end) << bytes(1).size();
    EXPECT_TRUE(end.error().where.starts_with("disk:lane-0/seg-1.jnl, offset "));
    bytes(1) = whole;
  }
}

// ---- headers of another kind --------------------------------------------------------------

class LaneScanHeaders : public LaneScan {
 protected:
  void SetUp() override { write_three_segments(); }

  void rewrite_header(std::uint64_t segment, const std::function<void(SegmentHeader&)>& change) {
    SegmentHeader header;
    ASSERT_EQ(read_segment_header(bytes(segment).data(), header), HeaderFault::none);
    change(header);
    write_segment_header(bytes(segment).data(), header);
  }
};

TEST_F(LaneScanHeaders, OfAnotherNodeLaneOrRecordSizeAreRefused) {
  const std::function<void(SegmentHeader&)> changes[] = {
      [](SegmentHeader& header) { header.node_uuid[15] ^= std::byte{1}; },
      [](SegmentHeader& header) { header.lane = 1; },
      [](SegmentHeader& header) { header.lane = provisioning_lane; },
      [](SegmentHeader& header) { header.record_bytes = provisioning_record_bytes; },
      [](SegmentHeader& header) { header.segment += 1; },
  };
  for (const auto& change : changes) {
    for (const std::uint64_t segment : {1, 2, 3}) {
      rewrite_header(segment, change);
      expect_refused(query(), "belongs elsewhere", segment_path(0, segment) + ", offset 0");
      put(disk_, files_);
    }
  }
}

TEST_F(LaneScanHeaders, OfALowerNumberAreNotInUse) {
  rewrite_header(3, [](SegmentHeader& header) { header.segment = 1; });
  LaneQuery told = query();
  told.segment_in_use = 3;
  expect_refused(told, "segment 3 was in use", "lane-0/seg-3.jnl, offset 0");
}

TEST_F(LaneScanHeaders, OfANewerVersionAreRefusedAndNothingIsChanged) {
  for (const std::size_t at : {12, 13, 16, 23}) {
    for (const std::uint64_t segment : {1, 2, 3}) {
      Bytes& file = bytes(segment);
      file[at] ^= std::byte{0x40};
      wire::store_raw(file.data() + 8,
                      memory::crc32c(std::span(file).first(page_bytes).subspan(12)));
      const Files before = files_of(disk_);
      expect_refused(query(), "newer claimd", segment_path(0, segment) + ", offset 0");
      EXPECT_EQ(files_of(disk_), before);
      put(disk_, files_);
    }
  }
}

TEST_F(LaneScanHeaders, OfANewerMinorVersionAreRead) {
  for (const std::size_t at : {14, 24}) {
    Bytes& file = bytes(2);
    file[at] = std::byte{9};
    wire::store_raw(file.data() + 8, memory::crc32c(std::span(file).first(page_bytes).subspan(12)));
  }
  EXPECT_TRUE(scan(query()));
}

TEST_F(LaneScanHeaders, FramesOfAnotherTermThanTheirSegmentsAreNone) {
  rewrite_header(3, [](SegmentHeader& header) { header.term = 2; });
  LaneQuery told = query();
  told.durable_lsn = three_segments_lsn;
  expect_refused(told, "records from LSN 511 to 550", "lane-0/seg-3.jnl, offset 4096");
}

}  // namespace
}  // namespace claimgate::journal
