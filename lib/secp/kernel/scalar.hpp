// What ECDSA asks of scalars, one signature at a time: u1 = m/s, u2 = r/s modulo the group's order
// n, each split into two halves of 129 bits for the endomorphism, each half in odd digits.
//
//   k = k1 + k2·lambda (mod n)       (Gallant, Lambert, Vanstone, 2001)
//   k1 = sum of d_i 2^(w i),  d_i in {±1, ±3, …, ±(2^w - 1)}
//
// Words are least significant first.
#pragma once

#include <cstdint>

namespace claimgate::secp {

template <int Unit>
struct Scalars {
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t n[4] = {0xBFD25E8CD0364141, 0xBAAEDCE6AF48A03B, 0xFFFFFFFFFFFFFFFE,
                                         0xFFFFFFFFFFFFFFFF};
  static constexpr std::uint64_t minus_inverse = 0x4B0DFF665588B13F;  // -1/n mod 2^64
  static constexpr std::uint64_t r_squared[4] = {0x896CF21467D7D140, 0x741496C20E7CF878,
                                                 0xE697F5E45BCD07C6, 0x9D671CD581C69BC5};

  // a < b
  static bool below(const std::uint64_t a[4], const std::uint64_t b[4]) noexcept {
    for (unsigned i = 4; i-- > 0;) {
      if (a[i] != b[i]) return a[i] < b[i];
    }
    return false;
  }
  static void big_endian(std::uint64_t out[4], const unsigned char* bytes) noexcept {
    for (unsigned i = 0; i < 4; ++i) {
      std::uint64_t word;
      __builtin_memcpy(&word, bytes + 8 * (3 - i), 8);
      out[i] = __builtin_bswap64(word);
    }
  }
  // a -= n where a >= n; enough for any 256-bit number.
  static void reduce_once(std::uint64_t a[4]) noexcept {
    if (below(a, n)) return;
    Wide borrow = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const Wide v = Wide{a[i]} - n[i] - borrow;
      a[i] = static_cast<std::uint64_t>(v);
      borrow = (v >> 64) & 1;
    }
  }

  // out = a·b / 2^256 mod n (Montgomery, 1985), below n. Precondition: a·b < 2^256·n.
  [[gnu::always_inline]] static inline void multiply(std::uint64_t out[4], const std::uint64_t a[4],
                                                     const std::uint64_t b[4]) noexcept {
    std::uint64_t t[6] = {};
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      Wide sum = 0;
#pragma GCC unroll 4
      for (unsigned j = 0; j < 4; ++j) {
        sum += Wide{a[j]} * b[i] + t[j];
        t[j] = static_cast<std::uint64_t>(sum);
        sum >>= 64;
      }
      sum += t[4];
      t[4] = static_cast<std::uint64_t>(sum);
      t[5] = static_cast<std::uint64_t>(sum >> 64);
      const std::uint64_t q = t[0] * minus_inverse;
      sum = (Wide{q} * n[0] + t[0]) >> 64;
#pragma GCC unroll 3
      for (unsigned j = 1; j < 4; ++j) {
        sum += Wide{q} * n[j] + t[j];
        t[j - 1] = static_cast<std::uint64_t>(sum);
        sum >>= 64;
      }
      sum += t[4];
      t[3] = static_cast<std::uint64_t>(sum);
      t[4] = t[5] + static_cast<std::uint64_t>(sum >> 64);
    }
    // t < 2n: once is enough.
    std::uint64_t less[4];
    Wide borrow = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const Wide v = Wide{t[i]} - n[i] - borrow;
      less[i] = static_cast<std::uint64_t>(v);
      borrow = (v >> 64) & 1;
    }
    const bool take = t[4] != 0 || borrow == 0;
    for (unsigned i = 0; i < 4; ++i) out[i] = take ? less[i] : t[i];
  }

  // (a·b + 2^383) / 2^384: the rounded quotient of the split.
  [[gnu::always_inline]] static inline void multiply_high(std::uint64_t out[2],
                                                          const std::uint64_t a[4],
                                                          const std::uint64_t b[4]) noexcept {
    std::uint64_t t[8] = {};
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      Wide sum = 0;
#pragma GCC unroll 4
      for (unsigned j = 0; j < 4; ++j) {
        sum += Wide{a[j]} * b[i] + t[i + j];
        t[i + j] = static_cast<std::uint64_t>(sum);
        sum >>= 64;
      }
      t[i + 4] = static_cast<std::uint64_t>(sum);
    }
    const Wide rounded = (Wide{t[7]} << 64 | t[6]) + (t[5] >> 63);
    out[0] = static_cast<std::uint64_t>(rounded);
    out[1] = static_cast<std::uint64_t>(rounded >> 64);
  }

  // A signed number of 192 bits, two's complement.
  struct Half {
    std::uint64_t w[3];
    void add(const Half& other) noexcept {
      Wide carry = 0;
      for (unsigned i = 0; i < 3; ++i) {
        carry += Wide{w[i]} + other.w[i];
        w[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
      }
    }
    // -= a·b modulo 2^192
    void subtract_product(const std::uint64_t a[2], const Half& b) noexcept {
      std::uint64_t t[3];
      Wide sum = Wide{a[0]} * b.w[0];
      t[0] = static_cast<std::uint64_t>(sum);
      sum = (sum >> 64) + Wide{a[0]} * b.w[1];
      Wide other = Wide{a[1]} * b.w[0] + static_cast<std::uint64_t>(sum);
      t[1] = static_cast<std::uint64_t>(other);
      t[2] = static_cast<std::uint64_t>(sum >> 64) + static_cast<std::uint64_t>(other >> 64) +
             a[0] * b.w[2] + a[1] * b.w[1];
      Wide borrow = 0;
      for (unsigned i = 0; i < 3; ++i) {
        const Wide v = Wide{w[i]} - t[i] - borrow;
        w[i] = static_cast<std::uint64_t>(v);
        borrow = (v >> 64) & 1;
      }
    }
  };

  // The lattice of (a, b) with a + b·lambda = 0 (mod n): v1 = (a1, b1), v2 = (a2, a1).
  static constexpr Half a1 = {{0xE86C90E49284EB15, 0x3086D221A7D46BCD, 0}};
  static constexpr Half minus_b1 = {{0x6F547FA90ABFE4C3, 0xE4437ED6010E8828, 0}};
  static constexpr Half b1 = {{0x90AB8056F5401B3D, 0x1BBC8129FEF177D7, ~std::uint64_t{0}}};
  static constexpr Half a2 = {{0x57C1108D9D44CFD8, 0x14CA50F7A8E2F3F6, 1}};
  // b2 2^384/n and -b1 2^384/n, rounded.
  static constexpr std::uint64_t g1[4] = {0xE893209A45DBB031, 0x3DAA8A1471E8CA7F,
                                          0xE86C90E49284EB15, 0x3086D221A7D46BCD};
  static constexpr std::uint64_t g2[4] = {0x1571B4AE8AC47F71, 0x221208AC9DF506C6,
                                          0x6F547FA90ABFE4C4, 0xE4437ED6010E8828};

  // Odd k1, k2 with k = k1 + k2·lambda, |k1|, |k2| < 2^129. Precondition: k < n.
  //   Rounding leaves |k1| <= (a1 + a2)/2 + 1 < 0.64·2^128, |k2| <= (a1 - b1)/2 + 1 < 0.55·2^128;
  //   what makes both odd adds at most a1 + a2 < 1.28·2^128 and -b1 < 0.9·2^128.
  [[gnu::always_inline]] static inline void split(Half& k1, Half& k2,
                                                  const std::uint64_t k[4]) noexcept {
    std::uint64_t c1[2], c2[2];
    multiply_high(c1, k, g1);
    multiply_high(c2, k, g2);
    k1 = {{k[0], k[1], k[2]}};  // what counts is below 2^192
    k1.subtract_product(c1, a1);
    k1.subtract_product(c2, a2);
    k2 = {{0, 0, 0}};
    k2.subtract_product(c1, b1);
    k2.subtract_product(c2, a1);
    // (a1, b1) is (odd, odd), (a2, a1) is (even, odd).
    const bool first_even = (k1.w[0] & 1) == 0, second_even = (k2.w[0] & 1) == 0;
    if (first_even) {
      k1.add(a1);
      k2.add(b1);
    }
    if (first_even != second_even) {
      k1.add(a2);
      k2.add(a1);
    }
  }

  // (k + 2^top - 1) / 2 of an odd k, |k| < 2^top: its digits in base 2^width are what a recoding
  // with odd digits is made of (digit(), prepare.hpp).
  template <unsigned top>
  [[gnu::always_inline]] static inline void offset(std::uint64_t out[3], const Half& k) noexcept {
    static_assert(top >= 130 && top <= 190);
    Half t = k;
    t.add({{~std::uint64_t{0}, ~std::uint64_t{0}, (std::uint64_t{1} << (top - 128)) - 1}});
    out[0] = t.w[0] >> 1 | t.w[1] << 63;
    out[1] = t.w[1] >> 1 | t.w[2] << 63;
    out[2] = t.w[2] >> 1;
  }

  // Five limbs of 52 bits, a number below 2^257 - 2^130, as four words: the same modulo n.
  static void words(std::uint64_t out[4], const std::uint64_t limbs[5]) noexcept {
    out[0] = limbs[0] | limbs[1] << 52;
    out[1] = limbs[1] >> 12 | limbs[2] << 40;
    out[2] = limbs[2] >> 24 | limbs[3] << 28;
    out[3] = limbs[3] >> 36 | limbs[4] << 16;
    if (limbs[4] >> 48 == 0) return;
    constexpr std::uint64_t beyond[4] = {0 - n[0], ~n[1], ~n[2], ~n[3]};  // 2^256 - n
    Wide carry = 0;
    for (unsigned i = 0; i < 4; ++i) {
      carry += Wide{out[i]} + beyond[i];
      out[i] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
  }
};

}  // namespace claimgate::secp
