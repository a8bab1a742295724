// Four lanes of 64 bits with AVX2. A rotation is two shifts and an exclusive or, by 8 one shuffle.
//
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "lib/digest/kernel.hpp"
#include "lib/digest/kernel/numbers.hpp"

namespace claimgate::digest {

#define CG_LANE [[gnu::always_inline]] static inline

struct Avx2 {
  static constexpr unsigned lanes = 4, constant_lanes = 4;
  using V = __m256i;

  // Hidden from the compiler, which would make each number of 64 bits anew where it is used.
  CG_LANE const Numbers<4>& numbers() noexcept {
    const Numbers<4>* at = &numbers_of<4>;
    asm("" : "+r"(at));
    return *at;
  }
  CG_LANE V constant(const std::uint64_t (&number)[4]) noexcept {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(number));
  }
  CG_LANE V add(V a, V b) noexcept { return _mm256_add_epi64(a, b); }
  CG_LANE V bit_xor(V a, V b) noexcept { return _mm256_xor_si256(a, b); }
  CG_LANE V choose(V e, V f, V g) noexcept {
    return bit_xor(_mm256_and_si256(bit_xor(f, g), e), g);
  }
  // The a ^ b of one round is the b ^ c of the next: `b_xor_c` goes from one to the other.
  CG_LANE V majority(V a, V b, V, V& b_xor_c) noexcept {
    const V a_xor_b = bit_xor(a, b);
    const V out = bit_xor(_mm256_and_si256(a_xor_b, b_xor_c), b);
    b_xor_c = a_xor_b;
    return out;
  }
  template <int by>
  CG_LANE V shift(V x) noexcept {
    return _mm256_srli_epi64(x, by);
  }
  template <int by>
  CG_LANE V rotate(V x) noexcept {
    return bit_xor(_mm256_srli_epi64(x, by), _mm256_slli_epi64(x, 64 - by));
  }
  CG_LANE V rotate_8(V x) noexcept {
    return _mm256_shuffle_epi8(
        x, _mm256_setr_epi8(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8, 1, 2, 3, 4, 5, 6,
                            7, 0, 9, 10, 11, 12, 13, 14, 15, 8));
  }
  CG_LANE V sum0(V a) noexcept {
    return bit_xor(bit_xor(rotate<28>(a), rotate<34>(a)), rotate<39>(a));
  }
  CG_LANE V sum1(V e) noexcept {
    return bit_xor(bit_xor(rotate<14>(e), rotate<18>(e)), rotate<41>(e));
  }
  CG_LANE V sigma0(V w) noexcept {
    return bit_xor(bit_xor(rotate<1>(w), rotate_8(w)), shift<7>(w));
  }
  CG_LANE V sigma1(V w) noexcept {
    return bit_xor(bit_xor(rotate<19>(w), rotate<61>(w)), shift<6>(w));
  }

  // W0 .. W5
  CG_LANE void load(V* w, const Job* jobs) noexcept {
    Rows rows{first_32(jobs[0]), first_32(jobs[1]), first_32(jobs[2]), first_32(jobs[3])};
    rows.transpose();
    w[0] = rows.a;
    w[1] = rows.b;
    w[2] = rows.c;
    w[3] = rows.d;
    w[4] = swap(_mm256_setr_epi64x(word(jobs[0], 32), word(jobs[1], 32), word(jobs[2], 32),
                                   word(jobs[3], 32)));
    // Bytes 36 to 43: of them the last four, and what comes behind a message.
    const V last = swap(_mm256_setr_epi64x(word(jobs[0], 36), word(jobs[1], 36), word(jobs[2], 36),
                                           word(jobs[3], 36)));
    w[5] = _mm256_or_si256(_mm256_slli_epi64(last, 32), _mm256_set1_epi64x(0x80000000));
  }
  CG_LANE void store(V a, V b, V c, V d, const Job* jobs) noexcept {
    Rows rows{a, b, c, d};
    rows.transpose();
    store_row(jobs[0], rows.a);
    store_row(jobs[1], rows.b);
    store_row(jobs[2], rows.c);
    store_row(jobs[3], rows.d);
  }

 private:
  struct Rows {
    V a, b, c, d;
    [[gnu::always_inline]] inline void transpose() noexcept {
      const V ab_even = _mm256_unpacklo_epi64(a, b), ab_odd = _mm256_unpackhi_epi64(a, b);
      const V cd_even = _mm256_unpacklo_epi64(c, d), cd_odd = _mm256_unpackhi_epi64(c, d);
      a = _mm256_permute2x128_si256(ab_even, cd_even, 0x20);
      b = _mm256_permute2x128_si256(ab_odd, cd_odd, 0x20);
      c = _mm256_permute2x128_si256(ab_even, cd_even, 0x31);
      d = _mm256_permute2x128_si256(ab_odd, cd_odd, 0x31);
    }
  };
  CG_LANE V swap(V x) noexcept {
    return _mm256_shuffle_epi8(
        x, _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2,
                            1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
  }
  CG_LANE V first_32(const Job& job) noexcept {
    return swap(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(job.message)));
  }
  CG_LANE long long word(const Job& job, unsigned at) noexcept {
    long long out;
    __builtin_memcpy(&out, job.message + at, 8);
    return out;
  }
  CG_LANE void store_row(const Job& job, V row) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(job.digest), swap(row));
  }
};

#undef CG_LANE

}  // namespace claimgate::digest
