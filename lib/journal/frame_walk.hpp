// A lane as it lies on the disk, segment by segment and page by page, believed or not: what
// `claimctl journal dump` prints and `claimctl check` looks at beside recovery's own reading.
// Where the lane ends and what counts is scan_lane()'s to say (lane_scan.hpp).
//
// Control thread; reads through one buffer of a mebibyte; changes nothing.
#pragma once

#include <cstdint>
#include <functional>

#include "lib/journal/layout.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

// What the name of a segment's file and its first page say.
struct WalkedSegment {
  std::uint64_t segment = 0;  // by its name
  std::uint64_t bytes = 0;
  enum class State : std::uint8_t {
    in_use,   // its header is whole, this lane's, and has the name's number
    spare,    // zeros: prepared, not used yet; or too short for a header
    renamed,  // whole, of a lower number: recycled, not used since
    damaged,  // no whole header: torn, rotten, or never finished
    foreign,  // whole, of another node, lane or record size, or of a higher number
  };
  State state = State::damaged;
  SegmentHeader header;  // in_use, renamed, foreign
};

// A frame of the segment that holds it: its stamp and number are right, its header is whole.
struct WalkedFrame {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  FrameHeader header;
  bool whole = false;                  // its body, too
  const std::byte* records = nullptr;  // header.count of them; valid during the call
};

// Pages that are no frame of the segment that holds them, as many as lie together.
struct WalkedGap {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool zeros = false;
  bool stale = false;  // it begins with a frame of another number: what a recycled file kept
};

// Each may be empty. A Failure that one returns ends the walk.
struct FrameVisitor {
  std::function<Expected<void>(const WalkedSegment&)> segment;
  std::function<Expected<void>(const WalkedFrame&)> frame;
  std::function<Expected<void>(const WalkedGap&)> gap;
  // Whether a segment's frames are wanted; where it is empty: those of all.
  std::function<bool(const WalkedSegment&)> enter;
};

// The lane's segments by number. Fails on a version or feature unknown here, and on what cannot be
// read; nothing else is too damaged for it. What claimd renames meanwhile is passed over.
[[nodiscard]] Expected<void> walk_frames(Storage& storage, const Uuid& node_uuid,
                                         std::uint32_t lane, const FrameVisitor& visitor);

}  // namespace claimgate::journal
