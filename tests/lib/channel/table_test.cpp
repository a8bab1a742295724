#include "lib/channel/table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/lib/channel/make_terms.hpp"

namespace claimgate::channel {
namespace {

Table make_table(std::uint32_t capacity) {
  auto table = Table::create(capacity, {1, 2}, memory::Pages::normal);
  EXPECT_TRUE(table) << table.error().text();
  return std::move(*table);
}

SlotIndex find(const Table& table, std::uint64_t handle) {
  const std::uint64_t hash = table.hash({handle});
  return table.find({handle}, hash, table.candidate(hash));
}

TEST(Table, FindsWhatWasAddedAndShowsItWhole) {
  Table table = make_table(10);
  const ChannelTerms terms = make_terms(0xABCDEF);
  const auto [result, at] = table.apply(terms, 7);
  ASSERT_EQ(result, ApplyResult::added);
  EXPECT_EQ(find(table, 0xABCDEF), at);
  EXPECT_EQ(find(table, 0xABCDEE), no_slot);
  EXPECT_EQ(table.size(), 1u);
  const auto view = table.view(at);
  ASSERT_TRUE(view);
  EXPECT_TRUE(same_view(*view, {.terms = terms, .incarnation = 7}));
  EXPECT_EQ(table.slot(at).handle, 0xABCDEFu);
  EXPECT_EQ(table.slot(at).floor(), terms.balance.value);
  EXPECT_EQ(table.slot(at).key_type(), KeyType::ed25519);
}

TEST(Table, FindsTheHandlesZeroAndAllOnes) {
  Table table = make_table(10);
  EXPECT_EQ(find(table, 0), no_slot);
  ASSERT_EQ(table.apply(make_terms(0), 1).result, ApplyResult::added);
  ASSERT_EQ(table.apply(make_terms(~std::uint64_t{0}), 2).result, ApplyResult::added);
  EXPECT_NE(find(table, 0), no_slot);
  EXPECT_NE(find(table, ~std::uint64_t{0}), no_slot);
  EXPECT_TRUE(table.remove(make_terms(0).id));
  EXPECT_EQ(find(table, 0), no_slot);
}

TEST(Table, TrustsNoGuessWithoutLookingAtIt) {
  Table table = make_table(10);
  const SlotIndex one = table.apply(make_terms(1), 1).slot;
  const SlotIndex zero = table.apply(make_terms(0), 2).slot;
  ASSERT_TRUE(table.remove(make_terms(0).id));
  EXPECT_EQ(table.find({1}, table.hash({1}), no_slot), one);
  EXPECT_EQ(table.find({1}, table.hash({1}), zero), one);
  EXPECT_EQ(table.find({0}, table.hash({0}), zero), no_slot);  // the freed slot's handle reads 0
  EXPECT_EQ(table.find({2}, table.hash({2}), one), no_slot);
}

TEST(Table, CommitAdvancesAmountSignatureLsnAndActivityAndNothingElse) {
  Table table = make_table(10);
  const ChannelTerms terms = make_terms(5);
  const SlotIndex at = table.apply(terms, 3).slot;
  table.commit(at, {700}, make_signature(700).data(), 41, 800'000'000);
  EXPECT_TRUE(same_view(*table.view(at), {.terms = terms,
                                          .incarnation = 3,
                                          .held = {700},
                                          .signature = make_signature(700),
                                          .lsn = 41,
                                          .last_activity = 800'000'000}));
  EXPECT_EQ(table.slot(at).floor(), 700u);
}

TEST(TableDeathTest, RefusesToGoBackwards) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Table table = make_table(10);
  const SlotIndex at = table.apply(make_terms(5), 3).slot;
  table.commit(at, {700}, make_signature(700).data(), 41, 1);
  EXPECT_DEATH(table.commit(at, {700}, make_signature(700).data(), 42, 2), "");
}

TEST(Table, RefusesAnotherIdWithTheSameLeadingBytes) {
  Table table = make_table(10);
  const ChannelTerms terms = make_terms(5);
  const SlotIndex at = table.apply(terms, 1).slot;
  for (std::size_t byte = 8; byte < 32; ++byte) {
    ChannelTerms other = terms;
    other.id.bytes[byte] ^= std::byte{1};
    const auto refused = table.apply(other, 2);
    EXPECT_EQ(refused.result, ApplyResult::handle_taken) << byte;
    EXPECT_EQ(refused.slot, no_slot);
    EXPECT_FALSE(table.remove(other.id));
  }
  EXPECT_TRUE(same_view(*table.view(at), {.terms = terms, .incarnation = 1}));
  EXPECT_EQ(table.size(), 1u);
}

TEST(Table, RefusesAnotherKeyForTheSameId) {
  Table table = make_table(10);
  const ChannelTerms terms = make_terms(4);
  const SlotIndex at = table.apply(terms, 1).slot;
  for (std::size_t byte = 0; byte <= 64; ++byte) {
    ChannelTerms other = terms;
    other.funded.value += 1;
    if (byte < 64) other.key.bytes[byte] ^= std::byte{1};
    if (byte == 64) other.key.type = KeyType::ed25519;
    EXPECT_EQ(table.apply(other, 2).result, ApplyResult::key_differs) << byte;
  }
  EXPECT_TRUE(same_view(*table.view(at), {.terms = terms, .incarnation = 1}));
}

TEST(Table, MergesFundsByMaximumAndExpiryByTheNewerLedger) {
  Table table = make_table(10);
  ChannelTerms terms = make_terms(4, 100);
  const SlotIndex at = table.apply(terms, 1).slot;
  table.commit(at, {500}, make_signature(500).data(), 9, 8);
  EXPECT_EQ(table.apply(terms, 2).result, ApplyResult::unchanged);

  ChannelTerms older = terms;
  older.ledger_index = 99;
  older.funded.value += 10;
  older.balance.value += 20;
  older.valid_until += 1000;
  older.expiration += 1000;
  older.cancel_after += 1000;
  older.settle_delay_s += 1000;
  EXPECT_EQ(table.apply(older, 2).result, ApplyResult::older_ledger);
  ChannelTerms expected = terms;
  expected.funded = older.funded;
  expected.balance = older.balance;
  EXPECT_TRUE(same_terms(table.view(at)->terms, expected));

  ChannelTerms newer = older;
  newer.ledger_index = 101;
  newer.funded.value -= 5;  // never falls, whatever an answer says
  newer.balance.value -= 5;
  EXPECT_EQ(table.apply(newer, 2).result, ApplyResult::updated);
  expected = newer;
  expected.funded = older.funded;
  expected.balance = older.balance;
  EXPECT_TRUE(same_terms(table.view(at)->terms, expected));

  newer.valid_until -= 77;  // the same ledger again: the earlier time counts
  EXPECT_EQ(table.apply(newer, 2).result, ApplyResult::updated);
  const auto view = table.view(at);
  EXPECT_EQ(view->terms.valid_until, newer.valid_until);
  EXPECT_EQ(view->incarnation, 1u);
  EXPECT_EQ(view->held.value, 500u);
  EXPECT_EQ(view->signature, make_signature(500));
  EXPECT_EQ(view->lsn, 9u);
}

// A rippled that has stopped following the network gives the same ledger with an ever later as-of.
TEST(Table, NeverExtendsAChannelByTheLedgerItAlreadyKnows) {
  for (const std::uint32_t ledger_index : {0u, 100u}) {
    Table table = make_table(10);
    const ChannelTerms terms = make_terms(4, ledger_index);
    const SlotIndex at = table.apply(terms, 1).slot;
    ChannelTerms later = terms;
    later.valid_until += 86'400;
    EXPECT_EQ(table.apply(later, 2).result, ApplyResult::unchanged);
    later.expiration = never;
    later.cancel_after = never;
    EXPECT_EQ(table.apply(later, 2).result, ApplyResult::unchanged);
    EXPECT_TRUE(same_terms(table.view(at)->terms, terms));

    ChannelTerms earlier = terms;
    earlier.expiration -= 1;
    earlier.cancel_after -= 2;
    earlier.valid_until -= 3;
    EXPECT_EQ(table.apply(earlier, 2).result, ApplyResult::updated);
    EXPECT_EQ(table.apply(terms, 2).result, ApplyResult::unchanged);
    EXPECT_TRUE(same_terms(table.view(at)->terms, earlier));

    later.ledger_index += 1;
    EXPECT_EQ(table.apply(later, 2).result, ApplyResult::updated);
    EXPECT_TRUE(same_terms(table.view(at)->terms, later)) << "a newer ledger has the word";
  }
}

TEST(Table, GivesAReusedSlotNothingOfItsFormerChannel) {
  Table table = make_table(1);
  const SlotIndex at = table.apply(make_terms(4), 1).slot;
  table.commit(at, {500}, make_signature(500).data(), 9, 8);
  EXPECT_EQ(table.apply(make_terms(6), 2).result, ApplyResult::table_full);
  ASSERT_TRUE(table.remove(make_terms(4).id));
  EXPECT_FALSE(table.remove(make_terms(4).id));
  EXPECT_FALSE(table.view(at));
  EXPECT_EQ(table.size(), 0u);
  const auto again = table.apply(make_terms(6), 2);
  ASSERT_EQ(again.result, ApplyResult::added);
  EXPECT_EQ(again.slot, at);
  EXPECT_TRUE(same_view(*table.view(at), {.terms = make_terms(6), .incarnation = 2}));
}

TEST(Table, GivesAReprovisionedChannelItsNewIncarnationAndNoClaim) {
  Table table = make_table(3);
  const SlotIndex at = table.apply(make_terms(4), 1).slot;
  table.commit(at, {500}, make_signature(500).data(), 9, 8);
  ASSERT_TRUE(table.remove(make_terms(4).id));
  const auto again = table.apply(make_terms(4), 2);
  EXPECT_TRUE(same_view(*table.view(again.slot), {.terms = make_terms(4), .incarnation = 2}));
}

TEST(Table, TakesExactlyItsCapacityAndReusesEverySlot) {
  constexpr std::uint32_t capacity = 1000;
  Table table = make_table(capacity);
  std::uint32_t incarnation = 0;
  for (int round = 0; round < 5; ++round) {
    const std::uint64_t first = static_cast<std::uint64_t>(round) * capacity;
    std::set<SlotIndex> slots;
    for (std::uint64_t i = 0; i < capacity; ++i) {
      const auto applied = table.apply(make_terms(first + i), ++incarnation);
      ASSERT_EQ(applied.result, ApplyResult::added) << i;
      slots.insert(applied.slot);
    }
    EXPECT_EQ(slots.size(), capacity);
    EXPECT_EQ(table.size(), capacity);
    EXPECT_EQ(table.slots_used(), capacity);
    EXPECT_EQ(table.apply(make_terms(~std::uint64_t{0}), 1).result, ApplyResult::table_full);
    for (std::uint64_t i = 0; i < capacity; ++i) {
      ASSERT_TRUE(table.remove(make_terms(first + i).id));
    }
    EXPECT_EQ(table.size(), 0u);
  }
}

TEST(Table, FillsToCapacityAtEverySmallCapacity) {
  for (std::uint32_t capacity = 1; capacity <= 100; ++capacity) {
    Table table = make_table(capacity);
    for (std::uint32_t i = 0; i < capacity; ++i) {
      ASSERT_EQ(table.apply(make_terms(i * 977), 1).result, ApplyResult::added) << capacity;
    }
    for (std::uint32_t i = 0; i < capacity; ++i) ASSERT_NE(find(table, i * 977), no_slot);
  }
}

TEST(Table, RestoresAChannelWithItsClaimAndMergesOneThatIsHere) {
  Table table = make_table(4);
  ChannelView saved{.terms = make_terms(4),
                    .incarnation = 5,
                    .held = {600},
                    .signature = make_signature(600),
                    .lsn = 17,
                    .last_activity = 99};
  const auto [result, at] = table.restore(saved);
  ASSERT_EQ(result, ApplyResult::added);
  EXPECT_TRUE(same_view(*table.view(at), saved));
  EXPECT_EQ(table.restore(saved).result, ApplyResult::unchanged);

  ChannelView lower = saved;
  lower.held = {500};
  lower.signature = make_signature(500);
  EXPECT_EQ(table.restore(lower).result, ApplyResult::unchanged);
  ChannelView other_life = saved;
  other_life.incarnation = 6;
  other_life.held = {900};
  EXPECT_EQ(table.restore(other_life).result, ApplyResult::unchanged);
  EXPECT_TRUE(same_view(*table.view(at), saved));

  ChannelView higher = saved;
  higher.held = {700};
  higher.signature = make_signature(700);
  higher.lsn = 18;
  EXPECT_EQ(table.restore(higher).result, ApplyResult::updated);
  EXPECT_TRUE(same_view(*table.view(at), higher));

  higher.terms.key = make_key(99);
  EXPECT_EQ(table.restore(higher).result, ApplyResult::key_differs);
  higher.terms.id = make_id(4, 200);
  EXPECT_EQ(table.restore(higher).result, ApplyResult::handle_taken);
}

TEST(Table, KeepsTheDestinationItKnowsAndLearnsTheOneItDoesNot) {
  Table table = make_table(4);
  ChannelTerms terms = make_terms(4, 100);
  const auto destination = terms.destination;
  terms.destination = {};
  const SlotIndex at = table.apply(terms, 1).slot;
  EXPECT_EQ(table.view(at)->terms.destination, terms.destination);
  terms.destination = destination;
  terms.ledger_index = 99;  // however old the answer: the id says it, by hash
  EXPECT_EQ(table.apply(terms, 1).result, ApplyResult::older_ledger);
  EXPECT_EQ(table.view(at)->terms.destination, destination);
  for (const auto& other : {std::array<std::byte, 20>{}, make_terms(5).destination}) {
    terms.destination = other;
    ++terms.ledger_index;
    table.apply(terms, 1);
    EXPECT_EQ(table.view(at)->terms.destination, destination);
  }
}

TEST(Table, KeepsChannelsOfMoreDestinationsThanItCanNumber) {
  constexpr std::uint32_t channels = destinations_max + 10;
  Table table = make_table(channels);
  const auto terms_of = [](std::uint32_t i) {
    ChannelTerms terms = make_terms(i);
    wire::store_be(terms.destination.data(), i + 1);
    return terms;
  };
  for (std::uint32_t i = 0; i < channels; ++i) {
    ASSERT_EQ(table.apply(terms_of(i), 1).result, ApplyResult::added);
  }
  for (std::uint32_t i = 0; i < channels; ++i) {
    ChannelTerms expected = terms_of(i);
    if (i >= destinations_max) expected.destination = {};
    ASSERT_TRUE(same_terms(table.view(find(table, i))->terms, expected)) << i;
  }
}

TEST(Table, MapsAtMost288BytesPerChannelAndAFixedCost) {
  constexpr std::size_t fixed = std::size_t{2} << 20;  // rounding to a huge page, overflow buckets
  for (const std::uint32_t capacity : {1u, 2u, 3u, 100u, 10'000u, 65'536u, 100'001u}) {
    for (const memory::Pages pages :
         {memory::Pages::normal, memory::Pages::transparent, memory::Pages::huge}) {
      const auto table = Table::create(capacity, {1, 2}, pages);
      ASSERT_TRUE(table) << table.error().text();
      EXPECT_LE(table->bytes_mapped(), std::size_t{capacity} * 288 + fixed) << capacity;
      EXPECT_GE(table->pages(), pages);
    }
  }
  EXPECT_LE(sizeof(IndexBucket), 32u * channels_per_bucket);
}

TEST(Table, RefusesACapacityOfNothingOrTooMuch) {
  for (const std::uint32_t capacity : {0u, capacity_max + 1, ~0u}) {
    const auto table = Table::create(capacity, {1, 2}, memory::Pages::normal);
    ASSERT_FALSE(table);
    EXPECT_NE(table.error().text().find(std::to_string(capacity)), std::string::npos);
    EXPECT_FALSE(table.error().remedy.empty());
  }
}

TEST(Table, MovesWithEverythingItHolds) {
  Table first = make_table(10);
  const SlotIndex at = first.apply(make_terms(4), 1).slot;
  Table second = std::move(first);
  Table third = make_table(1);
  third = std::move(second);
  EXPECT_EQ(find(third, 4), at);
  EXPECT_TRUE(same_terms(third.view(at)->terms, make_terms(4)));
  EXPECT_EQ(third.size(), 1u);
  EXPECT_EQ(third.capacity(), 10u);
  EXPECT_EQ(first.size(), 0u);   // NOLINT: what a moved-from table says is part of its contract
  EXPECT_FALSE(second.view(0));  // NOLINT
}

TEST(Table, ShowsNothingBeyondItsSlots) {
  Table table = make_table(10);
  table.apply(make_terms(4), 1);
  EXPECT_EQ(table.slots_used(), 1u);
  EXPECT_TRUE(table.view(0));
  EXPECT_FALSE(table.view(1));
  EXPECT_FALSE(table.view(10));
  EXPECT_FALSE(table.view(no_slot));
}

TEST(Table, PrefetchesAreHarmlessForNoSlot) {
  const Table table = make_table(1);
  table.prefetch_bucket(~std::uint64_t{0});
  table.prefetch_slot(no_slot);
  table.prefetch_signature(no_slot);
  table.prefetch_cold(no_slot);
}

}  // namespace
}  // namespace claimgate::channel
