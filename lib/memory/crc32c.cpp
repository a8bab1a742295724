#include "lib/memory/crc32c.hpp"

#include <nmmintrin.h>

#include <array>
#include <cstring>

namespace claimgate::memory {
namespace {

constexpr std::uint32_t polynomial_reflected = 0x82F6'3B78;

constexpr std::array<std::uint32_t, 256> make_table() noexcept {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial_reflected : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

// The instruction takes three cycles and one can begin in each (A. Fog: Instruction tables, CRC32):
// so three stretches of a long text are taken side by side. What the register of one becomes behind
// the next stretch is linear in it: a table for each of its four bytes.
constexpr std::size_t stretch_bytes = 1024;

using Shift = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr Shift make_shift() noexcept {
  Shift shift{};
  for (unsigned bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < stretch_bytes; ++i) crc = crc >> 8 ^ table[crc & 0xFF];
    auto& bytes = shift[bit / 8];
    for (unsigned value = 0; value < 256; ++value) {
      if ((value >> bit % 8 & 1) != 0) bytes[value] ^= crc;
    }
  }
  return shift;
}

constexpr Shift over_a_stretch = make_shift();

std::uint32_t shifted(std::uint64_t crc) noexcept {
  return over_a_stretch[0][crc & 0xFF] ^ over_a_stretch[1][crc >> 8 & 0xFF] ^
         over_a_stretch[2][crc >> 16 & 0xFF] ^ over_a_stretch[3][crc >> 24 & 0xFF];
}

std::uint64_t word_at(const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

bool crc32c_instruction_available() noexcept {
  return __builtin_cpu_supports("sse4.2");
}

[[gnu::target("sse4.2")]] std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes,
                                                              std::uint32_t seed) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t crc = ~seed;
  for (; left >= 3 * stretch_bytes; at += 2 * stretch_bytes, left -= 3 * stretch_bytes) {
    std::uint64_t second = 0, third = 0;
    for (const std::byte* const end = at + stretch_bytes; at < end; at += 8) {
      crc = _mm_crc32_u64(crc, word_at(at));
      second = _mm_crc32_u64(second, word_at(at + stretch_bytes));
      third = _mm_crc32_u64(third, word_at(at + 2 * stretch_bytes));
    }
    crc = shifted(shifted(crc) ^ second) ^ third;
  }
  for (; left >= 8; at += 8, left -= 8) crc = _mm_crc32_u64(crc, word_at(at));
  auto tail = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) tail = _mm_crc32_u8(tail, static_cast<std::uint8_t>(*at));
  return ~tail;
}

std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
  std::uint32_t crc = ~seed;
  for (const std::byte byte : bytes) {
    crc = crc >> 8 ^ table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
  static const bool by_instruction = crc32c_instruction_available();
  return by_instruction ? crc32c_by_instruction(bytes, seed) : crc32c_by_table(bytes, seed);
}

}  // namespace claimgate::memory
