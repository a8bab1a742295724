// What repeated measurements say: the median, an interval it lies in, and how far they spread.
//
// No distribution is assumed. Whatever it is, each measurement falls below the true median with
// probability 1/2, so the number of those that do is binomial, and between the k-th smallest and
// the k-th largest of n the median lies with probability
//
//   level(n, k) = 1 - 2 · P(Bin(n, 1/2) < k)
//
// (H. A. David, H. N. Nagaraja: Order Statistics, 7.1). The interval is the narrowest of these
// whose level is at least level_wanted; fewer than repeats_min measurements have none, and then
// it is all they span, with a level below it.
#pragma once

#include <cstddef>
#include <vector>

namespace claimgate::bench {

inline constexpr double level_wanted = 0.95;
inline constexpr std::size_t repeats_min = 6;  // 1 - 2/2^6 = 0.969

struct Summary {
  double median = 0;
  double low = 0, high = 0;  // the interval's ends: measurements themselves
  double level = 0;          // with what probability the interval holds the median
  double spread = 0;         // what the middle 80 % span, relative to the median; 0: a median of 0
  std::size_t repeats = 0;
};

// The k of the interval above, from 1. Precondition: repeats > 0.
[[nodiscard]] std::size_t interval_rank(std::size_t repeats) noexcept;
[[nodiscard]] double interval_level(std::size_t repeats, std::size_t rank) noexcept;

// Precondition: not empty. Of an even number the median is the mean of the two in the middle.
[[nodiscard]] Summary summarize(std::vector<double> measured);

// A known number, measured by nobody.
[[nodiscard]] inline Summary exactly(double value) noexcept {
  return {.median = value, .low = value, .high = value, .level = 1, .spread = 0, .repeats = 1};
}

// The measurement of rank ceil(q · n). Preconditions: not empty, 0 <= q <= 1.
[[nodiscard]] double quantile(std::vector<double> measured, double q);

// Pair by pair, as they were measured side by side. Precondition: of one size.
[[nodiscard]] std::vector<double> ratios(const std::vector<double>& over,
                                         const std::vector<double>& under);

}  // namespace claimgate::bench
