// The feed of a state folder: every claim accepted, as soon as the files state that it is durable,
// by reading files beside a claimd that runs, or of one that does not. This is the way for others
// to learn what is paid (FORMAT.md, "Following a lane").
//
//   claim     each accepted amount of each claim lane, in LSN order within the lane
//   gap       a lane's records from here to there are recycled; what follows is
//   snapshot  every channel with the amount it holds, from the checkpoint: as amounts are
//             cumulative, that restates all that was missed
//
// Whoever keeps position() and begins there again gets everything once, or again, and never less.
// Begun without a position it begins with a snapshot. It does no work in claimd and takes no lock.
//
// Owner: one thread. Memory: 64 KiB a lane, and some 64 bytes a channel for its id.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/channel/terms.hpp"
#include "lib/journal/lane_follower.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

// Up to which LSN each claim lane of a node is known.
struct FollowPosition {
  Uuid node_uuid{};
  std::map<std::uint32_t, std::uint64_t> lanes;
};

struct FollowedClaim {
  std::uint32_t lane = 0;
  ClaimRecord record;                      // valid during the call
  const channel::ChannelId* id = nullptr;  // null: neither checkpoint nor imports tell it
};

struct FollowGap {
  std::uint32_t lane = 0;
  std::uint64_t after_lsn = 0;  // the last one known
};

// A Failure of any ends the poll, and what was not taken comes again.
class FollowSink {
 public:
  virtual ~FollowSink() = default;
  [[nodiscard]] virtual Expected<void> claim(const FollowedClaim& claim) = 0;
  [[nodiscard]] virtual Expected<void> gap(const FollowGap& gap) = 0;
  [[nodiscard]] virtual Expected<void> snapshot(const channel::ChannelView& channel) = 0;
  [[nodiscard]] virtual Expected<void> snapshot_ends(const CheckpointRef& checkpoint) = 0;
};

class Follower {
 public:
  // Fails where `position` is of another node or of before a restore, and where there is no
  // journal.
  [[nodiscard]] static Expected<Follower> open(Storage& storage,
                                               const std::optional<FollowPosition>& position);

  struct Polled {
    std::uint64_t events = 0;
    bool settled = false;  // what the files state is delivered, all of it
  };
  [[nodiscard]] Expected<Polled> poll(FollowSink& sink);

  [[nodiscard]] FollowPosition position() const;

 private:
  Follower(Storage& storage, const Manifest& manifest);
  [[nodiscard]] Expected<Manifest> manifest();
  [[nodiscard]] Expected<void> open_lanes(const Manifest& manifest);
  // What `manifest` names, or a newer one, which it becomes.
  [[nodiscard]] Expected<void> snapshot(Manifest& manifest, FollowSink* sink);
  [[nodiscard]] Expected<void> claim(const std::byte* record, const RecordPlace& place,
                                     std::uint32_t lane, const Manifest& manifest,
                                     FollowSink& sink);
  [[nodiscard]] Expected<void> read_names(const Manifest& manifest);

  Storage& storage_;
  const Uuid node_uuid_;
  FollowPosition begin_;
  bool begins_with_snapshot_ = false;
  std::vector<std::unique_ptr<LaneFollower>> lanes_;  // claim lanes
  std::unique_ptr<LaneFollower> provisioning_;
  std::unordered_map<std::uint32_t, channel::ChannelId> names_;  // by incarnation
  std::uint64_t events_ = 0;                                     // of this poll
};

}  // namespace claimgate::journal
