// The digester by every kernel that runs here, and by ipsec-mb, against libsodium's SHA-512,
// message by message; how it chooses among kernels.
#include "lib/digest/digester.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace claimgate::digest {
namespace {

constexpr std::byte untouched{0xA5};

// Messages and rooms for digests, each with `gap` bytes between it and the next, from `offset` on.
class Jobs {
 public:
  Jobs(std::size_t count, std::size_t offset, std::size_t gap, std::uint64_t seed)
      : offset_(offset),
        message_stride_(message_bytes + gap),
        digest_stride_(digest_bytes + gap),
        // Exactly as large as needed: AddressSanitizer sees what reaches beyond.
        messages_(offset + count * message_stride_ - gap),
        digests_(offset + count * digest_stride_, untouched) {
    std::mt19937_64 random(seed);
    std::ranges::generate(messages_, [&] { return static_cast<std::byte>(random()); });
    for (std::size_t i = 0; i < count; ++i) jobs_.push_back({message(i), digest(i)});
  }
  [[nodiscard]] std::span<const Job> jobs() const { return jobs_; }
  [[nodiscard]] const std::byte* message(std::size_t i) const {
    return messages_.data() + offset_ + i * message_stride_;
  }
  [[nodiscard]] std::byte* digest(std::size_t i) {
    return digests_.data() + offset_ + i * digest_stride_;
  }
  void expect_right() {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      std::array<unsigned char, crypto_hash_sha512_BYTES> expected;
      crypto_hash_sha512(expected.data(), reinterpret_cast<const unsigned char*>(message(i)),
                         message_bytes);
      EXPECT_EQ(0, memcmp(expected.data(), digest(i), digest_bytes))
          << "message " << i << " of " << jobs_.size();
      for (std::size_t at = digest_bytes; at < digest_stride_; ++at) {
        EXPECT_EQ(digest(i)[at], untouched) << "byte " << at << " behind digest " << i;
      }
    }
    for (std::size_t at = 0; at < offset_; ++at) EXPECT_EQ(digests_[at], untouched);
  }

 private:
  std::size_t offset_, message_stride_, digest_stride_;
  std::vector<std::byte> messages_, digests_;
  std::vector<Job> jobs_;
};

class DigesterTest : public testing::TestWithParam<const char*> {
 protected:
  DigesterTest() {
    if (sodium_init() < 0) ADD_FAILURE() << "libsodium does not start";
    auto made = Digester::create({.kernel = GetParam()});
    if (!made) ADD_FAILURE() << made.error().text();
    digester.emplace(std::move(*made));
  }
  std::optional<Digester> digester;
};

std::vector<const char*> all_that_run_here() {
  std::vector<const char*> words = {"ipsec-mb"};
  for (const Kernel* kernel : kernels()) {
    if (runs_here(*kernel)) words.push_back(kernel->word);
  }
  return words;
}
INSTANTIATE_TEST_SUITE_P(By, DigesterTest, testing::ValuesIn(all_that_run_here()),
                         [](const auto& kernel) {
                           std::string name = kernel.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(DigesterTest, GivesTheFirstHalfOfSha512OfEveryMessageInBurstsOfEverySize) {
  for (std::size_t count = 1; count <= 200; ++count) {
    Jobs jobs(count, 0, 0, count);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_P(DigesterTest, WritesThirtyTwoBytesAndNoneBeside) {
  for (const std::size_t count : {1U, 7U, 33U}) {
    Jobs jobs(count, 64, 64, count);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_P(DigesterTest, TakesAnyAlignment) {
  for (std::size_t offset = 0; offset < 64; ++offset) {
    Jobs jobs(11, offset, offset % 7, offset);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_P(DigesterTest, KeepsNothingFromOneBurstToTheNext) {
  std::mt19937_64 random(3);
  for (unsigned round = 0; round < 300; ++round) {
    Jobs jobs(random() % 12, 0, 0, round);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_P(DigesterTest, DigestsOfNothingAreNothing) {
  digester->digest({});
  Jobs jobs(1, 0, 0, 1);
  digester->digest(jobs.jobs());
  jobs.expect_right();
}

TEST_P(DigesterTest, ManyMessagesMayShareOneRoomOfInput) {
  const std::array<std::byte, message_bytes> message{};
  std::vector<std::array<std::byte, digest_bytes>> digests(50);
  std::vector<Job> jobs;
  for (auto& digest : digests) jobs.push_back({message.data(), digest.data()});
  digester->digest(jobs);
  for (const auto& digest : digests) EXPECT_EQ(digest, digests[0]);
}

TEST_P(DigesterTest, NamesItsKernel) {
  const std::string& name = digester->kernel();
  EXPECT_EQ(name.starts_with("ipsec-mb ("), GetParam() == std::string_view("ipsec-mb")) << name;
  EXPECT_EQ(name.find("unknown"), std::string::npos) << name;
}

TEST_P(DigesterTest, StillWorksAfterItWasMoved) {
  Digester moved = std::move(*digester);
  Jobs jobs(20, 0, 0, 20);
  moved.digest(jobs.jobs());
  jobs.expect_right();
}

// ---- the choice ---------------------------------------------------------------------------------

void by_libsodium(const Job* jobs, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    std::array<unsigned char, crypto_hash_sha512_BYTES> hash;
    crypto_hash_sha512(hash.data(), reinterpret_cast<const unsigned char*>(jobs[i].message),
                       message_bytes);
    memcpy(jobs[i].digest, hash.data(), digest_bytes);
  }
}

void four_times_by_libsodium(const Job* jobs, std::size_t count) noexcept {
  for (unsigned i = 0; i < 4; ++i) by_libsodium(jobs, count);
}

// A bit of one lane's digest differs.
void with_a_mistake(const Job* jobs, std::size_t count) noexcept {
  by_libsodium(jobs, count);
  if (count > 6) jobs[6].digest[31] ^= std::byte{0x80};
}

// Right, but one digest more than was asked for.
void one_too_many(const Job* jobs, std::size_t count) noexcept {
  by_libsodium(jobs, count == 3 ? 4 : count);
}

// Leaves a tail out.
void whole_pairs_only(const Job* jobs, std::size_t count) noexcept {
  by_libsodium(jobs, count & ~std::size_t{1});
}

void nothing(const Job*, std::size_t) noexcept {}

constexpr Kernel slow{.name = "slow", .word = "slow", .digest = four_times_by_libsodium};

Expected<Digester> choose(std::vector<const Kernel*> from, std::string_view word = "auto") {
  return Digester::create({.kernel = word, .kernels = from});
}

TEST(ChoiceOfADigester, LeavesAKernelThatIsNoFasterThanIpsecMb) {
  const auto made = choose({&slow});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->kernel().starts_with("ipsec-mb (")) << made->kernel();
  EXPECT_TRUE(made->kernel().ends_with(")")) << "nothing is wrong with it: " << made->kernel();
}

TEST(ChoiceOfADigester, TakesWhatIsAskedForHoweverSlow) {
  const auto made = choose({&slow}, "slow");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->kernel(), "slow kernel");
}

TEST(ChoiceOfADigester, NeverTakesAKernelThatIsWrong) {
  for (const auto digest : {with_a_mistake, one_too_many, whole_pairs_only, nothing}) {
    const Kernel wrong{.name = "wrong", .word = "wrong", .digest = digest};
    auto made = choose({&wrong});
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->kernel().starts_with("ipsec-mb (")) << made->kernel();
    EXPECT_TRUE(made->kernel().ends_with("; the wrong kernel gives wrong digests"))
        << made->kernel();
    Jobs jobs(20, 0, 0, 1);
    made->digest(jobs.jobs());
    jobs.expect_right();

    const auto asked_for = choose({&wrong}, "wrong");
    ASSERT_FALSE(asked_for);
    EXPECT_EQ(asked_for.error().what, "the wrong kernel gives wrong digests");
  }
}

TEST(ChoiceOfADigester, FailsWhereThereIsNoSuchKernel) {
  const auto made = Digester::create({.kernel = "avx3"});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().what, "there is no digest kernel 'avx3'");
}

TEST(ChoiceOfADigester, FailsWhereTheKernelAskedForDoesNotRunHere) {
  for (const Kernel* kernel : kernels()) {
    const auto made = Digester::create({.kernel = kernel->word});
    EXPECT_EQ(made.has_value(), runs_here(*kernel)) << kernel->word;
  }
}

}  // namespace
}  // namespace claimgate::digest
