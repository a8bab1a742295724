// What the tests of committers share: a journal with one channel, a worker that counts its amount
// up through a gate, and what a start would find.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "lib/journal/journal.hpp"
#include "lib/journal/recovery.hpp"
#include "src/durability/lane_gate.hpp"

namespace claimgate::durability {

inline constexpr std::uint64_t segment_bytes = 160 * journal::page_bytes;

inline channel::ChannelTerms terms_of(std::uint64_t number) {
  channel::ChannelTerms terms;
  wire::store_be(terms.id.bytes.data(), number);
  terms.funded = {1'000'000'000};
  terms.valid_until = channel::never;
  return terms;
}

// A journal with one channel, and a worker that counts its amount up.
class Appliance {
 public:
  static journal::JournalOptions options() {
    return {.new_node_uuid = {std::byte{1}},
            .segment_bytes = segment_bytes,
            .spares = 2,
            .frames_per_group = 4};
  }
  static channel::Table empty_table() {
    return channel::Table::create(16, {1, 2}, memory::Pages::normal).value();
  }

  explicit Appliance(journal::Storage& storage) : table(empty_table()) {
    journal::Recovered recovered;
    auto opened = journal::Journal::open(storage, options(), table, 1, recovered);
    EXPECT_TRUE(opened) << opened.error().text();
    journal = std::move(*opened);
    std::array<journal::ProvisioningRecord, 1> batch;
    batch[0] = {.change = journal::Change::add, .incarnation = journal->issue_incarnations(1)};
    batch[0].terms = terms_of(7);
    slot = table.find({7}, table.hash({7}), channel::no_slot);
    if (slot != channel::no_slot) return;
    EXPECT_TRUE(journal->provision(batch));
    slot = table.apply(batch[0].terms, batch[0].incarnation).slot;
    journal->provisioned();
  }

  // Accepts one claim more; false: BUSY.
  bool accept(LaneGate& gate) {
    if (!gate.reserve()) return false;
    const channel::Slot& held = table.slot(slot);
    const wire::Drops previous{held.amount}, amount{held.amount + 1};
    std::array<std::byte, 64> signature;
    signature.fill(static_cast<std::byte>(amount.value));
    const std::uint64_t lsn = gate.append({.channel = {7},
                                           .amount = amount,
                                           .previous = previous,
                                           .incarnation = held.incarnation,
                                           .slot = slot,
                                           .time = 5,
                                           .signature = signature.data()});
    table.commit(slot, amount, signature.data(), lsn, 5);
    gate.publish();
    return true;
  }
  Expected<void> checkpoint() { return journal->checkpoint(table, {}); }
  [[nodiscard]] std::uint64_t amount() const { return table.slot(slot).amount; }

  channel::Table table;
  std::unique_ptr<journal::Journal> journal;
  channel::SlotIndex slot = channel::no_slot;
};

// The amount that a start would find.
inline std::uint64_t recovered_amount(journal::Storage& storage) {
  channel::Table table = Appliance::empty_table();
  const auto found = journal::recover(storage, table);
  EXPECT_TRUE(found) << found.error().text();
  const auto slot = table.find({7}, table.hash({7}), channel::no_slot);
  return slot == channel::no_slot ? 0 : table.slot(slot).amount;
}

template <class Holds>
bool eventually(Holds&& holds) {
  for (int i = 0; i < 20'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return false;
}

inline void expect_no_failure(const Failure& failure) {
  ADD_FAILURE() << failure.text();
}

}  // namespace claimgate::durability
