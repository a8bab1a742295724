// The multi-buffer digester against libsodium's SHA-512, message by message.
#include "lib/digest/digester.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <random>
#include <vector>

namespace claimgate::digest {
namespace {

constexpr std::byte untouched{0xA5};

// Messages and rooms for hashes, each with `gap` bytes between it and the next, from `offset` on.
class Jobs {
 public:
  Jobs(std::size_t count, std::size_t offset, std::size_t gap, std::uint64_t seed)
      : offset_(offset),
        message_stride_(message_bytes + gap),
        hash_stride_(hash_bytes + gap),
        // Exactly as large as needed: AddressSanitizer sees what reaches beyond.
        messages_(offset + count * message_stride_ - gap),
        hashes_(offset + count * hash_stride_, untouched) {
    std::mt19937_64 random(seed);
    std::ranges::generate(messages_, [&] { return static_cast<std::byte>(random()); });
    for (std::size_t i = 0; i < count; ++i) jobs_.push_back({message(i), hash(i)});
  }
  [[nodiscard]] std::span<const Job> jobs() const { return jobs_; }
  [[nodiscard]] const std::byte* message(std::size_t i) const {
    return messages_.data() + offset_ + i * message_stride_;
  }
  [[nodiscard]] std::byte* hash(std::size_t i) {
    return hashes_.data() + offset_ + i * hash_stride_;
  }
  void expect_right() {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      std::array<unsigned char, crypto_hash_sha512_BYTES> expected;
      crypto_hash_sha512(expected.data(), reinterpret_cast<const unsigned char*>(message(i)),
                         message_bytes);
      EXPECT_EQ(0, memcmp(expected.data(), hash(i), hash_bytes))
          << "message " << i << " of " << jobs_.size();
      for (std::size_t at = hash_bytes; at < hash_stride_; ++at) {
        EXPECT_EQ(hash(i)[at], untouched) << "byte " << at << " behind hash " << i;
      }
    }
    for (std::size_t at = 0; at < offset_; ++at) EXPECT_EQ(hashes_[at], untouched);
  }

 private:
  std::size_t offset_, message_stride_, hash_stride_;
  std::vector<std::byte> messages_, hashes_;
  std::vector<Job> jobs_;
};

class DigesterTest : public testing::Test {
 protected:
  DigesterTest() {
    if (sodium_init() < 0) ADD_FAILURE() << "libsodium does not start";
    auto made = Digester::create();
    if (!made) ADD_FAILURE() << made.error().text();
    digester.emplace(std::move(*made));
  }
  std::optional<Digester> digester;
};

TEST_F(DigesterTest, GivesTheWholeSha512OfEveryMessageInBurstsOfEverySize) {
  for (std::size_t count = 1; count <= 200; ++count) {
    Jobs jobs(count, 0, 0, count);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_F(DigesterTest, WritesSixtyFourBytesAndNoneBeside) {
  for (const std::size_t count : {1U, 7U, 33U}) {
    Jobs jobs(count, 64, 64, count);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_F(DigesterTest, TakesAnyAlignment) {
  for (std::size_t offset = 0; offset < 64; ++offset) {
    Jobs jobs(11, offset, offset % 7, offset);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_F(DigesterTest, KeepsNothingFromOneBurstToTheNext) {
  std::mt19937_64 random(3);
  for (unsigned round = 0; round < 300; ++round) {
    Jobs jobs(random() % 12, 0, 0, round);
    digester->digest(jobs.jobs());
    jobs.expect_right();
  }
}

TEST_F(DigesterTest, DigestsOfNothingAreNothing) {
  digester->digest({});
  Jobs jobs(1, 0, 0, 1);
  digester->digest(jobs.jobs());
  jobs.expect_right();
}

TEST_F(DigesterTest, ManyMessagesMayShareOneRoomOfInput) {
  const std::array<std::byte, message_bytes> message{};
  std::vector<std::array<std::byte, hash_bytes>> hashes(50);
  std::vector<Job> jobs;
  for (auto& hash : hashes) jobs.push_back({message.data(), hash.data()});
  digester->digest(jobs);
  for (const auto& hash : hashes) EXPECT_EQ(hash, hashes[0]);
}

TEST_F(DigesterTest, NamesItsKernel) {
  EXPECT_NE(std::string_view(digester->kernel()), "unknown");
}

TEST_F(DigesterTest, StillWorksAfterItWasMoved) {
  Digester moved = std::move(*digester);
  Jobs jobs(20, 0, 0, 20);
  moved.digest(jobs.jobs());
  jobs.expect_right();
}

}  // namespace
}  // namespace claimgate::digest
