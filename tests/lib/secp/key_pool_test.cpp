// The pool's rules, one by one.
#include "lib/secp/key_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "tests/lib/secp/make_pool.hpp"
#include "tests/lib/secp/simulated_worker.hpp"

namespace claimgate::secp {
namespace {

constexpr std::uint64_t for_ever = 1'000'000'000;  // a half-life that no test lives through

// A pool with credit for everything, and a caller who builds in no time.
class Pool {
 public:
  explicit Pool(PoolShape shape) {
    if (shape.half_life_claims == 0) shape.half_life_claims = for_ever;
    auto pool = KeyPool::create(options_of(shape));
    EXPECT_TRUE(pool) << pool.error().text();
    pool_.emplace(std::move(*pool));
    EXPECT_EQ(pool_->tables(TableSize::small), shape.small);
    EXPECT_EQ(pool_->tables(TableSize::large), shape.large);
    earn();
  }
  KeyPool* operator->() { return &*pool_; }

  void earn() { pool_->spent(std::uint64_t{1} << 34, 0); }
  Use use(std::uint32_t key) { return pool_->use(key, key_bytes(key)); }
  Path path(std::uint32_t key) { return use(key).path; }
  void verify(std::uint32_t key, std::uint64_t claims) {
    for (std::uint64_t i = 0; i < claims; ++i) pool_->verified(key, key_bytes(key));
  }
  // How many tables were built.
  unsigned build() {
    unsigned built = 0;
    for (earn(); auto job = pool_->next_build(); earn()) built += pool_->built(*job);
    return built;
  }
  void trip(std::uint32_t key, std::uint64_t claims) {
    for (std::uint64_t i = 0; i < claims; ++i) pool_->exceptional(key, key_bytes(key));
  }
  // Has just as many tables built as `keys`, of the counts given.
  void give(std::uint32_t first, std::uint32_t keys, std::uint64_t count) {
    for (std::uint32_t key = first; key < first + keys; ++key) {
      verify(key, count);
      ASSERT_EQ(build(), 1u) << key;
    }
  }

 private:
  std::optional<KeyPool> pool_;
};

// 2 · 45,000 / (14,000 - 5,500) = 10.6, 2 · 130,000 / (5,500 - 4,500) = 260,
// 2 · 130,000 / (14,000 - 4,500) = 27.4
constexpr std::uint64_t small_from = 11, large_from = 261, cold_to_large_from = 28;

TEST(KeyPool, ServesAKeyColdUntilItsTableIsBuilt) {
  Pool pool({.keys = 2, .small = 2, .large = 0, .costs = avx2_costs});
  pool.verify(1, small_from);
  const auto job = pool->next_build();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->key, key_bytes(1));
  EXPECT_EQ(job->size, TableSize::small);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(job->address) % 64, 0u);
  EXPECT_EQ(pool.path(1), Path::cold);
  EXPECT_EQ(pool.use(1).address, nullptr);
  EXPECT_EQ(pool.use(1).table, no_table);
  EXPECT_TRUE(pool->built(*job));
  EXPECT_EQ(pool.path(1), Path::small);
  EXPECT_EQ(pool.use(1).address, job->address);
  EXPECT_EQ(pool.use(1).table, job->table);
  EXPECT_EQ(pool.path(0), Path::cold);
}

TEST(KeyPool, PromotesWhereTheSavingExceedsTwiceTheCostOfBuilding) {
  Pool pool({.keys = 3, .small = 2, .large = 1, .costs = avx2_costs});
  EXPECT_EQ(pool->threshold(Tier::cold, TableSize::small), small_from);
  EXPECT_EQ(pool->threshold(Tier::small, TableSize::large), large_from);
  EXPECT_EQ(pool->threshold(Tier::cold, TableSize::large), cold_to_large_from);
  pool.verify(0, small_from - 1);
  EXPECT_EQ(pool.build(), 0u);
  pool.verify(0, 1);
  EXPECT_EQ(pool.build(), 1u);
  pool.verify(0, large_from - small_from - 1);
  EXPECT_EQ(pool.build(), 0u);
  EXPECT_EQ(pool.path(0), Path::small);
  pool.verify(0, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(0), Path::large);
}

TEST(KeyPool, AsksForMoreThanTwiceTheCostNotForAsMuch) {
  // 2 · 50 / 10 = 10: ten claims save just as much.
  const Costs costs = {20, 10, 10, 50, 500};
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = costs});
  pool.verify(0, 10);
  EXPECT_EQ(pool.build(), 0u);
  pool.verify(0, 1);
  EXPECT_EQ(pool.build(), 1u);
}

TEST(KeyPool, BuildsNothingThatSavesNothing) {
  for (const Costs& costs : {Costs{100, 100, 100, 1, 1}, Costs{100, 120, 150, 1, 1}}) {
    Pool pool({.keys = 1, .small = 2, .large = 2, .costs = costs});
    pool.verify(0, 100'000);
    EXPECT_EQ(pool.build(), 0u);
    EXPECT_EQ(pool->threshold(Tier::cold, TableSize::small), KeyPool::never);
  }
}

TEST(KeyPool, JudgesByTheCostsSetLast) {
  Pool pool({.keys = 2, .small = 2, .large = 0, .costs = {100, 100, 100, 1000, 1000}});
  pool.verify(0, 1000);
  EXPECT_EQ(pool.build(), 0u);
  pool->set_costs(avx2_costs);
  pool.verify(0, 1);
  EXPECT_EQ(pool.build(), 1u);
}

TEST(KeyPool, ALargeTableFreesTheSmallOneOnceItIsBuilt) {
  Pool pool({.keys = 2, .small = 1, .large = 1, .costs = avx2_costs});
  pool.give(0, 1, small_from);
  pool.verify(0, large_from);
  const auto job = pool->next_build();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->size, TableSize::large);
  EXPECT_EQ(pool.path(0), Path::small) << "until the large one is whole";
  EXPECT_EQ(pool->counters().small_in_use.value(), 1u);
  ASSERT_TRUE(pool->built(*job));
  EXPECT_EQ(pool.path(0), Path::large);
  EXPECT_EQ(pool->counters().small_in_use.value(), 0u);
  EXPECT_EQ(pool->counters().large_in_use.value(), 1u);
  EXPECT_EQ(pool->counters().table_bytes_in_use.value(), large_bytes);
  pool.give(1, 1, small_from);
  EXPECT_EQ(pool.path(1), Path::small);
}

TEST(KeyPool, AColdKeyTakesALargeTableWhereNoSmallOneIsLeft) {
  Pool pool({.keys = 2, .small = 1, .large = 1, .costs = avx2_costs});
  pool.give(0, 1, small_from + 5);
  pool.verify(1, cold_to_large_from - 1);
  EXPECT_EQ(pool.build(), 0u);
  pool.verify(1, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(0), Path::small);
  EXPECT_EQ(pool.path(1), Path::large);
}

TEST(KeyPool, WorksWithLargeTablesAlone) {
  Pool pool({.keys = 1, .small = 0, .large = 1, .costs = avx2_costs});
  pool.verify(0, cold_to_large_from - 1);
  EXPECT_EQ(pool.build(), 0u);
  pool.give(0, 1, 1);
  EXPECT_EQ(pool.path(0), Path::large);
}

TEST(KeyPool, HeatsAKeyByGoodClaimsAlone) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  for (int i = 0; i < 1000; ++i) static_cast<void>(pool.use(0));
  EXPECT_EQ(pool->decayed_count(0), 0u);
  EXPECT_EQ(pool.build(), 0u);
}

TEST(KeyPool, HalvesEveryCountWithEachHalfLifeOfGoodClaims) {
  Pool pool({.keys = 3, .small = 1, .large = 0, .costs = avx2_costs, .half_life_claims = 100});
  pool.verify(0, 99);
  EXPECT_EQ(pool->decayed_count(0), 99u);
  pool.verify(1, 1);
  EXPECT_EQ(pool->decayed_count(0), 49u);
  EXPECT_EQ(pool->decayed_count(1), 1u);
  pool.verify(1, 100);
  EXPECT_EQ(pool->decayed_count(0), 24u);
  // Garbage makes nobody grow cold, whosever key it names.
  for (int i = 0; i < 10'000; ++i) static_cast<void>(pool.use(2));
  EXPECT_EQ(pool->decayed_count(0), 24u);
  pool.verify(1, 700);
  EXPECT_EQ(pool->decayed_count(0), 0u);
}

TEST(KeyPool, TakesItsHalfLifeFromTheNumberOfItsTables) {
  Pool one({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  EXPECT_EQ(one->half_life_claims(), for_ever);
  PoolShape shape = {.keys = 1, .small = 300, .large = 100, .costs = avx2_costs};
  EXPECT_EQ(KeyPool::create(options_of(shape))->half_life_claims(), 400 * half_life_per_table);
  shape.small = shape.large = 1;
  EXPECT_EQ(KeyPool::create(options_of(shape))->half_life_claims(), half_life_min);
}

// ---- who gives up a table --------------------------------------------------------------------

TEST(KeyPool, ReplacesOnlyAVictimOfLessThanHalfTheCandidatesCount) {
  Pool pool({.keys = 2, .small = 1, .large = 0, .costs = avx2_costs});
  pool.give(0, 1, 40);
  pool.verify(1, 80);
  EXPECT_EQ(pool.build(), 0u);
  EXPECT_EQ(pool.path(0), Path::small);
  pool.verify(1, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(0), Path::cold);
  EXPECT_EQ(pool.path(1), Path::small);
  EXPECT_EQ(pool->counters().evictions.value(), 1u);
  EXPECT_EQ(pool->decayed_count(0), 40u) << "the victim keeps its count";
}

TEST(KeyPool, ReplacesOnlyWhereTheDifferencePaysForTheBuilding) {
  Pool pool({.keys = 31, .small = 1, .large = 0, .costs = avx2_costs, .half_life_claims = 20});
  pool.give(0, 1, small_from);
  for (std::uint32_t key = 2; key < 31; ++key) pool.verify(key, 1);  // two half-lives are over
  ASSERT_EQ(pool->decayed_count(0), 2u);
  pool.verify(1, small_from);
  EXPECT_EQ(pool.build(), 0u) << "9 claims more save less than 2 · 45,000 cycles";
  pool.verify(1, 1);
  EXPECT_EQ(pool.build(), 0u) << "10, too";
  pool.verify(1, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(1), Path::small);
}

TEST(KeyPool, ALargeTableIsReplacedByWhatItsKeyWouldLose) {
  Pool pool({.keys = 2, .small = 1, .large = 1, .costs = avx2_costs});
  pool.give(0, 1, small_from);
  pool.give(0, 1, large_from);  // loses 272 · 9,500 cycles
  pool.give(1, 1, small_from);
  const std::uint64_t enough = 2 * (small_from + large_from) * 9'500 / 1'000 + 1;
  pool.verify(1, enough - small_from - 1);
  EXPECT_EQ(pool.build(), 0u);
  pool.verify(1, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(1), Path::large);
}

TEST(KeyPool, FindsTheOneVictimWithinARoundOfTheHand) {
  constexpr std::uint32_t tables = 100;
  for (std::uint32_t weak = 0; weak < tables; weak += 9) {
    Pool pool({.keys = tables + 1, .small = tables, .large = 0, .costs = avx2_costs});
    for (std::uint32_t key = 0; key < tables; ++key) pool.give(key, 1, key == weak ? 20 : 60);
    pool.verify(tables, 100);
    unsigned calls = 0;
    while (pool.path(tables) == Path::cold && calls < 2 * tables) {
      ++calls;
      pool.verify(tables, 1);
      pool.build();
    }
    EXPECT_LE(calls, (tables + 7) / 8) << weak;
    EXPECT_EQ(pool.path(weak), Path::cold);
    EXPECT_EQ(pool->counters().evictions.value(), 1u);
  }
}

TEST(KeyPool, RemembersTheWeakestThatTheHandHasSeen) {
  Pool pool({.keys = 17, .small = 16, .large = 0, .costs = avx2_costs});
  for (std::uint32_t key = 0; key < 16; ++key) pool.give(key, 1, key == 3 ? 30 : 60);
  pool.verify(16, 60);  // not more than twice 30, but the hand has seen the first eight
  EXPECT_EQ(pool.build(), 0u);
  pool.verify(16, 1);
  EXPECT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(3), Path::cold);
}

TEST(KeyPool, PrefersTheBestOfTheCandidates) {
  Pool pool({.keys = 40, .small = 1, .large = 0, .costs = avx2_costs});
  for (std::uint32_t key = 0; key < 40; ++key) pool.verify(key, key == 17 ? 30 : 20);
  ASSERT_EQ(pool.build(), 1u);
  EXPECT_EQ(pool.path(17), Path::small);
}

// ---- the right key ---------------------------------------------------------------------------

TEST(KeyPool, AKeyNumberThatComesToAnotherKeyMissesAndFreesTheTable) {
  for (unsigned byte = 0; byte < 64; ++byte) {
    if (byte >= 32 && byte < 56) continue;  // y without its low 64 bits: told by x and its parity
    Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
    pool.give(0, 1, 100);
    KeyBytes other = key_bytes(0);
    other[byte] ^= std::byte{1};
    EXPECT_EQ(pool->use(0, other).path, Path::cold) << byte;
    EXPECT_EQ(pool->counters().outdated.value(), 1u);
    EXPECT_EQ(pool->counters().small_in_use.value(), 0u);
    EXPECT_EQ(pool.path(0), Path::cold) << "its table is gone";
  }
}

TEST(KeyPool, AnotherKeyOfTheSameNumberInheritsNoCount) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  pool.verify(0, small_from - 1);  // never had a table
  pool->verified(0, key_bytes(0, 1));
  EXPECT_EQ(pool->decayed_count(0), 1u);
  EXPECT_EQ(pool.build(), 0u);
  for (unsigned i = 1; i < small_from; ++i) pool->verified(0, key_bytes(0, 1));
  ASSERT_EQ(pool.build(), 1u);  // now it has one
  EXPECT_EQ(pool.path(0), Path::cold);
  EXPECT_EQ(pool->decayed_count(0), 0u);
  // A claim of the key before that was still under way heats nobody.
  pool.give(0, 1, small_from);
  pool->verified(0, key_bytes(0, 1));
  EXPECT_EQ(pool->decayed_count(0), small_from);
}

TEST(KeyPool, ATableBuiltForTheKeyBeforeDoesNotGoIntoService) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  pool.verify(0, small_from);
  const auto job = pool->next_build();
  ASSERT_TRUE(job);
  pool->verified(0, key_bytes(0, 1));
  EXPECT_FALSE(pool->built(*job));
  EXPECT_EQ(pool->use(0, key_bytes(0, 1)).path, Path::cold);
  EXPECT_EQ(pool->counters().builds_abandoned.value(), 1u);
  EXPECT_EQ(pool->counters().small_in_use.value(), 0u);
}

TEST(KeyPool, BuildsNothingForACandidateWhoseNumberHasComeToAnotherKey) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  pool.verify(0, small_from);
  for (unsigned i = 1; i < small_from; ++i) pool->verified(0, key_bytes(0, 1));
  pool->set_costs({14'000, 5'500, 4'500, 20'000, 130'000});  // the other's count is enough now
  pool.earn();
  EXPECT_FALSE(pool->next_build());
  EXPECT_EQ(pool->counters().promotions.value(), 0u);
}

TEST(KeyPool, TwoKeysWithEqualFingerprintsAreToldApartByTheWholeKey) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  KeyBytes twin = key_bytes(0, 1);
  const KeyBytes key = key_bytes(0);
  std::copy(key.begin() + 24, key.begin() + 32, twin.begin() + 24);
  pool.verify(0, small_from);
  const auto job = pool->next_build();
  ASSERT_TRUE(job);
  static_cast<void>(pool->use(0, twin));
  EXPECT_TRUE(pool->built(*job));
  EXPECT_EQ(pool->use(0, twin).path, Path::cold);
  EXPECT_EQ(pool->counters().outdated.value(), 1u);
}

// ---- pins ------------------------------------------------------------------------------------

TEST(KeyPool, GivesOutNoTableThatClaimsInFlightStillUse) {
  for (const bool outdated : {false, true}) {
    Pool pool({.keys = 2, .small = 1, .large = 0, .costs = avx2_costs});
    pool.give(0, 1, 20);
    const TableNumber table = pool.use(0).table;
    pool->pin(table);
    pool->pin(table);
    if (outdated) static_cast<void>(pool->use(0, key_bytes(0, 1)));
    pool.verify(1, 100);
    EXPECT_EQ(pool.build(), 0u);
    EXPECT_EQ(pool.path(0), Path::cold) << "its table is leaving";
    EXPECT_EQ(pool->counters().small_in_use.value(), 1u);
    pool->unpin(table);
    pool.verify(1, 1);
    EXPECT_EQ(pool.build(), 0u);
    pool->unpin(table);
    EXPECT_EQ(pool->counters().small_in_use.value(), 0u);
    pool.verify(1, 1);
    EXPECT_EQ(pool.build(), 1u);
    EXPECT_EQ(pool.use(1).table, table);
  }
}

TEST(KeyPool, AnUnpinnedTableStaysInService) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  pool.give(0, 1, 20);
  for (int i = 0; i < 3; ++i) {
    pool->pin(pool.use(0).table);
    pool->unpin(pool.use(0).table);
    EXPECT_EQ(pool.path(0), Path::small);
    EXPECT_EQ(pool->counters().small_in_use.value(), 1u);
  }
}

// ---- building --------------------------------------------------------------------------------

TEST(KeyPool, BuildsOnlyWithinItsShareOfTheCycles) {
  PoolShape shape = {.keys = 40,
                     .small = 40,
                     .large = 0,
                     .costs = avx2_costs,
                     .half_life_claims = for_ever,
                     .build_share = 0.25};
  auto made = KeyPool::create(options_of(shape));
  ASSERT_TRUE(made);
  KeyPool& pool = *made;
  for (std::uint32_t key = 0; key < 40; ++key) {
    for (int i = 0; i < 20; ++i) pool.verified(key, key_bytes(key));
  }
  EXPECT_FALSE(pool.next_build()) << "nothing has passed yet";
  pool.spent(4 * 45'000 - 1, 0);
  EXPECT_FALSE(pool.next_build());
  pool.spent(1, 0);
  auto job = pool.next_build();
  ASSERT_TRUE(job);
  pool.spent(2 * 45'000, 0);
  EXPECT_FALSE(pool.next_build()) << "half of the next one's, as the first's are set aside";
  // It took twice as long as was thought.
  pool.spent(2 * 45'000, 2 * 45'000);
  EXPECT_TRUE(pool.built(*job));
  EXPECT_FALSE(pool.next_build());
  pool.spent(4 * 45'000 - 1, 0);
  EXPECT_FALSE(pool.next_build());
  pool.spent(1, 0);
  EXPECT_TRUE(pool.next_build());
}

TEST(KeyPool, ALongIdleTimeSavesUpForFourTablesOnly) {
  Pool pool({.keys = 40, .small = 40, .large = 0, .costs = {14'000, 5'500, 4'500, 45'000, 45'000}});
  for (std::uint32_t key = 0; key < 40; ++key) pool.verify(key, 20);
  for (int i = 0; i < 100; ++i) pool->spent(std::uint64_t{1} << 40, 0);
  unsigned jobs = 0;
  while (pool->next_build()) ++jobs;
  EXPECT_EQ(jobs, 4u);
}

TEST(KeyPool, ACandidateWaitsWhereOnlyTheCreditIsMissing) {
  Pool pool({.keys = 2, .small = 1, .large = 1, .costs = avx2_costs});
  pool.give(0, 1, small_from);
  pool.verify(0, 2 * large_from);
  pool->spent(0, 4 * 130'000);
  pool->spent(20 * 60'000, 0);  // enough for a small table, and less than half of a large one
  pool.verify(1, 1);
  EXPECT_FALSE(pool->next_build());
  pool->spent(20 * 70'000, 0);
  const auto job = pool->next_build();
  ASSERT_TRUE(job) << "without having been offered again";
  EXPECT_EQ(job->size, TableSize::large);
}

TEST(KeyPool, TwoJobsMayBeUnderWayAndAKeyHasOne) {
  Pool pool({.keys = 2, .small = 2, .large = 0, .costs = avx2_costs});
  pool.verify(0, 20);
  pool.verify(1, 20);
  const auto first = pool->next_build();
  const auto second = pool->next_build();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->table, second->table);
  EXPECT_NE(first->key, second->key);
  pool.verify(0, 20);
  EXPECT_FALSE(pool->next_build());
  EXPECT_TRUE(pool->built(*second));
  EXPECT_TRUE(pool->built(*first));
  EXPECT_EQ(pool->counters().builds_finished.value(), 2u);
}

TEST(KeyPool, AnAbandonedJobLeavesNothingBehind) {
  Pool pool({.keys = 1, .small = 1, .large = 0, .costs = avx2_costs});
  pool.verify(0, small_from);
  for (int i = 0; i < 1000; ++i) {  // neither a table nor credit leaks
    const auto job = pool->next_build();
    ASSERT_TRUE(job) << i;
    pool->abandon(*job);
    EXPECT_EQ(pool.path(0), Path::cold);
    EXPECT_EQ(pool->counters().small_in_use.value(), 0u);
    EXPECT_EQ(pool->counters().table_bytes_in_use.value(), 0u);
    EXPECT_FALSE(pool->next_build()) << "it is offered again with its next claim";
    pool.verify(0, 1);
  }
  EXPECT_EQ(pool->counters().builds_abandoned.value(), 1000u);
  EXPECT_EQ(pool.build(), 1u);
}

// ---- memory ----------------------------------------------------------------------------------

TEST(KeyPool, NeverMapsMoreThanItsBudget) {
  for (const memory::Pages pages : {memory::Pages::normal, memory::Pages::huge}) {
    for (const std::size_t budget : {std::size_t{2} << 20, (std::size_t{8} << 20) - 1,
                                     (std::size_t{9} << 20) + 12'345, std::size_t{40} << 20}) {
      for (const double large_share : {0.0, 0.3, 0.7, 1.0}) {
        const auto pool = KeyPool::create({.keys_max = 50'000,
                                           .budget_bytes = budget,
                                           .small_bytes = 26'624,
                                           .large_bytes = 139'264,
                                           .large_share = large_share,
                                           .costs = avx2_costs,
                                           .pages = pages});
        ASSERT_TRUE(pool) << pool.error().text();
        EXPECT_LE(pool->bytes_mapped(), budget);
        const std::size_t used = KeyPool::bytes_beside(50'000) +
                                 pool->tables(TableSize::small) * std::size_t{26'624 + 64} +
                                 pool->tables(TableSize::large) * std::size_t{139'264 + 64};
        EXPECT_LE(used, budget);
        const std::size_t page = pages == memory::Pages::normal ? 4096 : std::size_t{2} << 20;
        const std::size_t one = large_share == 1 ? 139'264 + 64 : 26'624 + 64;
        EXPECT_GT(used + one + page, budget) << "no table less than there is room for";
        const double large_bytes = static_cast<double>(pool->tables(TableSize::large)) * 139'328;
        EXPECT_LE(large_bytes, large_share * static_cast<double>(budget));
      }
    }
  }
}

TEST(KeyPool, KeepsEightBytesPerKeyNumber) {
  EXPECT_EQ(KeyPool::bytes_beside(50'000'000) - KeyPool::bytes_beside(0), 400'000'000u);
  EXPECT_LE(KeyPool::bytes_beside(0), 8u * 1024);
}

TEST(KeyPool, EveryTableHasItsOwnBytes) {
  Pool pool({.keys = 300, .small = 20, .large = 10, .costs = {100, 50, 10, 1, 1}});
  std::set<std::pair<std::uintptr_t, std::uintptr_t>> seen;
  for (std::uint32_t key = 0; key < 300; ++key) pool.verify(key, 10);
  for (std::uint32_t key = 0; key < 300; ++key) {
    pool.verify(key, 1);
    for (pool.earn(); auto job = pool->next_build(); pool.earn()) {
      const auto from = reinterpret_cast<std::uintptr_t>(job->address);
      seen.emplace(from, from + (job->size == TableSize::small ? small_bytes : large_bytes));
      std::fill_n(reinterpret_cast<std::byte*>(job->address),
                  job->size == TableSize::small ? small_bytes : large_bytes, std::byte{0xA5});
      pool->built(*job);
    }
  }
  ASSERT_EQ(seen.size(), 30u);
  std::uintptr_t end = 0;
  for (const auto& [from, to] : seen) {
    EXPECT_GE(from, end);
    end = to;
  }
  // The words are untouched by what was written to the tables.
  for (std::uint32_t key = 0; key < 300; ++key) EXPECT_EQ(pool->decayed_count(key), 11u);
}

TEST(KeyPool, RefusesOptionsThatMakeNoSense) {
  const KeyPoolOptions good = options_of({.keys = 10, .small = 4, .large = 2, .costs = avx2_costs});
  ASSERT_TRUE(KeyPool::create(good));
  const auto refused = [&](auto change) {
    KeyPoolOptions options = good;
    change(options);
    const auto pool = KeyPool::create(options);
    return !pool && !pool.error().what.empty() && !pool.error().remedy.empty();
  };
  EXPECT_TRUE(refused([](auto& o) { o.keys_max = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.budget_bytes = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.keys_max = 1'000'000; }));
  EXPECT_TRUE(refused([](auto& o) { o.small_bytes = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.small_bytes += 8; }));
  EXPECT_TRUE(refused([](auto& o) { o.large_bytes = o.small_bytes; }));
  EXPECT_TRUE(refused([](auto& o) { o.large_share = -0.1; }));
  EXPECT_TRUE(refused([](auto& o) { o.large_share = 1.1; }));
  EXPECT_TRUE(refused([](auto& o) { o.large_share = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](auto& o) { o.build_share = 1.1; }));
  EXPECT_TRUE(refused([](auto& o) { o.budget_bytes = std::size_t{1} << 60; }));
}

TEST(KeyPool, AMovedPoolGoesOnWhereItWas) {
  Pool pool({.keys = 2, .small = 1, .large = 0, .costs = avx2_costs});
  pool.give(0, 1, 20);
  KeyPool moved = std::move(*pool.operator->());
  EXPECT_EQ(moved.use(0, key_bytes(0)).path, Path::small);
  EXPECT_EQ(moved.decayed_count(0), 20u);
  EXPECT_EQ(moved.counters().builds_finished.value(), 1u);
}

}  // namespace
}  // namespace claimgate::secp
