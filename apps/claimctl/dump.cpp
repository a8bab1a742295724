// `claimctl journal dump`: lanes as they lie on the disk.
#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/record_text.hpp"
#include "apps/claimctl/state.hpp"
#include "lib/journal/frame_walk.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/journal/recovery.hpp"
#include "lib/journal/segment_shelf.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

using nlohmann::ordered_json;

const char* state_text(journal::WalkedSegment::State state) {
  using State = journal::WalkedSegment::State;
  switch (state) {
    case State::in_use:
      return "in use";
    case State::spare:
      return "spare";
    case State::renamed:
      return "recycled, not used since";
    case State::damaged:
      return "no whole header";
    case State::foreign:
      break;
  }
  return "belongs elsewhere";
}

const char* gap_text(const journal::WalkedGap& gap) {
  return gap.zeros ? "zeros" : gap.stale ? "an older segment's" : "no frame";
}

class Dump {
 public:
  Dump(journal::Storage& storage, const DumpOptions& options, bool json)
      : storage_(storage), options_(options), json_(json) {}

  Expected<void> run() {
    auto manifest = journal::read_manifest(storage_);
    if (!manifest) return std::unexpected(std::move(manifest.error()));
    if (!*manifest) {
      return fail("there is no journal here, or no page of its manifest is whole", options_.folder,
                  "Name claimd's node.state_dir; 'claimctl check' says what is damaged");
    }
    auto lanes = journal::lanes_of(storage_, **manifest);
    if (!lanes) return std::unexpected(std::move(lanes.error()));
    bool found = false;
    for (const std::uint32_t lane : *lanes) {
      if (options_.lane && lane != *options_.lane) continue;
      found = true;
      if (auto dumped = dump(lane, (*manifest)->node_uuid); !dumped) return dumped;
      if (full()) break;
    }
    if (found) return {};
    return fail(fmt::format("there is no lane {}", lane_text(*options_.lane)), options_.folder,
                "Leave --lane away to see all of them");
  }

 private:
  [[nodiscard]] bool full() const { return options_.limit > 0 && printed_ == options_.limit; }

  Expected<void> dump(std::uint32_t lane, const journal::Uuid& node_uuid) {
    lane_ = lane;
    const journal::FrameVisitor visitor{
        .segment = [this](const auto& segment) { return print(segment); },
        .frame = [this](const auto& frame) { return print(frame); },
        .gap = [this](const auto& gap) { return print(gap); },
        .enter = [this](const auto&) { return !full(); }};
    return journal::walk_frames(storage_, node_uuid, lane, visitor);
  }

  [[nodiscard]] ordered_json line_of(const char* type, std::uint64_t segment) const {
    return {{"type", type}, {"lane", lane_text(lane_)}, {"segment", segment}};
  }
  static void print_line(const ordered_json& line) { fmt::print("{}\n", line.dump()); }

  Expected<void> print(const journal::WalkedSegment& segment) {
    if (full()) return {};
    const bool has_header = segment.state == journal::WalkedSegment::State::in_use ||
                            segment.state == journal::WalkedSegment::State::renamed ||
                            segment.state == journal::WalkedSegment::State::foreign;
    if (!json_) {
      fmt::print("{}: {} bytes, {}{}\n", journal::segment_path(lane_, segment.segment),
                 segment.bytes, state_text(segment.state),
                 has_header
                     ? fmt::format(", number {}, term {}, first LSN {}", segment.header.segment,
                                   segment.header.term, segment.header.first_lsn)
                     : "");
      return {};
    }
    ordered_json line = line_of("segment", segment.segment);
    line["bytes"] = segment.bytes;
    line["state"] = state_text(segment.state);
    if (has_header) {
      line["header_segment"] = segment.header.segment;
      line["term"] = segment.header.term;
      line["first_lsn"] = segment.header.first_lsn;
    }
    print_line(line);
    return {};
  }

  Expected<void> print(const journal::WalkedFrame& frame) {
    if (interrupted()) return fail("interrupted");
    const journal::FrameHeader& header = frame.header;
    const std::uint64_t last = header.first_lsn + header.count;
    if (full() || (last <= options_.from_lsn && header.first_lsn < options_.from_lsn)) return {};
    if (json_) {
      ordered_json line = line_of("frame", frame.segment);
      line["offset"] = frame.offset;
      line["bytes"] = header.bytes;
      line["first_lsn"] = header.first_lsn;
      line["records"] = header.count;
      line["durable_lsn"] = header.durable_lsn;
      line["term"] = header.term;
      line["time"] = xrpl::time_text(header.time);
      line["whole"] = frame.whole;
      print_line(line);
    } else {
      fmt::print("  frame at {}: {} bytes, {}, durable up to {}, term {}, {}{}\n", frame.offset,
                 header.bytes,
                 header.count == 0 ? fmt::format("a heartbeat before LSN {}", header.first_lsn)
                                   : fmt::format("LSN {} to {}", header.first_lsn, last - 1),
                 header.durable_lsn, header.term, xrpl::time_text(header.time),
                 frame.whole ? "" : ": NOT WHOLE");
    }
    if (!frame.whole) return {};
    for (std::size_t i = 0; i < header.count && !full(); ++i) {
      if (header.first_lsn + i >= options_.from_lsn) print_record(frame, i);
    }
    return {};
  }

  void print_record(const journal::WalkedFrame& frame, std::size_t i) {
    const std::byte* const at = frame.records + i * journal::record_bytes_of(lane_);
    const std::uint64_t offset =
        frame.offset + journal::frame_header_bytes + i * journal::record_bytes_of(lane_);
    ++printed_;
    if (lane_ == journal::provisioning_lane) {
      print_record(frame.segment, offset, journal::read_provisioning_record(at));
    } else {
      print_record(frame.segment, offset, journal::read_claim_record(at));
    }
  }

  template <class Record>
  void print_record(std::uint64_t segment, std::uint64_t offset,
                    const std::optional<Record>& record) {
    if (!json_) {
      fmt::print("    {}\n", record ? record_line(*record)
                                    : fmt::format("offset {}: an impossible record", offset));
      return;
    }
    ordered_json line = line_of("record", segment);
    line["offset"] = offset;
    line["possible"] = record.has_value();
    if (record) add_fields(line, *record);
    print_line(line);
  }

  Expected<void> print(const journal::WalkedGap& gap) {
    if (interrupted()) return fail("interrupted");
    if (full()) return {};
    if (json_) {
      ordered_json line = line_of("gap", gap.segment);
      line["offset"] = gap.offset;
      line["bytes"] = gap.bytes;
      line["holds"] = gap_text(gap);
      print_line(line);
    } else {
      fmt::print("  from {}: {} bytes, {}\n", gap.offset, gap.bytes, gap_text(gap));
    }
    return {};
  }

  journal::Storage& storage_;
  const DumpOptions& options_;
  const bool json_;
  std::uint32_t lane_ = 0;
  std::uint64_t printed_ = 0;
};

}  // namespace

Expected<Exit> dump_journal(const GlobalOptions& global, const DumpOptions& options) {
  auto storage = journal::PosixStorage::open(options.folder);
  if (!storage) return std::unexpected(std::move(storage.error()));
  auto dumped = Dump(**storage, options, global.json).run();
  if (!dumped) return std::unexpected(std::move(dumped.error()));
  return Exit::ok;
}

}  // namespace claimgate::claimctl
