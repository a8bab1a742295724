// Random numbers that are the same on every machine: xoshiro256** seeded through SplitMix64
// (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021). Not for secrets.
//
// A plain value: one thread at a time. The standard library's distributions are left alone, because
// their results differ between implementations.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace claimgate::claimgen {

class Random {
 public:
  // `stream` tells independent sequences of one seed apart.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept {
    std::uint64_t x = seed ^ (stream * 0xD1B5'4A32'D192'ED03);
    for (auto& word : state_) {
      x += 0x9E37'79B9'7F4A'7C15;
      std::uint64_t z = x;
      z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
      z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
      word = z ^ (z >> 31);
    }
  }

  [[nodiscard]] std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in 0..bound-1 but for a bias of bound / 2^64. Precondition: bound > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>(static_cast<Wide>(next()) * bound >> 64);
  }
  // Precondition: first <= last.
  [[nodiscard]] std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
    return first + below(last - first + 1);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace claimgate::claimgen
