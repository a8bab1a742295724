#include "lib/journal/inspection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "lib/journal/checkpoint.hpp"
#include "lib/journal/frame_walk.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

constexpr std::uint64_t damages_per_file_max = 100;
constexpr std::uint64_t records_per_step = 4096;
constexpr const char* remedy_backup = "Restore the state folder from a backup ('claimctl restore')";

class Inspector {
 public:
  Inspector(Storage& storage, const Step& step) : storage_(storage), step_(step) {}

  Expected<Inspection> run() {
    if (auto read = read_manifest(); !read) return std::unexpected(read.error());
    auto lanes = lanes_of(storage_, out_.manifest);
    if (!lanes) return std::unexpected(lanes.error());
    if (out_.manifest_pages == 0) {
      out_.fresh = out_.damages.empty() && lanes->empty();
      if (!out_.fresh && out_.damages.empty()) no_manifest();
      return std::move(out_);
    }
    for (const CheckpointRef& ref : {out_.manifest.current, out_.manifest.previous}) {
      if (ref.generation == 0) continue;
      if (auto verified = verify(ref); !verified) return std::unexpected(verified.error());
    }
    for (const std::uint32_t lane : *lanes) {
      if (auto read = read_lane(lane); !read) return std::unexpected(read.error());
    }
    if (auto recovered = recover_all(); !recovered) return std::unexpected(recovered.error());
    return std::move(out_);
  }

 private:
  Expected<void> step(const char* what, std::uint64_t done, std::uint64_t total) const {
    return step_ ? step_(what, done, total) : Expected<void>{};
  }

  void no_manifest() {
    out_.damages.push_back(
        {"damaged: there are lanes, and no manifest to tell where they begin, offset 0",
         storage_.where(manifest_path), remedy_backup});
  }

  Expected<void> read_manifest() {
    const auto pages = read_manifest_pages(storage_);
    if (!pages) return std::unexpected(pages.error());
    for (const ManifestPage& page : *pages) {
      if (!page.manifest) continue;
      ++out_.manifest_pages;
      if (page.manifest->sequence >= out_.manifest.sequence) out_.manifest = *page.manifest;
    }
    for (std::size_t i = 0; i < pages->size(); ++i) {
      const ManifestPage& page = (*pages)[i];
      const bool not_yet_written = page.blank && out_.manifest.sequence < manifest_pages;
      if (page.manifest || not_yet_written) continue;
      out_.damages.push_back(
          {fmt::format("damaged: this page is not whole, offset {}", i * page_bytes),
           storage_.where(manifest_path),
           out_.manifest_pages > 0
               ? "The other page is enough for claimd to start, and its next start writes this one "
                 "anew. Check again after it: the power may have gone while it was written, or the "
                 "disk rots"
               : remedy_backup});
    }
    return {};
  }

  Expected<void> verify(const CheckpointRef& ref) {
    InspectedCheckpoint found{.path = checkpoint_path(ref.generation), .ref = ref};
    std::uint64_t read = 0;
    const bool is_current = ref.generation == out_.manifest.current.generation;
    const auto report = [&](const Failure& failure) -> Expected<void> {
      if (++found.damages <= damages_per_file_max) out_.damages.push_back(failure);
      if (!is_current) {
        out_.damages.back().remedy =
            "claimd starts without it: it is there in case the newer one is damaged, and the next "
            "checkpoint takes its place. Look for disk errors in the kernel's log";
      }
      return {};
    };
    const auto verified =
        verify_checkpoint(storage_, out_.manifest.node_uuid, ref, report, [&](std::size_t bytes) {
          return step("reading checkpoints", read += bytes, checkpoint_bytes(ref.channels));
        });
    if (!verified) {
      auto entries = storage_.list("");
      if (!entries) return std::unexpected(entries.error());
      if (std::ranges::find(*entries, found.path, &FolderEntry::name) != entries->end()) {
        return verified;
      }
      (void)report({"damaged: the manifest names this file, and it is not there, offset 0",
                    storage_.where(found.path), remedy_backup});
    }
    out_.checkpoints.push_back(std::move(found));
    return {};
  }

  // Behind the older checkpoint, because all of that has to be there in case the newer one is
  // damaged; where that fails, behind the newer one, to tell whether claimd minds.
  Expected<void> read_lane(std::uint32_t lane) {
    const LaneEntry* const entry = out_.manifest.lane(lane);
    const std::uint64_t current = entry != nullptr ? entry->current_lsn : 0;
    const std::uint64_t older =
        entry != nullptr && out_.manifest.previous.generation > 0 ? entry->previous_lsn : current;
    InspectedLane found{.lane = lane, .after_lsn = older};
    auto end = scan(lane, older);
    if (!end) {
      if (stopped_) return std::unexpected(end.error());
      if (auto known = versions_known(lane); !known) return known;
      Failure damage = end.error();
      if (older < current) {
        auto behind_newer = scan(lane, current);
        if (stopped_) return std::unexpected(behind_newer.error());
        if (behind_newer) {
          damage.remedy =
              "claimd starts without it: the newer checkpoint has what was there. Look for disk "
              "errors in the kernel's log";
          found.after_lsn = current;
          end = std::move(behind_newer);
        }
      }
      out_.damages.push_back(std::move(damage));
    }
    if (end) {
      found.records = end->records;
      found.last_lsn = end->next_lsn - 1;
      found.durable_lsn = end->durable_lsn;
      found.torn_bytes = end->torn_bytes;
      for (const SegmentFacts& facts : end->segments) {
        found.segments += facts.first_lsn > 0 && facts.last_lsn > found.after_lsn;
      }
      if (auto looked = look_for_rot(found, *end); !looked) return looked;
    }
    out_.lanes.push_back(found);
    return {};
  }

  // What a newer claimd wrote is not damaged; it cannot be judged here.
  Expected<void> versions_known(std::uint32_t lane) {
    const FrameVisitor headers_only{
        .segment = {}, .frame = {}, .gap = {}, .enter = [](const WalkedSegment&) { return false; }};
    return walk_frames(storage_, out_.manifest.node_uuid, lane, headers_only);
  }

  Expected<LaneEnd> scan(std::uint32_t lane, std::uint64_t after_lsn) {
    const LaneQuery query = query_of(out_.manifest, lane, after_lsn);
    std::uint64_t records = 0;
    return scan_lane(
        storage_, query, [&](const std::byte* at, const RecordPlace& place) -> Expected<void> {
          if (++records % records_per_step == 0) {
            auto going_on = step("reading lanes", records, 0);
            stopped_ = !going_on;
            if (stopped_) return going_on;
          }
          if (is_possible(lane, at, place.lsn)) return {};
          return fail("damaged: an impossible record in a frame that is whole",
                      fmt::format("{}, offset {}",
                                  storage_.where(segment_path(lane, place.segment)), place.offset),
                      remedy_backup);
        });
  }

  static bool is_possible(std::uint32_t lane, const std::byte* at, std::uint64_t lsn) {
    if (lane == provisioning_lane) {
      const auto record = read_provisioning_record(at);
      return record && record->lsn == lsn;
    }
    const auto record = read_claim_record(at);
    return record && record->lsn == lsn;
  }

  // Recovery passes over a frame that is not whole where nothing is missing: a heartbeat, or
  // records that a checkpoint has. Where a frame of the same term states that a record behind it
  // was durable, that frame was durable, too: it was not torn but rots.
  Expected<void> look_for_rot(InspectedLane& found, const LaneEnd& end) {
    struct Suspect {
      std::uint64_t offset = 0;
      std::uint64_t followed_by_lsn = 0;  // 0: by no record yet
    };
    std::vector<Suspect> suspects;  // of the segment that is walked
    const SegmentFacts* facts = nullptr;
    const auto suspect = [&](std::uint64_t offset) -> Expected<void> {
      if (suspects.size() < damages_per_file_max) suspects.push_back({.offset = offset});
      return {};
    };
    const auto take = [&](const WalkedFrame& frame) -> Expected<void> {
      if (!frame.whole) return suspect(frame.offset);
      if (frame.header.term != facts->term) return {};
      ++found.frames;
      std::erase_if(suspects, [&](Suspect& each) {
        if (each.followed_by_lsn == 0 && frame.header.count > 0) {
          each.followed_by_lsn = frame.header.first_lsn;
        }
        const bool was_durable =
            each.followed_by_lsn > 0 && frame.header.durable_lsn >= each.followed_by_lsn;
        if (was_durable) rots(found.lane, frame.segment, each.offset);
        return was_durable;
      });
      return {};
    };
    const auto enter = [&](const WalkedSegment& segment) {
      suspects.clear();
      const auto at = std::ranges::find(end.segments, segment.segment, &SegmentFacts::segment);
      if (at == end.segments.end()) return false;
      facts = &*at;
      return segment.state == WalkedSegment::State::in_use && facts->first_lsn > 0 &&
             facts->last_lsn > found.after_lsn;
    };
    const FrameVisitor visitor{.segment = {},
                               .frame = take,
                               .gap = [&](const WalkedGap& gap) { return suspect(gap.offset); },
                               .enter = enter};
    return walk_frames(storage_, out_.manifest.node_uuid, found.lane, visitor);
  }

  void rots(std::uint32_t lane, std::uint64_t segment, std::uint64_t offset) {
    out_.damages.push_back(
        {fmt::format("damaged: a frame that is not whole, offset {}", offset),
         storage_.where(segment_path(lane, segment)),
         "claimd starts without it, as nothing in it is needed. Look for disk errors in the "
         "kernel's log"});
  }

  Expected<void> recover_all() {
    if (auto going_on = step("recovering", 0, 0); !going_on) return going_on;
    auto table = table_for_recovery(storage_);
    if (!table) return std::unexpected(table.error());
    auto recovered = recover(storage_, *table);
    if (recovered) {
      out_.recovered = std::move(*recovered);
      out_.table.emplace(std::move(*table));
    } else if (out_.damages.empty()) {
      out_.damages.push_back(recovered.error());
    }
    return {};
  }

  Storage& storage_;
  const Step& step_;
  bool stopped_ = false;  // by `step_`
  Inspection out_;
};

}  // namespace

Expected<channel::Table> table_for_recovery(Storage& storage) {
  constexpr std::uint64_t spare = 64;
  std::uint64_t channels = spare;
  auto manifest = read_manifest(storage);
  if (!manifest) return std::unexpected(manifest.error());
  if (*manifest) {
    const Manifest& found = **manifest;
    channels += std::max(found.current.channels, found.previous.channels);
    const LaneEntry* const entry = found.lane(provisioning_lane);
    std::uint64_t after = entry != nullptr ? entry->current_lsn : 0;
    if (entry != nullptr && found.previous.generation > 0) after = entry->previous_lsn;
    const auto count = [&](const std::byte* at, const RecordPlace&) -> Expected<void> {
      const auto record = read_provisioning_record(at);
      channels += record && record->change == Change::add;
      return {};
    };
    // What of the lane is damaged is for whoever recovers to say; up to there it is counted.
    (void)scan_lane(storage, query_of(found, provisioning_lane, after), count);
  }
  std::random_device random;
  const auto word = [&random] { return std::uint64_t{random()} << 32 | random(); };
  return channel::Table::create(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(channels, channel::capacity_max)),
      {word(), word()}, memory::Pages::normal);
}

Expected<Inspection> inspect(Storage& storage, const Step& step) {
  return Inspector(storage, step).run();
}

}  // namespace claimgate::journal
