#include "bench/measure/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace claimgate::bench {
double interval_level(std::size_t repeats, std::size_t rank) noexcept {
  assert(repeats <= 1000);  // 2^-1074 is the smallest double
  // P(Bin(n, 1/2) = i), from i = 0 on.
  double probability = std::ldexp(1.0, -static_cast<int>(repeats));
  double below = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    below += probability;
    probability *= static_cast<double>(repeats - i) / static_cast<double>(i + 1);
  }
  return 1 - 2 * below;
}

std::size_t interval_rank(std::size_t repeats) noexcept {
  std::size_t rank = 1;
  while (2 * (rank + 1) <= repeats && interval_level(repeats, rank + 1) >= level_wanted) ++rank;
  return rank;
}

Summary summarize(std::vector<double> measured) {
  assert(!measured.empty());
  std::ranges::sort(measured);
  const std::size_t n = measured.size();
  const std::size_t rank = interval_rank(n);
  Summary out;
  out.median = n % 2 == 1 ? measured[n / 2] : (measured[n / 2 - 1] + measured[n / 2]) / 2;
  out.low = measured[rank - 1];
  out.high = measured[n - rank];
  out.level = interval_level(n, rank);
  // Alike at both ends: rank ceil(n/10), from below and from above.
  const std::size_t tenth = (n + 9) / 10;
  if (out.median != 0) {
    out.spread = (measured[n - tenth] - measured[tenth - 1]) / std::abs(out.median);
  }
  out.repeats = n;
  return out;
}

double quantile(std::vector<double> measured, double q) {
  assert(!measured.empty());
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(measured.size())));
  const auto at = measured.begin() + static_cast<std::ptrdiff_t>(rank > 0 ? rank - 1 : 0);
  std::ranges::nth_element(measured, at);
  return *at;
}

std::vector<double> ratios(const std::vector<double>& over, const std::vector<double>& under) {
  assert(over.size() == under.size());
  std::vector<double> out;
  for (std::size_t i = 0; i < over.size(); ++i) out.push_back(over[i] / under[i]);
  return out;
}

}  // namespace claimgate::bench
