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

// One lane's element, out of stored ones.
template <class L, int Unit>
CG_INLINE Fe<Portable<Unit>> lane_of(const std::uint64_t (&limbs)[L::limbs][L::lanes],
                                     unsigned lane) noexcept {
  Fe<Portable<Unit>> out;
  if constexpr (L::wide) {
    for (unsigned i = 0; i < 4; ++i) out.n[i] = limbs[i][lane];
  } else {
    const std::uint64_t n0 = limbs[0][lane], n1 = limbs[1][lane], n2 = limbs[2][lane],
                        n3 = limbs[3][lane], n4 = limbs[4][lane];
    const Fe<Portable<Unit>> low{
        {n0 | n1 << 52, n1 >> 12 | n2 << 40, n2 >> 24 | n3 << 28, n3 >> 36 | n4 << 16}};
    const Fe<Portable<Unit>> above{{(n4 >> 48) * p_fold, 0, 0, 0}};
    out = tight(add(low, above));
  }
  return out;
}
template <class L, int Unit>
CG_INLINE void set_lane(std::uint64_t (&limbs)[L::limbs][L::lanes], unsigned lane,
                        const Fe<Portable<Unit>>& a) noexcept {
  if constexpr (L::wide) {
    for (unsigned i = 0; i < 4; ++i) limbs[i][lane] = a.n[i];
  } else {
    limbs[0][lane] = a.n[0] & limb_mask;
    limbs[1][lane] = (a.n[0] >> 52 | a.n[1] << 12) & limb_mask;
    limbs[2][lane] = (a.n[1] >> 40 | a.n[2] << 24) & limb_mask;
    limbs[3][lane] = (a.n[2] >> 28 | a.n[3] << 36) & limb_mask;
    limbs[4][lane] = a.n[3] >> 16;
  }
}

// 0 .. p - 1, as words.
template <int Unit>
CG_INLINE void canonical_words(std::uint64_t* out, const Fe<Portable<Unit>>& a) noexcept {
  std::uint64_t words[4];
  Words<Portable<Unit>>::canonical(words, a.n);
  for (unsigned i = 0; i < 4; ++i) out[i] = words[i];
}

// The inverses of all lanes of `count` elements, by one inversion. False, and nothing else, where
// one of them is 0.
template <class L, int Unit, unsigned count>
inline bool invert_lanes(Fe<L> (&a)[count]) noexcept {
  using One = Portable<Unit>;
  constexpr unsigned all = count * L::lanes;
  std::uint64_t words[count][L::limbs][L::lanes];
  for (unsigned c = 0; c < count; ++c) {
    for (unsigned i = 0; i < L::limbs; ++i) L::store(words[c][i], a[c].n[i]);
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
    set_lane<L, Unit>(words[c], lane, inverse);
  }
  for (unsigned c = 0; c < count; ++c) {
    for (unsigned i = 0; i < L::limbs; ++i) a[c].n[i] = L::load_words(words[c][i]);
  }
  return true;
}

}  // namespace claimgate::secp
