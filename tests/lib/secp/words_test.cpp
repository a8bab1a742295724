// Arithmetic modulo p on four words, against GMP: words at their ends in every combination, and of
// chance. Each carry that may run through all words runs here.
#include "lib/secp/kernel/field_words.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/lib/secp/numbers.hpp"

namespace claimgate::secp::test {
namespace {

using Four = std::uint64_t[4];
using Field = Words<int>;

Number value_of(const Four& a) {
  return of_words(std::span(a));
}
void expect_residue(const Four& got, const Number& value, const char* what, const Four& a,
                    const Four& b) {
  ASSERT_EQ(modulo(value_of(got), field_p), modulo(value, field_p))
      << what << " of " << value_of(a) << " and " << value_of(b);
}
void expect_all(const Four& a, const Four& b) {
  const Number x = value_of(a), y = value_of(b);
  Four out;
  Field::add(out, a, b);
  expect_residue(out, x + y, "sum", a, b);
  Field::sub(out, a, b);
  expect_residue(out, x - y, "difference", a, b);
  Field::mul(out, a, b);
  expect_residue(out, x * y, "product", a, b);
  Field::sqr(out, a);
  expect_residue(out, x * x, "square", a, b);
  Field::negate_where(out, ~std::uint64_t{0}, a);
  expect_residue(out, -x, "negation", a, b);
  Field::negate_where(out, 0, a);
  ASSERT_EQ(value_of(out), x);
  Field::canonical(out, a);
  ASSERT_EQ(value_of(out), modulo(x, field_p));
  ASSERT_EQ(Field::is_zero(a), modulo(x, field_p) == 0);
}

void set(Four& out, const Number& value) {
  const auto words = words_of<4>(value);
  for (unsigned i = 0; i < 4; ++i) out[i] = words[i];
}

TEST(SecpWords, EndsOfWordsInEveryCombination) {
  constexpr std::uint64_t fold = Field::fold, most = ~std::uint64_t{0};
  constexpr std::uint64_t lowest[] = {0, 1, fold - 1, fold, 0 - fold - 1, 0 - fold, most - 1, most};
  constexpr std::uint64_t others[] = {0, 1, most - 1, most};
  std::vector<std::array<std::uint64_t, 4>> all;
  for (const auto w0 : lowest) {
    for (const auto w1 : others) {
      for (const auto w2 : others) {
        for (const auto w3 : others) all.push_back({w0, w1, w2, w3});
      }
    }
  }
  const std::size_t apart = std::getenv("CLAIMGATE_LONG") != nullptr ? 1 : 7;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i % apart; j < all.size(); j += apart) {
      Four a, b;
      std::copy(all[i].begin(), all[i].end(), a);
      std::copy(all[j].begin(), all[j].end(), b);
      expect_all(a, b);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(SecpWords, NumbersOfChanceAndNextToMultiplesOfP) {
  Random random(14);
  const unsigned rounds = std::getenv("CLAIMGATE_LONG") != nullptr ? 2'000'000 : 40'000;
  const Number end = power_of_two(256);
  const auto any = [&](Four& out) {
    const Number bases[] = {0, field_p, end, Number(end / 2), random.below(end)};
    Number value = bases[random.below(5)];
    if (random.below(2) == 0) value >>= random.below(200);
    value += static_cast<unsigned long>(random.word() >> random.below(64));
    if (random.below(2) == 0) value -= static_cast<unsigned long>(random.word() >> random.below(64));
    set(out, modulo(value, end));
  };
  for (unsigned i = 0; i < rounds; ++i) {
    Four a, b;
    any(a);
    any(b);
    expect_all(a, b);
    if (HasFatalFailure()) return;
  }
}

// What is above 2^256 after the first fold is folded once more, and what that carries a third time:
// products chosen so that it does.
TEST(SecpWords, ProductsThatAreFoldedThreeTimes) {
  Random random(15);
  const Number end = power_of_two(256), fold = end - field_p;
  unsigned met = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    // a·b = (2^256 - 1)·x + …: a = 2^256 - s, b = 2^256 - t, with small s and t, ends in words of ones.
    const Number s = random.word() >> random.below(64), t = random.word() >> random.below(64);
    Four a, b, out;
    set(a, modulo(end - s, end));
    set(b, modulo(end - t, end));
    const Number product = value_of(a) * value_of(b);
    const Number once = product % end + product / end * fold;
    met += once % end + once / end * fold >= end ? 1 : 0;
    Field::mul(out, a, b);
    expect_residue(out, product, "product", a, b);
    if (HasFatalFailure()) return;
  }
  // Quotients of chosen sums: v2 = lo + n4·fold at and beyond 2^256.
  for (unsigned i = 0; i < 200; ++i) {
    const Number high = end - 1 - random.below(Number(power_of_two(40)));
    for (int d = -3; d <= 3; ++d) {
      // A factor of 1 and little more leaves the product to the other.
      Four a, b, out;
      set(a, high + d < end ? Number(high + d) : Number(end - 1));
      set(b, power_of_two(static_cast<unsigned>(random.below(256))));
      Field::mul(out, a, b);
      expect_residue(out, value_of(a) * value_of(b), "product", a, b);
      const Number once = value_of(a) * value_of(b) % end + value_of(a) * value_of(b) / end * fold;
      met += once % end + once / end * fold >= end ? 1 : 0;
      if (HasFatalFailure()) return;
    }
  }
  std::printf("%u products were folded three times\n", met);
}

}  // namespace
}  // namespace claimgate::secp::test
