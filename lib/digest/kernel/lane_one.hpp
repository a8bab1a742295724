// One lane in a plain number: the tail of a burst, and the tests' model of the others.
//
// `Unit`: of the translation unit that it is made for, so that no two share its functions.
#pragma once

#include <cstdint>

#include "lib/digest/kernel.hpp"
#include "lib/digest/kernel/numbers.hpp"

namespace claimgate::digest {

#define CG_LANE [[gnu::always_inline]] static inline

template <int Unit>
struct One {
  static constexpr unsigned lanes = 1, constant_lanes = 1;
  using V = std::uint64_t;

  CG_LANE const Numbers<1>& numbers() noexcept { return numbers_of<1>; }
  CG_LANE V constant(const std::uint64_t (&number)[1]) noexcept { return number[0]; }
  CG_LANE V add(V a, V b) noexcept { return a + b; }
  CG_LANE V choose(V e, V f, V g) noexcept { return ((f ^ g) & e) ^ g; }
  // The a ^ b of one round is the b ^ c of the next: `b_xor_c` goes from one to the other.
  CG_LANE V majority(V a, V b, V, V& b_xor_c) noexcept {
    const V a_xor_b = a ^ b;
    const V out = (a_xor_b & b_xor_c) ^ b;
    b_xor_c = a_xor_b;
    return out;
  }
  template <unsigned by>
  CG_LANE V rotate(V x) noexcept {
    return x >> by | x << (64 - by);
  }
  CG_LANE V sum0(V a) noexcept { return rotate<28>(a) ^ rotate<34>(a) ^ rotate<39>(a); }
  CG_LANE V sum1(V e) noexcept { return rotate<14>(e) ^ rotate<18>(e) ^ rotate<41>(e); }
  CG_LANE V sigma0(V w) noexcept { return rotate<1>(w) ^ rotate<8>(w) ^ w >> 7; }
  CG_LANE V sigma1(V w) noexcept { return rotate<19>(w) ^ rotate<61>(w) ^ w >> 6; }
  // W0 .. W5
  CG_LANE void load(V* w, const Job* job) noexcept {
    for (unsigned i = 0; i < 5; ++i) {
      std::uint64_t word;
      __builtin_memcpy(&word, job->message + 8 * i, 8);
      w[i] = __builtin_bswap64(word);
    }
    std::uint32_t last;
    __builtin_memcpy(&last, job->message + 40, 4);
    w[5] = std::uint64_t{__builtin_bswap32(last)} << 32 | 0x80000000;
  }
  CG_LANE void store(V a, V b, V c, V d, const Job* job) noexcept {
    const std::uint64_t words[4] = {__builtin_bswap64(a), __builtin_bswap64(b),
                                    __builtin_bswap64(c), __builtin_bswap64(d)};
    __builtin_memcpy(job->digest, words, sizeof words);
  }
};

#undef CG_LANE

}  // namespace claimgate::digest
