// SipHash-c-d (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), a keyed hash.
// The index uses SipHash-1-3 of 8 bytes: short enough for the hot path, and without its key nobody
// can choose channel ids that share a bucket. Pure functions, any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace claimgate::channel {

namespace siphash {
struct State {
  std::uint64_t v0, v1, v2, v3;

  explicit State(const std::array<std::uint64_t, 2>& key) noexcept
      : v0(key[0] ^ 0x736f'6d65'7073'6575),
        v1(key[1] ^ 0x646f'7261'6e64'6f6d),
        v2(key[0] ^ 0x6c79'6765'6e65'7261),
        v3(key[1] ^ 0x7465'6462'7974'6573) {}

  template <unsigned rounds>
  [[gnu::always_inline]] void mix() noexcept {
    for (unsigned i = 0; i < rounds; ++i) {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
  }
  template <unsigned rounds>
  [[gnu::always_inline]] void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    mix<rounds>();
    v0 ^= word;
  }
  template <unsigned rounds>
  [[nodiscard, gnu::always_inline]] std::uint64_t finish() noexcept {
    v2 ^= 0xFF;
    mix<rounds>();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};
}  // namespace siphash

// `key`: the 16 key bytes as two little-endian words.
template <unsigned compression_rounds, unsigned finalization_rounds>
[[nodiscard]] inline std::uint64_t siphash_of(std::span<const std::byte> bytes,
                                              const std::array<std::uint64_t, 2>& key) noexcept {
  siphash::State state(key);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    state.absorb<compression_rounds>(word);
  }
  std::uint64_t last = 0;
  if (left > 0) std::memcpy(&last, at, left);
  state.absorb<compression_rounds>(last | std::uint64_t{bytes.size()} << 56);
  return state.finish<finalization_rounds>();
}

// SipHash-1-3 of the 8 bytes whose little-endian value is `word`.
[[nodiscard, gnu::always_inline]] inline std::uint64_t siphash_1_3(
    std::uint64_t word, const std::array<std::uint64_t, 2>& key) noexcept {
  siphash::State state(key);
  state.absorb<1>(word);
  state.absorb<1>(std::uint64_t{8} << 56);
  return state.finish<3>();
}

}  // namespace claimgate::channel
