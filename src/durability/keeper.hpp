// The keeper of what was acknowledged: the journal in the state folder, a committer for each
// worker's lane, and the thread that looks after their files.
//
//   open() ── recover ──► gate(lane) ─► worker
//                     ──► journal()  ─► provisioning
//                     ──► upkeep: segments ahead, checkpoints, health
//                     ──► watch: how long anything is not durable
//   stop() ── the lanes' last groups, a checkpoint
//
// Owner: the appliance. health() and the counters: any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/counter/counter.hpp"
#include "lib/counter/gauge.hpp"
#include "lib/failure/failure.hpp"
#include "lib/journal/journal.hpp"
#include "src/durability/committer.hpp"
#include "src/durability/lane_gate.hpp"

namespace claimgate::durability {

struct KeeperOptions {
  journal::JournalOptions journal;
  Release release = Release::when_durable;
  // With Release::at_once: a lane takes no more before its oldest claim is not durable for so long.
  std::chrono::milliseconds async_max{100};
  unsigned ring_records = 16'384;  // of a lane, a power of two: not durable at once at most
  // A checkpoint is written once recovery would have to read so much of the claim lanes.
  std::uint64_t replay_bytes_max = std::uint64_t{2} << 30;
  std::uint64_t checkpoint_bytes_per_s = std::uint64_t{64} << 20;
  CommitterOptions committer;
};

// How it stands, the worst that is true.
enum class Condition : std::uint8_t {
  good,
  hindered,  // upkeep fails, the lanes go on: a full disk, a manifest that cannot be written
  // The disk has not finished a lane's group for too long. What rests on it waits; with
  // Release::at_once the lane takes nothing until the disk has caught up.
  behind,
  full,    // a lane takes nothing until it has a segment to write to
  failed,  // a write failed: nothing is acknowledged any more, only a new start goes on
};
inline constexpr unsigned conditions = 5;
[[nodiscard]] std::string_view name(Condition condition) noexcept;

struct Health {
  Condition condition = Condition::good;
  std::string why;  // the failure behind it, or which lane waits for the disk; or empty
  bool operator==(const Health&) const = default;
};

// Written by the upkeep thread, read by anyone.
struct KeeperStats {
  counter::Counter checkpoints;
  counter::Counter checkpoint_failures;
  counter::Counter upkeep_failures;
  counter::Gauge checkpoint_ms;          // how long the last one took
  counter::Gauge checkpoint_channels;    // in the last one
  counter::Gauge checkpoint_generation;  // of the last one
  counter::Gauge replay_bytes;           // what recovery would read of the claim lanes
};

class Keeper {
 public:
  // Recovers into `table`, whatever journal::Journal::open() says of it, and starts the threads.
  // `storage` and `table` outlive the Keeper.
  [[nodiscard]] static Expected<std::unique_ptr<Keeper>> open(journal::Storage& storage,
                                                              const KeeperOptions& options,
                                                              channel::Table& table,
                                                              std::uint32_t next_incarnation,
                                                              journal::Recovered& recovered);
  ~Keeper();  // stops the threads, writes no checkpoint

  // The workers have stopped. Commits what they left, and writes a checkpoint so that the next
  // start has nothing to replay. A Failure: the state is in the journal as far as it was
  // acknowledged, but the lane or the checkpoint failed.
  [[nodiscard]] Expected<void> stop();

  [[nodiscard]] LaneGate& gate(unsigned lane) noexcept { return lanes_[lane]->gate; }
  [[nodiscard]] journal::Journal& journal() noexcept { return *journal_; }

  // Journal::stage() and commit(); a write that failed is as one of a worker's lane: the end.
  [[nodiscard]] Expected<void> stage(std::span<journal::ProvisioningRecord> changes);
  [[nodiscard]] Expected<void> commit();

  // ---- any thread ----------------------------------------------------------------------------
  [[nodiscard]] Health health() const;
  [[nodiscard]] const KeeperStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const CommitterStats& stats(unsigned lane) const noexcept {
    return lanes_[lane]->committer.stats();
  }
  // Accepted and not durable yet.
  [[nodiscard]] std::uint64_t pending(unsigned lane) const noexcept;
  [[nodiscard]] std::uint64_t durable_lsn(unsigned lane) const noexcept {
    return lanes_[lane]->gate.durable_lsn();
  }
  [[nodiscard]] unsigned spares(unsigned lane) const { return journal_->shelf(lane).spares(); }
  [[nodiscard]] const KeeperOptions& options() const noexcept { return options_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Lane {
    Lane(Keeper& keeper, unsigned number);
    LaneGate gate;
    Committer committer;
    std::uint64_t seen_durable = 0;  // the watch's: what was durable when it looked
    // Under health_lock_: since when nothing more has become so, though something waits for it;
    // and whether that is too long.
    Clock::time_point stands_since = Clock::now();
    bool is_behind = false;
  };

  Keeper(const KeeperOptions& options, channel::Table& table) : options_(options), table_(table) {}
  void upkeep(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  void look_at(Lane& lane, Clock::duration longest, Clock::time_point now);
  [[nodiscard]] std::string standing() const;
  void look_after(Clock::time_point now);
  [[nodiscard]] Expected<void> tend();
  void checkpoint_where_due(const std::stop_token& stop);
  [[nodiscard]] Expected<void> checkpoint(const journal::Pace& pace);
  void stop_threads();
  [[nodiscard]] Expected<void> judged(Expected<void> provisioned);
  void fail_for_good(const Failure& failure);
  void note(std::string& hindrance, const Expected<void>& done);

  const KeeperOptions options_;
  channel::Table& table_;
  std::unique_ptr<journal::Journal> journal_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  KeeperStats stats_;
  mutable std::mutex health_lock_;
  std::optional<Failure> failure_;                      // the first one
  std::string tending_hindered_, checkpoint_hindered_;  // by what; or empty
  bool stopped_ = false;
  Clock::time_point tend_at_;        // the upkeep thread's
  Clock::time_point checkpoint_at_;  // likewise: not before
  std::jthread upkeep_;
  std::jthread watch_;  // never in the hands of the disk
};

}  // namespace claimgate::durability
