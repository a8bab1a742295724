// Points without inversions: (x/z^2, y/z^3), and z = 0 for none.
//
// An exceptional addition (of equal or opposite points) gives z = 0, and z stays 0 from then on:
// who uses these formulas looks at z at the end, and takes 0 for "undecided". Formulas: Bernstein
// and Lange, Explicit-Formulas Database, short Weierstrass curves with a = 0.
#pragma once

#include "lib/secp/kernel/field.hpp"

namespace claimgate::secp {

template <class L>
struct Jacobian {
  Fe<L> x, y, z;
};

// dbl-2009-l: 2 multiplications, 5 squarings.
template <class L>
CG_INLINE void double_point(Jacobian<L>& p) noexcept {
  const Fe<L> a = sqr(p.x), b = sqr(p.y), c = sqr(b);
  const Fe<L> half = tight(sub(sqr(factor(add(p.x, b))), add(a, c)));
  const auto d = add(half, half);
  const auto e = factor(add(a, add(a, a)));
  const Fe<L> x = tight(sub(sqr(e), add(d, d)));
  const auto c2 = add(c, c);
  const auto c4 = add(c2, c2);
  p.z = mul(p.y, factor(add(p.z, p.z)));
  p.y = tight(sub(mul(e, factor(sub(d, x))), add(c4, c4)));
  p.x = x;
}

// p + (x2, y2), affine: 8 multiplications, 3 squarings.
template <class L, class X, class Y>
CG_INLINE void add_affine(Jacobian<L>& p, const X& x2, const Y& y2) noexcept {
  const Fe<L> z2 = sqr(p.z);
  const auto h = factor(sub(mul(x2, z2), p.x));
  const auto r = factor(sub(mul(y2, mul(p.z, z2)), p.y));
  const Fe<L> h2 = sqr(h), h3 = mul(h2, h), v = mul(p.x, h2);
  const Fe<L> x = tight(sub(sqr(r), add(h3, add(v, v))));
  p.y = tight(sub(mul(r, factor(sub(v, x))), mul(p.y, h3)));
  p.z = mul(p.z, h);
  p.x = x;
}

// p + q: 12 multiplications, 4 squarings.
template <class L>
CG_INLINE void add_point(Jacobian<L>& p, const Jacobian<L>& q) noexcept {
  const Fe<L> z1 = sqr(p.z), z2 = sqr(q.z);
  const Fe<L> u1 = mul(p.x, z2), s1 = mul(p.y, mul(q.z, z2));
  const auto h = factor(sub(mul(q.x, z1), u1));
  const auto r = factor(sub(mul(q.y, mul(p.z, z1)), s1));
  const Fe<L> h2 = sqr(h), h3 = mul(h2, h), v = mul(u1, h2);
  p.x = tight(sub(sqr(r), add(h3, add(v, v))));
  p.y = tight(sub(mul(r, factor(sub(v, p.x))), mul(s1, h3)));
  p.z = mul(mul(p.z, q.z), h);
}

template <class L>
CG_INLINE Jacobian<L> select(typename L::Mask m, const Jacobian<L>& yes,
                             const Jacobian<L>& no) noexcept {
  return {select(m, yes.x, no.x), select(m, yes.y, no.y), select(m, yes.z, no.z)};
}

}  // namespace claimgate::secp
