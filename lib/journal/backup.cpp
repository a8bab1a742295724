#include "lib/journal/backup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/checkpoint.hpp"
#include "lib/journal/lane_follower.hpp"
#include "lib/journal/lane_writer.hpp"
#include "lib/journal/recovery.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

constexpr unsigned tries_max = 10;
constexpr std::uint64_t copy_segment_bytes = 4ull << 20;
// A heartbeat states what is durable after 100 ms without work, in the provisioning lane after the
// control thread's next round.
constexpr auto statement_wait_max = std::chrono::seconds(10);
constexpr auto statement_pause = std::chrono::milliseconds(10);

// One lane of the copy: records in, segments of its own out.
class LaneCopy {
 public:
  LaneCopy(Storage& to, const Manifest& manifest, std::uint32_t lane, std::uint64_t after_lsn,
           channel::LedgerTime now)
      : now_(now),
        shelf_(to, {.lane = lane, .segment_bytes = copy_segment_bytes, .spares = 1}, 1),
        writer_({.node_uuid = manifest.node_uuid,
                 .lane = lane,
                 .record_bytes = record_bytes_of(lane),
                 .segment_bytes = copy_segment_bytes,
                 .term = manifest.term,
                 .next_lsn = after_lsn + 1},
                shelf_) {}

  Expected<void> append(const std::byte* record) {
    writer_.append(record);
    return writer_.room() > 0 ? Expected<void>{} : write();
  }
  Expected<void> finish() { return writer_.open_is_empty() ? Expected<void>{} : write(); }
  [[nodiscard]] std::uint64_t last_lsn() const noexcept { return writer_.next_lsn() - 1; }
  [[nodiscard]] std::uint64_t segment() const noexcept { return writer_.durable_segment(); }

 private:
  Expected<void> write() {
    auto group = writer_.close(now_);
    if (!group) {
      if (auto made = shelf_.tend(); !made) return std::unexpected(made.error());
      group = writer_.close(now_);
    }
    if (!group) return fail("there is no segment to write to");
    if (auto written = group->file->write_durably(group->offset, group->bytes); !written) {
      return written;
    }
    writer_.complete(*group);
    return {};
  }

  const channel::LedgerTime now_;
  SegmentShelf shelf_;
  LaneWriter writer_;
};

Expected<Manifest> manifest_of(Storage& storage) {
  auto found = read_manifest(storage);
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found) return std::move(**found);
  return fail("there is no journal here, or no page of its manifest is whole", storage.where(""),
              "Name claimd's node.state_dir; 'claimctl check' says what is damaged");
}

class Backup {
 public:
  // `node_uuid`: the copy's; none: as it is there.
  Backup(Storage& from, Storage& to, const BackupOptions& options,
         const std::optional<Uuid>& node_uuid, const Step& step)
      : from_(from), to_(to), options_(options), node_uuid_(node_uuid), step_(step) {}

  Expected<BackedUp> run() {
    for (;; ++out_.tries) {
      auto copied = attempt();
      if (copied) break;
      auto now = manifest_of(from_);
      if (!now) return std::unexpected(now.error());
      if (!overtaken(*now)) return std::unexpected(copied.error());
      if (out_.tries == tries_max) {
        return fail(fmt::format("claimd made two checkpoints during each of {} tries", tries_max),
                    from_.where(""), "Back up to a faster disk, or when there is less traffic");
      }
      if (auto cleared = clear(); !cleared) return std::unexpected(cleared.error());
    }
    auto verified = inspect(to_, step_);
    if (!verified) return std::unexpected(std::move(verified.error()));
    if (!verified->damages.empty()) return std::unexpected(verified->damages.front());
    out_.verified = std::move(*verified);
    return std::move(out_);
  }

 private:
  [[nodiscard]] Expected<void> report() const {
    return step_ ? step_("copying", out_.records, 0) : Expected<void>{};
  }

  // What was copied last may have been written over, or its records recycled.
  [[nodiscard]] bool overtaken(const Manifest& now) const noexcept {
    return now.current.generation > manifest_.current.generation + 1;
  }

  Expected<void> attempt() {
    out_.lanes.clear();
    out_.records = 0;
    auto begun = manifest_of(from_);
    if (!begun) return std::unexpected(std::move(begun.error()));
    manifest_ = std::move(*begun);
    out_.checkpoint = manifest_.current;
    copy_ = Manifest{.node_uuid = node_uuid_.value_or(manifest_.node_uuid),
                     .sequence = 0,
                     .term = manifest_.term,
                     .current = manifest_.current,
                     .previous = {},
                     .lanes = {},
                     .read_only = false};
    if (manifest_.current.generation > 0) {
      std::uint64_t done = 0;
      const std::uint64_t all = checkpoint_bytes(manifest_.current.channels);
      const Pace pace = [&](std::size_t bytes) -> Expected<void> {
        done += bytes;
        return step_ ? step_("copying", done, all) : Expected<void>{};
      };
      auto copied = copy_checkpoint(from_, manifest_.node_uuid, manifest_.current, to_,
                                    copy_.node_uuid, pace);
      if (!copied) return std::unexpected(copied.error());
      copy_.current = *copied;
    }
    auto lanes = lanes_of(from_, manifest_);
    if (!lanes) return std::unexpected(lanes.error());
    std::ranges::sort(*lanes);  // provisioning_lane is the highest number, and so the last
    for (const std::uint32_t lane : *lanes) {
      if (auto going_on = report(); !going_on) return going_on;
      if (auto copied = copy_lane(lane); !copied) return copied;
    }
    const auto now = manifest_of(from_);
    if (!now) return std::unexpected(now.error());
    if (overtaken(*now)) return fail("overtaken");
    // Twice: either page alone is enough.
    for (std::size_t page = 0; page < manifest_pages; ++page) {
      if (auto written = write_manifest(to_, copy_); !written) return written;
    }
    return to_.sync_folder("");
  }

  Expected<void> copy_lane(std::uint32_t lane) {
    if (auto made = to_.make_folder(lane_folder(lane)); !made) return made;
    const LaneEntry* const there = manifest_.lane(lane);
    LaneEntry entry = there != nullptr ? *there : LaneEntry{.lane = lane};
    LaneCopy copy(to_, copy_, lane, entry.current_lsn, options_.now);
    auto read = options_.is_stopped ? copy_to_the_end(lane, entry.current_lsn, copy)
                                    : copy_what_is_durable(lane, entry.current_lsn, copy);
    if (read) read = copy.finish();
    if (read) read = to_.sync_folder(lane_folder(lane));
    if (!read) return read;
    entry.previous_lsn = entry.current_lsn;
    entry.durable_lsn = copy.last_lsn();
    entry.segment_in_use = copy.segment();
    copy_.lanes.push_back(entry);
    out_.lanes[lane] = copy.last_lsn();
    return {};
  }

  Expected<void> append(LaneCopy& copy, const std::byte* record) {
    if (++out_.records % 4096 == 0) {
      if (auto going_on = report(); !going_on) return going_on;
    }
    return copy.append(record);
  }

  Expected<void> copy_to_the_end(std::uint32_t lane, std::uint64_t after_lsn, LaneCopy& copy) {
    const auto end = scan_lane(
        from_, query_of(manifest_, lane, after_lsn),
        [&](const std::byte* record, const RecordPlace&) { return append(copy, record); });
    return end ? Expected<void>{} : std::unexpected(end.error());
  }

  // Up to what is there now: all that was acknowledged so far, and perhaps a little that is still
  // on its way to the disk, for whose statement is waited.
  Expected<void> copy_what_is_durable(std::uint32_t lane, std::uint64_t after_lsn, LaneCopy& copy) {
    LaneFollower follower(from_, manifest_.node_uuid, lane, after_lsn);
    std::optional<std::uint64_t> last;  // fixed by the first poll
    const auto take = [&](const std::byte* record, const RecordPlace& place) -> Expected<void> {
      return last && place.lsn > *last ? Expected<void>{} : append(copy, record);
    };
    const auto deadline = std::chrono::steady_clock::now() + statement_wait_max;
    for (;;) {
      const auto now = manifest_of(from_);
      if (!now) return std::unexpected(now.error());
      const auto state = follower.poll(*now, take);
      if (!state) return std::unexpected(state.error());
      if (*state == LaneFollower::State::lost || overtaken(*now)) return fail("overtaken");
      if (!last && *state == LaneFollower::State::following) last = follower.read_lsn();
      if (last && follower.lsn() >= *last) return {};
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(fmt::format("the claimd that runs on this folder does not state that LSN {} of "
                                "lane {} is durable",
                                follower.lsn() + 1, lane),
                    from_.where(lane_folder(lane)),
                    "Look whether its disk hangs; with claimd stopped the lane is read to its end");
      }
      if (auto going_on = report(); !going_on) return going_on;
      std::this_thread::sleep_for(statement_pause);
    }
  }

  Expected<void> clear() {
    auto entries = to_.list("");
    if (!entries) return std::unexpected(entries.error());
    for (const FolderEntry& entry : *entries) {
      if (!entry.is_folder) {
        if (auto removed = to_.remove(entry.name); !removed) return removed;
        continue;
      }
      auto inner = to_.list(entry.name);
      if (!inner) return std::unexpected(inner.error());
      for (const FolderEntry& file : *inner) {
        if (auto removed = to_.remove(entry.name + "/" + file.name); !removed) return removed;
      }
    }
    return {};
  }

  Storage& from_;
  Storage& to_;
  const BackupOptions options_;
  const std::optional<Uuid> node_uuid_;
  const Step& step_;
  Manifest manifest_;  // of this try
  Manifest copy_;
  BackedUp out_;
};

}  // namespace

Expected<BackedUp> back_up(Storage& from, Storage& to, const BackupOptions& options,
                           const Step& step) {
  return Backup(from, to, options, std::nullopt, step).run();
}

Expected<Inspection> restore(Storage& from, Storage& to, const Restored& as, const Step& step) {
  const auto sound = inspect(from, step);
  if (!sound) return std::unexpected(sound.error());
  if (!sound->damages.empty()) return std::unexpected(sound->damages.front());
  if (sound->fresh) {
    return fail("there is no journal here", from.where(""),
                "Name a folder that 'claimctl backup' made");
  }
  if (sound->manifest.read_only) {
    return fail("a newer claimd has written this folder, and only its claimctl knows all of it",
                from.where(manifest_path), "Restore with the claimctl of that version");
  }
  auto copied = Backup(from, to, {.is_stopped = true, .now = as.now}, as.node_uuid, step).run();
  if (!copied) return std::unexpected(std::move(copied.error()));
  return std::move(copied->verified);
}

}  // namespace claimgate::journal
