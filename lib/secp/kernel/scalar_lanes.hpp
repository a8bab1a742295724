// Scalars modulo the group's order n, the same operation on all lanes at once: for batches, where
// one signature at a time (scalar.hpp) would cost more than the points do.
//
// A number is five limbs of 52 bits, least significant first, not unique: limbs 0..3 are below
// 2^52, limb 4 below 2^49. multiply() takes such and gives such; what a split takes and gives is
// said there. tests/lib/secp/bounds_test.cpp runs this code on intervals.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/field.hpp"

namespace claimgate::secp {

template <class L>
struct ScalarLanes {
  using U = typename L::U;
  using Operand = typename L::Operand;
  static_assert(!L::wide);

  struct Number {
    U n[5];
  };
  // A signed number modulo 2^156, or what `recode` makes of it.
  struct Half {
    static constexpr unsigned limb_bits = 52;
    U n[3];
  };

  // 2^260 and 2^256 modulo n.
  static constexpr std::uint64_t fold_260[3] = {0xA1732FC9BEBF0, 0x950B75FC4402D, 0x14551231};
  static constexpr std::uint64_t fold_256[3] = {0xDA1732FC9BEBF, 0x1950B75FC4402, 0x1455123};

  static Number load(const std::uint64_t* const at[L::lanes]) noexcept {
    Number out;
    L::load(out.n, at);
    return out;
  }

  // a·b mod n. What lies above 2^260 comes back times fold_260: 254 bits of it, then 127; then what
  // lies above 2^256 times fold_256.
  [[gnu::noinline]] static Number multiply(const Number& a, const Number& b) noexcept {
    Operand x[5], y[5];
    for (unsigned i = 0; i < 5; ++i) {
      x[i] = L::operand(a.n[i]);
      y[i] = L::operand(b.n[i]);
    }
    U c[10] = {L::start(1, 0), L::start(2, 1), L::start(3, 2), L::start(4, 3), L::start(5, 4),
               L::start(4, 5), L::start(3, 4), L::start(2, 3), L::start(1, 2), L::start(0, 1)};
#pragma GCC unroll 9
    for (unsigned k = 0; k < 9; ++k) {
#pragma GCC unroll 5
      for (unsigned i = 0; i < 5; ++i)
        if (k >= i && k - i < 5) L::multiply_add(c[k], c[k + 1], x[i], y[k - i]);
    }
    for (unsigned i = 5; i < 9; ++i) carry(c[i], c[i + 1]);

    U d[8] = {L::start(1, 0), L::start(2, 1), L::start(3, 2), L::start(3, 3),
              L::start(3, 3), L::start(2, 3), L::start(1, 2), L::start(0, 1)};
#pragma GCC unroll 5
    for (unsigned i = 0; i < 5; ++i) {
      const Operand high = L::operand(c[5 + i]);
#pragma GCC unroll 3
      for (unsigned j = 0; j < 3; ++j) {
        L::multiply_add(d[i + j], d[i + j + 1], high, L::operand(L::set1(fold_260[j])));
      }
    }
    carry(d[5], d[6]);
    carry(d[6], d[7]);

    U e[6] = {L::start(1, 0), L::start(2, 1), L::start(3, 2),
              L::start(2, 3), L::start(1, 2), L::start(0, 1)};
#pragma GCC unroll 3
    for (unsigned i = 0; i < 3; ++i) {
      const Operand high = L::operand(d[5 + i]);
#pragma GCC unroll 3
      for (unsigned j = 0; j < 3; ++j) {
        L::multiply_add(e[i + j], e[i + j + 1], high, L::operand(L::set1(fold_260[j])));
      }
    }
    Number out;
    for (unsigned i = 0; i < 5; ++i) out.n[i] = L::add(c[i], L::add(d[i], e[i]));
    for (unsigned i = 0; i < 4; ++i) carry(out.n[i], out.n[i + 1]);

    const Operand over =
        L::operand(L::add(L::template shr<48>(out.n[4]), L::template shl<4>(e[5])));
    out.n[4] = L::bit_and(out.n[4], L::set1(top_mask));
    U f[4] = {L::start(1, 0), L::start(1, 1), L::start(1, 1), L::start(0, 1)};
#pragma GCC unroll 3
    for (unsigned j = 0; j < 3; ++j) {
      L::multiply_add(f[j], f[j + 1], over, L::operand(L::set1(fold_256[j])));
    }
    for (unsigned i = 0; i < 4; ++i) out.n[i] = L::add(out.n[i], f[i]);
    for (unsigned i = 0; i < 4; ++i) carry(out.n[i], out.n[i + 1]);
    return out;
  }

  // k = k1 + k2·lambda (mod n), both odd, |k1|, |k2| < 1.28·2^128 (scalar.hpp has the lattice and
  // the bound; that k may exceed n adds no more than 2^-60 to c1 and c2's distance from the
  // quotient). What comes out is (k + 2^top - 1) / 2 of each, whose bits are the digits.
  template <unsigned top>
  static void split(Half& first, Half& second, const Number& k) noexcept {
    static_assert(top >= 130 && top < 150);
    Operand k_operand[5], c1[3], c2[3];
    for (unsigned i = 0; i < 5; ++i) k_operand[i] = L::operand(k.n[i]);
    quotient(c1, k_operand, g1);
    quotient(c2, k_operand, g2);
    // Constants are modulo 2^156, so all of it is sums.
    U s1[3] = {L::start(2, 0), L::start(4, 2), L::start(6, 4)};
    U s2[3] = {L::start(2, 0), L::start(4, 2), L::start(6, 4)};
    add_product(s1, c1, minus_a1);
    add_product(s1, c2, minus_a2);
    add_product(s2, c1, minus_b1);
    add_product(s2, c2, minus_a1);
    for (unsigned i = 0; i < 3; ++i) s1[i] = L::add(s1[i], k.n[i]);
    // (a1, b1) is (odd, odd), (a2, a1) is (even, odd): the first where k1 is even, the second where
    // one of them is even.
    const U all = L::set1(~std::uint64_t{0});
    const U odd1 = L::odd(s1[0]), odd2 = L::odd(s2[0]);
    const U even1 = L::bit_xor(odd1, all), differ = L::bit_xor(odd1, odd2);
    for (unsigned i = 0; i < 3; ++i) {
      s1[i] = L::add(s1[i],
                     L::add(L::bit_and(even1, L::set1(a1[i])), L::bit_and(differ, L::set1(a2[i]))));
      s2[i] = L::add(s2[i],
                     L::add(L::bit_and(even1, L::set1(b1[i])), L::bit_and(differ, L::set1(a1[i]))));
    }
    offset<top>(first, s1);
    offset<top>(second, s2);
  }

 private:
  // As in scalar.hpp, in limbs of 52 bits; the lattice modulo 2^156.
  static constexpr std::uint64_t a1[3] = {0xC90E49284EB15, 0x21A7D46BCDE86, 0x3086D2};
  static constexpr std::uint64_t minus_a1[3] = {0x36F1B6D7B14EB, 0xDE582B9432179, 0xFFFFFFFCF792D};
  static constexpr std::uint64_t b1[3] = {0xB8056F5401B3D, 0x29FEF177D790A, 0xFFFFFFF1BBC81};
  static constexpr std::uint64_t minus_b1[3] = {0x47FA90ABFE4C3, 0xD6010E88286F5, 0xE4437E};
  static constexpr std::uint64_t a2[3] = {0x1108D9D44CFD8, 0xF7A8E2F3F657C, 0x114CA50};
  static constexpr std::uint64_t minus_a2[3] = {0xEEF7262BB3028, 0x08571D0C09A83, 0xFFFFFFEEB35AF};
  static constexpr std::uint64_t g1[5] = {0x3209A45DBB031, 0x1471E8CA7FE89, 0x284EB153DAA8A,
                                          0x6BCDE86C90E49, 0x3086D221A7D4};
  static constexpr std::uint64_t g2[5] = {0x1B4AE8AC47F71, 0xAC9DF506C6157, 0xABFE4C4221208,
                                          0x88286F547FA90, 0xE4437ED6010E};

  CG_INLINE static void carry(U& low, U& high) noexcept {
    high = L::add(high, L::template shr<52>(low));
    low = L::bit_and(low, L::set1(limb_mask));
  }

  // The limb that lies `by` bits above `low`'s, in two that are carried.
  template <int by>
  CG_INLINE static U shifted(const U& low, const U& high) noexcept {
    const U above = L::bit_and(high, L::set1((std::uint64_t{1} << by) - 1));
    return L::add(L::template shr<by>(low), L::template shl<52 - by>(above));
  }

  // k·g / 2^384, rounded: three limbs. Products below 2^260 are left out: less than 2^-60 of it.
  CG_INLINE static void quotient(Operand (&out)[3], const Operand (&k)[5],
                                 const std::uint64_t (&g)[5]) noexcept {
    U c[5] = {L::start(4, 0), L::start(3, 4), L::start(2, 3), L::start(1, 2), L::start(0, 1)};
#pragma GCC unroll 4
    for (unsigned at = 5; at < 9; ++at) {
#pragma GCC unroll 5
      for (unsigned i = at - 4; i < 5; ++i) {
        L::multiply_add(c[at - 5], c[at - 4], k[i], L::operand(L::set1(g[at - i])));
      }
    }
    c[2] = L::add(c[2], L::set1(std::uint64_t{1} << 19));  // 2^383
    for (unsigned i = 0; i < 4; ++i) carry(c[i], c[i + 1]);
    out[0] = L::operand(shifted<20>(c[2], c[3]));
    out[1] = L::operand(shifted<20>(c[3], c[4]));
    out[2] = L::operand(L::template shr<20>(c[4]));
  }

  // sum += a·b modulo 2^156.
  CG_INLINE static void add_product(U (&sum)[3], const Operand (&a)[3],
                                    const std::uint64_t (&b)[3]) noexcept {
    U beyond = L::set1(0);
#pragma GCC unroll 3
    for (unsigned k = 0; k < 3; ++k) {
#pragma GCC unroll 3
      for (unsigned i = 0; i <= k; ++i) {
        L::multiply_add(sum[k], k < 2 ? sum[k + 1] : beyond, a[i], L::operand(L::set1(b[k - i])));
      }
    }
  }

  // (sum + 2^top - 1) / 2
  template <unsigned top>
  CG_INLINE static void offset(Half& out, U (&sum)[3]) noexcept {
    sum[0] = L::add(sum[0], L::set1(limb_mask));
    sum[1] = L::add(sum[1], L::set1(limb_mask));
    sum[2] = L::add(sum[2], L::set1((std::uint64_t{1} << (top - 104)) - 1));
    carry(sum[0], sum[1]);
    carry(sum[1], sum[2]);
    sum[2] = L::bit_and(sum[2], L::set1(limb_mask));
    out.n[0] = shifted<1>(sum[0], sum[1]);
    out.n[1] = shifted<1>(sum[1], sum[2]);
    out.n[2] = L::template shr<1>(sum[2]);
  }
};

}  // namespace claimgate::secp
