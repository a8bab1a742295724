#include "lib/journal/lane_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/segment_reader.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

constexpr const char* remedy_damaged =
    "Restore the state folder from a backup ('claimctl restore'); what this lane acknowledged "
    "cannot "
    "be rebuilt from the ledger";

class Scan {
 public:
  Scan(Storage& storage, const LaneQuery& query, const DeliverRecord& deliver)
      : storage_(storage),
        query_(query),
        deliver_(deliver),
        stamp_(lane_stamp(query.node_uuid, query.lane)) {
    end_.next_lsn = query.after_lsn + 1;
    end_.durable_lsn = std::max(query.after_lsn, query.durable_lsn);
  }

  Expected<LaneEnd> run() {
    if (auto listed = list(); !listed) return std::unexpected(listed.error());
    if (auto judged = read_headers(); !judged) return std::unexpected(judged.error());
    const std::size_t first = first_to_read();
    for (std::size_t i = first; i < end_.segments.size(); ++i) {
      if (auto read = read_segment(end_.segments[i], i == first); !read) {
        return std::unexpected(read.error());
      }
    }
    judge_skipped(first);
    if (end_.durable_lsn >= end_.next_lsn) return std::unexpected(missing(end_.durable_lsn));
    return std::move(end_);
  }

 private:
  std::string where(std::uint64_t segment, std::uint64_t offset) const {
    return fmt::format("{}, offset {}", storage_.where(segment_path(query_.lane, segment)), offset);
  }

  Failure missing(std::uint64_t up_to) const {
    const std::string what = fmt::format(
        "damaged: acknowledged records from LSN {} to {} are not there", end_.next_lsn, up_to);
    // A segment that lost its header is where they were, if it is the next one.
    for (const std::uint64_t headless : headless_) {
      if (!stopped_ || headless == stopped_->segment + 1) {
        return Failure{what, where(headless, 0), remedy_damaged};
      }
    }
    return Failure{what,
                   stopped_ ? where(stopped_->segment, stopped_->offset)
                            : storage_.where(lane_folder(query_.lane)),
                   remedy_damaged};
  }

  Expected<void> list() {
    auto entries = storage_.list(lane_folder(query_.lane));
    if (!entries) return std::unexpected(entries.error());
    for (const FolderEntry& entry : *entries) {
      const auto number = segment_number(entry.name);
      if (!number || entry.is_folder) continue;
      end_.segments.push_back({.segment = *number, .bytes = entry.bytes});
    }
    std::ranges::sort(end_.segments, {}, &SegmentFacts::segment);
    if (end_.segments.empty()) return {};
    end_.highest_segment = end_.segments.back().segment;
    const std::uint64_t largest = std::ranges::max(end_.segments, {}, &SegmentFacts::bytes).bytes;
    if (largest > frame_bytes_max) {
      const std::uint64_t useful = largest / page_bytes * page_bytes;
      window_ = AlignedBuffer(std::min<std::uint64_t>(useful, SegmentReader::window_bytes_max));
    }
    return {};
  }

  // Which segments are in use, and from which LSN. What has no header of its own number was
  // prepared or recycled for later, or its first group was torn, or its header is damaged: the
  // frames of the others tell whether anything is missing.
  Expected<void> read_headers() {
    bool in_use_seen = query_.segment_in_use == 0;
    for (SegmentFacts& facts : end_.segments) {
      const std::string path = segment_path(query_.lane, facts.segment);
      if (facts.bytes < page_bytes) continue;  // its making was cut short
      auto file = storage_.open(path, Access::read_only);
      if (!file) return std::unexpected(file.error());
      if (auto read = (*file)->read(0, page_.first(page_bytes)); !read) return read;
      SegmentHeader header;
      switch (read_segment_header(page_.data(), header)) {
        case HeaderFault::newer_major:
        case HeaderFault::features:
          return fail("this segment was written by a newer claimd", where(facts.segment, 0),
                      "Start the version that wrote it, or a newer one; nothing was changed");
        case HeaderFault::damaged:
          if (auto looked = look_for_statements(**file, facts); !looked) return looked;
          continue;
        case HeaderFault::none:
          break;
      }
      end_.highest_term = std::max(end_.highest_term, header.term);
      if (header.node_uuid != query_.node_uuid || header.lane != query_.lane ||
          header.record_bytes != query_.record_bytes || header.segment > facts.segment) {
        return fail("damaged: this segment belongs elsewhere: another node, lane or number",
                    where(facts.segment, 0), remedy_damaged);
      }
      if (header.segment < facts.segment) continue;  // renamed, and not used since
      in_use_seen = in_use_seen || facts.segment >= query_.segment_in_use;
      if (header.term < query_.term && header.first_lsn > query_.term_lsn) continue;  // discarded
      if (header.bytes != facts.bytes) {  // its last frames, and what they state, may be gone
        return fail(fmt::format("damaged: this segment had {} bytes and has {} now", header.bytes,
                                facts.bytes),
                    where(facts.segment, std::min(header.bytes, facts.bytes)), remedy_damaged);
      }
      facts.first_lsn = header.first_lsn;
      facts.last_lsn = header.first_lsn - 1;
      facts.term = header.term;
    }
    if (in_use_seen) return {};
    return fail(fmt::format("damaged: segment {} was in use and has no header of its own now",
                            query_.segment_in_use),
                where(query_.segment_in_use, 0), remedy_damaged);
  }

  // Those before the first one that was read hold what comes before its records: the checkpoint
  // before may be the one that needs them.
  void judge_skipped(std::size_t first) {
    if (first == end_.segments.size()) return;
    std::uint64_t next_lsn = end_.segments[first].first_lsn;
    for (std::size_t i = first; i-- > 0;) {
      SegmentFacts& facts = end_.segments[i];
      if (facts.first_lsn == 0) continue;
      facts.last_lsn = next_lsn - 1;
      next_lsn = facts.first_lsn;
    }
  }

  // The last segment that begins at or below what is wanted; one past the end where there is none.
  [[nodiscard]] std::size_t first_to_read() const {
    std::size_t first = end_.segments.size();
    for (std::size_t i = 0; i < end_.segments.size(); ++i) {
      const std::uint64_t lsn = end_.segments[i].first_lsn;
      if (lsn == 0) continue;
      if (lsn <= end_.next_lsn || first == end_.segments.size()) first = i;
      if (lsn > end_.next_lsn) break;
    }
    return first;
  }

  Expected<void> read_segment(SegmentFacts& facts, bool is_first) {
    if (facts.first_lsn == 0) return {};
    if (facts.first_lsn > end_.next_lsn) return read_behind_a_gap(facts);
    if (facts.first_lsn < end_.next_lsn && !is_first) {
      return fail(fmt::format("damaged: this segment begins at LSN {}, and the ones before it end "
                              "at {}",
                              facts.first_lsn, end_.next_lsn - 1),
                  where(facts.segment, 0), remedy_damaged);
    }
    auto file = storage_.open(segment_path(query_.lane, facts.segment), Access::read_only);
    if (!file) return std::unexpected(file.error());
    SegmentReader reader(**file, facts.bytes, window_);
    next_ = facts.first_lsn;
    std::uint64_t offset = page_bytes;
    for (;;) {
      auto taken = take_frame(reader, facts, offset);
      if (!taken) return std::unexpected(taken.error());
      offset += *taken;
      if (*taken > 0) continue;
      auto resumed = pass_over_what_is_not_missed(reader, facts, offset);
      if (!resumed) return std::unexpected(resumed.error());
      if (*resumed == 0) break;
      offset = *resumed;
    }
    facts.last_lsn = next_ - 1;
    term_ = facts.term;
    end_.next_lsn = std::max(end_.next_lsn, next_);
    stopped_ = RecordPlace{.lsn = next_, .segment = facts.segment, .offset = offset};
    return look_behind(reader, facts, offset);
  }

  // With several groups under way, one at a segment's end may be torn and the next one, in a new
  // segment, be whole: in one term that is no more than a tear. A later term began where recovery
  // found the end, so there it is damage.
  Expected<void> read_behind_a_gap(SegmentFacts& facts) {
    if (!stopped_ || facts.term != term_) return std::unexpected(missing(facts.first_lsn - 1));
    facts.last_lsn = facts.first_lsn - 1;
    auto file = storage_.open(segment_path(query_.lane, facts.segment), Access::read_only);
    if (!file) return std::unexpected(file.error());
    SegmentReader reader(**file, facts.bytes, window_);
    return look_behind(reader, facts, page_bytes);
  }

  // Delivers the frame at `offset` and returns its bytes; 0 where there is none to be believed.
  Expected<std::size_t> take_frame(SegmentReader& reader, const SegmentFacts& facts,
                                   std::uint64_t offset) {
    const auto first_page = reader.at(offset, page_bytes);
    if (!first_page) return std::unexpected(first_page.error());
    if (*first_page == nullptr) return 0;
    const auto header = own_header(*first_page, facts);
    if (!header || header->first_lsn != next_ || header->term != facts.term) return 0;
    const auto whole = reader.at(offset, header->bytes);
    if (!whole) return std::unexpected(whole.error());
    if (*whole == nullptr || !body_is_whole(*whole, *header)) return 0;
    end_.durable_lsn = std::max(end_.durable_lsn, header->durable_lsn);
    for (std::size_t i = 0; i < header->count; ++i, ++next_) {
      if (next_ <= query_.after_lsn) continue;
      const std::size_t at = frame_header_bytes + i * query_.record_bytes;
      const RecordPlace place{.lsn = next_, .segment = facts.segment, .offset = offset + at};
      if (auto done = deliver_(*whole + at, place); !done) return std::unexpected(done.error());
      ++end_.records;
    }
    return header->bytes;
  }

  // A frame that is not whole stops nobody where nothing is missing: it was a heartbeat, as the
  // LSNs behind it go on, or held only what a checkpoint has. The offset of the frame to go on
  // with, or 0.
  Expected<std::uint64_t> pass_over_what_is_not_missed(SegmentReader& reader,
                                                       const SegmentFacts& facts,
                                                       std::uint64_t offset) {
    const std::uint64_t wanted = std::max(next_, query_.after_lsn + 1);
    for (offset += page_bytes; offset + page_bytes <= facts.bytes; offset += page_bytes) {
      const auto page = reader.at(offset, page_bytes);
      if (!page) return std::unexpected(page.error());
      const auto header = own_header(*page, facts);
      if (!header || header->term != facts.term || header->first_lsn < next_) continue;
      if (header->first_lsn > wanted) return 0;
      next_ = header->first_lsn;
      return offset;
    }
    return 0;
  }

  [[nodiscard]] std::optional<FrameHeader> own_header(const std::byte* page,
                                                      const SegmentFacts& facts) const {
    auto header = read_frame_header(page, query_.record_bytes);
    if (!header || header->stamp != stamp_ || header->segment != facts.segment) return {};
    return header;
  }

  // Behind the last frame that is believed: what frames that made it to the disk state.
  Expected<void> look_behind(SegmentReader& reader, const SegmentFacts& facts,
                             std::uint64_t offset) {
    for (; offset + page_bytes <= facts.bytes; offset += page_bytes) {
      const auto page = reader.at(offset, page_bytes);
      if (!page) return std::unexpected(page.error());
      if (const auto header = own_header(*page, facts)) {
        end_.durable_lsn = std::max(end_.durable_lsn, header->durable_lsn);
        end_.highest_term = std::max(end_.highest_term, header->term);
        end_.torn_bytes += header->bytes;
      }
    }
    return {};
  }

  // In a segment without a header.
  Expected<void> look_for_statements(File& file, const SegmentFacts& facts) {
    SegmentReader reader(file, facts.bytes, window_);
    const auto first_frame = reader.at(page_bytes, page_bytes);
    if (!first_frame) return std::unexpected(first_frame.error());
    if (*first_frame == nullptr) return {};
    const auto zero = [](std::byte each) { return each == std::byte{0}; };
    const bool never_used = std::all_of(page_.data(), page_.data() + page_bytes, zero) &&
                            std::all_of(*first_frame, *first_frame + page_bytes, zero);
    if (never_used) return {};
    headless_.push_back(facts.segment);
    return look_behind(reader, facts, page_bytes);
  }

  Storage& storage_;
  const LaneQuery& query_;
  const DeliverRecord& deliver_;
  const std::uint32_t stamp_;
  AlignedBuffer window_{frame_bytes_max};  // list() makes it as large as is of use
  AlignedBuffer page_{page_bytes};
  LaneEnd end_;
  std::uint64_t next_ = 1;  // LSN of the frame looked for
  std::uint32_t term_ = 0;  // of the segment read last
  std::optional<RecordPlace> stopped_;
  std::vector<std::uint64_t> headless_;  // segments that were written to and have no whole header
};

}  // namespace

Expected<LaneEnd> scan_lane(Storage& storage, const LaneQuery& query,
                            const DeliverRecord& deliver) {
  return Scan(storage, query, deliver).run();
}

}  // namespace claimgate::journal
