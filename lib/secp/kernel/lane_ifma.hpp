// Eight lanes of 64 bits with AVX-512, multiplying 52-bit numbers with IFMA (vpmadd52luq and
// vpmadd52huq): each adds one half of a product to an accumulator, and silently takes no more than
// the lowest 52 bits of its operands. That they are below 2^52 is in the elements' types
// (field.hpp).
//
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace claimgate::secp {

struct Ifma {
  static constexpr unsigned lanes = 8;
  static constexpr bool wide = false;  // products come in two halves
  static constexpr unsigned limbs = 5;
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool products_inline = false;  // or compiling takes many minutes
#else
  static constexpr bool products_inline = true;
#endif
  using U = __m512i;
  using Mask = __m512i;  // all bits of a lane, or none
  using Operand = __m512i;
  struct RoundTowardZero {
    RoundTowardZero() noexcept {}  // integers: there is nothing to set
  };

#define CG_LANE [[gnu::always_inline]] static inline
  CG_LANE U set1(std::uint64_t v) noexcept {
    return _mm512_set1_epi64(static_cast<long long>(v));
  }
  CG_LANE U add(U a, U b) noexcept {
    return _mm512_add_epi64(a, b);
  }
  CG_LANE U sub(U a, U b) noexcept {
    return _mm512_sub_epi64(a, b);
  }
  CG_LANE U bit_and(U a, U b) noexcept {
    return _mm512_and_si512(a, b);
  }
  CG_LANE U bit_or(U a, U b) noexcept {
    return _mm512_or_si512(a, b);
  }
  CG_LANE U bit_xor(U a, U b) noexcept {
    return _mm512_xor_si512(a, b);
  }
  template <int N>
  CG_LANE U shl(U a) noexcept {
    return _mm512_slli_epi64(a, N);
  }
  template <int N>
  CG_LANE U shr(U a) noexcept {
    return _mm512_srli_epi64(a, N);
  }
  // Of two numbers below 2^32.
  CG_LANE U mul32(U a, U b) noexcept {
    return _mm512_mul_epu32(a, b);
  }

  CG_LANE Mask equal(U a, U b) noexcept {
    return _mm512_movm_epi64(_mm512_cmpeq_epi64_mask(a, b));
  }
  CG_LANE U select(Mask m, U yes, U no) noexcept {
    return _mm512_mask_blend_epi64(_mm512_movepi64_mask(m), no, yes);
  }
  CG_LANE unsigned bits(Mask m) noexcept {
    return _mm512_movepi64_mask(m);
  }
  CG_LANE Mask mask_or(Mask a, Mask b) noexcept {
    return bit_or(a, b);
  }
  // Lanes whose lowest bit is set.
  CG_LANE Mask odd(U a) noexcept {
    return sub(set1(0), bit_and(a, set1(1)));
  }
  // All bits of lane i where bit i is set.
  CG_LANE Mask mask(unsigned bits) noexcept {
    return _mm512_movm_epi64(static_cast<__mmask8>(bits));
  }

  CG_LANE Operand operand(U a) noexcept {
    return a;
  }
  CG_LANE U start(unsigned, unsigned) noexcept {
    return set1(0);
  }
  // low += ab mod 2^52, high += floor(ab / 2^52).
  CG_LANE void multiply_add(U& low, U& high, Operand a, Operand b) noexcept {
    low = _mm512_madd52lo_epu64(low, a, b);
    high = _mm512_madd52hi_epu64(high, a, b);
  }

  // Numbers of 256 bits, one a lane, as four words each, to limbs of 52 bits.
  CG_LANE void load(U n[5], const std::uint64_t* const at[8]) noexcept {
    const auto row = [&](unsigned low) noexcept {
      const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[low]));
      const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[low + 4]));
      return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
    };
    // Four transpositions of 2x2, in each half of the register, then the halves' own order.
    const U r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
    const U t0 = _mm512_unpacklo_epi64(r0, r1), t1 = _mm512_unpackhi_epi64(r0, r1);
    const U t2 = _mm512_unpacklo_epi64(r2, r3), t3 = _mm512_unpackhi_epi64(r2, r3);
    const U lows = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const U highs = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    const U w0 = _mm512_permutex2var_epi64(t0, lows, t2);
    const U w1 = _mm512_permutex2var_epi64(t1, lows, t3);
    const U w2 = _mm512_permutex2var_epi64(t0, highs, t2);
    const U w3 = _mm512_permutex2var_epi64(t1, highs, t3);
    const U limb = set1((std::uint64_t{1} << 52) - 1);
    n[0] = bit_and(w0, limb);
    n[1] = bit_and(bit_or(shr<52>(w0), shl<12>(w1)), limb);
    n[2] = bit_and(bit_or(shr<40>(w1), shl<24>(w2)), limb);
    n[3] = bit_and(bit_or(shr<28>(w2), shl<36>(w3)), limb);
    n[4] = shr<16>(w3);
  }
  CG_LANE void store(std::uint64_t out[8], U a) noexcept {
    _mm512_storeu_si512(out, a);
  }
  CG_LANE U load_words(const std::uint64_t in[8]) noexcept {
    return _mm512_loadu_si512(in);
  }
#undef CG_LANE
};

}  // namespace claimgate::secp
