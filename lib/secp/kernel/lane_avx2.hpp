// Four lanes of 64 bits with AVX2, multiplying 52-bit numbers with FMA.
//
// A product of two 52-bit numbers has 104 bits; a double holds 53. Rounding toward zero,
//   hi = fma(a, b, 2^104)                 = 2^104 + 2^52 floor(ab / 2^52)
//   lo = fma(a, b, 2^104 + 2^52 - hi)     = 2^52 + (ab mod 2^52)
// exactly, so the halves stand in the low 52 bits of the two doubles. Their exponents are taken out
// beforehand: an accumulator starts at minus the sum of the exponents it is going to meet. (Shown
// in "Faster Modular Exponentiation using Double Precision Floating Point Arithmetic on the GPU",
// Emmart, Zheng, Weems, 2018, for another machine.)
//
// Precondition of everything that multiplies: a RoundTowardZero of this thread's.
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace claimgate::secp {

struct Avx2 {
  static constexpr unsigned lanes = 4;
  static constexpr bool wide = false;  // products come in two halves
  static constexpr unsigned limbs = 5;
  static constexpr bool products_inline = false;
  using U = __m256i;
  using Mask = __m256i;     // all bits of a lane, or none
  using Operand = __m256d;  // of a multiplication: below 2^52

  // MXCSR is the thread's: set for as long as products are made, put back afterwards.
  class RoundTowardZero {
   public:
    RoundTowardZero() noexcept : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x6000); }
    RoundTowardZero(const RoundTowardZero&) = delete;
    RoundTowardZero& operator=(const RoundTowardZero&) = delete;
    ~RoundTowardZero() { _mm_setcsr(before_); }

   private:
    unsigned before_;
  };

#define CG_LANE [[gnu::always_inline]] static inline
  CG_LANE U set1(std::uint64_t v) noexcept {
    return _mm256_set1_epi64x(static_cast<long long>(v));
  }
  CG_LANE U add(U a, U b) noexcept {
    return _mm256_add_epi64(a, b);
  }
  CG_LANE U sub(U a, U b) noexcept {
    return _mm256_sub_epi64(a, b);
  }
  CG_LANE U bit_and(U a, U b) noexcept {
    return _mm256_and_si256(a, b);
  }
  CG_LANE U bit_or(U a, U b) noexcept {
    return _mm256_or_si256(a, b);
  }
  CG_LANE U bit_xor(U a, U b) noexcept {
    return _mm256_xor_si256(a, b);
  }
  template <int N>
  CG_LANE U shl(U a) noexcept {
    return _mm256_slli_epi64(a, N);
  }
  template <int N>
  CG_LANE U shr(U a) noexcept {
    return _mm256_srli_epi64(a, N);
  }
  // Of two numbers below 2^32.
  CG_LANE U mul32(U a, U b) noexcept {
    return _mm256_mul_epu32(a, b);
  }

  CG_LANE Mask equal(U a, U b) noexcept {
    return _mm256_cmpeq_epi64(a, b);
  }
  CG_LANE U select(Mask m, U yes, U no) noexcept {
    return _mm256_blendv_epi8(no, yes, m);
  }
  CG_LANE unsigned bits(Mask m) noexcept {
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(m)));
  }

  CG_LANE Operand operand(U a) noexcept {
    const U exponent = set1(0x4330000000000000);  // 2^52
    return _mm256_sub_pd(_mm256_castsi256_pd(bit_or(a, exponent)), _mm256_castsi256_pd(exponent));
  }
  // What an accumulator starts at that is going to take so many lower and upper halves.
  CG_LANE U start(unsigned lows, unsigned highs) noexcept {
    return set1(0 - lows * std::uint64_t{0x4330000000000000} -
                highs * std::uint64_t{0x4670000000000000});
  }
  // low += ab mod 2^52, high += floor(ab / 2^52).
  CG_LANE void multiply_add(U& low, U& high, Operand a, Operand b) noexcept {
    const __m256d two_104 = _mm256_castsi256_pd(set1(0x4670000000000000));
    const __m256d two_104_52 = _mm256_castsi256_pd(set1(0x4670000000000001));
    const __m256d hi = _mm256_fmadd_pd(a, b, two_104);
    const __m256d lo = _mm256_fmadd_pd(a, b, _mm256_sub_pd(two_104_52, hi));
    high = add(high, _mm256_castpd_si256(hi));
    low = add(low, _mm256_castpd_si256(lo));
  }

  // Numbers of 256 bits, one a lane, as four words each, to limbs of 52 bits.
  CG_LANE void load(U n[5], const std::uint64_t* const at[4]) noexcept {
    const auto row = [&](unsigned i) noexcept {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at[i]));
    };
    const U r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
    const U t0 = _mm256_unpacklo_epi64(r0, r1), t1 = _mm256_unpackhi_epi64(r0, r1);
    const U t2 = _mm256_unpacklo_epi64(r2, r3), t3 = _mm256_unpackhi_epi64(r2, r3);
    const U w0 = _mm256_permute2x128_si256(t0, t2, 0x20);
    const U w1 = _mm256_permute2x128_si256(t1, t3, 0x20);
    const U w2 = _mm256_permute2x128_si256(t0, t2, 0x31);
    const U w3 = _mm256_permute2x128_si256(t1, t3, 0x31);
    const U limb = set1((std::uint64_t{1} << 52) - 1);
    n[0] = bit_and(w0, limb);
    n[1] = bit_and(bit_or(shr<52>(w0), shl<12>(w1)), limb);
    n[2] = bit_and(bit_or(shr<40>(w1), shl<24>(w2)), limb);
    n[3] = bit_and(bit_or(shr<28>(w2), shl<36>(w3)), limb);
    n[4] = shr<16>(w3);
  }
  CG_LANE void store(std::uint64_t out[4], U a) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), a);
  }
  CG_LANE U load_words(const std::uint64_t in[4]) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
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
    const U each = _mm256_set_epi64x(8, 4, 2, 1);
    return equal(bit_and(set1(bits), each), each);
  }
#undef CG_LANE
};

}  // namespace claimgate::secp
