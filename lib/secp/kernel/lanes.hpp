// Between lanes and numbers one by one.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/field.hpp"
#include "lib/secp/kernel/inverse.hpp"
#include "lib/secp/kernel/lane_portable.hpp"

namespace claimgate::secp {

// lambda·(x, y) = (beta·x, y)
inline constexpr std::uint64_t beta_words[4] = {0xC1396C28719501EE, 0x9CF0497512F58995,
                                                0x6E64479EAC3434E9, 0x7AE96A2B657C0710};

// An affine point in each lane.
template <class L>
struct PointLanes {
  Fe<L> x, y;
};

// One lane's element.
template <class L, int Unit>
CG_INLINE Fe<Portable<Unit>> lane_of(const std::uint64_t (&words)[5][L::lanes],
                                     unsigned lane) noexcept {
  Fe<Portable<Unit>> out;
  for (unsigned i = 0; i < 5; ++i) out.n[i] = words[i][lane];
  return out;
}

// 0 .. p - 1, as words.
template <int Unit>
inline void canonical_words(std::uint64_t out[4], const Fe<Portable<Unit>>& a) noexcept {
  Fe<Portable<Unit>> t = tight(a);
  std::uint64_t w[4] = {t.n[0] | t.n[1] << 52, t.n[1] >> 12 | t.n[2] << 40,
                        t.n[2] >> 24 | t.n[3] << 28, t.n[3] >> 36 | t.n[4] << 16};
  // Bits above 2^256 and a value of p and more: add 2^32 + 977, and drop what goes over.
  const bool over =
      (t.n[4] >> 48) != 0 || ((w[3] & w[2] & w[1]) == ~std::uint64_t{0} && w[0] >= 0 - p_fold);
  if (over) {
    std::uint64_t carry = p_fold;
    for (unsigned i = 0; i < 4; ++i) {
      w[i] += carry;
      carry = w[i] < carry ? 1 : 0;
    }
  }
  for (unsigned i = 0; i < 4; ++i) out[i] = w[i];
}

// The inverses of all lanes of `count` elements, by one inversion. False, and nothing else, where
// one of them is 0.
template <class L, int Unit, unsigned count>
inline bool invert_lanes(Fe<L> (&a)[count]) noexcept {
  using One = Portable<Unit>;
  constexpr unsigned all = count * L::lanes;
  std::uint64_t words[count][5][L::lanes];
  for (unsigned c = 0; c < count; ++c) {
    for (unsigned i = 0; i < 5; ++i) L::store(words[c][i], a[c].n[i]);
  }
  Fe<One> prefix[all];
  prefix[0] = lane_of<L, Unit>(words[0], 0);
  for (unsigned k = 1; k < all; ++k) {
    prefix[k] = mul(prefix[k - 1], lane_of<L, Unit>(words[k / L::lanes], k % L::lanes));
  }
  std::uint64_t total[4], inverted[4];
  canonical_words<Unit>(total, prefix[all - 1]);
  Inverse<Unit>::invert(inverted, total, Inverse<Unit>::p);
  if ((inverted[0] | inverted[1] | inverted[2] | inverted[3]) == 0) return false;
  Fe<One> left = everywhere<One>(inverted);
  for (unsigned k = all; k-- > 0;) {
    const unsigned c = k / L::lanes, lane = k % L::lanes;
    const Fe<One> own = lane_of<L, Unit>(words[c], lane);
    const Fe<One> inverse = k > 0 ? mul(left, prefix[k - 1]) : left;
    left = mul(left, own);
    for (unsigned i = 0; i < 5; ++i) words[c][i][lane] = inverse.n[i];
  }
  for (unsigned c = 0; c < count; ++c) {
    for (unsigned i = 0; i < 5; ++i) a[c].n[i] = L::load_words(words[c][i]);
  }
  return true;
}

}  // namespace claimgate::secp
