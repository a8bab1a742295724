// Keys whose claims meet the exceptional case: when they leave the fast path, and how they return.
#include <gtest/gtest.h>

#include "lib/secp/key_pool.hpp"
#include "tests/lib/secp/make_pool.hpp"
#include "tests/lib/secp/simulated_worker.hpp"

namespace claimgate::secp {
namespace {

class Quarantine : public testing::Test {
 protected:
  Path path(std::uint32_t key, std::uint32_t generation = 0) {
    return pool_.use(key, key_bytes(key, generation)).path;
  }
  void trip(std::uint32_t key, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) pool_.exceptional(key, key_bytes(key));
  }
  void verify(std::uint32_t key, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) pool_.verified(key, key_bytes(key));
  }
  unsigned build() {
    unsigned built = 0;
    pool_.spent(std::uint64_t{1} << 34, 0);
    while (auto job = pool_.next_build()) built += pool_.built(*job);
    return built;
  }
  // Claims that go to the reference before the next one does not.
  std::uint32_t sit_out(std::uint32_t key) {
    std::uint32_t claims = 0;
    while (path(key) == Path::quarantined && claims < 1'000'000) ++claims;
    return claims;
  }

  KeyPool pool_ = std::move(*KeyPool::create(options_of({.keys = 10'000,
                                                         .small = 4,
                                                         .large = 0,
                                                         .costs = avx2_costs,
                                                         .half_life_claims = 1u << 30})));
};

TEST_F(Quarantine, BeginsWithTheEighthTripOfAKey) {
  trip(7, Suspects::trips_to_quarantine - 1);
  EXPECT_EQ(path(7), Path::cold);
  trip(7, 1);
  EXPECT_EQ(path(7), Path::quarantined);
  EXPECT_EQ(path(8), Path::cold);
  EXPECT_EQ(pool_.counters().quarantines.value(), 1u);
  EXPECT_EQ(pool_.counters().quarantined_keys.value(), 1u);
}

TEST_F(Quarantine, TakesTheTableAndTheCount) {
  verify(7, 50);
  ASSERT_EQ(build(), 1u);
  trip(7, Suspects::trips_to_quarantine);
  EXPECT_EQ(path(7), Path::quarantined);
  EXPECT_EQ(pool_.counters().small_in_use.value(), 0u);
  verify(7, 100);
  EXPECT_EQ(pool_.decayed_count(7), 0u) << "its good claims do not heat it meanwhile";
  EXPECT_EQ(build(), 0u);
}

TEST_F(Quarantine, LetsATableGoOnlyWhenNothingPinsIt) {
  verify(7, 50);
  ASSERT_EQ(build(), 1u);
  const TableNumber table = pool_.use(7, key_bytes(7)).table;
  pool_.pin(table);
  trip(7, Suspects::trips_to_quarantine);
  EXPECT_EQ(pool_.counters().small_in_use.value(), 1u);
  pool_.unpin(table);
  EXPECT_EQ(pool_.counters().small_in_use.value(), 0u);
}

TEST_F(Quarantine, OverrulesATableUnderWay) {
  verify(7, 50);
  pool_.spent(std::uint64_t{1} << 34, 0);
  const auto job = pool_.next_build();
  ASSERT_TRUE(job);
  trip(7, Suspects::trips_to_quarantine);
  EXPECT_FALSE(pool_.built(*job));
  EXPECT_EQ(path(7), Path::quarantined);
}

TEST_F(Quarantine, EndsAfterSoManyClaimsOfTheKeyAndDoublesIfItTripsOn) {
  trip(7, Suspects::trips_to_quarantine);
  std::uint32_t expected = Suspects::uses_min;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(sit_out(7), expected);
    EXPECT_EQ(pool_.counters().quarantined_keys.value(), 0u);
    trip(7, Suspects::trips_to_quarantine);
    expected = std::min(2 * expected, Suspects::uses_max);
  }
  EXPECT_EQ(expected, Suspects::uses_max);
}

TEST_F(Quarantine, ForgivesWhoBehavesWhileWatched) {
  trip(7, Suspects::trips_to_quarantine);
  ASSERT_EQ(sit_out(7), Suspects::uses_min);  // and one claim more
  for (std::uint32_t i = 1; i < Suspects::watch_claims; ++i) ASSERT_EQ(path(7), Path::cold);
  trip(7, Suspects::trips_to_quarantine - 1);
  EXPECT_EQ(path(7), Path::cold);  // the watch is over
  trip(7, Suspects::trips_to_quarantine - 1);
  EXPECT_EQ(path(7), Path::cold) << "the trips before do not count any more";
  trip(7, 1);
  EXPECT_EQ(sit_out(7), Suspects::uses_min) << "nor does the quarantine before";
}

TEST_F(Quarantine, LeavesAKeyAloneThatTripsInFewerThanThreeOfFourClaims) {
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(path(7), Path::cold);
    if (i % 3 < 2) trip(7, 1);
  }
  EXPECT_EQ(pool_.counters().quarantines.value(), 0u);
  for (int i = 0; i < 1000 && path(8) == Path::cold; ++i) {
    if (i % 5 < 4) trip(8, 1);
  }
  EXPECT_EQ(path(8), Path::quarantined);
}

TEST_F(Quarantine, DoesNotPassToTheNextKeyOfTheNumber) {
  trip(7, Suspects::trips_to_quarantine);
  EXPECT_EQ(path(7, 1), Path::cold);
  EXPECT_EQ(pool_.counters().quarantined_keys.value(), 0u);
  for (int i = 0; i < 50; ++i) pool_.verified(7, key_bytes(7, 1));
  ASSERT_EQ(build(), 1u);
  EXPECT_EQ(path(7, 1), Path::small);
  // Trips of the key before that were still under way.
  trip(7, 100);
  EXPECT_EQ(path(7, 1), Path::small);
}

TEST_F(Quarantine, AWatchedKeyKeepsItsTable) {
  verify(7, 50);
  ASSERT_EQ(build(), 1u);
  trip(7, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(path(7), Path::small);
  verify(7, 1);
  EXPECT_EQ(pool_.decayed_count(7), 51u);
}

TEST_F(Quarantine, HoldsABoundedNumberOfKeysAndLeavesTheRestOnTheFastPath) {
  for (std::uint32_t key = 0; key < 10'000; ++key) trip(key, Suspects::trips_to_quarantine);
  EXPECT_EQ(pool_.counters().quarantined_keys.value(), Suspects::sets * Suspects::ways);
  std::uint32_t quarantined = 0;
  for (std::uint32_t key = 0; key < 10'000; ++key) quarantined += path(key) == Path::quarantined;
  EXPECT_EQ(quarantined, Suspects::sets * Suspects::ways);
}

TEST_F(Quarantine, AKeyThatTripsOnceDoesNotCrowdOutOneThatTripsOften) {
  for (std::uint32_t set = 0; set < Suspects::ways; ++set) {  // wherever in its set it stands
    const auto other = [set](std::uint32_t i) { return set + (2 + i) * Suspects::sets; };
    for (std::uint32_t i = 0; i < set; ++i) trip(other(i), 1);
    trip(set, Suspects::trips_to_quarantine - 1);
    for (std::uint32_t i = set; i < 100; ++i) trip(other(i), 1);
    trip(set, 1);
    EXPECT_EQ(path(set), Path::quarantined) << set;
  }
}

}  // namespace
}  // namespace claimgate::secp
