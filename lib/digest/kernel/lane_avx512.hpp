// Eight lanes of 64 bits with AVX-512: rotations and functions of three bits are one operation.
//
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "lib/digest/kernel.hpp"
#include "lib/digest/kernel/numbers.hpp"

namespace claimgate::digest {

#define CG_LANE [[gnu::always_inline]] static inline

struct Avx512 {
  static constexpr unsigned lanes = 8, constant_lanes = 1;
  using V = __m512i;

  // Hidden from the compiler: as operands in memory, numbers of 64 bits are broadcast for nothing.
  CG_LANE const Numbers<1>& numbers() noexcept {
    const Numbers<1>* at = &numbers_of<1>;
    asm("" : "+r"(at));
    return *at;
  }
  CG_LANE V constant(const std::uint64_t (&number)[1]) noexcept {
    return _mm512_set1_epi64(static_cast<long long>(number[0]));
  }
  CG_LANE V add(V a, V b) noexcept { return _mm512_add_epi64(a, b); }
  CG_LANE V choose(V e, V f, V g) noexcept { return _mm512_ternarylogic_epi64(e, f, g, 0xCA); }
  CG_LANE V majority(V a, V b, V c, V&) noexcept {
    return _mm512_ternarylogic_epi64(a, b, c, 0xE8);
  }
  CG_LANE V sum0(V a) noexcept {
    return bit_xor(_mm512_ror_epi64(a, 28), _mm512_ror_epi64(a, 34), _mm512_ror_epi64(a, 39));
  }
  CG_LANE V sum1(V e) noexcept {
    return bit_xor(_mm512_ror_epi64(e, 14), _mm512_ror_epi64(e, 18), _mm512_ror_epi64(e, 41));
  }
  CG_LANE V sigma0(V w) noexcept {
    return bit_xor(_mm512_ror_epi64(w, 1), _mm512_ror_epi64(w, 8), _mm512_srli_epi64(w, 7));
  }
  CG_LANE V sigma1(V w) noexcept {
    return bit_xor(_mm512_ror_epi64(w, 19), _mm512_ror_epi64(w, 61), _mm512_srli_epi64(w, 6));
  }

  // W0 .. W5
  CG_LANE void load(V* w, const Job* jobs) noexcept {
    Rows rows{first_32(jobs[0], jobs[4]), first_32(jobs[1], jobs[5]), first_32(jobs[2], jobs[6]),
              first_32(jobs[3], jobs[7])};
    rows.transpose();
    w[0] = rows.a;
    w[1] = rows.b;
    w[2] = rows.c;
    w[3] = rows.d;
    w[4] = words(jobs, 32);
    // Bytes 36 to 43: of them the last four, and what comes behind a message.
    w[5] = _mm512_or_si512(_mm512_slli_epi64(words(jobs, 36), 32), _mm512_set1_epi64(0x80000000));
  }
  CG_LANE void store(V a, V b, V c, V d, const Job* jobs) noexcept {
    Rows rows{a, b, c, d};
    rows.transpose();
    store_row(jobs[0], jobs[4], rows.a);
    store_row(jobs[1], jobs[5], rows.b);
    store_row(jobs[2], jobs[6], rows.c);
    store_row(jobs[3], jobs[7], rows.d);
  }

 private:
  // Four words of jobs 0 and 4, of 1 and 5, of 2 and 6, of 3 and 7; or each word of all jobs.
  struct Rows {
    V a, b, c, d;
    [[gnu::always_inline]] inline void transpose() noexcept {
      const V low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
      const V high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
      const V ab_even = _mm512_unpacklo_epi64(a, b), ab_odd = _mm512_unpackhi_epi64(a, b);
      const V cd_even = _mm512_unpacklo_epi64(c, d), cd_odd = _mm512_unpackhi_epi64(c, d);
      a = _mm512_permutex2var_epi64(ab_even, low, cd_even);
      b = _mm512_permutex2var_epi64(ab_odd, low, cd_odd);
      c = _mm512_permutex2var_epi64(ab_even, high, cd_even);
      d = _mm512_permutex2var_epi64(ab_odd, high, cd_odd);
    }
  };
  CG_LANE V bit_xor(V a, V b, V c) noexcept { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  CG_LANE V swap(V x) noexcept {
    return _mm512_shuffle_epi8(x,
                               _mm512_set4_epi32(0x08090A0B, 0x0C0D0E0F, 0x00010203, 0x04050607));
  }
  CG_LANE __m256i half(const std::byte* at) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }
  CG_LANE V first_32(const Job& low, const Job& high) noexcept {
    return swap(
        _mm512_inserti64x4(_mm512_castsi256_si512(half(low.message)), half(high.message), 1));
  }
  CG_LANE V words(const Job* jobs, unsigned at) noexcept {
    return swap(_mm512_setr_epi64(word(jobs[0], at), word(jobs[1], at), word(jobs[2], at),
                                  word(jobs[3], at), word(jobs[4], at), word(jobs[5], at),
                                  word(jobs[6], at), word(jobs[7], at)));
  }
  CG_LANE long long word(const Job& job, unsigned at) noexcept {
    long long out;
    __builtin_memcpy(&out, job.message + at, 8);
    return out;
  }
  CG_LANE void store_row(const Job& low, const Job& high, V row) noexcept {
    const V swapped = swap(row);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(low.digest), _mm512_castsi512_si256(swapped));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(high.digest),
                        _mm512_extracti64x4_epi64(swapped, 1));
  }
};

#undef CG_LANE

}  // namespace claimgate::digest
