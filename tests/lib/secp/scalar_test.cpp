// What ECDSA asks of scalars, and inverses modulo p and n, against GMP.
#include "lib/secp/kernel/scalar.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"
#include "tests/lib/secp/numbers.hpp"
#include "tests/lib/secp/prepared.hpp"

namespace claimgate::secp::test {
namespace {

using Numbers = Scalars<30>;
using Inverses = Inverse<30>;

unsigned as_many(unsigned count) {
  return std::getenv("CLAIMGATE_LONG") != nullptr ? count * 50 : count;
}

// 0, 1, what is next to the modulus, powers of two and theirs beside them, n/2, and many of chance.
std::vector<Number> numbers_below(const Number& bound, unsigned count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Number> out;
  for (int d = 0; d < 40; ++d) {
    out.push_back(d);
    out.push_back(bound - 1 - d);
    out.push_back(bound / 2 - 20 + d);
  }
  for (unsigned e = 0; e < 256; ++e) {
    for (int d = -1; d <= 1; ++d) {
      out.push_back(power_of_two(e) + d);
      out.push_back(bound - power_of_two(e) + d);
    }
  }
  for (unsigned i = 0; i < count; ++i) {
    const Number any = random.below(bound);
    out.push_back(random.below(4) == 0 ? Number(any >> random.below(250)) : any);
  }
  std::erase_if(out, [&](const Number& v) { return v < 0 || v >= bound; });
  return out;
}

Number signed_number(const Numbers::Half& half) {
  const Number out = of_words(half.w);
  return (half.w[2] >> 63) != 0 ? Number(out - power_of_two(192)) : out;
}

TEST(SecpInverse, ModuloPAndModuloN) {
  const struct {
    const Number& modulus;
    const Inverses::Modulus& given;
  } both[] = {{field_p, Inverses::p}, {order_n, Inverses::n}};
  for (const auto& [modulus, given] : both) {
    for (const Number& x : numbers_below(modulus, as_many(100'000), 6)) {
      const auto words = words_of<4>(x);
      std::uint64_t out[4];
      Inverses::invert(out, words.data(), given);
      ASSERT_EQ(of_words(out), x == 0 ? Number(0) : inverse_of(x, modulus)) << x;
    }
  }
}

TEST(SecpScalar, ConstantsAreWhatTheyAreSaidToBe) {
  EXPECT_EQ(of_words(Numbers::n), order_n);
  EXPECT_EQ(of_words(Numbers::r_squared), modulo(power_of_two(512), order_n));
  EXPECT_EQ(
      modulo(Number(order_n * of_words(std::span(&Numbers::minus_inverse, 1))), power_of_two(64)),
      power_of_two(64) - 1);
  const Number a1 = signed_number(Numbers::a1), b1 = signed_number(Numbers::b1),
               a2 = signed_number(Numbers::a2);
  EXPECT_EQ(modulo(a1 + b1 * lambda, order_n), 0);
  EXPECT_EQ(modulo(a2 + a1 * lambda, order_n), 0);
  EXPECT_EQ(a1 * a1 - a2 * b1, order_n);
  EXPECT_EQ(modulo(lambda * lambda + lambda + 1, order_n), 0);
  // Rounded: 2^384 a1 / n, -2^384 b1 / n.
  EXPECT_EQ(of_words(Numbers::g1), (2 * power_of_two(384) * a1 + order_n) / (2 * order_n));
  EXPECT_EQ(of_words(Numbers::g2), (2 * power_of_two(384) * -b1 + order_n) / (2 * order_n));
  EXPECT_EQ(of_words(beta_words), beta);
  EXPECT_EQ(modulo(beta * beta * beta, field_p), 1);
  for (unsigned i = 0; i < 5; ++i) {
    const Number limb = (field_p >> (52 * i)) & (power_of_two(52) - 1);
    EXPECT_EQ(of_words(std::span(&p_limbs[i], 1)), limb);
  }
}

TEST(SecpScalar, MontgomerysProductsStayBelowN) {
  const auto as = numbers_below(order_n, as_many(50'000), 7);
  // One factor may be any number of 256 bits.
  const auto bs = numbers_below(power_of_two(256), as_many(50'000), 8);
  const Number back = inverse_of(power_of_two(256), order_n);
  const auto expect = [&](const Number& a, const Number& b) {
    const auto x = words_of<4>(a), y = words_of<4>(b);
    std::uint64_t out[4];
    Numbers::multiply(out, x.data(), y.data());
    ASSERT_EQ(of_words(out), modulo(a * b * back, order_n)) << a << " " << b;
    Numbers::multiply(out, y.data(), x.data());
    ASSERT_EQ(of_words(out), modulo(a * b * back, order_n)) << a << " " << b;
  };
  for (std::size_t i = 0; i < as.size(); ++i) {
    expect(as[i], bs[i % bs.size()]);
    expect(as[i], as[(i * 7 + 3) % as.size()]);
    expect(as[i], bs[bs.size() - 1 - i % 60]);
  }
  expect(order_n - 1, power_of_two(256) - 1);
  expect(order_n - 1, order_n - 1);
}

TEST(SecpScalar, TheRoundedQuotient) {
  for (const Number& k : numbers_below(order_n, as_many(50'000), 9)) {
    const auto words = words_of<4>(k);
    for (const auto& g : {Numbers::g1, Numbers::g2}) {
      std::uint64_t out[2];
      Numbers::multiply_high(out, words.data(), g);
      ASSERT_EQ(of_words(out), (k * of_words(std::span(g, 4)) + power_of_two(383)) >> 384);
    }
  }
}

// The digits of an odd number, out of what recoding made of it.
template <unsigned width, unsigned windows>
void expect_digits(const Numbers::Half& k) {
  ScalarEach<30>::Half half;
  Numbers::offset<width * windows>(half.n, k);
  Number value = 0;
  for_each_digit<windows>([&]<unsigned i>() {
    std::uint64_t minus = 2;
    const std::uint64_t index = digit<Portable<30>, width, i>(half, minus);
    ASSERT_LT(index, 1u << (width - 1));
    ASSERT_LT(minus, 2u);
    const Number digit = static_cast<unsigned long>(2 * index + 1);
    value += (minus != 0 ? Number(-digit) : digit) * power_of_two(width * i);
  });
  ASSERT_EQ(value, signed_number(k));
}
void expect_all_digits(const Numbers::Half& k) {
  expect_digits<small_width, small_windows>(k);
  expect_digits<large_width, large_windows>(k);
  expect_digits<generator_width, generator_windows>(k);
  expect_digits<4, 33>(k);  // Cold's
}

TEST(SecpScalar, HalvesAreOddAndShortAndTheirDigitsToo) {
  Number most[2] = {0, 0};
  auto all = numbers_below(order_n, as_many(100'000), 10);
  for (int i = -40; i <= 40; ++i) {  // around the lattice's points and between them
    for (int j = -40; j <= 40; ++j) {
      const Number a = i * signed_number(Numbers::a1) + j * signed_number(Numbers::a2);
      all.push_back(modulo(a + i, order_n));
      all.push_back(modulo(a / 2 + j, order_n));
      all.push_back(modulo(i + j * lambda, order_n));
      all.push_back(modulo(a / 2 * lambda, order_n));
    }
  }
  for (const Number& k : all) {
    const auto words = words_of<4>(k);
    Numbers::Half first, second;
    Numbers::split(first, second, words.data());
    const Number a = signed_number(first), b = signed_number(second);
    ASSERT_EQ(modulo(a + b * lambda, order_n), k);
    ASSERT_EQ(first.w[0] & second.w[0] & 1, 1u) << k;
    ASSERT_LT(abs(a), power_of_two(129)) << k;
    ASSERT_LT(abs(b), power_of_two(129)) << k;
    if (abs(a) > most[0]) most[0] = abs(a);
    if (abs(b) > most[1]) most[1] = abs(b);
    expect_all_digits(first);
    expect_all_digits(second);
  }
  // As scalar.hpp says: below (0.64 + 1.28) 2^128 and (0.55 + 0.9) 2^128.
  EXPECT_LT(most[0] * 100, power_of_two(128) * 192);
  EXPECT_LT(most[1] * 100, power_of_two(128) * 145);
}

// The ends of what digits can express: ±(2^130 - 1) is nothing a split gives.
TEST(SecpScalar, DigitsOfTheLargestNumbers) {
  for (const Number& top : {Number(power_of_two(130) - 1), Number(power_of_two(129) - 1),
                            Number(power_of_two(129) + 1), Number(1), Number(3)}) {
    for (const Number& k : {top, Number(-top)}) {
      const auto words = words_of<3>(modulo(k, power_of_two(192)));
      expect_all_digits({{words[0], words[1], words[2]}});
    }
  }
}

TEST(SecpScalar, PreparedBatches) {
  Random random(11);
  for (unsigned round = 0; round < as_many(300); ++round) {
    const Prepared made(random);
    const auto count = static_cast<unsigned>(made.claims.size());
    std::uint64_t got_r[64][4], u1[64][4], u2[64][4];
    prepare_each<30, 64>(made.claims.data(), count, got_r, u1, u2);
    for (unsigned i = 0; i < count; ++i) {
      const Number inverse = inverse_of(made.s[i], order_n);
      ASSERT_EQ(of_words(got_r[i]), made.r[i]);
      ASSERT_EQ(of_words(u1[i]), modulo(made.m[i] * inverse, order_n));
      ASSERT_EQ(of_words(u2[i]), modulo(made.r[i] * inverse, order_n));
    }
  }
}

TEST(SecpScalar, SecondCandidatesAreBelowP) {
  const Number room = field_p - order_n;
  std::vector<Number> rs = numbers_below(order_n, 1000, 12);
  for (int d = -50; d <= 50; ++d) rs.push_back(room + d);
  for (const Number& r : rs) {
    const auto words = words_of<4>(r);
    std::uint64_t out[4];
    const bool there = second_candidate<30>(out, words.data());
    ASSERT_EQ(there, r < room) << r;
    ASSERT_EQ(of_words(out), there ? Number(r + order_n) : r);
  }
}

}  // namespace
}  // namespace claimgate::secp::test
