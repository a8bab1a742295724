#include "lib/packet/sum.hpp"

#include <random>

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

// A big-endian number of the reference, as fold() leaves it in memory.
std::uint16_t reference(const std::byte* at, std::size_t bytes) {
  return std::byteswap(static_cast<std::uint16_t>(test::slow_sum(at, bytes)));
}

void expect_all_lengths_and_alignments(auto&& fill) {
  for (std::size_t length = 0; length <= 2048; ++length) {
    for (std::size_t alignment = 0; alignment < 8; ++alignment) {
      // Exactly sized from the front, so the end is the allocation's end.
      const auto block = std::make_unique<std::byte[]>(alignment + length);
      for (std::size_t i = 0; i < alignment + length; ++i) block[i] = fill(i);
      const std::byte* at = block.get() + alignment;
      ASSERT_EQ(fold(sum_bytes(at, length)), reference(at, length))
          << "length " << length << ", alignment " << alignment;
    }
  }
}

TEST(Sum, EqualsTheReferenceForEveryLengthAndAlignmentOfRandomBytes) {
  std::mt19937 random(1);
  expect_all_lengths_and_alignments([&](std::size_t) { return std::byte(random()); });
}

TEST(Sum, EqualsTheReferenceWhereEveryAdditionCarries) {
  expect_all_lengths_and_alignments([](std::size_t) { return std::byte{0xFF}; });
}

TEST(Sum, EqualsTheReferenceWhereUpperHalvesAreFullAndLowerOnesEmpty) {
  expect_all_lengths_and_alignments(
      [](std::size_t i) { return i / 4 % 2 == 0 ? std::byte{0} : std::byte{0xFF}; });
}

TEST(Sum, StaysExactOverTheLongestDatagram) {
  const test::Bytes full(1u << 20, std::byte{0xFF});
  EXPECT_EQ(sum_bytes(full.data(), full.size()), (std::uint64_t{1} << 18) * 0xFFFF'FFFF);
  EXPECT_EQ(fold(sum_bytes(full.data(), full.size())), 0xFFFF);
}

TEST(Sum, FoldsEveryEdgeToWhatRemaindersOf65535Say) {
  for (const std::uint64_t sum :
       {0ull, 1ull, 0xFFFEull, 0xFFFFull, 0x10000ull, 0x1FFFEull, 0xFFFFFFFFull, 0x100000000ull,
        0x1FFFFFFFEull, 0xFFFF0000FFFFull, 0x7FFFFFFFFFFFFull}) {
    const std::uint64_t remainder = sum % 0xFFFF;
    EXPECT_EQ(fold(sum), remainder == 0 && sum != 0 ? 0xFFFF : remainder) << sum;
  }
}

TEST(Sum, SendsAComputedUdpChecksumOfZeroAsOnes) {
  EXPECT_EQ(complement(0xFFFF), 0);
  EXPECT_EQ(udp_complement(0xFFFF), 0xFFFF);
  EXPECT_EQ(udp_complement(0), 0xFFFF);
  EXPECT_EQ(udp_complement(1), 0xFFFE);
}

}  // namespace
}  // namespace claimgate::packet
