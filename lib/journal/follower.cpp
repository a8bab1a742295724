#include "lib/journal/follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/journal/checkpoint.hpp"
#include "lib/journal/recovery.hpp"
#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

constexpr unsigned checkpoint_tries = 10;  // each ends with a checkpoint having been overtaken

std::uint64_t current_lsn(const Manifest& manifest, std::uint32_t lane) {
  const LaneEntry* const entry = manifest.lane(lane);
  return entry != nullptr ? entry->current_lsn : 0;
}

}  // namespace

Follower::Follower(Storage& storage, const Manifest& manifest)
    : storage_(storage), node_uuid_(manifest.node_uuid) {}

Expected<Follower> Follower::open(Storage& storage, const std::optional<FollowPosition>& position) {
  auto found = read_manifest(storage);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) {
    return fail("there is no journal here, or no page of its manifest is whole", storage.where(""),
                "Name claimd's node.state_dir, after its first start");
  }
  if (position && position->node_uuid != (*found)->node_uuid) {
    return fail("the position is of another node, or of this one before it was restored",
                storage.where(""),
                "Begin without a position: the feed then begins with all amounts held");
  }
  Follower follower(storage, **found);
  follower.begins_with_snapshot_ = !position;
  if (position) {
    follower.begin_ = *position;
    if (auto named = follower.snapshot(**found, nullptr); !named) {
      return std::unexpected(named.error());
    }
  }
  follower.begin_.node_uuid = follower.node_uuid_;
  return follower;
}

Expected<Manifest> Follower::manifest() {
  auto found = read_manifest(storage_);
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found && (*found)->node_uuid == node_uuid_) return std::move(**found);
  return fail(*found ? "the state folder was replaced by another while it was followed"
                     : "no page of the manifest is whole any more",
              storage_.where(manifest_path), "Look what was done to the folder, then follow anew");
}

FollowPosition Follower::position() const {
  FollowPosition out = begin_;
  for (const auto& lane : lanes_) out.lanes[lane->lane()] = lane->lsn();
  return out;
}

Expected<void> Follower::open_lanes(const Manifest& manifest) {
  auto there = lanes_of(storage_, manifest);
  if (!there) return std::unexpected(there.error());
  for (const std::uint32_t lane : *there) {
    const bool known =
        std::ranges::any_of(lanes_, [lane](const auto& each) { return each->lane() == lane; });
    if (known || lane == provisioning_lane) continue;
    lanes_.push_back(
        std::make_unique<LaneFollower>(storage_, node_uuid_, lane, begin_.lanes[lane]));
  }
  return {};
}

Expected<void> Follower::snapshot(Manifest& manifest, FollowSink* sink) {
  const auto deliver = [&](const channel::ChannelView& view) -> Expected<void> {
    names_.insert_or_assign(view.incarnation, view.terms.id);
    if (sink == nullptr) return {};
    ++events_;
    return sink->snapshot(view);
  };
  for (unsigned tries = 1;; ++tries) {
    auto read = read_checkpoint(storage_, node_uuid_, manifest.current, deliver);
    if (read) break;
    const std::uint64_t before = manifest.current.generation;
    auto now = this->manifest();
    if (!now) return std::unexpected(now.error());
    manifest = std::move(*now);
    const bool overtaken = manifest.current.generation > before;
    if (!overtaken || tries == checkpoint_tries) return read;
  }
  provisioning_ = std::make_unique<LaneFollower>(storage_, node_uuid_, provisioning_lane,
                                                 current_lsn(manifest, provisioning_lane),
                                                 LaneFollower::Until::whole);
  if (sink == nullptr) return {};
  ++events_;
  return sink->snapshot_ends(manifest.current);
}

// The ADD of an incarnation is durable before any claim of it is accepted, so it is there.
Expected<void> Follower::read_names(const Manifest& manifest) {
  const auto note = [this](const std::byte* at, const RecordPlace&) -> Expected<void> {
    const auto record = read_provisioning_record(at);
    if (record && record->change == Change::add) {
      names_.insert_or_assign(record->incarnation, record->terms.id);
    }
    return {};
  };
  auto polled = provisioning_->poll(manifest, note);
  if (!polled) return std::unexpected(polled.error());
  if (*polled != LaneFollower::State::lost) return {};
  auto now = this->manifest();
  if (!now) return std::unexpected(now.error());
  return snapshot(*now, nullptr);
}

Expected<void> Follower::claim(const std::byte* record, const RecordPlace& place,
                               std::uint32_t lane, const Manifest& manifest, FollowSink& sink) {
  const auto read = read_claim_record(record);
  if (!read || read->lsn != place.lsn) {
    return fail("damaged: an impossible record in a frame that is whole",
                fmt::format("{}, offset {}", storage_.where(segment_path(lane, place.segment)),
                            place.offset),
                "Stop claimd and look with 'claimctl check'");
  }
  auto name = names_.find(read->incarnation);
  if (name == names_.end()) {
    if (auto named = read_names(manifest); !named) return named;
    name = names_.find(read->incarnation);
  }
  const bool is_named = name != names_.end() && name->second.handle() == read->channel;
  ++events_;
  return sink.claim({.lane = lane, .record = *read, .id = is_named ? &name->second : nullptr});
}

Expected<Follower::Polled> Follower::poll(FollowSink& sink) {
  events_ = 0;
  auto now = manifest();
  if (!now) return std::unexpected(now.error());
  if (begins_with_snapshot_) {
    if (auto told = snapshot(*now, &sink); !told) return std::unexpected(told.error());
    for (const LaneEntry& entry : now->lanes) begin_.lanes[entry.lane] = entry.current_lsn;
    begin_.lanes.erase(provisioning_lane);
    begins_with_snapshot_ = false;
  }
  if (auto opened = open_lanes(*now); !opened) return std::unexpected(opened.error());
  bool settled = true;
  std::vector<LaneFollower*> lost;
  for (const auto& lane : lanes_) {
    const auto state = lane->poll(*now, [&](const std::byte* record, const RecordPlace& place) {
      return claim(record, place, lane->lane(), *now, sink);
    });
    if (!state) return std::unexpected(state.error());
    if (*state == LaneFollower::State::lost) lost.push_back(lane.get());
    settled = settled && *state == LaneFollower::State::following;
  }
  if (lost.empty()) return Polled{.events = events_, .settled = settled};
  for (const LaneFollower* lane : lost) {
    ++events_;
    auto told = sink.gap({.lane = lane->lane(), .after_lsn = lane->lsn()});
    if (!told) return std::unexpected(told.error());
  }
  if (auto told = snapshot(*now, &sink); !told) return std::unexpected(told.error());
  for (LaneFollower* lane : lost) lane->restart(current_lsn(*now, lane->lane()));
  return Polled{.events = events_, .settled = false};
}

}  // namespace claimgate::journal
