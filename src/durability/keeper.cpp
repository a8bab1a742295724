#include "src/durability/keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace claimgate::durability {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds tend_every{50};
constexpr milliseconds rest_after_failure{1000};
// With Release::when_durable: no healthy disk takes so long for a group of 512 KiB, and payers send
// again before.
constexpr milliseconds stands_max{1000};

constexpr std::array<std::string_view, conditions> condition_names = {"good", "hindered", "behind",
                                                                      "full", "failed"};

}  // namespace

std::string_view name(Condition condition) noexcept {
  return condition_names[static_cast<std::size_t>(condition)];
}

Keeper::Lane::Lane(Keeper& keeper, unsigned number)
    : gate(keeper.options_.ring_records, keeper.journal_->claims(number).next_lsn(),
           keeper.options_.release, keeper.options_.committer.sleeps),
      committer(keeper.journal_->claims(number), keeper.journal_->shelf(number), gate,
                keeper.options_.committer,
                [&keeper](const Failure& failure) { keeper.fail_for_good(failure); }) {}

Expected<std::unique_ptr<Keeper>> Keeper::open(journal::Storage& storage,
                                               const KeeperOptions& options, channel::Table& table,
                                               std::uint32_t next_incarnation,
                                               journal::Recovered& recovered) {
  std::unique_ptr<Keeper> keeper(new Keeper(options, table));
  journal::JournalOptions with = options.journal;
  with.now = &ledger_now;
  auto journal = journal::Journal::open(storage, with, table, next_incarnation, recovered);
  if (!journal) return std::unexpected(journal.error());
  keeper->journal_ = std::move(*journal);
  for (unsigned i = 0; i < options.journal.claim_lanes; ++i) {
    keeper->lanes_.push_back(std::make_unique<Lane>(*keeper, i));
  }
  keeper->upkeep_ =
      std::jthread([self = keeper.get()](const std::stop_token& stop) { self->upkeep(stop); });
  keeper->watch_ =
      std::jthread([self = keeper.get()](const std::stop_token& stop) { self->watch(stop); });
  return keeper;
}

Keeper::~Keeper() {
  stop_threads();
}

void Keeper::stop_threads() {
  for (std::jthread* thread : {&upkeep_, &watch_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
  for (const auto& lane : lanes_) lane->committer.stop();
}

Expected<void> Keeper::stop() {
  if (std::exchange(stopped_, true)) return {};
  stop_threads();
  {
    const std::lock_guard lock(health_lock_);
    if (failure_) return std::unexpected(*failure_);
  }
  if (!journal_->wants_checkpoint()) return {};
  return checkpoint({});
}

// ---- upkeep ------------------------------------------------------------------------------------

void Keeper::upkeep(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    look_after(Clock::now());
    checkpoint_where_due(stop);
    std::this_thread::sleep_for(tend_every);
  }
}

void Keeper::look_after(Clock::time_point now) {
  stats_.replay_bytes.set(journal_->bytes_to_replay());
  if (now < tend_at_) return;
  const auto tended = tend();
  note(tending_hindered_, tended);
  tend_at_ = Clock::now() + (tended ? tend_every : rest_after_failure);
}

// While it is written, the lanes are looked after: they may need segments.
void Keeper::checkpoint_where_due(const std::stop_token& stop) {
  const auto began = Clock::now();
  if (stats_.replay_bytes.value() <= options_.replay_bytes_max || began < checkpoint_at_) return;
  const double ns_per_byte = 1e9 / static_cast<double>(options_.checkpoint_bytes_per_s);
  double due_ns = 0;
  const journal::Pace pace = [&](std::size_t bytes) -> Expected<void> {
    due_ns += static_cast<double>(bytes) * ns_per_byte;
    const auto due = began + std::chrono::nanoseconds(static_cast<std::int64_t>(due_ns));
    for (auto now = Clock::now(); !stop.stop_requested(); now = Clock::now()) {
      look_after(now);
      if (now >= due) return {};
      std::this_thread::sleep_for(std::min<Clock::duration>(due - now, tend_every));
    }
    return fail("claimd stops", "checkpoint");
  };
  const auto written = checkpoint(pace);
  if (stop.stop_requested()) return;
  note(checkpoint_hindered_, written);  // until one succeeds
  if (written) return;
  stats_.checkpoint_failures.add(1);
  checkpoint_at_ = Clock::now() + rest_after_failure;
}

// A thread of its own, because the others wait for the very disk that may be late.
void Keeper::watch(const std::stop_token& stop) {
  const milliseconds longest =
      options_.release == Release::at_once ? options_.async_max / 4 : stands_max;
  const milliseconds pause = std::min(longest / 2, tend_every);
  for (; !stop.stop_requested(); std::this_thread::sleep_for(pause)) {
    const auto now = Clock::now();
    for (const auto& lane : lanes_) look_at(*lane, longest, now);
  }
}

void Keeper::look_at(Lane& lane, Clock::duration longest, Clock::time_point now) {
  const std::uint64_t durable = lane.gate.durable_lsn();
  const bool stands = durable == lane.seen_durable && lane.gate.published() > durable;
  lane.seen_durable = durable;
  const std::lock_guard lock(health_lock_);
  if (!stands) lane.stands_since = now;
  lane.is_behind = now - lane.stands_since > longest;
  // Where replies wait for the disk, its being late is no loss, and the ring bounds what waits.
  if (options_.release != Release::at_once) return;
  if (lane.is_behind) {
    lane.gate.close(LaneGate::Reason::behind);
  } else {
    lane.gate.open(LaneGate::Reason::behind);
  }
}

// All there is to do, unless it fails.
Expected<void> Keeper::tend() {
  for (;;) {
    const auto more = journal_->tend();
    if (!more) {
      stats_.upkeep_failures.add(1);
      return judged(std::unexpected(more.error()));
    }
    if (!*more) return {};
  }
}

Expected<void> Keeper::checkpoint(const journal::Pace& pace) {
  const auto began = Clock::now();
  if (auto written = journal_->checkpoint(table_, pace); !written) return written;
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  stats_.checkpoints.add(1);
  stats_.checkpoint_ms.set(static_cast<std::uint64_t>(took.count()));
  stats_.checkpoint_channels.set(journal_->manifest().current.channels);
  stats_.checkpoint_generation.set(journal_->manifest().current.generation);
  return {};
}

// ---- provisioning ------------------------------------------------------------------------------

Expected<void> Keeper::stage(std::span<journal::ProvisioningRecord> changes) {
  return judged(journal_->stage(changes));
}

Expected<void> Keeper::commit() {
  return judged(journal_->commit());
}

Expected<void> Keeper::judged(Expected<void> provisioned) {
  if (!provisioned && journal_->provisioning_has_failed()) fail_for_good(provisioned.error());
  return provisioned;
}

// ---- health ------------------------------------------------------------------------------------

void Keeper::fail_for_good(const Failure& failure) {
  for (const auto& lane : lanes_) lane->gate.close(LaneGate::Reason::stopping);
  const std::lock_guard lock(health_lock_);
  if (!failure_) failure_ = failure;
}

void Keeper::note(std::string& hindrance, const Expected<void>& done) {
  const std::lock_guard lock(health_lock_);
  hindrance = done ? std::string() : done.error().text();
}

Health Keeper::health() const {
  const std::lock_guard lock(health_lock_);
  if (failure_) return {Condition::failed, failure_->text()};
  const bool is_full = std::ranges::any_of(lanes_, [](const auto& lane) {
    return lane->gate.is_closed_for(LaneGate::Reason::no_segment);
  });
  const std::string& hindrance =
      tending_hindered_.empty() ? checkpoint_hindered_ : tending_hindered_;
  if (is_full) return {Condition::full, hindrance};
  if (const std::string late = standing(); !late.empty()) {
    return {Condition::behind, hindrance.empty() ? late : late + "; " + hindrance};
  }
  if (!hindrance.empty()) return {Condition::hindered, hindrance};
  return {};
}

// Of the lane that has waited longest for the disk; empty where none is behind. Under health_lock_.
std::string Keeper::standing() const {
  const Lane* latest = nullptr;
  unsigned number = 0;
  for (unsigned i = 0; i < lanes_.size(); ++i) {
    const Lane& lane = *lanes_[i];
    if (!lane.is_behind) continue;
    if (latest != nullptr && latest->stands_since <= lane.stands_since) continue;
    latest = &lane;
    number = i;
  }
  if (latest == nullptr) return {};
  const std::chrono::duration<double> stands = Clock::now() - latest->stands_since;
  return fmt::format("lane {}: the disk has not finished a group for {:.1f} s; pending claims: {}",
                     number, stands.count(), pending(number));
}

std::uint64_t Keeper::pending(unsigned lane) const noexcept {
  const std::uint64_t durable = lanes_[lane]->gate.durable_lsn();  // before what it may not pass
  return lanes_[lane]->gate.published() - durable;
}

}  // namespace claimgate::durability
