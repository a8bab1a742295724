// Every kernel that runs here, the algorithm on plain lanes and AVX-512's lanes in plain C++
// against ipsec-mb and libsodium.
#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "lib/digest/kernels.hpp"
#include "lib/digest/multi_buffer.hpp"
#include "tests/lib/digest/kernel_model.hpp"

namespace claimgate::digest {
namespace {

using Message = std::array<std::byte, message_bytes>;
using Digest = std::array<std::byte, digest_bytes>;

std::vector<const Kernel*> kernels_and_models() {
  std::vector<const Kernel*> all = {&plain_model, &avx512_model};
  for (const Kernel* kernel : kernels()) {
    if (runs_here(*kernel)) all.push_back(kernel);
  }
  return all;
}

MultiBuffer reference() {
  auto made = MultiBuffer::create();
  if (!made) throw std::runtime_error(made.error().text());
  return std::move(*made);
}

Digest by_libsodium(const Message& message) {
  std::array<unsigned char, crypto_hash_sha512_BYTES> hash;
  crypto_hash_sha512(hash.data(), reinterpret_cast<const unsigned char*>(message.data()),
                     message.size());
  Digest out;
  std::memcpy(out.data(), hash.data(), out.size());
  return out;
}

template <class Hash>
std::vector<Digest> digests_of(const std::vector<Message>& messages, Hash&& hash) {
  std::vector<Digest> out(messages.size());
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    jobs.push_back({messages[i].data(), out[i].data()});
  }
  hash(std::span<const Job>(jobs));
  return out;
}

std::vector<Digest> digests_by(const Kernel& kernel, const std::vector<Message>& messages) {
  return digests_of(messages, [&](auto jobs) { kernel.digest(jobs.data(), jobs.size()); });
}

TEST(DigestKernels, GiveTheDigestsOfIpsecMbAndLibsodiumForRandomMessages) {
  std::mt19937_64 random(20);
  auto ipsec_mb = reference();
  for (unsigned round = 0; round < 1000; ++round) {
    std::vector<Message> messages(200 + round % 16);
    for (Message& message : messages) {
      for (std::byte& each : message) each = static_cast<std::byte>(random());
    }
    const auto expected = digests_of(messages, [&](auto jobs) { ipsec_mb.digest(jobs); });
    for (std::size_t i = 0; i < messages.size(); ++i) {
      ASSERT_EQ(expected[i], by_libsodium(messages[i]));
    }
    for (const Kernel* kernel : kernels_and_models()) {
      const bool model = kernel == &plain_model || kernel == &avx512_model;
      if (model && round % 20 != 0) continue;  // they take their time
      ASSERT_EQ(digests_by(*kernel, messages), expected) << kernel->name << ", round " << round;
    }
  }
}

// Each bit of a message reaches its own place in the schedule, in every lane.
TEST(DigestKernels, SeeEveryBitOfAMessageInEveryLane) {
  for (const Kernel* kernel : kernels_and_models()) {
    for (unsigned bit = 0; bit < 8 * message_bytes; ++bit) {
      for (std::size_t lane = 0; lane < 9; ++lane) {
        std::vector<Message> messages(9, Message{});
        messages[lane][bit / 8] = static_cast<std::byte>(1U << bit % 8);
        const auto digests = digests_by(*kernel, messages);
        for (std::size_t i = 0; i < messages.size(); ++i) {
          ASSERT_EQ(digests[i], by_libsodium(messages[i]))
              << kernel->name << ", bit " << bit << " of message " << lane << ", digest " << i;
        }
      }
    }
  }
}

TEST(DigestKernels, HashAsManyJobsAsTheyAreGivenAndNoMore) {
  std::mt19937_64 random(21);
  for (const Kernel* kernel : kernels_and_models()) {
    for (std::size_t count = 0; count <= 40; ++count) {
      std::vector<Message> messages(count);
      for (Message& message : messages) {
        for (std::byte& each : message) each = static_cast<std::byte>(random());
      }
      Digest untouched;
      untouched.fill(std::byte{0xA5});
      std::vector<Digest> digests(count + 1, untouched);
      std::vector<Job> jobs;
      for (std::size_t i = 0; i < count; ++i) {
        jobs.push_back({messages[i].data(), digests[i].data()});
      }
      jobs.push_back({digests[count].data(), digests[count].data()});  // not theirs
      kernel->digest(jobs.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(digests[i], by_libsodium(messages[i])) << kernel->name << " of " << count;
      }
      ASSERT_EQ(digests[count], untouched) << kernel->name << " of " << count;
    }
  }
}

}  // namespace
}  // namespace claimgate::digest
