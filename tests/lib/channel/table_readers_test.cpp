// Readers on other threads while the owner writes: what view() shows is always one whole moment.
// Run under ThreadSanitizer too (-Db_sanitize=thread): then also free of data races.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "lib/channel/table.hpp"
#include "tests/lib/channel/make_terms.hpp"

namespace claimgate::channel {
namespace {

using namespace std::chrono_literals;

// The owner writes every channel so that its incarnation names its terms and its held amount names
// all that a commit writes; so any mixture of two moments shows.
ChannelTerms terms_of(std::uint32_t incarnation) {
  return make_terms(incarnation, incarnation);
}

bool whole(const ChannelView& view) {
  if (!same_terms(view.terms, terms_of(view.incarnation))) return false;
  if (view.held.value == 0) {
    return view.signature == Signature{} && view.lsn == 0 && view.last_activity == 0;
  }
  return view.signature == make_signature(view.held.value) && view.lsn == view.held.value * 3 &&
         view.last_activity == static_cast<LedgerTime>(view.held.value);
}

struct Seen {
  std::uint64_t views = 0, free_slots = 0, torn = 0, backwards = 0;
};

Seen read_until(const std::atomic<bool>& stop, const Table& table) {
  Seen seen;
  std::vector<ChannelView> last(table.capacity());
  do {
    for (SlotIndex at = 0; at < table.capacity(); ++at) {
      const auto view = table.view(at);
      if (!view) {
        ++seen.free_slots;
        continue;
      }
      ++seen.views;
      seen.torn += !whole(*view);
      seen.backwards += view->incarnation < last[at].incarnation ||
                        (view->incarnation == last[at].incarnation && view->held < last[at].held);
      last[at] = *view;
    }
  } while (!stop.load(std::memory_order_relaxed));
  return seen;
}

TEST(TableReaders, NeverSeeHalfAWriteNorTimeGoBackwards) {
  constexpr std::uint32_t capacity = 3;
  auto table = Table::create(capacity, {1, 2}, memory::Pages::normal);
  ASSERT_TRUE(table);
  std::uint32_t incarnation = 0;
  std::array<std::uint32_t, capacity> living{};
  for (auto& each : living) {
    each = ++incarnation;
    table->apply(terms_of(each), each);
  }

  std::atomic<bool> stop{false};
  std::array<Seen, 2> seen;
  std::vector<std::thread> readers;
  for (Seen& each : seen) {
    readers.emplace_back([&] { each = read_until(stop, *table); });
  }
  std::uint64_t commits = 0;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  while (std::chrono::steady_clock::now() < end) {
    for (auto& each : living) {
      const std::uint64_t hash = table->hash({each});
      const SlotIndex at = table->find({each}, hash, table->candidate(hash));
      for (int i = 0; i < 20; ++i) {
        const std::uint64_t amount = table->slot(at).floor() + 1;
        table->commit(at, {amount}, make_signature(amount).data(), amount * 3,
                      static_cast<LedgerTime>(amount));
        ++commits;
      }
      ASSERT_TRUE(table->remove(terms_of(each).id));
      each = ++incarnation;
      ASSERT_EQ(table->apply(terms_of(each), each).result, ApplyResult::added);
    }
  }
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  for (const Seen& each : seen) {
    EXPECT_GT(each.views, 0u);
    EXPECT_EQ(each.torn, 0u) << "of " << each.views;
    EXPECT_EQ(each.backwards, 0u);
  }
  EXPECT_GT(commits, 1000u);
}

}  // namespace
}  // namespace claimgate::channel
