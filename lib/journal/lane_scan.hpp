// The reading end of a lane: every record that is to be believed, in order, and a judgement on
// where the lane ends. Recovery, `claimctl check` and `claimctl journal dump` share it.
//
// A frame that is not whole is either a tear (the power went while it was written, and nobody was
// told of it) or damage to what was acknowledged. Frames state up to which LSN the lane was durable
// when they were made: what is missing at or below the highest such statement is damage.
//
// Control thread; reads through one buffer of a mebibyte; changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lib/journal/layout.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

struct LaneQuery {
  Uuid node_uuid{};
  std::uint32_t lane = 0;
  std::size_t record_bytes = claim_record_bytes;
  std::uint64_t after_lsn = 0;  // records up to here are known: a checkpoint has them
  // What else tells of this lane: the segment known to be in use, the LSN known to be durable.
  std::uint64_t segment_in_use = 0;
  std::uint64_t durable_lsn = 0;
  // The last term that began, and where recovery then found this lane's end: what older segments
  // hold beyond it was discarded for good.
  std::uint32_t term = 0;
  std::uint64_t term_lsn = 0;
};

struct SegmentFacts {
  std::uint64_t segment = 0;
  std::uint64_t first_lsn = 0;  // 0: there is nothing in it that could count
  std::uint64_t last_lsn = 0;   // of what is believed; first_lsn - 1: none
  std::uint64_t bytes = 0;
  std::uint32_t term = 0;
};

struct LaneEnd {
  std::uint64_t next_lsn = 1;         // after the last record that is believed
  std::uint64_t durable_lsn = 0;      // the highest that any frame states
  std::uint64_t highest_segment = 0;  // of any file
  std::uint32_t highest_term = 0;
  std::vector<SegmentFacts> segments;  // by number
  std::uint64_t records = 0;           // delivered
  std::uint64_t torn_bytes = 0;        // discarded behind the end
};

// `deliver` gets each record above `after_lsn`, its place for messages, in LSN order; a Failure it
// returns ends the scan. A Failure names file, offset and remedy: damage to acknowledged records, a
// segment of another node, lane or record size, a version or feature this one does not know.
struct RecordPlace {
  std::uint64_t lsn = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
};
using DeliverRecord = std::function<Expected<void>(const std::byte* record, const RecordPlace&)>;

[[nodiscard]] Expected<LaneEnd> scan_lane(Storage& storage, const LaneQuery& query,
                                          const DeliverRecord& deliver);

}  // namespace claimgate::journal
