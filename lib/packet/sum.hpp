// The Internet checksum's ones-complement sum (RFC 1071), fast enough for the hot path.
//
// Sums are kept in memory order: bytes are added as they lie, and the folded result is stored as it
// is. That is sound because a ones-complement sum commutes with swapping the bytes of all its words
// (RFC 1071 §2 (B)). Pure functions of bytes: any thread, no allocation, never a read outside
// [at, at + bytes).
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "lib/wire/endian.hpp"

namespace claimgate::packet {

// A partial sum, not folded. Bound: every addition is at most 2 × (2^32 - 1) per 8 bytes summed, so
// with at most 2^20 bytes it stays below 2^51 and no carry is ever lost.
using Sum = std::uint64_t;

// A 64-bit word of memory as two 32-bit ones: no carry can leave the sum.
[[nodiscard]] constexpr Sum halves(std::uint64_t raw) noexcept {
  return (raw & 0xFFFF'FFFFu) + (raw >> 32);
}

// A 16-bit number as it lies in memory.
[[nodiscard]] constexpr Sum word(std::uint16_t value) noexcept {
  return std::byteswap(value);
}

// Sum of `bytes` bytes at any alignment; an odd last byte counts as the first of a 16-bit word.
// Only the last part summed into one checksum may have an odd length. Precondition: bytes <= 2^20.
//
// Per 64-bit lane two sums are kept: V of the whole words modulo 2^64, and H of their upper halves.
// With L the sum of the lower halves, V = L + 2^32 H modulo 2^64 and L < 2^64, so L = V - 2^32 H
// exactly: three vector instructions per 16 bytes beside the load, and no carry to look after. Two
// such pairs halve the chain of dependent additions.
[[nodiscard]] inline Sum sum_bytes(const std::byte* at, std::size_t bytes) noexcept {
  struct Pair {
    __m128i whole = _mm_setzero_si128();
    __m128i upper = _mm_setzero_si128();
    void add(const std::byte* from) noexcept {
      __m128i sixteen;
      std::memcpy(&sixteen, from, sizeof sixteen);
      whole = _mm_add_epi64(whole, sixteen);
      upper = _mm_add_epi64(upper, _mm_srli_epi64(sixteen, 32));
    }
  };
  Pair even, odd;
  for (; bytes >= 64; bytes -= 64, at += 64) {
    even.add(at);
    odd.add(at + 16);
    even.add(at + 32);
    odd.add(at + 48);
  }
  if (bytes & 32) {
    even.add(at);
    odd.add(at + 16);
    at += 32;
  }
  if (bytes & 16) {
    even.add(at);
    at += 16;
  }
  const __m128i whole = _mm_add_epi64(even.whole, odd.whole);
  const __m128i upper = _mm_add_epi64(even.upper, odd.upper);
  const __m128i lower = _mm_sub_epi64(whole, _mm_slli_epi64(upper, 32));
  const __m128i both = _mm_add_epi64(lower, upper);
  Sum sum = static_cast<std::uint64_t>(_mm_cvtsi128_si64(both)) +
            static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(both, both)));
  if (bytes & 8) {
    sum += halves(wire::load_raw<std::uint64_t>(at));
    at += 8;
  }
  if (bytes & 4) {
    sum += wire::load_raw<std::uint32_t>(at);
    at += 4;
  }
  if (bytes & 2) {
    sum += wire::load_raw<std::uint16_t>(at);
    at += 2;
  }
  if (bytes & 1) sum += static_cast<std::uint8_t>(*at);
  return sum;
}

// The 16-bit ones-complement sum, in memory order: store it with wire::store_raw.
// 0 only where every byte summed was 0.
[[nodiscard]] constexpr std::uint16_t fold(Sum sum) noexcept {
  sum = halves(sum);
  sum = halves(sum);  // now below 2^32
  sum = (sum & 0xFFFF) + (sum >> 16);
  sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// Whether a sum that includes its own checksum field verifies.
[[nodiscard]] constexpr bool sums_to_ones(Sum sum) noexcept {
  return fold(sum) == 0xFFFF;
}

// The checksum to store over a sum taken with a zero checksum field, in memory order.
[[nodiscard]] constexpr std::uint16_t complement(Sum sum) noexcept {
  return static_cast<std::uint16_t>(~fold(sum));
}

// As complement(), for UDP, where a computed 0 is sent as 0xFFFF (RFC 768, RFC 8200 §8.1).
[[nodiscard]] constexpr std::uint16_t udp_complement(Sum sum) noexcept {
  const std::uint16_t checksum = complement(sum);
  return checksum == 0 ? std::uint16_t{0xFFFF} : checksum;
}

}  // namespace claimgate::packet
