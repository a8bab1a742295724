// From signatures to scalars: what every path begins with, and the comparison it ends with.
#pragma once

#include <cstdint>

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/field.hpp"
#include "lib/secp/kernel/inverse.hpp"
#include "lib/secp/kernel/scalar.hpp"
#include "lib/secp/kernel/scalar_lanes.hpp"

namespace claimgate::secp {

// r, u1 = m/s and u2 = r/s of `count` claims, by one inversion (Montgomery, 1987). A digest of n
// and more is reduced. Preconditions: 0 < count <= batch, r and s of every claim in range
// (kernel.hpp).
template <int Unit, unsigned batch, class Claim>
inline void prepare_each(const Claim* claims, unsigned count, std::uint64_t (*r)[4],
                         std::uint64_t (*u1)[4], std::uint64_t (*u2)[4]) noexcept {
  using Numbers = Scalars<Unit>;
  if (count > batch) __builtin_unreachable();  // g++ 12 at -O2 warns of what would come of it
  std::uint64_t s[batch][4], prefix[batch][4];
  for (unsigned i = 0; i < count; ++i) {
    Numbers::big_endian(r[i], claims[i].signature);
    Numbers::big_endian(s[i], claims[i].signature + 32);
    Numbers::big_endian(u1[i], claims[i].digest);
    Numbers::reduce_once(u1[i]);
    if (i > 0) {
      Numbers::multiply(prefix[i], prefix[i - 1], s[i]);
    } else {
      for (unsigned w = 0; w < 4; ++w) prefix[0][w] = s[0][w];
    }
  }
  // Each multiplication takes 2^256 away; one in advance gives it back to all that follow.
  std::uint64_t left[4];
  Inverse<Unit>::invert(left, prefix[count - 1], Inverse<Unit>::n);
  Numbers::multiply(left, left, Numbers::r_squared);
  for (unsigned i = count; i-- > 0;) {
    std::uint64_t inverse[4] = {left[0], left[1], left[2], left[3]};
    if (i > 0) {
      Numbers::multiply(inverse, left, prefix[i - 1]);
      Numbers::multiply(left, left, s[i]);
    }
    Numbers::multiply(u1[i], inverse, u1[i]);
    Numbers::multiply(u2[i], inverse, r[i]);
  }
}

// Scalars one at a time, as ScalarLanes has them for several.
template <int Unit>
struct ScalarEach {
  struct Number {
    std::uint64_t n[4];
  };
  struct Half {
    static constexpr unsigned limb_bits = 64;
    std::uint64_t n[3];
  };
  template <unsigned top>
  static void split(Half& first, Half& second, const Number& k) noexcept {
    typename Scalars<Unit>::Half halves[2];
    Scalars<Unit>::split(halves[0], halves[1], k.n);
    for (unsigned h = 0; h < 2; ++h) {
      std::uint64_t(&out)[3] = h == 0 ? first.n : second.n;
      Scalars<Unit>::template offset<top>(out, halves[h]);
    }
  }
};
template <bool wide, class L, int Unit>
struct ScalarsOf {
  using Type = ScalarLanes<L>;
};
template <class L, int Unit>
struct ScalarsOf<true, L, Unit> {
  using Type = ScalarEach<Unit>;
};
template <class L, int Unit>
using BatchScalars = typename ScalarsOf<L::wide, L, Unit>::Type;

// The inverses modulo n of every lane's number, by one inversion.
template <class L, int Unit>
inline void invert_scalars(typename ScalarLanes<L>::Number& a) noexcept {
  using Numbers = Scalars<Unit>;
  std::uint64_t limbs[5][L::lanes], number[L::lanes][4], prefix[L::lanes][4];
  for (unsigned i = 0; i < 5; ++i) L::store(limbs[i], a.n[i]);
  for (unsigned l = 0; l < L::lanes; ++l) {
    const std::uint64_t own[5] = {limbs[0][l], limbs[1][l], limbs[2][l], limbs[3][l], limbs[4][l]};
    Numbers::words(number[l], own);
    Numbers::reduce_once(number[l]);
    if (l > 0) {
      Numbers::multiply(prefix[l], prefix[l - 1], number[l]);
    } else {
      for (unsigned w = 0; w < 4; ++w) prefix[0][w] = number[0][w];
    }
  }
  // Every product has lost 2^256 once more than the one before it, and every step back gives it
  // back.
  std::uint64_t left[4];
  Inverse<Unit>::invert(left, prefix[L::lanes - 1], Inverse<Unit>::n);
  for (unsigned l = L::lanes; l-- > 0;) {
    if (l > 0) {
      std::uint64_t inverse[4];
      Numbers::multiply(inverse, left, prefix[l - 1]);
      Numbers::multiply(left, left, number[l]);
      for (unsigned w = 0; w < 4; ++w) number[l][w] = inverse[w];
    } else {
      for (unsigned w = 0; w < 4; ++w) number[0][w] = left[w];
    }
  }
  const std::uint64_t* at[L::lanes];
  for (unsigned l = 0; l < L::lanes; ++l) at[l] = number[l];
  a = ScalarLanes<L>::load(at);
}

// u1 = m/s and u2 = r/s of `count` claims, a group of lanes at a time: take(group, u1, u2), the
// last group first. r of every lane of `groups` groups comes out as words. Lanes beyond `count` are
// the first claim's. Preconditions: 0 < count <= groups·lanes <= batch, r and s of every claim in
// range; a RoundTowardZero.
template <class L, int Unit, unsigned batch, class Claim, class Take>
inline void prepare(const Claim* claims, unsigned count, unsigned groups, std::uint64_t (*r)[4],
                    Take take) noexcept {
  using Numbers = BatchScalars<L, Unit>;
  using Number = typename Numbers::Number;
  if constexpr (L::wide) {
    std::uint64_t u1[batch][4], u2[batch][4];
    prepare_each<Unit, batch>(claims, count, r, u1, u2);
    for (unsigned g = groups; g-- > 0;) {
      const unsigned from = g < count ? g : 0;
      for (unsigned w = 0; w < 4; ++w) r[g][w] = r[from][w];
      take(g, Number{{u1[from][0], u1[from][1], u1[from][2], u1[from][3]}},
           Number{{u2[from][0], u2[from][1], u2[from][2], u2[from][3]}});
    }
  } else {
    if (groups == 0) __builtin_unreachable();  // as in prepare_each()
    constexpr unsigned chains = 2;             // a multiplication waits for the one before it
    Number s[batch / L::lanes], m[batch / L::lanes], prefix[batch / L::lanes];
    for (unsigned g = 0; g < groups; ++g) {
      std::uint64_t words[2][L::lanes][4];
      const std::uint64_t* at[2][L::lanes];
      for (unsigned l = 0; l < L::lanes; ++l) {
        const unsigned i = g * L::lanes + l;
        const Claim& claim = claims[i < count ? i : 0];
        Scalars<Unit>::big_endian(r[i], claim.signature);
        Scalars<Unit>::big_endian(words[0][l], claim.signature + 32);
        Scalars<Unit>::big_endian(words[1][l], claim.digest);
        at[0][l] = words[0][l];
        at[1][l] = words[1][l];
      }
      s[g] = Numbers::load(at[0]);
      m[g] = Numbers::load(at[1]);
    }
    Number product[chains] = {s[0], s[groups > 1 ? 1 : 0]};
    for (unsigned g = chains; g < groups; ++g) {
      Number& sum = product[g % chains];
      prefix[g] = sum;
      sum = Numbers::multiply(sum, s[g]);
    }
    if (groups == 1) {
      invert_scalars<L, Unit>(product[0]);
    } else {
      Number all = Numbers::multiply(product[0], product[1]);
      invert_scalars<L, Unit>(all);
      const Number first = Numbers::multiply(all, product[1]);
      product[1] = Numbers::multiply(all, product[0]);
      product[0] = first;
    }
    for (unsigned g = groups; g-- > 0;) {
      Number& left = product[g % chains];
      Number inverse = left;
      if (g >= chains) {
        inverse = Numbers::multiply(left, prefix[g]);
        left = Numbers::multiply(left, s[g]);
      }
      const std::uint64_t* at[L::lanes];
      for (unsigned l = 0; l < L::lanes; ++l) at[l] = r[g * L::lanes + l];
      take(g, Numbers::multiply(inverse, m[g]), Numbers::multiply(inverse, Numbers::load(at)));
    }
  }
}

// Digit i of a recoded half, of every lane: entry (|d| - 1) / 2 of its window, and `minus`, 1 where
// d is negative. With k' = (k + 2^(width·windows) - 1) / 2, whose digits in base 2^width are b_i:
// d_i = 2 b_i - (2^width - 1).
template <class L, unsigned width, unsigned i, class Half>
CG_INLINE typename L::U digit(const Half& half, typename L::U& minus) noexcept {
  using U = typename L::U;
  constexpr unsigned word = width * i / Half::limb_bits, shift = width * i % Half::limb_bits;
  constexpr std::uint64_t below = (std::uint64_t{1} << (width - 1)) - 1;
  U b = L::template shr<static_cast<int>(shift)>(half.n[word]);
  if constexpr (shift + width > Half::limb_bits && word < 2) {
    b = L::bit_or(b, L::template shl<static_cast<int>(Half::limb_bits - shift)>(half.n[word + 1]));
  }
  // From 2^(width - 1) on it is positive, and the lower bits are its entry; below, their
  // complement.
  minus = L::bit_xor(L::bit_and(L::template shr<static_cast<int>(width - 1)>(b), L::set1(1)),
                     L::set1(1));
  return L::bit_and(L::bit_xor(b, L::odd(minus)), L::set1(below));
}
// f(digit number as a constant) for 0 .. count - 1.
template <unsigned count, unsigned i = 0, class F>
CG_INLINE void for_each_digit(const F& f) noexcept {
  if constexpr (i < count) {
    f.template operator()<i>();
    for_each_digit<count, i + 1>(f);
  }
}

// Where the digits' points stand in tables, and bit 0 where one is to be negated:
// put(window, that of every lane). `tables`: each lane's.
template <class L, unsigned width, unsigned windows, class Half, class Put>
CG_INLINE void place_digits(const Half& half, typename L::U tables, const Put& put) noexcept {
  constexpr std::uint64_t window_bytes = (std::uint64_t{1} << (width - 1)) * entry_bytes;
  static_assert(entry_bytes == 64);
  for_each_digit<windows>([&]<unsigned i>() noexcept {
    typename L::U minus;
    const typename L::U at = L::template shl<6>(digit<L, width, i>(half, minus));
    put(i, L::bit_or(L::add(L::add(tables, L::set1(i * window_bytes)), at), minus));
  });
}

// R.x may be r + n as well, where that is below p.
template <int Unit>
inline bool second_candidate(std::uint64_t out[4], const std::uint64_t r[4]) noexcept {
  using Numbers = Scalars<Unit>;
  constexpr std::uint64_t p_minus_n[4] = {0x402DA1722FC9BAEE, 0x4551231950B75FC4, 1, 0};
  for (unsigned w = 0; w < 4; ++w) out[w] = r[w];
  if (!Numbers::below(r, p_minus_n)) return false;
  typename Numbers::Wide sum = 0;
  for (unsigned w = 0; w < 4; ++w) {
    sum += r[w];
    sum += Numbers::n[w];
    out[w] = static_cast<std::uint64_t>(sum);
    sum >>= 64;
  }
  return true;
}

// The lanes for which `matches(x)` holds, x = r or the second candidate. `r`: of each lane.
template <class L, int Unit, class Matches>
inline unsigned match_r(const std::uint64_t (*r)[4], Matches matches) noexcept {
  const auto look = [&](const std::uint64_t(*at_r)[4]) noexcept {
    const std::uint64_t* at[L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) at[l] = at_r[l];
    Fe<L> x;
    L::load(x.n, at);
    return L::bits(matches(x));
  };
  std::uint64_t second[L::lanes][4];
  unsigned has_second = 0;
  for (unsigned l = 0; l < L::lanes; ++l) {
    has_second |= second_candidate<Unit>(second[l], r[l]) ? 1u << l : 0u;
  }
  const unsigned good = look(r);
  return has_second == 0 ? good : good | (look(second) & has_second);
}

}  // namespace claimgate::secp
