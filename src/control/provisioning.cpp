#include "src/control/provisioning.hpp"

#include <algorithm>
#include <cassert>
#include <ctime>
#include <utility>
#include <vector>

#include "src/durability/keeper.hpp"
#include "src/nic/command_ring.hpp"

namespace claimgate::control {

namespace {

using Clock = std::chrono::steady_clock;
using journal::Change;
using journal::ProvisioningRecord;
using pipeline::Command;

Failure no_answer() {
  return Failure{"the worker did not answer within 5 s", "worker",
                 "It may be stopped or starved: look at claimgate_polls_total and at what else "
                 "runs on its CPU"};
}

Failure out_of_incarnations() {
  return Failure{
      "the incarnations have run out: 4,294,967,294 channels have been new here", "state folder",
      "Redeem what is held ('claimctl claims export'), stop claimd, put the state folder "
      "aside, start claimd and import again"};
}

// Time spent waiting for the worker. A nap counts for `nap_counted_max` at most: where the whole
// process stood still (SIGSTOP, a suspended machine), so did the worker.
class Wait {
 public:
  void nap() {
    const timespec brief{.tv_sec = 0, .tv_nsec = 20'000};
    const auto before = Clock::now();
    nanosleep(&brief, nullptr);
    waited_ += std::min<Clock::duration>(Clock::now() - before, nap_counted_max);
  }
  [[nodiscard]] Clock::duration waited() const { return waited_; }

 private:
  static constexpr std::chrono::milliseconds nap_counted_max{50};
  Clock::duration waited_{};
};

}  // namespace

Provisioning::Provisioning(nic::CommandRing& ring, const channel::Table& table,
                           durability::Keeper& keeper)
    : ring_(ring), table_(table), keeper_(keeper), commands_(batch_max) {}

Provisioning::~Provisioning() = default;

bool Provisioning::collect() {
  bool any = false;
  for (; ring_.collect() != nullptr; any = true) --outstanding_;
  return any;
}

Expected<void> Provisioning::settle() {
  for (Wait wait; outstanding_ > 0; wait.nap()) {
    if (!collect() && wait.waited() > patience_late) return std::unexpected(no_answer());
  }
  return {};
}

// Posts the first `count` commands and waits until each has been answered. Precondition: settled,
// also when the commands were written: the worker may still read them.
Expected<void> Provisioning::execute(std::size_t count) {
  std::size_t posted = 0;
  Wait wait;
  while (posted < count || outstanding_ > 0) {
    for (; posted < count && ring_.post(&commands_[posted]); ++posted) ++outstanding_;
    if (collect()) {
      wait = {};
    } else if (wait.waited() > patience) {
      return std::unexpected(no_answer());
    } else {
      wait.nap();
    }
  }
  return {};
}

Expected<void> Provisioning::record(std::span<PlannedChange> changes) {
  const auto wanted = std::ranges::count_if(changes, &PlannedChange::is_new);
  std::uint32_t incarnation =
      keeper_.journal().issue_incarnations(static_cast<std::uint32_t>(wanted));
  if (incarnation == 0) {
    abandon();
    return std::unexpected(out_of_incarnations());
  }
  std::vector<ProvisioningRecord> records;
  records.reserve(changes.size());
  for (PlannedChange& change : changes) {
    if (!change.is_change) continue;
    if (change.is_new) change.incarnation = incarnation++;
    records.push_back({.change = change.is_new ? Change::add : Change::update,
                       .incarnation = change.incarnation,
                       .terms = change.terms});
  }
  return keeper_.stage(records);
}

Expected<void> Provisioning::commit() {
  return keeper_.commit();
}

void Provisioning::abandon() {
  keeper_.journal().abandon();
}

void Provisioning::applied() {
  if (!in_doubt_) keeper_.journal().provisioned();
}

Expected<void> Provisioning::apply(std::span<const PlannedChange> changes,
                                   std::span<channel::ApplyResult> results) {
  const bool in_doubt_before = std::exchange(in_doubt_, true);  // until all has gone well
  if (auto settled = settle(); !settled) return settled;
  std::size_t count = 0;
  for (std::size_t first = 0; first < changes.size(); first += count) {
    count = std::min(batch_max, changes.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      commands_[i] = {.verb = Command::Verb::apply,
                      .terms = changes[first + i].terms,
                      .incarnation = changes[first + i].incarnation};
    }
    if (auto done = execute(count); !done) return done;
    for (std::size_t i = 0; i < count; ++i) results[first + i] = commands_[i].result;
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!changes[i].is_new || results[i] == channel::ApplyResult::added) continue;
    if (auto withdrawn = withdraw(changes[i]); !withdrawn) return withdrawn;
  }
  in_doubt_ = in_doubt_before;
  return {};
}

Expected<void> Provisioning::withdraw(const PlannedChange& change) {
  ProvisioningRecord removal{.change = Change::remove,
                             .incarnation = change.incarnation,
                             .terms = {.id = change.terms.id}};
  if (auto staged = keeper_.stage({&removal, 1}); !staged) return staged;
  return keeper_.commit();
}

Expected<bool> Provisioning::remove(const channel::ChannelId& id) {
  const auto view = find(id.handle());
  if (!view) return std::unexpected(view.error());
  if (!*view || (*view)->terms.id != id) return false;
  const PlannedChange known{.terms = {.id = id}, .incarnation = (*view)->incarnation};
  if (auto recorded = withdraw(known); !recorded) return std::unexpected(recorded.error());
  commands_[0] = {.verb = Command::Verb::remove, .terms = {.id = id}};
  if (auto done = execute(1); !done) {
    in_doubt_ = true;
    return std::unexpected(done.error());
  }
  applied();
  return commands_[0].removed;
}

Expected<std::optional<channel::ChannelView>> Provisioning::find(wire::ChannelHandle handle) {
  if (auto settled = settle(); !settled) return std::unexpected(settled.error());
  commands_[0] = {.verb = Command::Verb::find};
  wire::store_be(commands_[0].terms.id.bytes.data(), handle.value);
  if (auto done = execute(1); !done) return std::unexpected(done.error());
  if (commands_[0].slot == channel::no_slot) return std::nullopt;
  auto view = table_.view(commands_[0].slot);
  // The slot may have been given to another channel since the worker answered.
  if (view && view->terms.id.handle() != handle) return std::nullopt;
  return view;
}

void Provisioning::for_each(const std::function<void(const channel::ChannelView&)>& each) const {
  const std::uint32_t used = table_.slots_used();
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    if (const auto view = table_.view(slot)) each(*view);
  }
}

std::uint32_t Provisioning::channels() const noexcept {
  return table_.size();
}
std::uint32_t Provisioning::capacity() const noexcept {
  return table_.capacity();
}

}  // namespace claimgate::control
