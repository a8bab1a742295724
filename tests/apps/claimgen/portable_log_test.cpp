#include "apps/claimgen/portable_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "apps/claimgen/random.hpp"

namespace claimgate::claimgen {
namespace {

TEST(PortableLog, IsTheNaturalLogarithmToTheLastBits) {
  Random random(1);
  for (unsigned i = 0; i < 100'000; ++i) {
    const double x = std::ldexp(static_cast<double>(random.next()), i % 200 - 130);
    EXPECT_NEAR(natural_log(x), std::log(x), 1e-15 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  for (double n = 1; n <= 1e6; n += 1) {
    ASSERT_NEAR(natural_log(n), std::log(n), 1e-15 * std::log(n)) << n;
  }
}

TEST(PortableLog, HasAnExponentialFunctionThatUndoesIt) {
  Random random(2);
  for (unsigned i = 0; i < 100'000; ++i) {
    const double x = (static_cast<double>(random.below(1'000'000)) - 500'000) / 1000;
    EXPECT_NEAR(exponential(x) / std::exp(x), 1, 1e-15) << x;
  }
  EXPECT_EQ(exponential(0), 1);
}

// Pinned: a machine or a compiler on which these differ makes other streams from the same seed.
TEST(PortableLog, GivesTheSameBitsEverywhere) {
  std::uint64_t bits = 0;
  for (double x = 1; x < 200; x += 1.25) {
    bits = std::rotl(bits, 7) ^ std::bit_cast<std::uint64_t>(natural_log(x)) ^
           std::rotl(std::bit_cast<std::uint64_t>(exponential(-x)), 1);
  }
  EXPECT_EQ(bits, 5375959886505100172u);
}

}  // namespace
}  // namespace claimgate::claimgen
