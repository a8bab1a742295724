// Arithmetic modulo p over every lane type against GMP, with limbs at the highest and the lowest
// that their types allow. That what comes out keeps to its type is checked here as well, but proved
// in bounds_test.cpp.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/lib/secp/lane_vectors.hpp"

namespace claimgate::secp::test {
namespace {

template <class Test>
void each_lane_type(unsigned rounds, Test test) {
  if (std::getenv("CLAIMGATE_LONG") != nullptr) rounds *= 50;
  for (const Named& named : tested_lanes("secp_field")) {
    if (!named.operations->halves) continue;  // words_test.cpp
    SCOPED_TRACE(named.name);
    Random random(5);
    for (unsigned i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
      test(*named.operations, random);
    }
  }
}

void expect_bounds(Element& e, unsigned lane, Word limb, Word top) {
  for (unsigned i = 0; i < 5; ++i) EXPECT_LT(e.at(i, lane), i < 4 ? limb : top) << "limb " << i;
}
// Limbs below their type's bounds, and this value modulo p.
void expect_raw(Element& e, unsigned lane, unsigned k, unsigned v, const Number& value) {
  expect_bounds(e, lane, k * limb_bound<1>, v * ((Word{1} << 48) + 1024) - 2 * k);
  EXPECT_EQ(modulo(e.value(lane), field_p), modulo(value, field_p)) << "lane " << lane;
}

TEST(SecpField, Products) {
  each_lane_type(5000, [](const LaneOperations& of, Random& random) {
    Element a = Element::of<1, 12>(random, of.lanes), b = Element::of<1, 12>(random, of.lanes);
    Element out(of.lanes);
    of.mul(out.words(), a.words(), b.words());
    for (unsigned l = 0; l < of.lanes; ++l) expect_raw(out, l, 1, 1, a.value(l) * b.value(l));
    of.sqr(out.words(), a.words());
    for (unsigned l = 0; l < of.lanes; ++l) expect_raw(out, l, 1, 1, a.value(l) * a.value(l));
  });
}

TEST(SecpField, Sums) {
  each_lane_type(2000, [](const LaneOperations& of, Random& random) {
    Element a = Element::of<1, 12>(random, of.lanes), b = Element::of<1, 12>(random, of.lanes);
    Element out(of.lanes);
    of.add_elements(out.words(), a.words(), b.words());
    for (unsigned l = 0; l < of.lanes; ++l) expect_raw(out, l, 2, 24, a.value(l) + b.value(l));
  });
}

TEST(SecpField, Differences) {
  each_lane_type(4000, [](const LaneOperations& of, Random& random) {
    const auto kind = static_cast<unsigned>(random.below(sum_kinds));
    const auto [k, v] = sums[kind];
    Element a = Element::of<1, 12>(random, of.lanes);
    Element b =
        Element::any(random, of.lanes, k * limb_bound<1>, v * ((Word{1} << 48) + 1024) - 2 * k);
    Element out(of.lanes);
    of.sub_elements(out.words(), a.words(), b.words(), kind);
    const unsigned times = std::max(k, v) + 1;
    for (unsigned l = 0; l < of.lanes; ++l) {
      expect_raw(out, l, 1 + times, 12 + times, a.value(l) - b.value(l));
      EXPECT_EQ(out.value(l), a.value(l) - b.value(l) + times * field_p);
    }
  });
}

TEST(SecpField, NegatedWhereAMaskSaysSo) {
  each_lane_type(4000, [](const LaneOperations& of, Random& random) {
    const bool wide = random.below(2) == 0;
    const unsigned times = wide ? 13 : 2;
    Element a = wide ? Element::of<1, 12>(random, of.lanes) : Element::of<1, 1>(random, of.lanes);
    Element out(of.lanes);
    const auto mask = static_cast<unsigned>(random.below(1u << of.lanes));
    of.negate(out.words(), a.words(), mask, wide);
    for (unsigned l = 0; l < of.lanes; ++l) {
      const bool negated = (mask >> l & 1) != 0;
      expect_raw(out, l, times, times, negated ? Number(-a.value(l)) : a.value(l));
      EXPECT_EQ(out.value(l), negated ? Number(times * field_p - a.value(l)) : a.value(l));
    }
  });
}

TEST(SecpField, CarriesAndWhatIsTight) {
  each_lane_type(4000, [](const LaneOperations& of, Random& random) {
    Element a = Element::of<64, 12>(random, of.lanes), b = Element::of<64, 64>(random, of.lanes);
    Element out(of.lanes);
    of.carry(out.words(), a.words());
    for (unsigned l = 0; l < of.lanes; ++l) {
      expect_raw(out, l, 1, 12, a.value(l));
      EXPECT_EQ(out.value(l), a.value(l));
    }
    of.tight(out.words(), b.words());
    for (unsigned l = 0; l < of.lanes; ++l) {
      expect_raw(out, l, 1, 1, b.value(l));
      EXPECT_LT(out.value(l), 2 * field_p);
    }
  });
}

// Multiples of p as they can stand in limbs, and their neighbours.
TEST(SecpField, ZeroIsEveryMultipleOfPAndNothingElse) {
  each_lane_type(4000, [](const LaneOperations& of, Random& random) {
    Element a(of.lanes);
    unsigned expected = 0;
    for (unsigned l = 0; l < of.lanes; ++l) {
      Number value = field_p * Number(static_cast<unsigned long>(random.below(12)));
      const auto kind = random.below(4);
      if (kind == 1) value += static_cast<unsigned long>(1 + random.below(3));
      if (kind == 2 && value > 0) value -= static_cast<unsigned long>(1 + random.below(3));
      if (kind == 3) value += random.below(field_p);
      Element limbs = limbs_of(value, 1);
      a.set(l, limbs.lane(0));
      if (modulo(value, field_p) == 0) expected |= 1u << l;
      expect_bounds(a, l, limb_bound<1>, top_bound<1, 12>);
    }
    EXPECT_EQ(of.is_zero(a.words()), expected);
    Word words[4];
    const auto first = a.lane(0);
    of.canonical(words, first.data());
    EXPECT_EQ(of_words(words), modulo(a.value(0), field_p));
  });
}

TEST(SecpField, CanonicalWordsOfAnyElement) {
  each_lane_type(4000, [](const LaneOperations& of, Random& random) {
    const Element a = Element::of<1, 12>(random, 1);
    Word words[4];
    const auto limbs = a.lane(0);
    of.canonical(words, limbs.data());
    EXPECT_EQ(of_words(words), modulo(a.value(0), field_p));
  });
  // What stands right below and above p and 2^256, which the last subtraction is for.
  each_lane_type(1, [](const LaneOperations& of, Random&) {
    for (const Number& base : {Number(0), field_p, Number(power_of_two(256)), Number(2 * field_p),
                               Number(11 * field_p)}) {
      for (int d = -2000; d <= 2000; ++d) {
        const Number value = base + d;
        if (value < 0) continue;
        Word words[4];
        const auto limbs = limbs_of(value, 1).lane(0);
        of.canonical(words, limbs.data());
        ASSERT_EQ(of_words(words), modulo(value, field_p)) << base << " + " << d;
      }
    }
  });
}

TEST(SecpField, InversesOfAllLanesOrNone) {
  each_lane_type(300, [](const LaneOperations& of, Random& random) {
    const bool two = random.below(2) == 0;
    const unsigned count = two ? 2 : 1, words = 5 * of.lanes;
    std::vector<Word> all(count * words);
    std::vector<Element> before;
    const bool with_zero = random.below(4) == 0;
    for (unsigned c = 0; c < count; ++c) {
      before.push_back(Element::of<1, 1>(random, of.lanes));
      for (unsigned l = 0; l < of.lanes; ++l) {
        if (before[c].value(l) % field_p == 0) before[c].at(0, l) ^= 1;
      }
    }
    if (with_zero) {
      const auto zero = limbs_of(random.below(2) == 0 ? Number(0) : field_p, 1).lane(0);
      before[random.below(count)].set(static_cast<unsigned>(random.below(of.lanes)), zero);
    }
    for (unsigned c = 0; c < count; ++c) {
      std::copy_n(before[c].words(), words, all.begin() + c * words);
    }
    ASSERT_EQ(of.invert(all.data(), two), !with_zero);
    for (unsigned c = 0; c < count; ++c) {
      Element after(of.lanes);
      std::copy_n(all.begin() + c * words, words, after.words());
      for (unsigned l = 0; l < of.lanes; ++l) {
        if (with_zero) {
          EXPECT_EQ(after.value(l), before[c].value(l));  // untouched
        } else {
          expect_raw(after, l, 1, 1, inverse_of(before[c].value(l), field_p));
        }
      }
    }
  });
}

}  // namespace
}  // namespace claimgate::secp::test
