// Tables of odd multiples: every kernel makes the same ones, and they are libsecp256k1's points.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lib/secp/paths.hpp"
#include "tests/lib/secp/tested_kernels.hpp"

namespace claimgate::secp::test {
namespace {

struct Shape {
  unsigned width, windows;
};
std::size_t words_of_table(Shape shape) {
  return table_bytes(shape.width, shape.windows) / 8;
}

// Entry i of window w is (2 i + 1) 2^(width w) times the point.
void expect_multiple(const std::uint64_t* table, Shape shape, unsigned w, unsigned i,
                     const Number& secret) {
  const Number multiple =
      modulo((2 * Number(i) + 1) * power_of_two(shape.width * w) * secret, order_n);
  const auto expected = words_of_point(generator_times(multiple));
  const auto* const got = table + ((std::size_t{w} << (shape.width - 1)) + i) * 8;
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got))
      << "width " << shape.width << ", window " << w << ", entry " << i;
}

TEST(SecpBuild, SmallAndLargeTablesOfEveryKernel) {
  Random random(13);
  const Number secrets[] = {1, 2, order_n - 1, lambda, random.scalar()};
  for (const Shape shape : {Shape{small_width, small_windows}, Shape{large_width, large_windows}}) {
    for (const Number& secret : secrets) {
      const auto point = words_of_point(generator_times(secret));
      Area<std::uint64_t> first;
      for (const Kernel* const kernel : tested_kernels("secp_build")) {
        auto table = table_of(*kernel, point, shape.width, shape.windows);
        if (first) {
          EXPECT_TRUE(std::equal(table.get(), table.get() + words_of_table(shape), first.get()))
              << kernel->name;
          continue;
        }
        first = std::move(table);
        const unsigned each = secret == secrets[4] ? 1 : 17;
        for (unsigned k = 0; k < shape.windows << (shape.width - 1); k += each) {
          const unsigned half = 1u << (shape.width - 1);
          expect_multiple(first.get(), shape, k / half, k % half, secret);
        }
      }
    }
  }
}

TEST(SecpBuild, TheGeneratorsTable) {
  const Shape shape{generator_width, generator_windows};
  const auto point = words_of_point(generator_times(1));
  for (const Kernel* const kernel : tested_kernels("secp_build")) {
    const auto table = table_of(*kernel, point, shape.width, shape.windows);
    EXPECT_TRUE(std::equal(table.get(), table.get() + words_of_table(shape), generator_table()))
        << kernel->name;
  }
  Random random(14);
  const unsigned half = 1u << (generator_width - 1);
  for (unsigned w = 0; w < generator_windows; ++w) {
    for (const unsigned i : {0u, 1u, 2u, half / 2, half - 2, half - 1}) {
      expect_multiple(generator_table(), shape, w, i, 1);
    }
    for (unsigned n = 0; n < 60; ++n) {
      expect_multiple(generator_table(), shape, w, static_cast<unsigned>(random.below(half)), 1);
    }
  }
}

}  // namespace
}  // namespace claimgate::secp::test
