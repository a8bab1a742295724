// The worst order of claims that could be found. All claims are good, as only those move the pool.
//
// The adversary sees the pool: before each claim it looks at a handful of keys, where they stand
// and what they count, and sends the one it likes best. What it likes is a vector of weights, made
// worse by a random search from several starts; the starts are the strategies that one would think
// of. Bound: at least 0.9 of the cold rate, and building within its share, for every order tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include "tests/lib/secp/make_pool.hpp"
#include "tests/lib/secp/simulated_worker.hpp"

namespace claimgate::secp {
namespace {

constexpr std::uint32_t keys = 160, small = 20, large = 3;
constexpr std::uint64_t half_life = half_life_per_table * (small + large);

// What a key is worth to send, by what is to be seen of it.
struct Taste {
  std::array<double, 8> weights;

  [[nodiscard]] double of(const KeyPool& pool, Path path, std::uint32_t key,
                          std::uint64_t last_sent_ago) const {
    const auto count = static_cast<double>(pool.decayed_count(key));
    const auto least = static_cast<double>(pool.threshold(Tier::cold, TableSize::small));
    return weights[0] * (path == Path::cold) + weights[1] * (path == Path::large) +
           weights[2] * count / least + weights[3] * (path == Path::cold) * count / least +
           weights[4] * (path == Path::cold && count < least) * count / least +
           weights[5] * (path != Path::cold) * count / least +
           weights[6] * static_cast<double>(last_sent_ago) / keys +
           weights[7] * static_cast<double>(key) / keys;
  }
};

constexpr Taste starts[] = {
    {{1, 0, 0, 0, 0, 0, 0, 0}},         // whatever is cold
    {{10, 0, 0, 1, 0, 0, 0, 0}},        // cold, soon to be built, and never again
    {{10, 0, 0, -1, 0, 0, 0, 0}},       // cold, and never built
    {{10, 0, 0, 0, 1, 0, 0, 0}},        // up to the threshold, then another
    {{10, 0, 0, 0, 0, 0, 1, 0}},        // the least recently sent: a scan
    {{0, 0, 0, 0, 0, 0, 1, 0}},         // the same, of all keys
    {{0, -10, 1, 0, 0, -1, 0, 0}},      // small ones on to large, and leave them
    {{5, 0, 0, 0.5, 0, -0.2, 0, 0.1}},  // something of each
};

class Adversary {
 public:
  Adversary(const Costs& costs, std::uint64_t seed)
      : pool_(std::move(*KeyPool::create(options_of({.keys = keys,
                                                     .small = small,
                                                     .large = large,
                                                     .costs = costs,
                                                     .half_life_claims = half_life})))),
        costs_(costs),
        worker_(pool_, costs, small_bytes, large_bytes),
        random_(seed) {}

  // `looks`: keys that it looks at before each claim, all of them where it is `keys`.
  double attack(const Taste& taste, std::uint64_t claims, unsigned looks) {
    for (std::uint64_t i = 1; i <= claims; ++i) {
      std::uint32_t best = 0;
      double liked = -1e300;
      for (unsigned look = 0; look < looks; ++look) {
        const auto key = looks == keys ? look : static_cast<std::uint32_t>(random_() % keys);
        const Path path = pool_.use(key, key_bytes_[key]).path;
        const double value = taste.of(pool_, path, key, i - sent_[key]);
        if (value > liked) liked = value, best = key;
      }
      sent_[best] = i;
      worker_.claim(best);
    }
    EXPECT_LE(worker_.totals().building, worker_.totals().cycles / 20);
    EXPECT_EQ(worker_.totals().faults, 0u);
    return worker_.totals().speed(costs_);
  }
  [[nodiscard]] const SimulatedWorker::Totals& totals() const { return worker_.totals(); }
  [[nodiscard]] const KeyPoolCounters& counters() const { return pool_.counters(); }

 private:
  static std::array<KeyBytes, keys> all_key_bytes() {
    std::array<KeyBytes, keys> out;
    for (std::uint32_t key = 0; key < keys; ++key) out[key] = key_bytes(key);
    return out;
  }
  const std::array<KeyBytes, keys> key_bytes_ = all_key_bytes();
  KeyPool pool_;
  Costs costs_;
  SimulatedWorker worker_;
  std::array<std::uint64_t, keys> sent_{};
  std::mt19937_64 random_;
};

class AdversaryTest : public testing::TestWithParam<Costs> {
 protected:
  double try_out(const Taste& taste, std::uint64_t claims, unsigned looks) {
    Adversary adversary(GetParam(), 1);
    const double speed = adversary.attack(taste, claims, looks);
    EXPECT_GE(speed, 0.9);
    if (speed < worst_) {
      worst_ = speed;
      std::printf("speed %.4f  hit %.4f  building %.4f  promotions %lu  evictions %lu  looks %u  [",
                  speed, adversary.totals().hit_rate(), adversary.totals().building_share(),
                  adversary.counters().promotions.value(), adversary.counters().evictions.value(),
                  looks);
      for (const double weight : taste.weights) std::printf(" %.2f", weight);
      std::printf(" ]\n");
    }
    return speed;
  }
  double worst_ = 1e300;
};

TEST_P(AdversaryTest, NeverBringsTheRateBelowNineTenthsOfTheColdRate) {
  constexpr std::uint64_t claims = 10'000;
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 1);
  Taste worst_taste{};
  double worst = 1e300;
  unsigned worst_looks = keys;
  for (const Taste& start : starts) {
    for (const unsigned looks : {8u, keys}) {
      const double speed = try_out(start, claims, looks);
      if (speed >= worst) continue;
      worst = speed;
      worst_taste = start;
      worst_looks = looks;
    }
  }
  // From the worst so far on, a step at a time.
  for (int step = 0; step < 100; ++step) {
    Taste next = worst_taste;
    for (double& weight : next.weights) {
      if (random() % 3 != 0) continue;
      const double size = random() % 4 == 0 ? 10 : 1;
      weight += size * noise(random);
    }
    const unsigned looks =
        random() % 4 == 0 ? 1 + static_cast<unsigned>(random() % 32) : worst_looks;
    const double speed = try_out(next, claims, looks);
    if (speed >= worst) continue;
    worst = speed;
    worst_taste = next;
    worst_looks = looks;
  }
  // It should have come near to what cannot be helped: all cold, and building at its full share.
  const double cold = GetParam().cold;
  const double floor = 0.95 * cold / (cold + SimulatedWorker::pool_cycles);
  EXPECT_LT(worst, floor * 1.03);
  EXPECT_GE(worst, floor * 0.999);
  // The same taste for longer gains it nothing.
  try_out(worst_taste, 10 * claims, worst_looks);
}

INSTANTIATE_TEST_SUITE_P(WithCosts, AdversaryTest,
                         testing::Values(avx2_costs, ifma_costs, zen3_costs),
                         [](const auto& one) { return costs_names[one.index]; });

}  // namespace
}  // namespace claimgate::secp
