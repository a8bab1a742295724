#include "lib/counter/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace claimgate::counter {
namespace {

// Every test runs at both resolutions.
template <class Type>
class HistogramTest : public testing::Test {};
using Types = testing::Types<Histogram, FineHistogram>;
TYPED_TEST_SUITE(HistogramTest, Types);

TYPED_TEST(HistogramTest, HasBucketsThatTileTheValuesWithoutGapOrOverlap) {
  using Buckets = typename TypeParam::Buckets;
  std::uint64_t lower = 0;
  for (std::size_t i = 0; i < Buckets::count; ++i) {
    ASSERT_GE(Buckets::upper_bound(i), lower) << i;
    ASSERT_EQ(Buckets::of(lower), i);
    ASSERT_EQ(Buckets::of(Buckets::upper_bound(i)), i);
    lower = Buckets::upper_bound(i) + 1;
  }
  EXPECT_EQ(lower, Buckets::value_max + 1);
  for (std::uint64_t value = 0; value < 100'000; ++value) {
    ASSERT_LE(value, Buckets::upper_bound(Buckets::of(value)));
    if (Buckets::of(value) > 0) {
      ASSERT_GT(value, Buckets::upper_bound(Buckets::of(value) - 1));
    }
  }
}

TYPED_TEST(HistogramTest, HasBucketsAtMostOnePartOfTheirLowerBoundWide) {
  using Buckets = typename TypeParam::Buckets;
  for (std::size_t i = 1; i < Buckets::count; ++i) {
    const std::uint64_t lower = Buckets::upper_bound(i - 1) + 1;
    ASSERT_LE((Buckets::upper_bound(i) - lower) * Buckets::parts, lower) << i;
  }
}

TYPED_TEST(HistogramTest, HasEveryPowerOfTwoMinusOneAsABucketsUpperBound) {
  using Buckets = typename TypeParam::Buckets;
  for (unsigned bits = 0; bits <= Buckets::value_bits; ++bits) {
    const std::uint64_t bound = (std::uint64_t{1} << bits) - 1;
    EXPECT_EQ(Buckets::upper_bound(Buckets::of(bound)), bound);
  }
}

TYPED_TEST(HistogramTest, CountsAValueBeyondItsRangeInTheLastBucketAndSumsItWhole) {
  using Buckets = typename TypeParam::Buckets;
  TypeParam values;
  values.record(~std::uint64_t{0} / 2);
  values.record(Buckets::value_max + 1);
  const typename TypeParam::Snapshot seen = values.snapshot();
  EXPECT_EQ(seen.bucket(Buckets::count - 1), 2u);
  EXPECT_EQ(seen.count(), 2u);
  EXPECT_EQ(seen.sum(), ~std::uint64_t{0} / 2 + Buckets::value_max + 1);
  EXPECT_EQ(seen.quantile(1), Buckets::value_max);
  EXPECT_EQ(seen.max(), ~std::uint64_t{0} / 2);
}

TYPED_TEST(HistogramTest, SaysZeroForEveryQuantileOfNothing) {
  const TypeParam values;
  EXPECT_EQ(values.count(), 0u);
  for (const double q : {0.0, 0.5, 1.0}) EXPECT_EQ(values.quantile(q), 0u);
}

TEST(Histogram, KnowsItsHighestValueAndGivesNoQuantileAboveIt) {
  Histogram bursts;
  for (const std::uint64_t frames : {3u, 32u, 32u, 32u, 7u}) bursts.record(frames);
  bursts.record_n(1'000, 0);
  EXPECT_EQ(bursts.max(), 32u);
  EXPECT_EQ(bursts.quantile(1), 32u) << "its bucket reaches to 33";
  EXPECT_EQ(bursts.quantile(0.5), 32u);
  bursts.record(40);
  EXPECT_EQ(bursts.quantile(0.7), 33u) << "no longer the highest value's bucket";
  HistogramSnapshot merged = bursts.snapshot();
  Histogram other;
  other.record(50);
  merged.merge(other.snapshot());
  merged.merge(Histogram{}.snapshot());
  EXPECT_EQ(merged.max(), 50u);
}

TYPED_TEST(HistogramTest, RecordsManyAtOnceAsItRecordsThemSingly) {
  TypeParam singly;
  TypeParam at_once;
  for (int i = 0; i < 1000; ++i) singly.record(777);
  at_once.record_n(777, 1000);
  EXPECT_EQ(singly.count(), at_once.count());
  EXPECT_EQ(singly.sum(), at_once.sum());
  EXPECT_EQ(singly.quantile(0.5), at_once.quantile(0.5));
}

// The rank a quantile means, over the sorted values themselves.
std::uint64_t reference_quantile(const std::vector<std::uint64_t>& sorted, double q) {
  const double exact = std::ceil(q * static_cast<double>(sorted.size()));
  const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(exact));
  return sorted[std::min(rank, sorted.size()) - 1];
}

TYPED_TEST(HistogramTest, GivesQuantilesAtMostOnePartAboveTheTrueOne) {
  using Buckets = typename TypeParam::Buckets;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> values;
    TypeParam histogram;
    const unsigned bits = 1 + seed * 2 % Buckets::value_bits;
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t value = random() >> (64 - bits) >> (random() % bits);
      values.push_back(value);
      histogram.record(value);
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
      const std::uint64_t exact = reference_quantile(values, q);
      const std::uint64_t given = histogram.quantile(q);
      ASSERT_GE(given, exact) << "seed " << seed << " q " << q;
      ASSERT_LE((given - exact) * Buckets::parts, exact) << "seed " << seed << " q " << q;
    }
  }
}

TYPED_TEST(HistogramTest, CountsUpToABucketBoundExactlyAndNeverFallsInBetween) {
  using Buckets = typename TypeParam::Buckets;
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> values;
  TypeParam histogram;
  for (int i = 0; i < 5000; ++i) {
    values.push_back(random() >> (24 + random() % 40));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  const typename TypeParam::Snapshot seen = histogram.snapshot();
  const auto exact = [&](std::uint64_t bound) {
    return static_cast<std::uint64_t>(std::upper_bound(values.begin(), values.end(), bound) -
                                      values.begin());
  };
  constexpr std::size_t stride = Buckets::count / 592;  // counting is linear in the buckets
  for (std::size_t i = 0; i < Buckets::count; i += stride) {
    const std::uint64_t bound = Buckets::upper_bound(i);
    ASSERT_EQ(seen.count_up_to(bound), exact(bound));
    if (i == 0) continue;
    const std::uint64_t below = Buckets::upper_bound(i - 1);
    ASSERT_EQ(seen.count_up_to(bound - 1), exact(below));
  }
  EXPECT_EQ(seen.count_up_to(~std::uint64_t{0}), values.size());
}

TYPED_TEST(HistogramTest, MergesToWhatOneHistogramWouldHaveSeen) {
  using Buckets = typename TypeParam::Buckets;
  std::mt19937_64 random(11);
  TypeParam one;
  TypeParam two;
  TypeParam both;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t value = random() >> 30;
    (i % 3 == 0 ? one : two).record(value);
    both.record(value);
  }
  typename TypeParam::Snapshot merged = one.snapshot();
  merged.merge(two.snapshot());
  const typename TypeParam::Snapshot expected = both.snapshot();
  EXPECT_EQ(merged.sum(), expected.sum());
  for (std::size_t i = 0; i < Buckets::count; ++i) ASSERT_EQ(merged.bucket(i), expected.bucket(i));
}

TYPED_TEST(HistogramTest, CanBeReadWhileItsOwnerRecords) {
  constexpr std::uint64_t steps = 100'000;
  TypeParam histogram;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < steps; ++i) histogram.record(i % 64);
  });
  std::uint64_t last = 0;
  bool monotone = true;
  while (last < steps && monotone) {
    const typename TypeParam::Snapshot seen = histogram.snapshot();
    monotone = seen.count() >= last && seen.count_up_to(63) == seen.count();
    last = seen.count();
  }
  writer.join();
  EXPECT_TRUE(monotone);
  EXPECT_EQ(histogram.count(), steps);
}

}  // namespace
}  // namespace claimgate::counter
