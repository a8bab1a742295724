#include "apps/claimgen/latency_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace claimgate::claimgen {
namespace {

using Snapshot = counter::FineHistogramSnapshot;
using Buckets = Snapshot::Buckets;

constexpr double ns_per_us = 1000;
constexpr double lines_per_halving = 5;

// Around the true mean, with every value taken for the middle of its bucket.
double deviation(const Snapshot& seen) noexcept {
  const double center = mean(seen);
  double squares = 0;
  std::uint64_t lower = 0;
  for (std::size_t i = 0; i < Buckets::count; ++i) {
    const std::uint64_t upper = Buckets::upper_bound(i);
    const double distance = static_cast<double>(lower + upper) / 2 - center;
    squares += static_cast<double>(seen.bucket(i)) * distance * distance;
    lower = upper + 1;
  }
  return seen.count() == 0 ? 0 : std::sqrt(squares / static_cast<double>(seen.count()));
}

}  // namespace

double mean(const Snapshot& seen) noexcept {
  const std::uint64_t count = seen.count();
  return count == 0 ? 0 : static_cast<double>(seen.sum()) / static_cast<double>(count);
}

std::string percentile_distribution(const Snapshot& seen) {
  const std::uint64_t count = seen.count();
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount",
                 "1/(1-Percentile)");
  // In percent, as HdrHistogram counts: its steps of 10, 5, 2.5, … add up without rounding.
  for (double percent = 0; count > 0;) {
    const double level = percent / 100;
    const std::uint64_t value = seen.quantile(level);
    const std::uint64_t upto = value >= seen.max() ? count : seen.count_up_to(value);
    fmt::format_to(to, "{:12.3f} {:2.12f} {:10} {:14.2f}\n", static_cast<double>(value) / ns_per_us,
                   level, upto, 1 / (1 - level));
    if (upto == count) break;
    const double halvings = std::floor(std::log2(100 / (100 - percent))) + 1;
    percent += 100 / (lines_per_halving * std::exp2(halvings));
  }
  if (count > 0) {
    fmt::format_to(to, "{:12.3f} {:2.12f} {:10}\n", static_cast<double>(seen.max()) / ns_per_us,
                   1.0, count);
  }
  fmt::format_to(to, "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", mean(seen) / ns_per_us,
                 deviation(seen) / ns_per_us);
  fmt::format_to(to, "#[Max     = {:12.3f}, Total count    = {:12}]\n",
                 static_cast<double>(seen.max()) / ns_per_us, count);
  fmt::format_to(to, "#[Buckets = {:12}, SubBuckets     = {:12}]\n",
                 Buckets::count / Buckets::parts - 1, 2 * Buckets::parts);
  return out;
}

}  // namespace claimgate::claimgen
