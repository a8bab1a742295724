#include "apps/claimgen/latency_text.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "apps/claimgen/random.hpp"

namespace claimgate::claimgen {
namespace {

struct Row {
  double value, percentile, count, inverse;
};

// As HdrHistogram's plotter reads it: lines of four numbers, others skipped.
std::vector<Row> rows(const std::string& text) {
  std::vector<Row> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Row row{};
    if (words >> row.value >> row.percentile >> row.count >> row.inverse) out.push_back(row);
  }
  return out;
}

// Worked out by hand from the definition of HdrHistogram's percentile iterator with 5 ticks.
TEST(LatencyText, IsHdrHistogramsPercentileDistribution) {
  counter::FineHistogram latency;
  for (std::uint64_t ns = 1000; ns <= 2000; ns += 250) latency.record(ns);
  EXPECT_EQ(percentile_distribution(latency.snapshot()),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       1.000 0.200000000000          1           1.25\n"
            "       1.250 0.300000000000          2           1.43\n"
            "       1.250 0.400000000000          2           1.67\n"
            "       1.500 0.500000000000          3           2.00\n"
            "       1.500 0.550000000000          3           2.22\n"
            "       1.500 0.600000000000          3           2.50\n"
            "       1.750 0.650000000000          4           2.86\n"
            "       1.750 0.700000000000          4           3.33\n"
            "       1.750 0.750000000000          4           4.00\n"
            "       1.750 0.775000000000          4           4.44\n"
            "       1.750 0.800000000000          4           5.00\n"
            "       2.000 0.825000000000          5           5.71\n"
            "       2.000 1.000000000000          5\n"
            "#[Mean    =        1.500, StdDeviation   =        0.354]\n"
            "#[Max     =        2.000, Total count    =            5]\n"
            "#[Buckets =           30, SubBuckets     =         2048]\n");
}

TEST(LatencyText, RisesToTheMaximumAndAgreesWithTheQuantiles) {
  counter::FineHistogram latency;
  Random random(5);
  for (unsigned i = 0; i < 200'000; ++i) latency.record(random.next() >> (30 + random.below(30)));
  const auto seen = latency.snapshot();
  const auto table = rows(percentile_distribution(seen));
  ASSERT_GT(table.size(), 80u);
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_NEAR(table[i].value, static_cast<double>(seen.quantile(table[i].percentile)) / 1000,
                table[i].value * 0.001 + 0.001);
    EXPECT_GE(table[i].count, table[i].percentile * 200'000 - 1e-6);
    EXPECT_NEAR(table[i].inverse * (1 - table[i].percentile), 1, 0.01);
    if (i == 0) continue;
    EXPECT_GE(table[i].value, table[i - 1].value);
    EXPECT_GT(table[i].percentile, table[i - 1].percentile);
    EXPECT_GE(table[i].count, table[i - 1].count);
  }
}

TEST(LatencyText, OfNothingHasNoLines) {
  const counter::FineHistogram nothing;
  EXPECT_TRUE(rows(percentile_distribution(nothing.snapshot())).empty());
  EXPECT_EQ(mean(nothing.snapshot()), 0);
}

}  // namespace
}  // namespace claimgate::claimgen
