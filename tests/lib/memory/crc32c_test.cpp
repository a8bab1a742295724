#include "lib/memory/crc32c.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string_view>
#include <vector>

namespace claimgate::memory {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Crc32c, GivesThePublishedValues) {
  EXPECT_EQ(crc32c(bytes_of("")), 0u);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE306'9283u);  // the check value of CRC-32C
  // RFC 3720, appendix B.4.
  std::vector<std::byte> bytes(32, std::byte{0});
  EXPECT_EQ(crc32c(bytes), 0x8A91'36AAu);
  bytes.assign(32, std::byte{0xFF});
  EXPECT_EQ(crc32c(bytes), 0x62A8'AB43u);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = std::byte(i);
  EXPECT_EQ(crc32c(bytes), 0x46DD'794Eu);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = std::byte(31 - i);
  EXPECT_EQ(crc32c(bytes), 0x113F'DB5Cu);
}

TEST(Crc32c, IsTheSameByInstructionByTableAndInPieces) {
  if (!crc32c_instruction_available()) {
    std::puts("NOT RUN: Crc32c by instruction: this CPU has no SSE4.2");
  }
  std::mt19937_64 random(5);
  std::vector<std::byte> bytes(300);
  for (std::byte& byte : bytes) byte = std::byte(random());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t n = 0; from + n <= bytes.size(); ++n) {
      const std::span<const std::byte> piece(bytes.data() + from, n);
      const auto seed = static_cast<std::uint32_t>(random());
      const std::uint32_t expected = crc32c_by_table(piece, seed);
      ASSERT_EQ(crc32c(piece, seed), expected);
      if (crc32c_instruction_available()) {
        ASSERT_EQ(crc32c_by_instruction(piece, seed), expected);
      }
      const std::size_t cut = n / 3;
      ASSERT_EQ(crc32c(piece.subspan(cut), crc32c(piece.first(cut), seed)), expected);
    }
  }
}

TEST(Crc32c, IsTheSameForLongTextsWhoseStretchesAreTakenSideBySide) {
  std::mt19937_64 random(6);
  std::vector<std::byte> bytes(40'000);
  for (std::byte& byte : bytes) byte = std::byte(random());
  for (const std::size_t n :
       {3'071, 3'072, 3'073, 3'080, 4'096, 6'143, 6'144, 6'150, 9'999, 32'704, 40'000}) {
    for (std::size_t from = 0; from < 9 && from + n <= bytes.size(); ++from) {
      const std::span<const std::byte> piece(bytes.data() + from, n);
      const auto seed = static_cast<std::uint32_t>(random());
      ASSERT_EQ(crc32c(piece, seed), crc32c_by_table(piece, seed)) << n;
    }
  }
}

}  // namespace
}  // namespace claimgate::memory
