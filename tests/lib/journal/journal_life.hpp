// A process with a journal: its table, imports, and claims that a committer writes at once. What it
// holds can be compared with what a later one recovers. One thread.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "lib/journal/journal.hpp"
#include "tests/lib/channel/make_terms.hpp"
#include "tests/lib/journal/written_lane.hpp"

namespace claimgate::journal {

// What counts of a channel, by handle: incarnation, amount held, funded, ledger index.
using State =
    std::map<std::uint64_t, std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint32_t>>;

inline State state_of(const channel::Table& table) {
  State state;
  for (channel::SlotIndex at = 0; at < table.slots_used(); ++at) {
    const auto view = table.view(at);
    if (!view) continue;
    const bool signed_right =
        view->held.value == 0 || view->signature == channel::make_signature(view->held.value);
    EXPECT_TRUE(signed_right) << view->held.value;
    state[view->terms.id.handle().value] = {view->incarnation, view->held.value,
                                            view->terms.funded.value, view->terms.ledger_index};
  }
  return state;
}

inline channel::Table table_for(std::uint32_t capacity) {
  return channel::Table::create(capacity, {1, 2}, memory::Pages::normal).value();
}

class JournalLife {
 public:
  static JournalOptions small(unsigned claim_lanes = 1) {
    return {.new_node_uuid = test_uuid(),
            .claim_lanes = claim_lanes,
            .segment_bytes = small_segment_bytes,
            .provisioning_segment_bytes = small_segment_bytes,
            .spares = 1,
            .frames_per_group = 1};
  }

  explicit JournalLife(Storage& storage, const JournalOptions& options = small(),
                       std::uint32_t capacity = 200)
      : table_(table_for(capacity)), lanes_(options.claim_lanes) {
    auto opened = Journal::open(storage, options, table_, 1, recovered_);
    if (opened) {
      journal_ = std::move(*opened);
    } else {
      refused_ = opened.error();
    }
    next_incarnation_ = recovered_.next_incarnation;
  }

  [[nodiscard]] bool started() const noexcept { return journal_ != nullptr; }
  [[nodiscard]] const Failure& refused() const noexcept { return refused_; }
  [[nodiscard]] Journal& journal() noexcept { return *journal_; }
  [[nodiscard]] const Recovered& recovered() const noexcept { return recovered_; }
  [[nodiscard]] std::uint32_t next_incarnation() const noexcept { return next_incarnation_; }
  [[nodiscard]] State state() const { return state_of(table_); }

  // Adds channels that are not there, one ledger on those that are; all of `handles`, or a Failure.
  [[nodiscard]] Expected<void> import(const std::vector<std::uint64_t>& handles) {
    std::vector<ProvisioningRecord> changes;
    for (const std::uint64_t handle : handles) {
      const auto at = slot_of(handle);
      const bool is_new = at == channel::no_slot;
      ProvisioningRecord change{.change = is_new ? Change::add : Change::update};
      change.incarnation = is_new ? journal_->issue_incarnations(1) : table_.slot(at).incarnation;
      next_incarnation_ = std::max(next_incarnation_, change.incarnation + 1);
      change.terms = channel::make_terms(handle, is_new ? 100 : 101);
      if (!is_new) change.terms.funded.value = table_.slot(at).funded + 1000;
      changes.push_back(change);
    }
    if (auto done = journal_->provision(changes); !done) return done;
    for (const ProvisioningRecord& each : changes) table_.apply(each.terms, each.incarnation);
    journal_->provisioned();
    return {};
  }
  void remove(std::uint64_t handle) {
    ProvisioningRecord change{.change = Change::remove};
    change.incarnation = table_.slot(slot_of(handle)).incarnation;
    change.terms.id = channel::make_terms(handle).id;
    ASSERT_TRUE(journal_->provision({&change, 1}));
    ASSERT_TRUE(table_.remove(change.terms.id));
    journal_->provisioned();
  }

  // One group with one claim per handle, each `by` above what is held.
  void claim(unsigned lane, std::initializer_list<std::uint64_t> handles, std::uint64_t by = 10) {
    LaneWriter& writer = journal_->claims(lane);
    for (const std::uint64_t handle : handles) {
      const auto slot = slot_of(handle);
      ASSERT_NE(slot, channel::no_slot);
      const std::uint64_t held = table_.slot(slot).amount;
      const channel::Signature signature = channel::make_signature(held + by);
      table_.commit(slot, {held + by}, signature.data(), writer.next_lsn(), 5);
      ClaimBytes bytes;
      write_claim_record(bytes.data(), {.lsn = writer.next_lsn(),
                                        .channel = {handle},
                                        .amount = {held + by},
                                        .previous = {held},
                                        .incarnation = table_.slot(slot).incarnation,
                                        .slot = slot,
                                        .time = 5,
                                        .signature = signature.data()});
      writer.append(bytes.data());
    }
    write(lane);
  }
  void write(unsigned lane) {
    LaneWriter& writer = journal_->claims(lane);
    auto group = writer.close(6);
    if (!group) {
      ASSERT_TRUE(journal_->tend());
      group = writer.close(6);
    }
    ASSERT_TRUE(group);
    ASSERT_TRUE(group->file->write_durably(group->offset, group->bytes));
    writer.complete(*group);
  }

  void checkpoint() { ASSERT_TRUE(journal_->checkpoint(table_, {})); }

  // A while without work: everything acknowledged is stated somewhere behind it.
  void rest() {
    for (unsigned lane = 0; lane < lanes_; ++lane) {
      if (journal_->claims(lane).wants_heartbeat()) write(lane);
    }
    for (;;) {
      const auto more = journal_->tend();
      ASSERT_TRUE(more) << more.error().text();
      if (!*more) return;
    }
  }

 private:
  [[nodiscard]] channel::SlotIndex slot_of(std::uint64_t handle) const {
    return table_.find({handle}, table_.hash({handle}), channel::no_slot);
  }

  channel::Table table_;
  const unsigned lanes_;
  Recovered recovered_;
  std::unique_ptr<Journal> journal_;
  Failure refused_;
  std::uint32_t next_incarnation_ = 1;
};

// What a start would find, and nothing is changed by finding it out.
struct Found {
  State state;
  Recovered recovered;
};
// `table` is empty, and is so again afterwards: where there are many starts to try, mapping its
// memory would take longest.
inline Expected<Found> find_in(Storage& storage, channel::Table& table) {
  auto recovered = recover(storage, table);
  State state = state_of(table);
  for (channel::SlotIndex at = 0; at < table.slots_used(); ++at) {
    if (const auto view = table.view(at)) table.remove(view->terms.id);
  }
  if (!recovered) return std::unexpected(recovered.error());
  return Found{.state = std::move(state), .recovered = std::move(*recovered)};
}
inline Expected<Found> find_in(Storage& storage, std::uint32_t capacity = 200) {
  channel::Table table = table_for(capacity);
  return find_in(storage, table);
}

}  // namespace claimgate::journal
