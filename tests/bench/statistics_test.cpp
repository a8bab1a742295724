#include "bench/measure/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace claimgate::bench {
namespace {

TEST(Statistics, TheMedianIsTheMiddleOneOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(summarize({7}).median, 7);
  EXPECT_EQ(summarize({3, 1, 2}).median, 2);
  EXPECT_EQ(summarize({4, 1, 3, 2}).median, 2.5);
  EXPECT_EQ(summarize({-5, 1e9, 0, 2, 1}).median, 1) << "one wild value moves nothing";
}

// Exact binomial sums: 1 - 2 (C(n,0) + … + C(n,k-1)) / 2^n.
TEST(Statistics, TheIntervalsRankAndLevelAreThoseOfTheBinomialDistribution) {
  struct Known {
    std::size_t repeats, rank;
    double level;
  };
  for (const Known& known :
       {Known{6, 1, 1 - 2.0 / 64}, Known{7, 1, 1 - 2.0 / 128}, Known{8, 1, 1 - 2.0 / 256},
        Known{9, 2, 1 - 2.0 * 10 / 512}, Known{11, 2, 1 - 2.0 * 12 / 2048},
        Known{12, 3, 1 - 2.0 * 79 / 4096}, Known{15, 4, 1 - 2.0 * 576 / 32768}}) {
    EXPECT_EQ(interval_rank(known.repeats), known.rank) << known.repeats;
    EXPECT_DOUBLE_EQ(interval_level(known.repeats, known.rank), known.level) << known.repeats;
  }
  EXPECT_EQ(interval_rank(31), 10u);
  EXPECT_EQ(interval_rank(100), 40u);
  EXPECT_NEAR(interval_level(100, 40), 0.9647997997822952, 1e-12);
}

TEST(Statistics, TheIntervalIsTheNarrowestThatReachesTheLevel) {
  for (std::size_t n = repeats_min; n <= 200; ++n) {
    const std::size_t rank = interval_rank(n);
    EXPECT_GE(interval_level(n, rank), level_wanted) << n;
    EXPECT_LT(interval_level(n, rank + 1), level_wanted) << n;
  }
}

TEST(Statistics, TheEndsOfTheIntervalAreMeasurementsOfThoseRanks) {
  const auto nine = summarize({90, 10, 80, 20, 70, 30, 60, 40, 50});
  EXPECT_EQ(nine.median, 50);
  EXPECT_EQ(nine.low, 20);  // the second of nine from either end
  EXPECT_EQ(nine.high, 80);
  EXPECT_EQ(nine.repeats, 9u);
  const auto seven = summarize({1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(seven.low, 1);
  EXPECT_EQ(seven.high, 7);
}

TEST(Statistics, FewerThanSixMeasurementsClaimNoMoreThanTheyCan) {
  const auto five = summarize({5, 1, 4, 2, 3});
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_DOUBLE_EQ(five.level, 1 - 2.0 / 32);
  EXPECT_LT(five.level, level_wanted);
  EXPECT_EQ(summarize({1}).level, 0) << "one measurement says nothing about the median";
}

TEST(Statistics, SpreadIsOfTheMiddleEightyPercentRelativeToTheMedian) {
  std::vector<double> measured;
  for (int i = 1; i <= 20; ++i) measured.push_back(i);
  EXPECT_DOUBLE_EQ(summarize(measured).spread, (19 - 2) / 10.5);
  measured[19] = 1e6;  // the wildest in twenty does not count
  EXPECT_DOUBLE_EQ(summarize(measured).spread, (19 - 2) / 10.5);
  EXPECT_EQ(summarize({0, 0, 0}).spread, 0);
}

TEST(Statistics, AQuantileIsTheMeasurementOfItsRank) {
  std::vector<double> measured;
  for (int i = 100; i >= 1; --i) measured.push_back(i);
  EXPECT_EQ(quantile(measured, 0), 1);
  EXPECT_EQ(quantile(measured, 0.5), 50);
  EXPECT_EQ(quantile(measured, 0.95), 95);
  EXPECT_EQ(quantile(measured, 1), 100);
  EXPECT_EQ(quantile({7}, 0.99), 7);
}

TEST(Statistics, RatiosAreTakenPairByPair) {
  EXPECT_EQ(ratios({10, 30, 9}, {5, 10, 3}), (std::vector<double>{2, 3, 3}));
}

// What the level promises, kept for a skewed distribution (a median of ln 2): 2,000 experiments of
// eleven measurements each. Four standard deviations of their number are allowed.
TEST(Statistics, TheIntervalHoldsTheTrueMedianAsOftenAsItSays) {
  std::mt19937_64 random(11);
  std::exponential_distribution<double> skewed(1);
  constexpr int experiments = 2000;
  int held = 0;
  double level = 0;
  for (int i = 0; i < experiments; ++i) {
    std::vector<double> measured(11);
    std::ranges::generate(measured, [&] { return skewed(random); });
    const auto summary = summarize(std::move(measured));
    level = summary.level;
    held += summary.low <= std::log(2.0) && std::log(2.0) <= summary.high;
  }
  EXPECT_NEAR(held, experiments * level, 4 * std::sqrt(experiments * level * (1 - level)));
}

}  // namespace
}  // namespace claimgate::bench
