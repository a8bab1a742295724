// Each operation of each lane type, one by one, against plain C++: so that the model of IFMA's
// lanes (lane_model.hpp), the lanes of this CPU and the portable one mean the same.
#include <gtest/gtest.h>

#include "tests/lib/secp/lane_vectors.hpp"

namespace claimgate::secp::test {
namespace {

constexpr unsigned rounds = 4000;
constexpr Word half = (Word{1} << 52) - 1;

Vector edges(Random& random, Word bound) {
  Vector out;
  for (Word& w : out) w = edge(random, bound);
  return out;
}

template <class Test>
void each_lane_type(Test test) {
  for (const Named& named : tested_lanes("secp_lanes")) {
    SCOPED_TRACE(named.name);
    Random random(4);
    for (unsigned i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
      test(*named.operations, random);
    }
  }
}

template <class Expected>
void expect_each(const LaneOperations& of, const Vector& out, Expected expected) {
  for (unsigned l = 0; l < of.lanes; ++l) EXPECT_EQ(out[l], expected(l)) << "lane " << l;
}

TEST(SecpLanes, SumsAndDifferencesAndBits) {
  each_lane_type([](const LaneOperations& of, Random& random) {
    Vector a = edges(random, Word{1} << 63), b = edges(random, Word{1} << 63), out;
    of.add(out.data(), a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return a[l] + b[l]; });
    for (unsigned l = 0; l < lanes_max; ++l) {
      if (a[l] < b[l]) std::swap(a[l], b[l]);
    }
    of.sub(out.data(), a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return a[l] - b[l]; });
    const Word value = edge(random, ~Word{0});
    of.set1(out.data(), value);
    expect_each(of, out, [&](unsigned) { return value; });
    a = edges(random, ~Word{0});
    b = edges(random, ~Word{0});
    of.bit_and(out.data(), a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return a[l] & b[l]; });
    of.bit_or(out.data(), a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return a[l] | b[l]; });
    of.bit_xor(out.data(), a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return a[l] ^ b[l]; });
  });
}

TEST(SecpLanes, ShiftsAndProductsOfSmallNumbers) {
  each_lane_type([](const LaneOperations& of, Random& random) {
    Vector a = edges(random, ~Word{0}), out;
    for (const int right : {48, 52}) {
      of.shift(out.data(), a.data(), -right);
      expect_each(of, out, [&](unsigned l) { return a[l] >> right; });
    }
    for (const int left : {4, 32}) {
      a = edges(random, Word{1} << (64 - left));
      of.shift(out.data(), a.data(), left);
      expect_each(of, out, [&](unsigned l) { return a[l] << left; });
    }
    const Vector b = edges(random, Word{1} << 32), c = edges(random, Word{1} << 32);
    of.mul32(out.data(), b.data(), c.data());
    expect_each(of, out, [&](unsigned l) { return b[l] * c[l]; });
  });
}

TEST(SecpLanes, Masks) {
  each_lane_type([](const LaneOperations& of, Random& random) {
    Vector a = edges(random, ~Word{0}), b = edges(random, ~Word{0}), out;
    const auto which = static_cast<unsigned>(random.below(1u << of.lanes));
    const auto other = static_cast<unsigned>(random.below(1u << of.lanes));
    unsigned odd = 0;
    for (unsigned l = 0; l < of.lanes; ++l) {
      // One bit apart, anywhere.
      b[l] = (which >> l & 1) != 0 ? a[l] : a[l] ^ Word { 1 } << random.below(64);
      odd |= static_cast<unsigned>(a[l] & 1) << l;
    }
    EXPECT_EQ(of.equal(a.data(), b.data()), which);
    EXPECT_EQ(of.odd(a.data()), odd);
    EXPECT_EQ(of.mask_or(which, other), which | other);
    of.select(out.data(), which, a.data(), b.data());
    expect_each(of, out, [&](unsigned l) { return (which >> l & 1) != 0 ? a[l] : b[l]; });
  });
}

// Up to five products into accumulators that start as what they are going to take says.
TEST(SecpLanes, BothHalvesOfProductsOf52Bits) {
  each_lane_type([](const LaneOperations& of, Random& random) {
    if (!of.halves) return;
    const auto times = static_cast<unsigned>(random.below(6));
    Word a[5 * lanes_max], b[5 * lanes_max];
    Vector low, both, high, lows{}, highs{};
    for (unsigned i = 0; i < times; ++i) {
      for (unsigned l = 0; l < of.lanes; ++l) {
        const Word x = edge(random, half + 1), y = edge(random, half + 1);
        a[i * of.lanes + l] = x;
        b[i * of.lanes + l] = y;
        __extension__ using Wide = unsigned __int128;
        const Wide product = Wide{x} * y;
        lows[l] += static_cast<Word>(product) & half;
        highs[l] += static_cast<Word>(product >> 52);
      }
    }
    of.products(low.data(), both.data(), high.data(), a, b, times);
    expect_each(of, low, [&](unsigned l) { return lows[l]; });
    expect_each(of, both, [&](unsigned l) { return lows[l] + highs[l]; });
    expect_each(of, high, [&](unsigned l) { return highs[l]; });
  });
}

TEST(SecpLanes, NumbersOf256BitsBecomeLimbs) {
  each_lane_type([](const LaneOperations& of, Random& random) {
    Word words[lanes_max][4];
    const Word* at[lanes_max];
    for (unsigned l = 0; l < lanes_max; ++l) {
      for (Word& w : words[l]) w = random.below(3) == 0 ? ~Word{0} : edge(random, ~Word{0});
      at[l] = words[l];
    }
    if (!of.halves) return;
    Element loaded(of.lanes);
    of.load(loaded.words(), at);
    for (unsigned l = 0; l < of.lanes; ++l) {
      EXPECT_EQ(loaded.value(l), of_words(words[l]));
      for (unsigned i = 0; i < 5; ++i) EXPECT_LE(loaded.at(i, l), i < 4 ? half : half >> 4);
    }
    Number value = of_words(words[0]);
    if (value >= field_p) value -= field_p;
    const auto below_p = words_of<4>(value);
    of.everywhere(loaded.words(), below_p.data());
    for (unsigned l = 0; l < of.lanes; ++l) EXPECT_EQ(loaded.value(l), value);
  });
}

}  // namespace
}  // namespace claimgate::secp::test
