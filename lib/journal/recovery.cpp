#include "lib/journal/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "lib/journal/checkpoint.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

constexpr std::string_view lane_folder_head = "lane-";

// Claims on their way into a table that no cache holds: each is looked up some records ahead, in
// two steps, so that the reads of many are under way at once.
class ClaimReplay {
 public:
  explicit ClaimReplay(channel::Table& table) : table_(table) {}

  void add(const ClaimRecord& record) noexcept {
    Ahead& entry = ahead_[added_++ % ahead_.size()];
    entry.record = record;
    std::memcpy(entry.signature.data(), record.signature, entry.signature.size());
    entry.hash = table_.hash(record.channel);
    table_.prefetch_bucket(entry.hash);
    if (added_ > bucket_distance) look_up(ahead_[(added_ - 1 - bucket_distance) % ahead_.size()]);
    if (added_ >= ahead_.size()) replay(ahead_[added_ % ahead_.size()]);
  }
  // The last ones.
  void finish() noexcept {
    const std::uint64_t left = std::min<std::uint64_t>(added_, ahead_.size() - 1);
    for (std::uint64_t i = added_ - left; i < added_; ++i) {
      Ahead& entry = ahead_[i % ahead_.size()];
      look_up(entry);
      replay(entry);
    }
    added_ = 0;
  }
  [[nodiscard]] std::uint64_t raised() const noexcept { return raised_; }
  [[nodiscard]] std::uint64_t ignored() const noexcept { return ignored_; }

 private:
  static constexpr std::size_t bucket_distance = 8;
  struct Ahead {
    ClaimRecord record;
    std::array<std::byte, wire::signature_bytes> signature;
    std::uint64_t hash;
    channel::SlotIndex guess;
  };
  void look_up(Ahead& entry) noexcept {
    entry.guess = table_.candidate(entry.hash);
    table_.prefetch_slot(entry.guess);
    table_.prefetch_signature(entry.guess);
  }
  void replay(const Ahead& entry) noexcept {
    const ClaimRecord& record = entry.record;
    const channel::SlotIndex slot = table_.find(record.channel, entry.hash, entry.guess);
    const bool raises = slot != channel::no_slot &&
                        table_.slot(slot).incarnation == record.incarnation &&
                        table_.slot(slot).amount < record.amount.value;
    ++(raises ? raised_ : ignored_);
    if (raises) table_.commit(slot, record.amount, entry.signature.data(), 0, record.time);
  }

  channel::Table& table_;
  std::array<Ahead, 16> ahead_;
  std::uint64_t added_ = 0;
  std::uint64_t raised_ = 0, ignored_ = 0;
};

class Recovery {
 public:
  Recovery(Storage& storage, channel::Table& table) : storage_(storage), table_(table) {}

  Expected<Recovered> run() {
    if (auto found = find_lanes(); !found) return std::unexpected(found.error());
    if (out_.fresh) return std::move(out_);
    if (auto loaded = load_checkpoint(); !loaded) return std::unexpected(loaded.error());
    for (RecoveredLane& lane : out_.lanes) {
      if (lane.lane != provisioning_lane) continue;
      if (auto done = replay_provisioning(lane); !done) return std::unexpected(done.error());
    }
    for (RecoveredLane& lane : out_.lanes) {
      if (lane.lane == provisioning_lane) continue;
      if (auto done = replay_claims(lane); !done) return std::unexpected(done.error());
    }
    for (const RecoveredLane& lane : out_.lanes) {
      out_.highest_term = std::max(out_.highest_term, lane.end.highest_term);
    }
    return std::move(out_);
  }

 private:
  Expected<void> find_lanes() {
    auto manifest = read_manifest(storage_);
    if (!manifest) return std::unexpected(manifest.error());
    if (*manifest) out_.manifest = std::move(**manifest);
    auto lanes = lanes_of(storage_, out_.manifest);
    if (!lanes) return std::unexpected(lanes.error());
    if (!*manifest && !lanes->empty()) {
      return fail(
          "damaged: there are lanes, and neither of its two pages is whole to tell where "
          "they begin (offsets 0 and 4096)",
          storage_.where(manifest_path),
          "Restore the state folder from a backup ('claimctl restore')");
    }
    for (const std::uint32_t lane : *lanes) out_.lanes.push_back({.lane = lane});
    out_.fresh = !*manifest;
    out_.highest_term = out_.manifest.term;
    return {};
  }

  Expected<void> load_checkpoint() {
    const auto restore = [this](const channel::ChannelView& saved) -> Expected<void> {
      channel::ChannelView view = saved;
      view.lsn = 0;  // what a checkpoint holds is durable, whatever LSNs come next
      if (table_.restore(view).slot != channel::no_slot) return {};
      return too_small();
    };
    const Manifest& manifest = out_.manifest;
    out_.base = manifest.current;
    auto read = read_checkpoint(storage_, manifest.node_uuid, manifest.current, restore);
    const bool second = !read && manifest.previous.generation > 0 && table_.size() == 0;
    if (second) {
      out_.set_aside = read.error().text();
      out_.base = manifest.previous;
      auto older = read_checkpoint(storage_, manifest.node_uuid, manifest.previous, restore);
      if (!older) return read;  // the newer one's damage is what has to be mended
    } else if (!read) {
      return read;
    }
    out_.next_incarnation = std::max(manifest.current.next_incarnation, out_.base.next_incarnation);
    for (RecoveredLane& lane : out_.lanes) {
      const LaneEntry* const entry = out_.manifest.lane(lane.lane);
      if (entry != nullptr) lane.base_lsn = second ? entry->previous_lsn : entry->current_lsn;
    }
    return {};
  }

  std::unexpected<Failure> too_small() const {
    return fail(fmt::format("more channels were imported than channels.capacity = {} has room for",
                            table_.capacity()),
                storage_.where(""), "Raise channels.capacity");
  }

  std::unexpected<Failure> impossible(const RecoveredLane& lane, const RecordPlace& place) const {
    return fail("damaged: an impossible record in a frame that is whole",
                fmt::format("{}, offset {}", storage_.where(segment_path(lane.lane, place.segment)),
                            place.offset),
                "Restore the state folder from a backup ('claimctl restore')");
  }

  // Two passes. The first finds which batches were committed, and which incarnations they removed:
  // such a one must not even be added for a while, because the table may have no room for both it
  // and what came after it.
  Expected<void> replay_provisioning(RecoveredLane& lane) {
    const LaneQuery query = query_of(out_.manifest, lane.lane, lane.base_lsn);
    std::unordered_set<std::uint64_t> committed;
    std::vector<std::pair<std::uint64_t, ProvisioningRecord>> removals;  // by batch
    auto first = scan_lane(
        storage_, query, [&](const std::byte* at, const RecordPlace& place) -> Expected<void> {
          const auto record = read_provisioning_record(at);
          if (!record || record->lsn != place.lsn) return impossible(lane, place);
          if (record->change == Change::commit) committed.insert(record->batch);
          if (record->change == Change::remove) removals.emplace_back(record->batch, *record);
          out_.next_incarnation = std::max(out_.next_incarnation, record->incarnation + 1);
          return {};
        });
    if (!first) return std::unexpected(first.error());
    std::unordered_set<std::uint32_t> gone;
    for (const auto& [batch, record] : removals) {
      if (!committed.contains(batch)) continue;
      gone.insert(record.incarnation);
      if (incarnation_of(record.terms.id) == record.incarnation) table_.remove(record.terms.id);
    }
    auto second = scan_lane(
        storage_, query, [&](const std::byte* at, const RecordPlace& place) -> Expected<void> {
          const auto record = read_provisioning_record(at);
          if (!record || record->lsn != place.lsn) return impossible(lane, place);
          if (record->change == Change::commit) return {};
          ++(committed.contains(record->batch) ? out_.changes : out_.changes_ignored);
          if (!committed.contains(record->batch) || gone.contains(record->incarnation)) return {};
          return apply(*record, lane, place);
        });
    if (!second) return std::unexpected(second.error());
    lane.end = std::move(*second);
    return {};
  }

  Expected<void> apply(const ProvisioningRecord& record, const RecoveredLane& lane,
                       const RecordPlace& place) {
    // The checkpoint may have been written after this change, and even after a later incarnation.
    std::uint32_t held = incarnation_of(record.terms.id);
    // The earlier one never reached a worker, or it would not have been added again.
    if (record.change == Change::add && held != 0 && held < record.incarnation) {
      if (table_.slot(find(record.terms.id.handle())).amount > 0) return impossible(lane, place);
      table_.remove(record.terms.id);
      held = 0;
    }
    const bool is_new = held == 0 && record.change == Change::add;
    if (!is_new && held != record.incarnation) return {};
    const auto applied = table_.apply(record.terms, record.incarnation);
    return applied.result == channel::ApplyResult::table_full ? too_small() : Expected<void>{};
  }

  // 0: the table has no such channel.
  std::uint32_t incarnation_of(const channel::ChannelId& id) const {
    const channel::SlotIndex at = find(id.handle());
    if (at == channel::no_slot) return 0;
    const auto view = table_.view(at);
    return view && view->terms.id == id ? view->incarnation : 0;
  }

  channel::SlotIndex find(wire::ChannelHandle handle) const {
    return table_.find(handle, table_.hash(handle), channel::no_slot);
  }

  Expected<void> replay_claims(RecoveredLane& lane) {
    const LaneQuery query = query_of(out_.manifest, lane.lane, lane.base_lsn);
    ClaimReplay replay(table_);
    auto end = scan_lane(storage_, query,
                         [&](const std::byte* at, const RecordPlace& place) -> Expected<void> {
                           const auto record = read_claim_record(at);
                           if (!record || record->lsn != place.lsn) return impossible(lane, place);
                           replay.add(*record);
                           return {};
                         });
    replay.finish();
    if (!end) return std::unexpected(end.error());
    out_.claims += replay.raised();
    out_.claims_ignored += replay.ignored();
    lane.end = std::move(*end);
    return {};
  }

  Storage& storage_;
  channel::Table& table_;
  Recovered out_;
};

}  // namespace

std::optional<std::uint32_t> lane_number(const std::string& folder) {
  if (folder == lane_folder(provisioning_lane)) return provisioning_lane;
  if (!folder.starts_with(lane_folder_head)) return std::nullopt;
  std::uint32_t number = 0;
  const char* const last = folder.data() + folder.size();
  const auto [end, error] = std::from_chars(folder.data() + lane_folder_head.size(), last, number);
  if (error != std::errc{} || end != last || lane_folder(number) != folder) return std::nullopt;
  return number;
}

Expected<std::vector<std::uint32_t>> lanes_of(Storage& storage, const Manifest& manifest) {
  std::vector<std::uint32_t> lanes;
  for (const LaneEntry& entry : manifest.lanes) lanes.push_back(entry.lane);
  auto entries = storage.list("");
  if (!entries) return std::unexpected(entries.error());
  for (const FolderEntry& entry : *entries) {
    const auto number = lane_number(entry.name);
    if (entry.is_folder && number && manifest.lane(*number) == nullptr) lanes.push_back(*number);
  }
  return lanes;
}

LaneQuery query_of(const Manifest& manifest, std::uint32_t lane, std::uint64_t after_lsn) {
  const LaneEntry* const entry = manifest.lane(lane);
  return {.node_uuid = manifest.node_uuid,
          .lane = lane,
          .record_bytes = record_bytes_of(lane),
          .after_lsn = after_lsn,
          .segment_in_use = entry != nullptr ? entry->segment_in_use : 0,
          .durable_lsn = entry != nullptr ? entry->durable_lsn : 0,
          .term = manifest.term,
          .term_lsn = entry != nullptr ? entry->term_lsn : 0};
}

Expected<Recovered> recover(Storage& storage, channel::Table& table) {
  return Recovery(storage, table).run();
}

}  // namespace claimgate::journal
