// What the pool does to a worker's rate: claims in many orders, their cycles added up by a cost
// model (simulated_worker.hpp). `speed` is against the same worker without a pool, whose claims are
// all cold; the pool's own cycles are in it.
//
// Whatever the order: at least 0.9 of the cold rate, building within its share, no table of another
// key. And where the working set fits: all but every claim hot.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "tests/lib/secp/make_pool.hpp"
#include "tests/lib/secp/simulated_worker.hpp"

namespace claimgate::secp {
namespace {

// The key number of the i-th claim.
using Order = std::function<std::uint32_t(std::uint64_t)>;

struct Scene {
  std::uint32_t keys;
  std::uint32_t small;
  std::uint32_t large;
  std::uint64_t warm_up;  // claims
  std::uint64_t claims;   // measured
  Order order;
};

struct Seen {
  SimulatedWorker::Totals warm, steady;
};

class Simulation : public testing::TestWithParam<Costs> {
 protected:
  Seen run(const char* what, const Scene& scene) {
    const Costs costs = GetParam();
    auto pool = KeyPool::create(options_of(
        {.keys = scene.keys, .small = scene.small, .large = scene.large, .costs = costs}));
    EXPECT_TRUE(pool) << pool.error().text();
    SimulatedWorker worker(*pool, costs, small_bytes, large_bytes);
    Seen seen;
    for (std::uint64_t i = 0; i < scene.warm_up; ++i) worker.claim(scene.order(i));
    seen.warm = worker.totals();
    worker.forget_totals();
    for (std::uint64_t i = 0; i < scene.claims; ++i) worker.claim(scene.order(scene.warm_up + i));
    seen.steady = worker.totals();
    judge(seen.warm);
    judge(seen.steady);
    EXPECT_LE(seen.warm.building + seen.steady.building,
              (seen.warm.cycles + seen.steady.cycles) / 20);
    std::printf(
        "%-34s %5u + %3u tables  speed %.3f, then %.3f  hit %.4f  large %.3f"
        "  building %.4f, then %.4f\n",
        what, scene.small, scene.large, seen.warm.speed(costs), seen.steady.speed(costs),
        seen.steady.hit_rate(),
        static_cast<double>(seen.steady.large) / static_cast<double>(seen.steady.claims),
        seen.warm.building_share(), seen.steady.building_share());
    return seen;
  }

  std::mt19937_64 random_{7};

  Order uniform(std::uint32_t keys) {
    return [this, keys](std::uint64_t) { return static_cast<std::uint32_t>(random_() % keys); };
  }
  static Order cyclic(std::uint32_t keys) {
    return [keys](std::uint64_t i) { return static_cast<std::uint32_t>(i % keys); };
  }

 private:
  static void judge(const SimulatedWorker::Totals& totals) {
    if (totals.claims == 0) return;
    EXPECT_GE(totals.speed(GetParam()), 0.9);
    EXPECT_EQ(totals.faults, 0u);
  }
};

TEST_P(Simulation, AStableSetThatFitsIsHot) {
  struct {
    const char* what;
    std::uint32_t keys, small, large;
    std::uint64_t warm_up;
    double hot;  // the keys that fit, as the hit rate to be exceeded
  } const scenes[] = {
      {"uniform over 1 key", 1, 1000, 50, 20'000, 0.9999},
      {"uniform over 100 keys", 100, 1000, 50, 100'000, 0.9999},
      {"uniform over 1,000 keys", 1000, 1000, 50, 200'000, 0.99},
      {"uniform over 1,050 keys", 1050, 1000, 50, 400'000, 0.99},
      {"uniform over 10,000 keys", 10'000, 10'000, 0, 1'500'000, 0.99},
  };
  for (const auto& scene : scenes) {
    const Seen seen = run(scene.what, {scene.keys, scene.small, scene.large, scene.warm_up, 200'000,
                                       uniform(scene.keys)});
    EXPECT_GT(seen.steady.hit_rate(), scene.hot) << scene.what;
    EXPECT_GT(seen.steady.speed(GetParam()), 2.4) << scene.what;
  }
}

TEST_P(Simulation, ASetTwiceOrTenTimesThePoolIsHotToAsMuchAsFits) {
  for (const std::uint32_t keys : {2000u, 10'000u}) {
    for (const bool random : {true, false}) {
      const Order order = random ? uniform(keys) : cyclic(keys);
      const Seen seen = run(random ? "uniform over more than fits" : "cyclic over more than fits",
                            {keys, 1000, 0, keys * 60ull, 200'000, order});
      // Not all of it: of those that come at random some are on their way in or out.
      EXPECT_GT(seen.steady.hit_rate(), 0.9 * 1000 / keys);
      EXPECT_LT(seen.steady.building_share(), 0.02);
    }
  }
  run("uniform over 100,000 keys", {100'000, 1000, 0, 100'000, 300'000, uniform(100'000)});
  run("cyclic over 1,001 keys", {1001, 1000, 0, 100'000, 100'000, cyclic(1001)});
}

TEST_P(Simulation, OfAZipfDistributionTheHeadIsHot) {
  constexpr std::uint32_t keys = 100'000;
  for (const double exponent : {0.8, 1.0, 1.2}) {
    std::vector<double> sums(keys);
    double sum = 0;
    for (std::uint32_t i = 0; i < keys; ++i) sums[i] = sum += std::pow(i + 1, -exponent);
    const Order order = [&](std::uint64_t) {
      const double at = std::uniform_real_distribution<double>(0, sum)(random_);
      return static_cast<std::uint32_t>(std::upper_bound(sums.begin(), sums.end() - 1, at) -
                                        sums.begin());
    };
    const Seen seen = run("Zipf over 100,000 keys", {keys, 1000, 50, 600'000, 400'000, order});
    const double best = sums[1049] / sum;  // with the 1050 commonest in the pool
    std::printf("  exponent %.1f: the best that there is, %.4f\n", exponent, best);
    EXPECT_GT(seen.steady.hit_rate(), 0.95 * best) << exponent;
  }
}

TEST_P(Simulation, AScanThroughAllKeysDoesNotTouchAHotSet) {
  std::uint64_t scanned = 0;
  const Order order = [&](std::uint64_t i) {
    if (i % 10 < 5) return static_cast<std::uint32_t>(random_() % 900);
    return static_cast<std::uint32_t>(900 + scanned++ % 99'000);
  };
  const Seen seen =
      run("900 hot keys, half of it a scan", {100'000, 1000, 0, 300'000, 300'000, order});
  EXPECT_GT(seen.steady.hit_rate(), 0.99 * 0.5);
}

TEST_P(Simulation, FollowsAWorkingSetThatChanges) {
  struct {
    const char* what;
    std::uint64_t length;
    double hot;
  } const scenes[] = {{"1,000 others every 20,000 claims", 20'000, 0},
                      {"1,000 others every 200,000", 200'000, 0.4},
                      {"1,000 others every 600,000", 600'000, 0.75}};
  for (const auto& scene : scenes) {
    const Order order = [&](std::uint64_t i) {
      return static_cast<std::uint32_t>(i / scene.length * 1000 % 100'000 + random_() % 1000);
    };
    const Seen seen = run(scene.what, {100'000, 1000, 0, 200'000, 1'200'000, order});
    EXPECT_GE(seen.steady.hit_rate(), scene.hot) << scene.what;
  }
}

TEST_P(Simulation, GarbageNeitherHeatsNorCools) {
  const Costs costs = GetParam();
  auto pool =
      KeyPool::create(options_of({.keys = 10'000, .small = 100, .large = 0, .costs = costs}));
  SimulatedWorker worker(*pool, costs, small_bytes, large_bytes);
  for (int i = 0; i < 50'000; ++i) worker.claim(static_cast<std::uint32_t>(random_() % 100));
  const std::uint64_t promotions = pool->counters().promotions.value();
  worker.forget_totals();
  // Nine of ten claims are garbage for keys that nobody uses.
  for (int i = 0; i < 500'000; ++i) {
    const bool good = i % 10 == 0;
    worker.claim(static_cast<std::uint32_t>(good ? random_() % 100 : 100 + random_() % 9900), good);
  }
  EXPECT_EQ(pool->counters().promotions.value(), promotions);
  EXPECT_EQ(pool->counters().evictions.value(), 0u);
  EXPECT_GT(worker.totals().hit_rate(), 0.0999);
}

INSTANTIATE_TEST_SUITE_P(WithCosts, Simulation, testing::Values(avx2_costs, ifma_costs),
                         [](const auto& one) { return one.index == 0 ? "Avx2" : "Ifma"; });

}  // namespace
}  // namespace claimgate::secp
