// The engine against the reference: whatever path a claim takes, the answer is libsecp256k1's.
#include "lib/secp/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "lib/secp/kernels.hpp"
#include "tests/lib/secp/signer.hpp"

namespace claimgate::secp {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr unsigned rounds = 1;
#else
constexpr unsigned rounds = 8;
#endif

template <class T>
T need(Expected<T> got) {
  if (!got) throw std::runtime_error(got.error().text());
  return std::move(*got);
}

EngineOptions small_engine(const std::string& kernel) {
  return {.kernel = kernel,
          .keys_max = 4096,
          .table_bytes = std::size_t{8} << 20,
          .pages = memory::Pages::normal};
}

// Hands all of them in, as lanes are free, and takes the answers; `after_each` poll.
template <class AfterEach>
std::vector<bool> verify_all(Engine& engine, const std::vector<Claim>& claims,
                             AfterEach after_each) {
  std::vector<bool> answers;
  std::array<bool, Engine::lanes_max> answered;
  std::size_t submitted = 0;
  while (answers.size() < claims.size()) {
    while (submitted < claims.size() && engine.free_lanes() > 0) engine.submit(claims[submitted++]);
    const unsigned count = engine.poll(answered);
    answers.insert(answers.end(), answered.begin(), answered.begin() + count);
    after_each();
  }
  return answers;
}
std::vector<bool> verify_all(Engine& engine, const std::vector<Claim>& claims) {
  return verify_all(engine, claims, [] {});
}

Claim claim_of(const Signed& made, std::uint32_t key_number) {
  return {made.signature.data(), made.digest.data(), made.key.data(), key_number};
}

// Signatures of some keys, a third of them spoilt in one way or another.
class Traffic {
 public:
  Traffic(std::uint64_t seed, unsigned keys) : signer_(seed), random_(seed) {
    for (unsigned i = 0; i < keys; ++i) secrets_.push_back(signer_.secret());
  }
  void add(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      // Few keys sign most of it.
      const auto key = static_cast<std::uint32_t>(
          random_() % 4 != 0 ? random_() % (secrets_.size() / 8 + 1) : random_() % secrets_.size());
      Signed made = signer_.sign(secrets_[key]);
      switch (random_() % 12) {
        case 0:
          made.digest[random_() % 32] ^= std::byte{4};
          break;
        case 1:
          made.signature[random_() % 32] ^= std::byte{1};
          break;
        case 2:
          made.signature[32 + random_() % 32] ^= std::byte{1};
          break;
        case 3:
          made.key = signer_.key_of(secrets_[(key + 1) % secrets_.size()]);
          break;
        default:
          break;
      }
      signed_.push_back(made);
      claims_.push_back(claim_of(signed_.back(), key));
    }
  }
  [[nodiscard]] const std::vector<Claim>& claims() const { return claims_; }
  [[nodiscard]] std::vector<bool> expected(const Reference& reference) const {
    std::vector<bool> out;
    for (const Claim& claim : claims_) {
      out.push_back(reference.verify(claim.signature, claim.digest, claim.key));
    }
    return out;
  }

 private:
  Signer signer_;
  std::mt19937_64 random_;
  std::vector<Signer::Secret> secrets_;
  std::deque<Signed> signed_;
  std::vector<Claim> claims_;
};

class EngineTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const Kernel* kernel : kernels()) {
      if (word(*kernel) == GetParam() && !runs_here(*kernel)) {
        std::printf("NOT RUN: secp_engine with kernel %s: this CPU has no %s\n", GetParam().c_str(),
                    kernel->name);
        GTEST_SKIP();
      }
    }
  }
  const Reference reference = need(Reference::create());
};
// What there is only with a kernel: tables, and a second opinion.
class EngineKernelTest : public EngineTest {};

TEST_P(EngineTest, AnswersAsTheReferenceWhileTablesComeAndGo) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Traffic traffic(7, 400);  // twice as many keys as there is room for tables
  traffic.add(3'000 * rounds);
  const auto answers = verify_all(engine, traffic.claims());
  const auto expected = traffic.expected(reference);
  ASSERT_EQ(answers, expected);
  EXPECT_GT(std::ranges::count(expected, true), 0);
  const EngineCounters& counters = engine.counters();
  EXPECT_EQ(counters.hot_large.value() + counters.hot_small.value() + counters.cold.value() +
                counters.reference.value() + counters.out_of_range.value(),
            answers.size());
  if (GetParam() == "reference") {
    EXPECT_EQ(engine.pool_counters(), nullptr);
    EXPECT_EQ(counters.batches.value(), 0U);
  } else {
    EXPECT_EQ(counters.undecided.value(), 0U);
  }
}

// One key, until it has the best table there is; then claims one at a time and in crowds.
TEST_P(EngineKernelTest, AKeyThatSignsOftenGetsATable) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Signer signer(3);
  const auto secret = signer.secret();
  std::deque<Signed> made;
  std::vector<Claim> claims;
  for (unsigned i = 0; i < 256; ++i) {
    made.push_back(signer.sign(secret));
    claims.push_back(claim_of(made.back(), 9));
  }
  for (unsigned i = 0; i < 4000 && engine.counters().hot_large.value() == 0; ++i) {
    for (const bool good : verify_all(engine, claims)) ASSERT_TRUE(good);
  }
  EXPECT_GT(engine.counters().hot_large.value(), 0U);
  EXPECT_EQ(engine.pool_counters()->large_in_use.value(), 1U);
  for (const unsigned crowd : {1U, 2U, 3U, 7U, 8U, 9U, 31U, 64U, 100U}) {
    const std::uint64_t before = engine.counters().hot_large.value();
    const std::vector<Claim> some(claims.begin(), claims.begin() + crowd);
    for (const bool good : verify_all(engine, some)) EXPECT_TRUE(good) << crowd;
    EXPECT_EQ(engine.counters().hot_large.value() - before, crowd);
  }
}

TEST_P(EngineTest, NumbersOutOfRangeAreRefusedAndHarmNobody) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Signer signer(4);
  const auto secret = signer.secret();
  constexpr std::array<const char*, 6> numbers = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",  // n
      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1",  // (n + 1) / 2
      "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"};
  std::deque<Signed> made;
  std::vector<Claim> claims;
  for (unsigned i = 0; i < 120; ++i) {
    Signed& each = made.emplace_back(signer.sign(secret));
    if (i % 2 == 1) {
      const char* const hex = numbers[i / 2 % numbers.size()];
      const unsigned half = i / 2 / numbers.size() % 2 * 32;
      for (unsigned b = 0; b < 32; ++b) {
        const auto digit = [&](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
        each.signature[half + b] =
            static_cast<std::byte>(digit(hex[2 * b]) << 4 | digit(hex[2 * b + 1]));
      }
    }
    claims.push_back(claim_of(each, 1));
  }
  const auto answers = verify_all(engine, claims);
  for (unsigned i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i], i % 2 == 0) << i;
    EXPECT_EQ(answers[i], reference.verify(claims[i].signature, claims[i].digest, claims[i].key));
  }
  // s = n/2 and r = (n + 1)/2 or n/2 are in range, if wrong.
  EXPECT_EQ(engine.counters().out_of_range.value(), 45U);
}

// Secret key 1, so Q = G; with r as its own digest u1 = u2, and the last addition is of a point to
// itself.
TEST_P(EngineTest, WhatAKernelCannotDecideTheReferenceDoes) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Signer signer(5);
  Signer::Secret one{};
  one[31] = 1;
  // k = 2: R = 2G. s = (r + r·1)/k = r; its negative where it is above n/2.
  constexpr std::array<unsigned char, 32> x_of_2g = {
      0xC6, 0x04, 0x7F, 0x94, 0x41, 0xED, 0x7D, 0x6D, 0x30, 0x45, 0x40,
      0x6E, 0x95, 0xC0, 0x7C, 0xD8, 0x5C, 0x77, 0x8E, 0x4B, 0x8C, 0xEF,
      0x3C, 0xA7, 0xAB, 0xAC, 0x09, 0xB9, 0x5C, 0x70, 0x9E, 0xE5};
  constexpr std::array<unsigned char, 32> n_minus = {
      0x39, 0xFB, 0x80, 0x6B, 0xBE, 0x12, 0x82, 0x92, 0xCF, 0xBA, 0xBF,
      0x91, 0x6A, 0x3F, 0x83, 0x26, 0x5E, 0x37, 0x4E, 0x9B, 0x22, 0x59,
      0x63, 0x94, 0x14, 0x26, 0x54, 0xD3, 0x73, 0xC5, 0xA2, 0x5C};
  Signed crafted;
  std::memcpy(crafted.signature.data(), x_of_2g.data(), 32);
  std::memcpy(crafted.signature.data() + 32, n_minus.data(), 32);
  std::memcpy(crafted.digest.data(), x_of_2g.data(), 32);
  crafted.key = signer.key_of(one);
  ASSERT_TRUE(
      reference.verify(crafted.signature.data(), crafted.digest.data(), crafted.key.data()));

  std::deque<Signed> made;
  for (unsigned i = 0; i < 200; ++i) made.push_back(signer.sign(one));
  std::vector<Claim> honest;
  for (const Signed& each : made) honest.push_back(claim_of(each, 2));
  for (unsigned i = 0; i < 4000 && engine.counters().hot_small.value() == 0 &&
                       engine.counters().hot_large.value() == 0 && GetParam() != "reference";
       ++i) {
    static_cast<void>(verify_all(engine, honest));
  }
  std::vector<Claim> mixed(honest.begin(), honest.begin() + 30);
  mixed[13] = claim_of(crafted, 2);
  for (const bool good : verify_all(engine, mixed)) EXPECT_TRUE(good);
  EXPECT_EQ(engine.counters().undecided.value(), GetParam() == "reference" ? 0U : 1U);
}

TEST_P(EngineTest, ADisagreementWithdrawsTheKernel) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Traffic traffic(11, 20);
  traffic.add(2'000);
  const auto expected = traffic.expected(reference);
  EXPECT_TRUE(engine.audit().check(reference));
  Signer signer(12);
  Signed wrong = signer.sign(signer.secret());
  wrong.digest[0] ^= std::byte{1};
  unsigned polls = 0;
  const auto answers = verify_all(engine, traffic.claims(), [&] {
    // In the midst of batches.
    if (++polls == 5) {
      engine.audit().offer(wrong.signature.data(), wrong.digest.data(), wrong.key.data());
      EXPECT_FALSE(engine.audit().check(reference));
    }
  });
  EXPECT_EQ(answers, expected);
  EXPECT_EQ(engine.audit().disagreed.value(), 1U);
  const std::uint64_t by_kernel = engine.counters().batches.value();
  EXPECT_EQ(verify_all(engine, traffic.claims()), expected);
  EXPECT_EQ(engine.counters().batches.value(), by_kernel) << "not used any more";
}

TEST_P(EngineKernelTest, OneInAThousandIsVerifiedAgain) {
  Engine engine = need(Engine::create(small_engine(GetParam())));
  Signer signer(13);
  const auto secret = signer.secret();
  std::deque<Signed> made;
  std::vector<Claim> claims;
  for (unsigned i = 0; i < 200; ++i) {
    made.push_back(signer.sign(secret));
    claims.push_back(claim_of(made.back(), 0));
  }
  for (unsigned i = 0;
       i < 4000 && engine.counters().hot_small.value() + engine.counters().hot_large.value() +
                           engine.counters().cold.value() <
                       3'500;
       ++i) {
    static_cast<void>(verify_all(engine, claims));
  }
  EXPECT_TRUE(engine.audit().check(reference));
  EXPECT_GE(engine.audit().agreed.value(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Kernels, EngineTest,
                         testing::Values("auto", "ifma", "avx2", "portable", "reference"),
                         [](const auto& each) { return each.param; });
INSTANTIATE_TEST_SUITE_P(Kernels, EngineKernelTest,
                         testing::Values("auto", "ifma", "avx2", "portable"),
                         [](const auto& each) { return each.param; });

TEST(Engine, NamesAKernelThatThereIsNot) {
  const auto made = Engine::create({.kernel = "sse2"});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text().find("sse2"), std::string::npos);
}

TEST(Engine, DoesNotStartWithAKernelThatCannotRun) {
  for (const Kernel* kernel : kernels()) {
    if (runs_here(*kernel)) continue;
    const auto made = Engine::create({.kernel = std::string(word(*kernel))});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().text().find(kernel->name), std::string::npos);
  }
}

}  // namespace
}  // namespace claimgate::secp
