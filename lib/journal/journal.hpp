// The journal: what was acknowledged, on the disk. One lane per worker, one for provisioning,
// checkpoints behind them (DESIGN.md).
//
//   open() ── recover, new term ──► claims(lane)       : the committer's end of a worker's lane
//                                   stage(), commit()  : changes of channels, one batch
//                                   checkpoint()       : makes the lanes short again
//                                   tend()             : segments ahead of the lanes
//
// Threads: a committer has claims(lane) to itself. One thread provisions; one, another or the same,
// calls checkpoint() and tend(). Those two may wait for each other's write of a group, and where
// the provisioning lane needs a new segment for that.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/journal/checkpoint.hpp"
#include "lib/journal/lane_writer.hpp"
#include "lib/journal/layout.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/recovery.hpp"
#include "lib/journal/segment_shelf.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

struct JournalOptions {
  Uuid new_node_uuid{};      // for a folder that has none yet: random
  unsigned claim_lanes = 1;  // workers
  std::uint64_t segment_bytes = 256ull << 20;
  std::uint64_t provisioning_segment_bytes = 8ull << 20;
  unsigned spares = 4;  // segments held ready per lane
  unsigned depth = 1;   // groups under way at once per claim lane
  unsigned frames_per_group = 16;
  // Of provisioning's frames, as committers pass it for claims; for people. None: 0.
  channel::LedgerTime (*now)() noexcept = nullptr;
};

class Journal {
 public:
  // Recovers into `table`, writes a checkpoint if anything was replayed, begins a new term and
  // makes the first spare segments. `table` is empty, or, for a folder without a journal, holds
  // what this one is to begin with; `next_incarnation` likewise. `recovered` is filled in also for
  // messages. On a Failure the lanes are as they were.
  [[nodiscard]] static Expected<std::unique_ptr<Journal>> open(Storage& storage,
                                                               const JournalOptions& options,
                                                               channel::Table& table,
                                                               std::uint32_t next_incarnation,
                                                               Recovered& recovered);

  // Precondition: lane < claim_lanes.
  [[nodiscard]] LaneWriter& claims(unsigned lane) noexcept { return lanes_[lane + 1]->writer; }
  [[nodiscard]] const SegmentShelf& shelf(unsigned lane) const noexcept {
    return lanes_[lane + 1]->shelf;
  }

  // ---- provisioning --------------------------------------------------------------------------
  // A batch of changes: stage() any number of times, then commit() or abandon(). Their lsn and
  // batch are filled in. Nothing of it has happened until commit() returns: then all of it is on
  // the disk, and only then may a worker see it. After a Failure nothing of it happened as far as
  // this process knows. Where the disk was full the lane goes on, once it is not; where a write
  // failed it takes nothing more, and recovery decides.
  [[nodiscard]] Expected<void> stage(std::span<ProvisioningRecord> changes);
  [[nodiscard]] Expected<void> commit();
  void abandon();
  // Whether the lane takes nothing more.
  [[nodiscard]] bool provisioning_has_failed();
  // stage() and commit().
  [[nodiscard]] Expected<void> provision(std::span<ProvisioningRecord> changes);
  // Every change so far is in the table: the next checkpoint holds them.
  void provisioned() noexcept {
    applied_lsn_.store(provisioning().writer.durable_lsn(), std::memory_order_release);
  }
  // The first of `count` incarnations that were never used; 0 where there are not so many left.
  [[nodiscard]] std::uint32_t issue_incarnations(std::uint32_t count) noexcept;

  // ---- upkeep --------------------------------------------------------------------------------
  // Writes the table as it is and makes superfluous what the checkpoint before holds. Workers may
  // commit meanwhile, provided that they advance a slot before its record can become durable.
  // After a Failure the checkpoint before goes on counting.
  [[nodiscard]] Expected<void> checkpoint(const channel::Table& table, const Pace& pace);
  // Prepares one segment where some lane wants one, and makes the files tell what is durable: a
  // heartbeat in the provisioning lane; in the manifest which segments are in use, and up to where
  // a lane is durable that has rested since the last call.
  // True where there may be more to do. A full disk is a Failure; call it again.
  [[nodiscard]] Expected<bool> tend();

  // Whether something has come since the last checkpoint.
  [[nodiscard]] bool wants_checkpoint() noexcept;
  // Bytes that recovery would read in the claim lanes: what checkpoint() is to keep in bounds.
  [[nodiscard]] std::uint64_t bytes_to_replay();
  [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }

 private:
  struct Lane {
    Lane(Storage& storage, const SegmentShelf::Options& shelf_options, std::uint64_t next_segment,
         const LaneWriter::Options& writer_options)
        : shelf(storage, shelf_options, next_segment), writer(writer_options, shelf) {}
    SegmentShelf shelf;
    LaneWriter writer;
    std::uint64_t noted_segment = 0;  // the last one that the manifest was told to be in use
    std::uint64_t seen_lsn = 0;       // durable when tend() looked last
  };

  Journal(Storage& storage, const JournalOptions& options) : storage_(storage), options_(options) {}
  [[nodiscard]] Expected<void> begin_term(Recovered& recovered, const channel::Table& table,
                                          std::uint32_t next_incarnation);
  [[nodiscard]] Expected<void> open_lane(std::uint32_t number, const Recovered& recovered);
  [[nodiscard]] Lane& provisioning() noexcept { return *lanes_.front(); }
  [[nodiscard]] Expected<void> append(std::span<ProvisioningRecord> changes);
  [[nodiscard]] Expected<void> append(ProvisioningRecord& record);
  void drop_batch() noexcept;
  [[nodiscard]] Expected<void> write_provisioning_group();
  [[nodiscard]] Expected<bool> tend_provisioning();
  [[nodiscard]] Expected<void> note(Manifest& manifest);
  [[nodiscard]] std::uint64_t lsn_held(std::size_t lane) noexcept;

  Storage& storage_;
  const JournalOptions options_;
  Manifest manifest_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // provisioning first
  // Guards the provisioning lane's writer and the making of its segments.
  std::mutex provisioning_lock_;
  std::atomic<std::uint64_t> applied_lsn_{0};  // of provisioning, in the table
  std::atomic<std::uint32_t> next_incarnation_{1};
  std::uint64_t staged_ = 0;  // changes of the open batch
  std::uint64_t batch_ = 0;   // its number, while there are any
  bool provisioning_failed_ = false;
  bool manifest_in_doubt_ = false;  // the last write failed: who knows what is on the disk
};

}  // namespace claimgate::journal
