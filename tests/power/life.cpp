#include "tests/power/life.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "lib/journal/journal.hpp"
#include "src/durability/committer.hpp"
#include "src/durability/lane_gate.hpp"

namespace claimgate::power {
namespace {

using durability::Committer;
using durability::LaneGate;
using journal::Change;
using journal::Journal;
using journal::ProvisioningRecord;

constexpr unsigned lanes = 2;
constexpr std::uint32_t capacity = 256, channels_max = 160;
constexpr unsigned ring_records = 64, burst_max = 6;
// Segments that wait for a checkpoint, over all lanes.
constexpr std::uint64_t segments_to_replay = 4;

class Life {
 public:
  Life(const LifeOptions& options, std::mt19937_64& random, channel::Table& table, History& history,
       const std::function<void(std::size_t)>& told)
      : options_(options), random_(random), table_(table), history_(history), told_(told) {}

  Expected<LifeCounts> run(journal::Storage& storage);

 private:
  // ---- control thread
  Expected<void> control();
  Expected<void> provision(std::vector<ProvisioningRecord> changes);
  Expected<void> checkpoint();
  std::vector<ProvisioningRecord> import();
  std::vector<ProvisioningRecord> removal();
  // ---- worker thread
  void work();
  void burst();
  void release();
  // ---- whichever thread has something to tell
  template <class Answers>
  void acknowledge(Answers answers);

  struct Waiting {
    std::uint64_t lsn;
    Acknowledgement answer;
  };
  struct Lane {
    std::unique_ptr<LaneGate> gate;
    std::deque<Waiting> waiting;
  };

  const LifeOptions& options_;
  std::mt19937_64& random_;  // the control thread's
  channel::Table& table_;
  History& history_;
  const std::function<void(std::size_t)>& told_;
  std::unique_ptr<Journal> journal_;
  std::uint32_t ledger_ = 100;  // that the last import was read from
  std::array<Lane, lanes> lanes_;
  std::mt19937_64 worker_random_;
  std::mutex table_mutex_;  // who has it owns the table
  std::mutex told_mutex_;
  std::uint64_t accepted_ = 0;  // the worker's
  LifeCounts counts_;
  std::atomic<bool> working_{true}, ending_{false};
  std::mutex failure_mutex_;
  std::optional<Failure> failure_;
};

Expected<LifeCounts> Life::run(journal::Storage& storage) {
  journal::Recovered recovered;
  auto opened = Journal::open(storage,
                              {.new_node_uuid = {std::byte{1}},
                               .claim_lanes = lanes,
                               .segment_bytes = options_.segment_bytes,
                               .provisioning_segment_bytes = options_.segment_bytes,
                               .spares = 2,
                               .frames_per_group = 1},
                              table_, 1, recovered);
  if (!opened) return std::unexpected(opened.error());
  journal_ = std::move(*opened);
  for (const auto& view : channels_of(table_)) {
    ledger_ = std::max(ledger_, view.terms.ledger_index);
  }
  worker_random_.seed(random_());

  std::vector<std::unique_ptr<Committer>> committers;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    auto& writer = journal_->claims(lane);
    lanes_[lane].gate = std::make_unique<LaneGate>(ring_records, writer.next_lsn());
    committers.push_back(std::make_unique<Committer>(
        writer, journal_->shelf(lane), *lanes_[lane].gate,
        durability::CommitterOptions{.heartbeat_ms = 5}, [this](const Failure& failure) {
          const std::lock_guard lock(failure_mutex_);
          failure_ = failure;
          ending_ = true;
        }));
  }
  std::thread worker([this] { work(); });
  auto controlled = control();
  ending_ = true;
  worker.join();
  for (const auto& committer : committers) committer->stop();
  if (!controlled) return std::unexpected(controlled.error());
  if (failure_) return std::unexpected(*failure_);
  return counts_;
}

// ---- control thread -----------------------------------------------------------------------

Expected<void> Life::control() {
  while (working_) {
    const auto tended = journal_->tend();
    if (!tended) return std::unexpected(tended.error());
    const unsigned chance = random_() % 16;
    Expected<void> done;
    if (chance < 3 || table_.size() == 0) {
      done = provision(import());
    } else if (chance == 3) {
      done = provision(removal());
    } else if (journal_->bytes_to_replay() > segments_to_replay * options_.segment_bytes) {
      done = checkpoint();
    }
    if (!done) return done;
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 20'000));
  }
  return {};
}

Expected<void> Life::provision(std::vector<ProvisioningRecord> changes) {
  history_.unanswered = changes;
  if (auto durable = journal_->provision(changes); !durable) return durable;
  history_.unanswered.clear();
  ++counts_.batches;
  acknowledge([&] { history_.acknowledged.push_back({.changes = changes}); });
  const std::lock_guard lock(table_mutex_);
  for (const ProvisioningRecord& change : changes) {
    if (change.change == Change::remove) {
      table_.remove(change.terms.id);
    } else {
      table_.apply(change.terms, change.incarnation);
    }
  }
  journal_->provisioned();
  return {};
}

Expected<void> Life::checkpoint() {
  ++counts_.checkpoints;
  return journal_->checkpoint(table_, [](std::size_t) -> Expected<void> {
    std::this_thread::yield();
    return {};
  });
}

// One ledger's answer: some channels that are not there, some that are. It may be larger than a
// group, so that a power cut finds a part of it on the disk.
std::vector<ProvisioningRecord> Life::import() {
  std::vector<ProvisioningRecord> changes;
  const std::uint32_t ledger = ++ledger_;
  const std::size_t most = random_() % 8 == 0 ? channels_max : 12;
  std::vector<Number> chosen;
  for (std::size_t i = 1 + random_() % most; i > 0; --i) {
    const Number handle = 1 + random_() % channels_max;
    if (std::ranges::find(chosen, handle) == chosen.end()) chosen.push_back(handle);
  }
  for (const Number handle : chosen) {
    const auto at = table_.find({handle}, table_.hash({handle}), channel::no_slot);
    const bool is_new = at == channel::no_slot;
    ProvisioningRecord change{.change = is_new ? Change::add : Change::update};
    change.incarnation = is_new ? journal_->issue_incarnations(1) : table_.slot(at).incarnation;
    change.terms = channel::make_terms(handle, ledger);
    change.terms.funded.value += ledger * 1000;
    changes.push_back(change);
  }
  return changes;
}

std::vector<ProvisioningRecord> Life::removal() {
  const auto channels = channels_of(table_);
  std::vector<ProvisioningRecord> changes;
  for (std::size_t i = 1 + random_() % 3, at = random_() % channels.size();
       i > 0 && at < channels.size(); --i, ++at) {
    ProvisioningRecord change{.change = Change::remove, .incarnation = channels[at].incarnation};
    change.terms.id = channels[at].terms.id;
    changes.push_back(change);
  }
  return changes;
}

// ---- worker thread ------------------------------------------------------------------------

void Life::work() {
  while (!ending_ && accepted_ < options_.claims) {
    burst();
    release();
    std::this_thread::sleep_for(std::chrono::microseconds(worker_random_() % 4000));
  }
  const auto waits = [](const Lane& lane) { return !lane.waiting.empty(); };
  while (!ending_ && std::ranges::any_of(lanes_, waits)) {
    release();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  working_ = false;
}

void Life::burst() {
  const std::lock_guard lock(table_mutex_);
  for (unsigned i = 1 + worker_random_() % burst_max; i > 0; --i) {
    const Number handle = 1 + worker_random_() % channels_max;
    const auto slot = table_.find({handle}, table_.hash({handle}), channel::no_slot);
    if (slot == channel::no_slot) continue;
    Lane& lane = lanes_[worker_random_() % lanes];
    if (!lane.gate->reserve()) {
      ++counts_.busy;
      continue;
    }
    const channel::Slot& held = table_.slot(slot);
    const std::uint64_t amount = held.amount + 1 + worker_random_() % 1000;
    const Incarnation incarnation = held.incarnation;
    const channel::Signature signature = signature_of(handle, amount);
    history_.signed_for[{handle, incarnation}] = amount;
    const std::uint64_t lsn = lane.gate->append({.channel = {handle},
                                                 .amount = {amount},
                                                 .previous = {held.amount},
                                                 .incarnation = incarnation,
                                                 .slot = slot,
                                                 .time = 5,
                                                 .signature = signature.data()});
    table_.commit(slot, {amount}, signature.data(), lsn, 5);
    lane.waiting.push_back(
        {lsn, {.changes = {}, .handle = handle, .incarnation = incarnation, .amount = amount}});
    ++accepted_;
  }
  for (const Lane& lane : lanes_) lane.gate->publish();
}

void Life::release() {
  for (Lane& lane : lanes_) {
    const std::uint64_t durable = lane.gate->durable_lsn();
    if (lane.waiting.empty() || lane.waiting.front().lsn > durable) continue;
    acknowledge([&] {
      for (; !lane.waiting.empty() && lane.waiting.front().lsn <= durable;
           lane.waiting.pop_front()) {
        history_.acknowledged.push_back(std::move(lane.waiting.front().answer));
        ++counts_.claims;
      }
    });
  }
}

template <class Answers>
void Life::acknowledge(Answers answers) {
  const std::lock_guard lock(told_mutex_);
  answers();
  told_(history_.acknowledged.size());
}

}  // namespace

channel::Table empty_table() {
  return channel::Table::create(capacity, {1, 2}, memory::Pages::normal).value();
}

Expected<LifeCounts> live(journal::Storage& storage, const LifeOptions& options,
                          std::mt19937_64& random, channel::Table& table, History& history,
                          const std::function<void(std::size_t)>& told) {
  return Life(options, random, table, history, told).run(storage);
}

}  // namespace claimgate::power
