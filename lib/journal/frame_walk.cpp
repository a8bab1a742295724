#include "lib/journal/frame_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "lib/journal/segment_reader.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

bool is_zeros(const std::byte* page) noexcept {
  return std::all_of(page, page + page_bytes, [](std::byte each) { return each == std::byte{}; });
}

class Walk {
 public:
  Walk(Storage& storage, const Uuid& node_uuid, std::uint32_t lane, const FrameVisitor& visitor)
      : storage_(storage),
        node_uuid_(node_uuid),
        lane_(lane),
        visitor_(visitor),
        stamp_(lane_stamp(node_uuid, lane)) {}

  Expected<void> run() {
    auto entries = storage_.list(lane_folder(lane_));
    if (!entries) return std::unexpected(entries.error());
    std::vector<WalkedSegment> segments;
    for (const FolderEntry& entry : *entries) {
      const auto number = segment_number(entry.name);
      if (!number || entry.is_folder) continue;
      segments.push_back({.segment = *number, .bytes = entry.bytes});
    }
    std::ranges::sort(segments, {}, &WalkedSegment::segment);
    for (WalkedSegment& segment : segments) {
      if (auto walked = walk(segment); !walked) return walked;
    }
    return {};
  }

 private:
  Expected<void> walk(WalkedSegment& segment) {
    auto file = storage_.open(segment_path(lane_, segment.segment), Access::read_only);
    if (!file) return still_there(segment.segment, file.error());
    SegmentReader reader(**file, segment.bytes, window_);
    const auto page = reader.at(0, page_bytes);
    if (!page) return std::unexpected(page.error());
    if (auto judged = judge(segment, *page); !judged) return judged;
    if (visitor_.segment) {
      if (auto done = visitor_.segment(segment); !done) return done;
    }
    if (*page == nullptr || (visitor_.enter && !visitor_.enter(segment))) return {};
    return walk_pages(segment, reader);
  }

  // A spare one takes a segment's place under another name.
  Expected<void> still_there(std::uint64_t segment, const Failure& failure) {
    auto entries = storage_.list(lane_folder(lane_));
    if (!entries) return std::unexpected(entries.error());
    const bool there = std::ranges::any_of(
        *entries, [&](const FolderEntry& entry) { return segment_number(entry.name) == segment; });
    return there ? Expected<void>(std::unexpected(failure)) : Expected<void>{};
  }

  Expected<void> judge(WalkedSegment& segment, const std::byte* page) {
    using State = WalkedSegment::State;
    if (page == nullptr || is_zeros(page)) {
      segment.state = State::spare;
      return {};
    }
    switch (read_segment_header(page, segment.header)) {
      case HeaderFault::newer_major:
      case HeaderFault::features:
        return fail("this segment was written by a newer claimd",
                    storage_.where(segment_path(lane_, segment.segment)) + ", offset 0",
                    "Use the claimctl of that version; nothing was changed");
      case HeaderFault::damaged:
        segment.state = State::damaged;
        return {};
      case HeaderFault::none:
        break;
    }
    const SegmentHeader& header = segment.header;
    const bool foreign = header.node_uuid != node_uuid_ || header.lane != lane_ ||
                         header.record_bytes != record_bytes_of(lane_) ||
                         header.segment > segment.segment;
    segment.state = foreign                             ? State::foreign
                    : header.segment == segment.segment ? State::in_use
                                                        : State::renamed;
    return {};
  }

  Expected<void> walk_pages(const WalkedSegment& segment, SegmentReader& reader) {
    std::optional<WalkedGap> gap;
    const auto end_gap = [&]() -> Expected<void> {
      if (!gap) return {};
      const WalkedGap ended = *gap;
      gap.reset();
      return visitor_.gap ? visitor_.gap(ended) : Expected<void>{};
    };
    for (std::uint64_t offset = page_bytes;;) {
      const auto page = reader.at(offset, page_bytes);
      if (!page) return std::unexpected(page.error());
      if (*page == nullptr) return end_gap();
      const auto header = read_frame_header(*page, record_bytes_of(lane_));
      const bool own = header && header->stamp == stamp_ && header->segment == segment.segment;
      if (!own) {
        const bool zeros = is_zeros(*page);
        if (gap && gap->zeros != zeros) {
          if (auto ended = end_gap(); !ended) return ended;
        }
        if (!gap) {
          gap = WalkedGap{.segment = segment.segment,
                          .offset = offset,
                          .zeros = zeros,
                          .stale = header && header->stamp == stamp_};
        }
        gap->bytes += page_bytes;
        offset += page_bytes;
        continue;
      }
      if (auto ended = end_gap(); !ended) return ended;
      auto taken = take_frame(segment, reader, offset, *header);
      if (!taken) return std::unexpected(taken.error());
      offset += *taken;
    }
  }

  // How far the next frame may begin behind this one: behind a torn one, one page on.
  Expected<std::uint64_t> take_frame(const WalkedSegment& segment, SegmentReader& reader,
                                     std::uint64_t offset, const FrameHeader& header) {
    const auto bytes = reader.at(offset, header.bytes);
    if (!bytes) return std::unexpected(bytes.error());
    const bool whole = *bytes != nullptr && body_is_whole(*bytes, header);
    if (visitor_.frame) {
      const WalkedFrame frame{.segment = segment.segment,
                              .offset = offset,
                              .header = header,
                              .whole = whole,
                              .records = whole ? *bytes + frame_header_bytes : nullptr};
      if (auto done = visitor_.frame(frame); !done) return std::unexpected(done.error());
    }
    return whole ? header.bytes : page_bytes;
  }

  Storage& storage_;
  const Uuid node_uuid_;
  const std::uint32_t lane_;
  const FrameVisitor& visitor_;
  const std::uint32_t stamp_;
  AlignedBuffer window_{SegmentReader::window_bytes_max};
};

}  // namespace

Expected<void> walk_frames(Storage& storage, const Uuid& node_uuid, std::uint32_t lane,
                           const FrameVisitor& visitor) {
  return Walk(storage, node_uuid, lane, visitor).run();
}

}  // namespace claimgate::journal
