// field.hpp's bounds for all inputs: each operation is run once on the whole intervals that the
// types of its operands allow (lane_interval.hpp). No fault may be noted on the way, and the result
// must lie within its own type.
//
// That the value comes out right modulo p needs no intervals: where nothing is lost every operation
// is exact over the integers, and the field tests hold those against GMP.
#define CG_INLINE inline
#include "lib/secp/kernel/field.hpp"
#include "lib/secp/kernel/scalar_lanes.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "tests/lib/secp/lane_interval.hpp"
#include "tests/lib/secp/numbers.hpp"

namespace claimgate::secp::test {
namespace {

template <class L, unsigned K, unsigned V>
Raw<L, K, V> widest_raw() {
  Raw<L, K, V> out;
  for (unsigned i = 0; i < 4; ++i) out.n[i] = Interval::of(0, limb_bound<K> - 1);
  out.n[4] = Interval::of(0, top_bound<K, V> - 1);
  return out;
}
template <class L, unsigned V>
Fe<L, V> widest() {
  const auto r = widest_raw<L, 1, V>();
  return {{r.n[0], r.n[1], r.n[2], r.n[3], r.n[4]}};
}

void expect_below(const Interval (&n)[5], std::uint64_t limb, std::uint64_t top,
                  const std::string& what) {
  for (unsigned i = 0; i < 5; ++i) {
    EXPECT_TRUE(n[i].whole().high < (i < 4 ? limb : top)) << what << ", limb " << i;
  }
}
template <class L, unsigned K, unsigned V>
void expect_within(const Raw<L, K, V>& a, const char* what) {
  expect_below(a.n, limb_bound<K>, top_bound<K, V>,
               std::string(what) + ", K " + std::to_string(K) + ", V " + std::to_string(V));
}
template <class L, unsigned V>
void expect_within(const Fe<L, V>& a, const char* what) {
  expect_within(raw(a), what);
}

template <class L>
class SecpBounds : public ::testing::Test {
 protected:
  void SetUp() override { Faults::count = 0; }
  void TearDown() override { EXPECT_EQ(Faults::count, 0u) << Faults::first; }
};
using One = ::testing::Types<Intervals>;
TYPED_TEST_SUITE(SecpBounds, One);

// Every V that an element may have: the product's bounds grow with it.
TYPED_TEST(SecpBounds, ProductsOfTheWidestElements) {
  expect_within(mul(widest<TypeParam, 12>(), widest<TypeParam, 12>()), "mul");
  expect_within(sqr(widest<TypeParam, 12>()), "sqr");
}

TYPED_TEST(SecpBounds, TightOfTheWidestSum) {
  const Fe<TypeParam, 1> out = tight(widest_raw<TypeParam, 64, 64>());
  expect_within(out, "tight");
  // is_zero()'s and canonical_words()'s ground: below 2p, limbs 0..3 of one form.
  std::uint64_t most[5];
  for (unsigned i = 0; i < 5; ++i) most[i] = static_cast<std::uint64_t>(out.n[i].high);
  EXPECT_LT(of_limbs(most), 2 * field_p);
}

TYPED_TEST(SecpBounds, EveryElementIsWhatIsZeroTakesOnceItIsTight) {
  const auto product = mul(widest<TypeParam, 12>(), widest<TypeParam, 12>());
  const auto square = sqr(widest<TypeParam, 12>());
  for (const auto& given : {product, square, widest<TypeParam, 1>()}) {
    std::uint64_t most[5];
    for (unsigned i = 0; i < 5; ++i) most[i] = static_cast<std::uint64_t>(given.n[i].high);
    EXPECT_LT(of_limbs(most), 2 * field_p);
  }
}

// f<K, V>() for all of these. (The bounds are linear in K and in V, and so is what is done: the
// ends would do.)
template <unsigned... values, class F>
void for_each(std::integer_sequence<unsigned, values...>, F f) {
  (f.template operator()<values>(), ...);
}
template <class Ks, class Vs, class F>
void for_all(F f) {
  for_each(Ks{}, [&]<unsigned K>() {
    for_each(Vs{}, [&]<unsigned V>() { f.template operator()<K, V>(); });
  });
}
template <unsigned... values>
using These = std::integer_sequence<unsigned, values...>;
using Few = These<1, 2, 3, 4, 5, 8, 9, 16, 31>;
using UpTo12 = These<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>;

TYPED_TEST(SecpBounds, CarryOfEveryRawThatFitsAnElement) {
  for_all<These<1, 2, 3, 4, 5, 8, 16, 32, 63, 64>, UpTo12>([]<unsigned K, unsigned V>() {
    expect_within(carry(widest_raw<TypeParam, K, V>()), "carry");
  });
}

TYPED_TEST(SecpBounds, DifferencesAreNeverBelowZeroAndCovered) {
  for_all<Few, Few>([]<unsigned K, unsigned V>() {
    expect_within(sub(widest<TypeParam, 1>(), widest_raw<TypeParam, K, V>()), "sub");
    expect_within(sub(widest_raw<TypeParam, 32, 32>(), widest_raw<TypeParam, K, V>()), "sub");
  });
}

TYPED_TEST(SecpBounds, Sums) {
  for_all<Few, Few>([]<unsigned K, unsigned V>() {
    expect_within(add(widest<TypeParam, 1>(), widest_raw<TypeParam, K, V>()), "add");
    expect_within(add(widest_raw<TypeParam, 32, 32>(), widest_raw<TypeParam, K, V>()), "add");
  });
}

TYPED_TEST(SecpBounds, NegatedOrNot) {
  for_each(UpTo12{}, []<unsigned V>() {
    for (const std::uint64_t mask : {std::uint64_t{0}, ~std::uint64_t{0}}) {
      expect_within(negate_where(Interval::exactly(mask), widest<TypeParam, V>()), "negate_where");
    }
  });
}

// What comes from memory: four words below 2^256.
TYPED_TEST(SecpBounds, LoadedNumbersAreElements) {
  constexpr std::uint64_t words[4] = {~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0},
                                      ~std::uint64_t{0}};
  expect_within(everywhere<TypeParam>(words), "everywhere");
  expect_within(one<TypeParam>(), "one");
}

// ---- scalars -----------------------------------------------------------------------------------

template <class L>
typename ScalarLanes<L>::Number widest_scalar() {
  typename ScalarLanes<L>::Number out;
  for (unsigned i = 0; i < 5; ++i) {
    out.n[i] = Interval::of(0, (std::uint64_t{1} << (i < 4 ? 52 : 49)) - 1);
  }
  return out;
}

// What multiply() gives it takes again, and Scalars::words() as well: below 2^257 - 2^130.
TYPED_TEST(SecpBounds, ProductsOfScalarsAreScalars) {
  const auto wide = widest_scalar<TypeParam>();
  const auto out = ScalarLanes<TypeParam>::multiply(wide, wide);
  expect_below(out.n, limb_bound<1>, std::uint64_t{1} << 49, "scalar");
  std::uint64_t most[5];
  for (unsigned i = 0; i < 5; ++i) most[i] = static_cast<std::uint64_t>(out.n[i].high);
  EXPECT_LT(of_limbs(most), power_of_two(257) - power_of_two(130));
}

TYPED_TEST(SecpBounds, HalvesOfScalars) {
  typename ScalarLanes<TypeParam>::Half first, second;
  ScalarLanes<TypeParam>::template split<136>(first, second, widest_scalar<TypeParam>());
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(first.n[i].whole().high < limb_bound<1>) << "limb " << i;
    EXPECT_TRUE(second.n[i].whole().high < limb_bound<1>) << "limb " << i;
  }
}

// A proof that can fail: one step beyond each bound is seen.
TYPED_TEST(SecpBounds, OneStepBeyondIsAFault) {
  const auto faults_of = [](auto run) {
    Faults::count = 0;
    run();
    return std::exchange(Faults::count, 0u);
  };
  EXPECT_GT(faults_of([] {
              Fe<TypeParam, 12> a = widest<TypeParam, 12>();
              a.n[0].high += 1;
              static_cast<void>(mul(a, a));
            }),
            0u);
  EXPECT_GT(faults_of([] {
              auto a = widest_scalar<TypeParam>();
              a.n[3].high += 1;
              static_cast<void>(ScalarLanes<TypeParam>::multiply(a, a));
            }),
            0u);
  EXPECT_GT(faults_of([] {
              auto b = widest_raw<TypeParam, 1, 1>();
              b.n[0].high = 2 * p_limbs[0] + 1;
              static_cast<void>(sub(widest<TypeParam, 1>(), b));
            }),
            0u);
  EXPECT_GT(faults_of([] {
              auto a = widest<TypeParam, 1>();
              a.n[0].high = 2 * p_limbs[0] + 1;
              static_cast<void>(negate_where(Interval::exactly(~std::uint64_t{0}), a));
            }),
            0u);
}

}  // namespace
}  // namespace claimgate::secp::test
