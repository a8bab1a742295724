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
    if (random.below(2) == 0)
      value -= static_cast<unsigned long>(random.word() >> random.below(64));
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

// What is above 2^256 after the first fold is folded once more, and what that carries a third time;
// that may run into the second word. With f = fold, (2^256 - s)(2^256 - t) leaves
// d = f (f - 1 - s - t) + s t beyond 2^256 when it has been folded twice.
TEST(SecpWords, ProductsThatAreFoldedThreeTimes) {
  const Number end = power_of_two(256), fold = end - field_p, word = power_of_two(64);
  unsigned into_second_word = 0;
  for (unsigned long s = 1; s <= 2000; ++s) {
    // Where d comes right below 2^64.
    const Number there = (fold * (fold - 1 - s) - word) / (fold - s);
    for (int beside = -2; beside <= 2; ++beside) {
      const Number t = there + beside;
      if (t < 1) continue;
      Four a, b, out;
      set(a, end - s);
      set(b, end - t);
      Field::mul(out, a, b);
      expect_residue(out, value_of(a) * value_of(b), "product", a, b);
      const Number d = fold * (fold - 1 - s - t) + s * t;
      into_second_word += d % word + fold >= word ? 1 : 0;
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(into_second_word, 1000u);
}

}  // namespace
}  // namespace claimgate::secp::test
