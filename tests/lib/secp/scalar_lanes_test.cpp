// Scalars modulo n over every lane type that multiplies halves, against GMP, with limbs at the
// highest and the lowest that they may be.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/lib/secp/lane_vectors.hpp"
#include "tests/lib/secp/prepared.hpp"

namespace claimgate::secp::test {
namespace {

constexpr Word top_limb = Word{1} << 49;

template <class Test>
void each_lane_type(unsigned rounds, Test test) {
  if (std::getenv("CLAIMGATE_LONG") != nullptr) rounds *= 50;
  for (const Named& named : tested_lanes("secp_scalar_lanes")) {
    if (!named.operations->halves) continue;  // scalar_test.cpp
    SCOPED_TRACE(named.name);
    Random random(16);
    for (unsigned i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
      test(*named.operations, random);
    }
  }
}
// Anything that a scalar's limbs may be, or next to a multiple of n, or next to one of the
// lattice's points, or between them.
Element scalars(Random& random, unsigned lanes) {
  Element out = Element::any(random, lanes, limb_bound<1>, top_limb);
  for (unsigned l = 0; l < lanes; ++l) {
    const auto kind = random.below(6);
    if (kind > 2) continue;
    Number value = order_n * static_cast<unsigned long>(random.below(2));
    if (kind == 1) value = random.below(Number(power_of_two(128))) * lambda % order_n;
    if (kind == 2) value = order_n / 2 + power_of_two(static_cast<unsigned>(random.below(250)));
    value += static_cast<unsigned long>(random.below(5));
    out.set(l, limbs_of(value, 1).lane(0));
  }
  return out;
}

TEST(SecpScalarLanes, ProductsModuloN) {
  each_lane_type(5000, [](const LaneOperations& of, Random& random) {
    Element a = scalars(random, of.lanes), b = scalars(random, of.lanes), out(of.lanes);
    of.multiply_scalars(out.words(), a.words(), b.words());
    for (unsigned l = 0; l < of.lanes; ++l) {
      EXPECT_EQ(modulo(out.value(l), order_n), modulo(a.value(l) * b.value(l), order_n));
      for (unsigned i = 0; i < 5; ++i) EXPECT_LT(out.at(i, l), i < 4 ? limb_bound<1> : top_limb);
    }
  });
}

// k' = (k + 2^top - 1) / 2 of both halves.
TEST(SecpScalarLanes, HalvesAreOddAndShortAndMakeTheScalar) {
  Number most[2] = {0, 0};
  each_lane_type(5000, [&](const LaneOperations& of, Random& random) {
    constexpr unsigned tops[] = {130, 132, 136};
    const unsigned top = tops[random.below(3)];
    Element k = scalars(random, of.lanes);
    Word first[3 * lanes_max], second[3 * lanes_max];
    of.split(first, second, k.words(), top);
    const auto half = [&](const Word* words, unsigned l) {
      Number out = 0;
      for (unsigned i = 3; i-- > 0;) {
        EXPECT_LT(words[i * of.lanes + l], limb_bound<1>);
        out = (out << 52) + of_words(std::span(&words[i * of.lanes + l], 1));
      }
      return Number(2 * out + 1 - power_of_two(top));  // odd by itself
    };
    for (unsigned l = 0; l < of.lanes; ++l) {
      const Number a = half(first, l), b = half(second, l);
      EXPECT_EQ(modulo(a + b * lambda, order_n), modulo(k.value(l), order_n)) << k.value(l);
      if (abs(a) > most[0]) most[0] = abs(a);
      if (abs(b) > most[1]) most[1] = abs(b);
    }
  });
  // As scalar.hpp says: below (0.64 + 1.28) 2^128 and (0.55 + 0.9) 2^128.
  EXPECT_LT(most[0] * 100, power_of_two(128) * 192);
  EXPECT_LT(most[1] * 100, power_of_two(128) * 145);
}

TEST(SecpScalarLanes, PreparedBatches) {
  each_lane_type(150, [](const LaneOperations& of, Random& random) {
    const Prepared made(random);
    const auto count = static_cast<unsigned>(made.claims.size());
    const unsigned groups = (count + of.lanes - 1) / of.lanes;
    Word got_r[64][4];
    std::vector<Word> u1(5 * 64), u2(5 * 64);
    of.prepare(u1.data(), u2.data(), got_r, made.claims.data(), count, groups);
    for (unsigned i = 0; i < groups * of.lanes; ++i) {
      const unsigned from = i < count ? i : 0;  // what is over repeats the first
      const Number inverse = inverse_of(made.s[from], order_n);
      const auto value = [&](const std::vector<Word>& all) {
        Element group(of.lanes);
        std::copy_n(all.data() + i / of.lanes * 5 * of.lanes, 5 * of.lanes, group.words());
        return modulo(group.value(i % of.lanes), order_n);
      };
      EXPECT_EQ(of_words(got_r[i]), made.r[from]);
      EXPECT_EQ(value(u1), modulo(made.m[from] * inverse, order_n)) << i << " of " << count;
      EXPECT_EQ(value(u2), modulo(made.r[from] * inverse, order_n)) << i << " of " << count;
    }
  });
}

}  // namespace
}  // namespace claimgate::secp::test
