#include "lib/journal/journal.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace claimgate::journal {
namespace {

constexpr unsigned provisioning_frames_per_group = 4;

std::uint32_t lane_number(std::size_t index) noexcept {
  return index == 0 ? provisioning_lane : static_cast<std::uint32_t>(index - 1);
}

}  // namespace

Expected<std::unique_ptr<Journal>> Journal::open(Storage& storage, const JournalOptions& options,
                                                 channel::Table& table,
                                                 std::uint32_t next_incarnation,
                                                 Recovered& recovered) {
  auto found = recover(storage, table);
  if (!found) return std::unexpected(found.error());
  recovered = std::move(*found);
  auto journal = std::unique_ptr<Journal>(new Journal(storage, options));
  if (auto begun = journal->begin_term(recovered, table, next_incarnation); !begun) {
    return std::unexpected(begun.error());
  }
  return journal;
}

// The manifest with the new term comes first: nothing is ever written in a term that it does not
// know. Lanes have folders only once there is a manifest, so one without the other is damage.
Expected<void> Journal::begin_term(Recovered& recovered, const channel::Table& table,
                                   std::uint32_t next_incarnation) {
  manifest_ = recovered.manifest;
  if (manifest_.read_only) {
    return fail("a newer claimd has written this state folder, and only such a one may go on",
                storage_.where(manifest_path), "Start that version; nothing was changed");
  }
  if (recovered.fresh) manifest_.node_uuid = options_.new_node_uuid;
  manifest_.term = recovered.highest_term + 1;
  recovered.next_incarnation = std::max(recovered.next_incarnation, next_incarnation);
  const bool needs_checkpoint =
      recovered.fresh || recovered.replayed() || !recovered.set_aside.empty();
  if (needs_checkpoint) {
    auto written = write_checkpoint(storage_, manifest_.node_uuid, manifest_.current.generation + 1,
                                    recovered.next_incarnation, table, {});
    if (!written) return std::unexpected(written.error());
    manifest_.previous = recovered.base;
    manifest_.current = *written;
  }
  for (const RecoveredLane& lane : recovered.lanes) {
    LaneEntry* entry = manifest_.lane(lane.lane);
    if (entry == nullptr) entry = &manifest_.lanes.emplace_back(LaneEntry{.lane = lane.lane});
    const std::uint64_t last_lsn = lane.end.next_lsn - 1;
    if (needs_checkpoint) {
      entry->previous_lsn = lane.base_lsn;
      entry->current_lsn = last_lsn;
    }
    entry->durable_lsn = std::max(entry->durable_lsn, last_lsn);
    entry->segment_in_use = 0;
    entry->term_lsn = last_lsn;
  }
  for (std::size_t i = 0; i <= options_.claim_lanes; ++i) {
    if (manifest_.lane(lane_number(i)) == nullptr) {
      manifest_.lanes.push_back({.lane = lane_number(i)});
    }
  }
  if (auto written = write_manifest(storage_, manifest_); !written) return written;
  for (std::size_t i = 0; i <= options_.claim_lanes; ++i) {
    if (auto opened = open_lane(lane_number(i), recovered); !opened) return opened;
  }
  provisioned();
  next_incarnation_ = recovered.next_incarnation;
  for (const auto& lane : lanes_) {
    if (auto shed = lane->shelf.shed(); !shed) return shed;
  }
  // A lane without a segment takes nothing: the first ones are made here, the others by tend().
  for (const auto& lane : lanes_) {
    if (auto made = lane->shelf.tend(); !made) return std::unexpected(made.error());
  }
  return {};
}

Expected<void> Journal::open_lane(std::uint32_t number, const Recovered& recovered) {
  if (auto made = storage_.make_folder(lane_folder(number)); !made) return made;
  if (auto synced = storage_.sync_folder(""); !synced) return synced;
  const bool is_provisioning = number == provisioning_lane;
  const std::uint64_t segment_bytes =
      is_provisioning ? options_.provisioning_segment_bytes : options_.segment_bytes;
  const auto found = std::ranges::find(recovered.lanes, number, &RecoveredLane::lane);
  const LaneEnd end = found != recovered.lanes.end() ? found->end : LaneEnd{};
  lanes_.push_back(std::make_unique<Lane>(
      storage_,
      SegmentShelf::Options{
          .lane = number, .segment_bytes = segment_bytes, .spares = options_.spares},
      end.highest_segment + 1,
      LaneWriter::Options{
          .node_uuid = manifest_.node_uuid,
          .lane = number,
          .record_bytes = is_provisioning ? provisioning_record_bytes : claim_record_bytes,
          .segment_bytes = segment_bytes,
          .term = manifest_.term,
          .next_lsn = end.next_lsn,
          .depth = is_provisioning ? 1 : options_.depth,
          .frames_per_group =
              is_provisioning ? std::min(provisioning_frames_per_group, options_.frames_per_group)
                              : options_.frames_per_group}));
  SegmentShelf& shelf = lanes_.back()->shelf;
  for (const SegmentFacts& facts : end.segments) {
    // Torn from its first frame on: of the term that ended, and so free at any later start.
    const bool holds_records = facts.last_lsn >= facts.first_lsn;
    shelf.adopt(facts.segment, holds_records ? facts.last_lsn : 0, facts.bytes);
  }
  shelf.release_below(manifest_.lane(number)->previous_lsn);
  return {};
}

Expected<void> Journal::append(ProvisioningRecord& record) {
  LaneWriter& writer = provisioning().writer;
  if (writer.room() == 0) {
    if (auto written = write_provisioning_group(); !written) return written;
  }
  record.lsn = writer.next_lsn();
  if (staged_++ == 0) batch_ = record.lsn;
  record.batch = batch_;
  std::array<std::byte, provisioning_record_bytes> bytes;
  write_provisioning_record(bytes.data(), record);
  writer.append(bytes.data());
  return {};
}

Expected<void> Journal::stage(std::span<ProvisioningRecord> changes) {
  const std::lock_guard lock(provisioning_lock_);
  return append(changes);
}

// Under provisioning_lock_.
Expected<void> Journal::append(std::span<ProvisioningRecord> changes) {
  if (provisioning_failed_) {
    return fail("the provisioning lane has failed before",
                storage_.where(lane_folder(provisioning_lane)),
                "Start claimd again: what is on the disk then counts");
  }
  for (ProvisioningRecord& change : changes) {
    if (auto appended = append(change); !appended) return appended;
  }
  return {};
}

Expected<void> Journal::commit() {
  const std::lock_guard lock(provisioning_lock_);
  ProvisioningRecord commit{.change = Change::commit, .changes = staged_};
  if (auto appended = append({&commit, 1}); !appended) return appended;
  staged_ = 0;
  return write_provisioning_group();
}

Expected<void> Journal::provision(std::span<ProvisioningRecord> changes) {
  if (auto staged = stage(changes); !staged) return staged;
  return commit();
}

bool Journal::provisioning_has_failed() {
  const std::lock_guard lock(provisioning_lock_);
  return provisioning_failed_;
}

std::uint32_t Journal::issue_incarnations(std::uint32_t count) noexcept {
  const std::uint32_t first = next_incarnation_.load(std::memory_order_relaxed);
  if (count > channel::incarnation_end - first) return 0;
  next_incarnation_.store(first + count, std::memory_order_release);
  return first;
}

void Journal::drop_batch() noexcept {
  provisioning().writer.discard();
  staged_ = 0;
}

void Journal::abandon() {
  const std::lock_guard lock(provisioning_lock_);
  drop_batch();
}

// Under provisioning_lock_.
Expected<void> Journal::write_provisioning_group() {
  Lane& lane = provisioning();
  const bool failed_before = std::exchange(provisioning_failed_, true);  // until it has gone well
  const channel::LedgerTime now = options_.now != nullptr ? options_.now() : 0;
  auto group = lane.writer.close(now);
  if (!group) {
    if (auto made = lane.shelf.tend(); !made) {
      drop_batch();  // nothing of this group was written: the lane is as it was
      provisioning_failed_ = failed_before;
      return std::unexpected(made.error());
    }
    group = lane.writer.close(now);
    if (!group) return fail("there is no segment to write to", lane_folder(provisioning_lane));
  }
  if (auto written = group->file->write_durably(group->offset, group->bytes); !written) {
    return written;
  }
  lane.writer.complete(*group);
  provisioning_failed_ = failed_before;
  return {};
}

Expected<void> Journal::note(Manifest& manifest) {
  manifest_in_doubt_ = true;
  auto written = write_manifest(storage_, manifest);
  manifest_in_doubt_ = !written;
  return written;
}

std::uint64_t Journal::lsn_held(std::size_t lane) noexcept {
  return lane == 0 ? applied_lsn_.load(std::memory_order_acquire)
                   : lanes_[lane]->writer.durable_lsn();
}

Expected<void> Journal::checkpoint(const channel::Table& table, const Pace& pace) {
  // One that failed may be on the disk all the same, and would name the file to be written now.
  if (manifest_in_doubt_) {
    if (auto noted = note(manifest_); !noted) return noted;
  }
  std::vector<std::uint64_t> held;
  for (std::size_t i = 0; i < lanes_.size(); ++i) held.push_back(lsn_held(i));
  // Read behind the LSN of the changes that will not be looked at again: it is above all of theirs.
  const std::uint32_t next_incarnation = next_incarnation_.load(std::memory_order_acquire);
  auto written = write_checkpoint(storage_, manifest_.node_uuid, manifest_.current.generation + 1,
                                  next_incarnation, table, pace);
  if (!written) return std::unexpected(written.error());
  Manifest next = manifest_;
  next.previous = next.current;
  next.current = *written;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LaneEntry& entry = *next.lane(lane_number(i));
    entry.previous_lsn = entry.current_lsn;
    entry.current_lsn = held[i];
    entry.durable_lsn = std::max(entry.durable_lsn, held[i]);
    // It may be full and the next one not on the disk yet: recovery must not look for it.
    if (lanes_[i]->shelf.releases(entry.segment_in_use, entry.previous_lsn)) {
      entry.segment_in_use = 0;
    }
  }
  for (LaneEntry& entry : next.lanes) {  // of lanes that no worker has any more
    const bool ours = entry.lane == provisioning_lane || entry.lane < options_.claim_lanes;
    if (!ours) entry.previous_lsn = entry.current_lsn;
  }
  if (auto noted = note(next); !noted) return noted;
  manifest_ = std::move(next);
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i]->shelf.release_below(manifest_.lane(lane_number(i))->previous_lsn);
  }
  return {};
}

Expected<bool> Journal::tend() {
  bool changed = manifest_in_doubt_;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    LaneEntry& entry = *manifest_.lane(lane_number(i));
    const std::uint64_t segment = lane.writer.durable_segment();
    const std::uint64_t durable_lsn = lane.writer.durable_lsn();
    // Else an older copy of the segment in use might pass for the lane's end.
    const bool rests = std::exchange(lane.seen_lsn, durable_lsn) == durable_lsn;
    if (rests && durable_lsn > entry.durable_lsn) {
      entry.durable_lsn = durable_lsn;
      changed = true;
    }
    // A segment that holds nothing above the checkpoint before may be recycled already.
    if (segment == lane.noted_segment || durable_lsn <= entry.previous_lsn) continue;
    entry.segment_in_use = lane.noted_segment = segment;
    entry.durable_lsn = std::max(entry.durable_lsn, durable_lsn);
    changed = true;
  }
  if (changed) {
    if (auto noted = note(manifest_); !noted) return std::unexpected(noted.error());
  }
  // Where one lane gets no segment, another may: they are of different sizes.
  auto out = tend_provisioning();
  for (std::size_t i = 1; i < lanes_.size(); ++i) {
    auto made = lanes_[i]->shelf.tend();
    if (!out) continue;
    if (!made) out = std::unexpected(made.error());
    if (made && *made) out = true;
  }
  return out;
}

Expected<bool> Journal::tend_provisioning() {
  const std::lock_guard lock(provisioning_lock_);
  // Nothing else would tell the last change's frame from a torn one: this lane may rest for months.
  const bool rests = staged_ == 0 && !provisioning_failed_;
  if (rests && provisioning().writer.wants_heartbeat()) {
    if (auto written = write_provisioning_group(); !written) {
      return std::unexpected(written.error());
    }
  }
  return provisioning().shelf.tend();
}

bool Journal::wants_checkpoint() noexcept {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (lsn_held(i) > manifest_.lane(lane_number(i))->current_lsn) return true;
  }
  return false;
}

std::uint64_t Journal::bytes_to_replay() {
  std::uint64_t bytes = 0;
  for (std::size_t i = 1; i < lanes_.size(); ++i) {
    bytes += lanes_[i]->shelf.filled_bytes_above(manifest_.lane(lane_number(i))->current_lsn);
  }
  return bytes;
}

}  // namespace claimgate::journal
