// The table against std::map, from seeds: tiny tables whose channels crowd into few buckets, so
// that overflow and backward shift happen at almost every step.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "lib/channel/table.hpp"
#include "tests/lib/channel/index_keys.hpp"
#include "tests/lib/channel/make_terms.hpp"

namespace claimgate::channel {
namespace {

using Handles = std::vector<std::uint64_t>;

Table make_table(std::uint32_t capacity) {
  auto table = Table::create(capacity, test_hash_key, memory::Pages::normal);
  EXPECT_TRUE(table) << table.error().text();
  return std::move(*table);
}

SlotIndex find(const Table& table, std::uint64_t handle) {
  const std::uint64_t hash = table.hash({handle});
  return table.find({handle}, hash, table.candidate(hash));
}

class Model {
 public:
  Model(Table& table, Handles handles, std::uint64_t seed)
      : table_(table), handles_(std::move(handles)), random_(seed) {}

  // One random operation on one random channel, and a look at another.
  void step() {
    const std::uint64_t handle = handles_[random_() % handles_.size()];
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        apply(handle);
        break;
      case 3:
      case 4:
        remove(handle);
        break;
      case 5:
        commit(handle);
        break;
      case 6:
        refuse(handle);
        break;
      default:
        break;
    }
    look(handle);
    look(handles_[random_() % handles_.size()]);
    ASSERT_EQ(table_.size(), channels_.size());
  }

  void look_at_all() {
    for (const std::uint64_t handle : handles_) look(handle);
    std::size_t seen = 0;
    for (SlotIndex at = 0; at < table_.slots_used(); ++at) seen += table_.view(at).has_value();
    ASSERT_EQ(seen, channels_.size());
  }

  [[nodiscard]] std::uint64_t full_count() const { return full_count_; }
  [[nodiscard]] std::uint64_t removed_count() const { return removed_count_; }

 private:
  void apply(std::uint64_t handle) {
    ChannelTerms terms = make_terms(handle, static_cast<std::uint32_t>(100 + random_() % 4));
    terms.funded.value += random_() % 3;
    terms.valid_until += static_cast<LedgerTime>(random_() % 2);
    const std::uint32_t incarnation = ++last_incarnation_;
    const auto [result, at] = table_.apply(terms, incarnation);
    const auto found = channels_.find(handle);
    if (found == channels_.end()) {
      if (channels_.size() == table_.capacity()) {
        ASSERT_EQ(result, ApplyResult::table_full);
        ++full_count_;
        return;
      }
      ASSERT_EQ(result, ApplyResult::added);
      channels_[handle] = {.terms = terms, .incarnation = incarnation};
      return;
    }
    ChannelTerms merged = terms;
    const ChannelTerms& held = found->second.terms;
    const bool older = terms.ledger_index < held.ledger_index;
    if (older) merged = held;
    if (terms.ledger_index == held.ledger_index) {
      merged.expiration = std::min(terms.expiration, held.expiration);
      merged.cancel_after = std::min(terms.cancel_after, held.cancel_after);
      merged.valid_until = std::min(terms.valid_until, held.valid_until);
    }
    merged.funded = std::max(terms.funded, held.funded);
    merged.balance = std::max(terms.balance, held.balance);
    ASSERT_EQ(result, older                      ? ApplyResult::older_ledger
                      : same_terms(merged, held) ? ApplyResult::unchanged
                                                 : ApplyResult::updated);
    found->second.terms = merged;
  }

  void remove(std::uint64_t handle) {
    ChannelId id = make_terms(handle).id;
    const bool other = random_() % 8 == 0;
    if (other) id.bytes[31] ^= std::byte{1};
    ASSERT_EQ(table_.remove(id), !other && channels_.contains(handle));
    if (!other) removed_count_ += channels_.erase(handle);
  }

  void commit(std::uint64_t handle) {
    const SlotIndex at = find(table_, handle);
    if (at == no_slot) return;
    ChannelView& view = channels_.at(handle);
    view.held = {table_.slot(at).floor() + 1 + random_() % 5};
    view.signature = make_signature(view.held.value);
    view.lsn = random_();
    view.last_activity = static_cast<LedgerTime>(random_());
    table_.commit(at, view.held, view.signature.data(), view.lsn, view.last_activity);
  }

  void refuse(std::uint64_t handle) {
    if (!channels_.contains(handle)) return;
    ChannelTerms terms = make_terms(handle, 200);
    terms.funded.value += 1000;
    if (random_() % 2) {
      terms.id.bytes[8 + random_() % 24] ^= std::byte{2};
      ASSERT_EQ(table_.apply(terms, 1).result, ApplyResult::handle_taken);
    } else {
      terms.key.bytes[random_() % 32] ^= std::byte{2};
      ASSERT_EQ(table_.apply(terms, 1).result, ApplyResult::key_differs);
    }
  }

  void look(std::uint64_t handle) {
    const SlotIndex at = find(table_, handle);
    const auto found = channels_.find(handle);
    ASSERT_EQ(at != no_slot, found != channels_.end()) << handle;
    if (at == no_slot) return;
    const auto view = table_.view(at);
    ASSERT_TRUE(view);
    ASSERT_TRUE(same_view(*view, found->second)) << handle;
  }

  Table& table_;
  Handles handles_;
  std::mt19937_64 random_;
  std::map<std::uint64_t, ChannelView> channels_;
  std::uint32_t last_incarnation_ = 0;
  std::uint64_t full_count_ = 0;
  std::uint64_t removed_count_ = 0;
};

// Runs `steps` per seed; both the full table and removal must have been met.
void run_model(std::uint32_t capacity, const std::function<Handles(const Table&)>& choose,
               std::uint64_t seeds, int steps) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Table table = make_table(capacity);
    Model model(table, choose(table), seed);
    for (int i = 0; i < steps; ++i) {
      model.step();
      if (i % 1000 == 0) model.look_at_all();
      if (::testing::Test::HasFatalFailure()) {
        FAIL() << "seed " << seed << " step " << i;
      }
    }
    model.look_at_all();
    EXPECT_GT(model.full_count(), 0u);
    EXPECT_GT(model.removed_count(), 0u);
  }
}

TEST(TableModel, HoldsWithChannelsCrowdedIntoTheFirstBuckets) {
  run_model(
      96, [](const Table& table) { return handles_with_home(table, 130, 0, 2); }, 4, 100'000);
}

TEST(TableModel, HoldsWithChannelsCrowdedIntoTheLastBucketAndBehindIt) {
  run_model(
      96, [](const Table& table) { return handles_with_home(table, 130, 30, 31); }, 4, 100'000);
}

TEST(TableModel, HoldsWithEveryChannelInOneBucket) {
  run_model(
      60, [](const Table& table) { return handles_with_home(table, 80, 7, 7); }, 4, 100'000);
}

TEST(TableModel, HoldsWithChannelsSpreadAsTheyFall) {
  run_model(
      200, [](const Table& table) { return handles_with_home(table, 340, 0, ~0u); }, 2, 100'000);
}

TEST(TableModel, HoldsWithEqualTags) {
  run_model(
      5, [](const Table& table) { return handles_with_equal_tags(table, 4); }, 1, 50'000);
}

TEST(TableIndex, TellsChannelsWithEqualTagsApart) {
  Table table = make_table(3);  // one home bucket for all
  const Handles handles = handles_with_equal_tags(table, 3);
  ASSERT_EQ(handles.size(), 6u);
  for (std::size_t i = 0; i < handles.size(); i += 2) {
    const SlotIndex first = table.apply(make_terms(handles[i]), 1).slot;
    EXPECT_EQ(table.candidate(table.hash({handles[i + 1]})), first);  // the tag alone cannot tell
    EXPECT_EQ(find(table, handles[i + 1]), no_slot);
    const SlotIndex second = table.apply(make_terms(handles[i + 1]), 1).slot;
    EXPECT_EQ(find(table, handles[i]), first);
    EXPECT_EQ(find(table, handles[i + 1]), second);
    ASSERT_TRUE(table.remove(make_terms(handles[i]).id));
    EXPECT_EQ(find(table, handles[i + 1]), second);
    ASSERT_TRUE(table.remove(make_terms(handles[i + 1]).id));
  }
}

TEST(TableIndex, RefusesAChannelBeyondTheProbeBoundAndLosesNoOther) {
  constexpr std::size_t reach = probe_buckets_max * IndexBucket::entries;
  Table table = make_table(1000);
  const Handles handles = handles_with_home(table, reach + 1, 5, 5);
  for (std::size_t i = 0; i < reach; ++i) {
    ASSERT_EQ(table.apply(make_terms(handles[i]), 1).result, ApplyResult::added) << i;
  }
  EXPECT_EQ(table.apply(make_terms(handles[reach]), 1).result, ApplyResult::table_full);
  EXPECT_EQ(find(table, handles[reach]), no_slot);
  EXPECT_EQ(table.size(), reach);
  for (std::size_t i = 0; i < reach; ++i) ASSERT_NE(find(table, handles[i]), no_slot) << i;

  // Any hole within reach will do, and removal in any order keeps the others in reach.
  ASSERT_TRUE(table.remove(make_terms(handles[0]).id));
  EXPECT_EQ(table.apply(make_terms(handles[reach]), 1).result, ApplyResult::added);
  Handles left(handles.begin() + 1, handles.end());
  std::shuffle(left.begin(), left.end(), std::mt19937_64(5));
  while (!left.empty()) {
    ASSERT_TRUE(table.remove(make_terms(left.back()).id));
    ASSERT_EQ(find(table, left.back()), no_slot);
    left.pop_back();
    for (const std::uint64_t handle : left) ASSERT_NE(find(table, handle), no_slot);
  }
  EXPECT_EQ(table.size(), 0u);
}

TEST(TableIndex, TakesAMillionRandomHandlesAtFullCapacity) {
  constexpr std::uint32_t capacity = 1'000'000;
  Table table = make_table(capacity);
  ChannelTerms terms = make_terms(1);
  std::mt19937_64 random(1);
  for (std::uint32_t i = 0; i < capacity; ++i) {
    terms.id = make_id(random());
    ASSERT_EQ(table.apply(terms, 1).result, ApplyResult::added) << i;
  }
  random.seed(1);
  for (std::uint32_t i = 0; i < capacity; ++i) ASSERT_NE(find(table, random()), no_slot) << i;
  EXPECT_EQ(find(table, random()), no_slot);
  EXPECT_LE(table.bytes_mapped(), std::size_t{capacity} * 288);
}

}  // namespace
}  // namespace claimgate::channel
