// Arithmetic modulo p = 2^256 - 2^32 - 977, the same operation on all lanes at once.
//
// Where lanes multiply whole words an element is four of them, and any will do (field_words.hpp).
// Where products come in two halves it is five limbs of 52 bits, least significant first, not
// unique: its value may exceed p. How far it may is part of its type, so that what a multiplication
// needs (in two halves: every limb below 2^52) is shown by the compiler for all inputs, not by
// tests for some:
//
//   Raw<L, K, V>  limbs 0..3 < K 2^52,  limb 4 < V (2^48 + 2^10) - 2 K
//   Fe<L, V>      limbs 0..3 < 2^52,    limb 4 < V (2^48 + 2^10) - 2,   V <= 12: limb 4 < 2^52
//
// mul() and sqr() take what fits their lanes (factor()) and give Fe<L, 1>, with much of the 2^10
// left. A sum takes both bounds' sums and a
// difference the cover's besides, so room is left for what carry() brings to limb 4: less than K
// from a limb 3 below K 2^52, but where K = 1 nothing. tight() takes any Raw to an Fe<L, 1>.
// tests/lib/secp/bounds_test.cpp runs this very code on intervals: no sum passes 2^64, no operand
// of a multiplication reaches 2^52, and every result keeps to its type.
//
// Variable time is right: all values are public.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/field_words.hpp"

namespace claimgate::secp {

inline constexpr std::uint64_t limb_mask = (std::uint64_t{1} << 52) - 1;
inline constexpr std::uint64_t top_mask = (std::uint64_t{1} << 48) - 1;
inline constexpr std::uint64_t p_fold = 0x1000003D1;       // 2^256 mod p
inline constexpr std::uint64_t p_fold_260 = 0x1000003D10;  // 2^260 mod p
inline constexpr std::uint64_t p_limbs[5] = {limb_mask - p_fold + 1, limb_mask, limb_mask,
                                             limb_mask, top_mask};

// Tests whose lanes are no registers leave it to the compiler.
#ifndef CG_INLINE
#define CG_INLINE [[gnu::always_inline]] inline
#endif

// Below these: limbs 0..3, limb 4.
template <unsigned K>
inline constexpr std::uint64_t limb_bound = K*(std::uint64_t{1} << 52);
template <unsigned K, unsigned V>
inline constexpr std::uint64_t top_bound = V*((std::uint64_t{1} << 48) + 1024) - 2 * K;

template <class L, unsigned K, unsigned V>
struct Raw {
  static_assert(K >= 1 && K <= 64 && V >= 1 && V <= 64);
  using Lane = L;
  static constexpr unsigned limbs = K;
  typename L::U n[L::limbs];
};

namespace detail {
template <class To, class U, unsigned count>
CG_INLINE To with_limbs(const U (&n)[count]) noexcept {
  To out;
  for (unsigned i = 0; i < count; ++i) out.n[i] = n[i];
  return out;
}
}  // namespace detail

template <class L, unsigned V = 1>
struct Fe {
  static_assert(V >= 1 && V <= 12 && top_bound<1, V> <= limb_bound<1>);
  using Lane = L;
  static constexpr unsigned limbs = 1;
  typename L::U n[L::limbs];
  CG_INLINE operator Raw<L, 1, V>() const noexcept { return detail::with_limbs<Raw<L, 1, V>>(n); }
};

template <class L, unsigned V>
CG_INLINE Raw<L, 1, V> raw(const Fe<L, V>& a) noexcept {
  return a;
}
template <class L, unsigned K, unsigned V>
CG_INLINE Raw<L, K, V> raw(const Raw<L, K, V>& a) noexcept {
  return a;
}

// ---- sums --------------------------------------------------------------------------------------

template <class L, unsigned Ka, unsigned Va, unsigned Kb, unsigned Vb>
CG_INLINE Raw<L, Ka + Kb, Va + Vb> add_raw(const Raw<L, Ka, Va>& a,
                                           const Raw<L, Kb, Vb>& b) noexcept {
  Raw<L, Ka + Kb, Va + Vb> out;
  if constexpr (L::wide) {
    Words<L>::add(out.n, a.n, b.n);
  } else {
    for (unsigned i = 0; i < 5; ++i) out.n[i] = L::add(a.n[i], b.n[i]);
  }
  return out;
}
template <class A, class B>
CG_INLINE auto add(const A& a, const B& b) noexcept {
  return add_raw(raw(a), raw(b));
}

// The multiple of p that covers a Raw<K, V>, limb by limb: no difference below zero.
template <unsigned K, unsigned V>
inline constexpr unsigned cover = (K > V ? K : V) + 1;

// a - b + cover·p.
template <class L, unsigned Ka, unsigned Va, unsigned Kb, unsigned Vb>
CG_INLINE auto sub_raw(const Raw<L, Ka, Va>& a, const Raw<L, Kb, Vb>& b) noexcept {
  constexpr unsigned times = cover<Kb, Vb>;
  static_assert(times * p_limbs[0] >= limb_bound<Kb>);
  static_assert(times * p_limbs[4] >= top_bound<Kb, Vb>);
  Raw<L, Ka + times, Va + times> out;
  if constexpr (L::wide) {
    Words<L>::sub(out.n, a.n, b.n);
  } else {
    for (unsigned i = 0; i < 5; ++i) {
      out.n[i] = L::add(a.n[i], L::sub(L::set1(times * p_limbs[i]), b.n[i]));
    }
  }
  return out;
}
template <class A, class B>
CG_INLINE auto sub(const A& a, const B& b) noexcept {
  return sub_raw(raw(a), raw(b));
}

// a where the mask is not set, cover·p - a where it is.
template <class L, unsigned V>
CG_INLINE auto negate_where(typename L::Mask m, const Fe<L, V>& a) noexcept {
  constexpr unsigned times = cover<1, V>;
  Raw<L, times, times> out;
  if constexpr (L::wide) {
    Words<L>::negate_where(out.n, m, a.n);
  } else {
    for (unsigned i = 0; i < 5; ++i) {
      // -a = ~a + 1
      out.n[i] = L::add(L::bit_xor(a.n[i], m), L::bit_and(m, L::set1(times * p_limbs[i] + 1)));
    }
  }
  return out;
}

template <class L, unsigned V>
CG_INLINE Fe<L, V> select(typename L::Mask m, const Fe<L, V>& yes, const Fe<L, V>& no) noexcept {
  Fe<L, V> out;
  for (unsigned i = 0; i < L::limbs; ++i) out.n[i] = L::select(m, yes.n[i], no.n[i]);
  return out;
}

namespace detail {
template <class L>
CG_INLINE void carry_chain(typename L::U n[5]) noexcept {
  const auto limb = L::set1(limb_mask);
  for (unsigned i = 0; i < 4; ++i) {
    n[i + 1] = L::add(n[i + 1], L::template shr<52>(n[i]));
    n[i] = L::bit_and(n[i], limb);
  }
}
}  // namespace detail

// The same value with limbs below 2^52.
template <class L, unsigned K, unsigned V>
CG_INLINE Fe<L, V> carry(const Raw<L, K, V>& a) noexcept {
  auto out = detail::with_limbs<Fe<L, V>>(a.n);
  if constexpr (!L::wide) detail::carry_chain<L>(out.n);
  return out;
}

// The same modulo p, below 2^256 but for a carry.
template <class L, unsigned K, unsigned V>
CG_INLINE Fe<L, 1> tight(const Raw<L, K, V>& a) noexcept {
  auto out = detail::with_limbs<Fe<L, 1>>(a.n);
  if constexpr (!L::wide) {
    const auto over = L::template shr<48>(out.n[4]);  // < 2^8
    out.n[4] = L::bit_and(out.n[4], L::set1(top_mask));
    // over·(2^32 + 977)
    out.n[0] = L::add(out.n[0], L::add(L::template shl<32>(over), L::mul32(over, L::set1(0x3D1))));
    detail::carry_chain<L>(out.n);
  }
  return out;
}
template <class L, unsigned V>
CG_INLINE Fe<L, 1> tight(const Fe<L, V>& a) noexcept {
  return tight(raw(a));
}

// ---- products ----------------------------------------------------------------------------------

namespace detail {

// Ten limbs of 52 bits and more, weights 2^(52 i), to an element. Limbs below 2^57.
template <class L>
CG_INLINE Fe<L, 1> reduce(typename L::U c[10]) noexcept {
  using U = typename L::U;
  const U limb = L::set1(limb_mask);
  for (unsigned i = 5; i < 9; ++i) {
    c[i + 1] = L::add(c[i + 1], L::template shr<52>(c[i]));
    c[i] = L::bit_and(c[i], limb);
  }
  U low[6] = {L::start(1, 0), L::start(1, 1), L::start(1, 1),
              L::start(1, 1), L::start(1, 1), L::start(0, 1)};
  const auto fold = L::operand(L::set1(p_fold_260));
  for (unsigned i = 0; i < 5; ++i) {
    L::multiply_add(low[i], low[i + 1], L::operand(c[5 + i]), fold);
  }
  Fe<L, 1> out;
  for (unsigned i = 0; i < 5; ++i) out.n[i] = L::add(c[i], low[i]);
  const U over = L::add(L::template shr<48>(out.n[4]), L::template shl<4>(low[5]));
  out.n[4] = L::bit_and(out.n[4], L::set1(top_mask));
  U first = L::start(1, 0), second = L::start(0, 1);
  L::multiply_add(first, second, L::operand(over), L::operand(L::set1(p_fold)));
  out.n[0] = L::add(out.n[0], first);
  out.n[1] = L::add(out.n[1], second);
  carry_chain<L>(out.n);
  return out;
}

// Of elements whose limbs are all below 2^52.
template <class L>
CG_INLINE Fe<L, 1> product(const typename L::U (&a)[L::limbs],
                           const typename L::U (&b)[L::limbs]) noexcept {
  if constexpr (L::wide) {
    Fe<L, 1> out;
    Words<L>::mul(out.n, a, b);
    return out;
  } else {
    typename L::Operand x[5], y[5];
    for (unsigned i = 0; i < 5; ++i) {
      x[i] = L::operand(a[i]);
      y[i] = L::operand(b[i]);
    }
    typename L::U c[10] = {L::start(1, 0), L::start(2, 1), L::start(3, 2), L::start(4, 3),
                           L::start(5, 4), L::start(4, 5), L::start(3, 4), L::start(2, 3),
                           L::start(1, 2), L::start(0, 1)};
#pragma GCC unroll 9
    for (unsigned k = 0; k < 9; ++k) {
#pragma GCC unroll 5
      for (unsigned i = 0; i < 5; ++i)
        if (k >= i && k - i < 5) L::multiply_add(c[k], c[k + 1], x[i], y[k - i]);
    }
    return detail::reduce<L>(c);
  }
}

template <class L>
CG_INLINE Fe<L, 1> square(const typename L::U (&a)[L::limbs]) noexcept {
  if constexpr (L::wide) {
    Fe<L, 1> out;
    Words<L>::sqr(out.n, a);
    return out;
  } else {
    typename L::Operand x[5];
    for (unsigned i = 0; i < 5; ++i) x[i] = L::operand(a[i]);
    // What stands twice in the square, once.
    typename L::U c[10] = {L::start(0, 0), L::start(1, 0), L::start(1, 1), L::start(2, 1),
                           L::start(2, 2), L::start(2, 2), L::start(1, 2), L::start(1, 1),
                           L::start(0, 1), L::start(0, 0)};
#pragma GCC unroll 5
    for (unsigned i = 0; i < 5; ++i) {
#pragma GCC unroll 5
      for (unsigned j = i + 1; j < 5; ++j) L::multiply_add(c[i + j], c[i + j + 1], x[i], x[j]);
    }
    for (unsigned i = 0; i < 10; ++i) {
      c[i] = L::add(L::add(c[i], c[i]), i % 2 == 0 ? L::start(1, 0) : L::start(0, 1));
    }
#pragma GCC unroll 5
    for (unsigned i = 0; i < 5; ++i) L::multiply_add(c[2 * i], c[2 * i + 1], x[i], x[i]);
    return detail::reduce<L>(c);
  }
}

// Where the code of a product is long, once is better for the instruction cache than everywhere.
template <class L>
[[gnu::noinline]] Fe<L, 1> product_apart(const typename L::U (&a)[L::limbs],
                                         const typename L::U (&b)[L::limbs]) noexcept {
  return product<L>(a, b);
}
template <class L>
[[gnu::noinline]] Fe<L, 1> square_apart(const typename L::U (&a)[L::limbs]) noexcept {
  return square<L>(a);
}

}  // namespace detail

// A sum or a difference as mul() and sqr() take it: carried where products come in two halves.
template <class L, unsigned K, unsigned V>
CG_INLINE auto factor(const Raw<L, K, V>& a) noexcept {
  if constexpr (L::wide) {
    return a;
  } else {
    return carry(a);
  }
}

template <class A, class B>
CG_INLINE Fe<typename A::Lane> mul(const A& a, const B& b) noexcept {
  using L = typename A::Lane;
  static_assert(L::wide || (A::limbs == 1 && B::limbs == 1));
  if constexpr (L::products_inline) return detail::product<L>(a.n, b.n);
  return detail::product_apart<L>(a.n, b.n);
}
template <class A>
CG_INLINE Fe<typename A::Lane> sqr(const A& a) noexcept {
  using L = typename A::Lane;
  static_assert(L::wide || A::limbs == 1);
  if constexpr (L::products_inline) return detail::square<L>(a.n);
  return detail::square_apart<L>(a.n);
}

// ---- values ------------------------------------------------------------------------------------

// Lanes whose value, of any kind, is a multiple of p. A tight element is below 2^256 + 2^218 < 2p,
// so it is 0 or p then; and its limbs, of which only the last may be beyond its weight, have one
// form for each.
template <class A>
CG_INLINE typename A::Lane::Mask is_zero(const A& a) noexcept {
  using L = typename A::Lane;
  using U = typename L::U;
  const Fe<L, 1> t = tight(a);
  if constexpr (L::wide) {
    return L::mask(Words<L>::is_zero(t.n) ? 1 : 0);
  } else {
    U any = t.n[0], differs = L::bit_xor(t.n[0], L::set1(p_limbs[0]));
    for (unsigned i = 1; i < 5; ++i) {
      any = L::bit_or(any, t.n[i]);
      differs = L::bit_or(differs, L::bit_xor(t.n[i], L::set1(p_limbs[i])));
    }
    const U zero = L::set1(0);
    return L::mask_or(L::equal(any, zero), L::equal(differs, zero));
  }
}

template <class L>
CG_INLINE Fe<L, 1> one() noexcept {
  Fe<L, 1> out;
  for (unsigned i = 0; i < L::limbs; ++i) out.n[i] = L::set1(i == 0 ? 1 : 0);
  return out;
}

// One number below p, four words, in all lanes.
template <class L>
CG_INLINE Fe<L, 1> everywhere(const std::uint64_t words[4]) noexcept {
  if constexpr (L::wide) {
    return {{words[0], words[1], words[2], words[3]}};
  } else {
    return {{L::set1(words[0] & limb_mask), L::set1((words[0] >> 52 | words[1] << 12) & limb_mask),
             L::set1((words[1] >> 40 | words[2] << 24) & limb_mask),
             L::set1((words[2] >> 28 | words[3] << 36) & limb_mask), L::set1(words[3] >> 16)}};
  }
}

}  // namespace claimgate::secp
