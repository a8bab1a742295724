// A lane type's operations and field.hpp's over it, behind plain functions on words: what is
// compiled for one CPU is tested from code that runs on all. No standard library here
// (src/ARCHITECTURE.md: a unit, a CPU).
//
// A vector of words is `lanes` of them; an element five such vectors, limb by limb, or four where
// lanes multiply whole words. Scalars are for lanes that multiply halves.
#pragma once

#include <cstdint>

#ifndef CG_INLINE
#define CG_INLINE inline  // thirty operations of five limbs, inlined, compile for minutes
#endif
#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"

namespace claimgate::secp::test {

using Word = std::uint64_t;

// Differences and sums that are tested: bounds of the right-hand side.
struct Bounds {
  unsigned k, v;
};
inline constexpr Bounds sums[] = {{1, 1}, {1, 12}, {2, 2},  {3, 3},
                                  {4, 4}, {8, 8},  {2, 24}, {31, 31}};
inline constexpr unsigned sum_kinds = sizeof(sums) / sizeof(sums[0]);

struct LaneOperations {
  unsigned lanes;
  bool halves;  // it has multiply_add, and elements of five limbs
  // Of vectors.
  void (*set1)(Word* out, Word value);
  void (*add)(Word* out, const Word* a, const Word* b);
  void (*sub)(Word* out, const Word* a, const Word* b);
  void (*bit_and)(Word* out, const Word* a, const Word* b);
  void (*bit_or)(Word* out, const Word* a, const Word* b);
  void (*bit_xor)(Word* out, const Word* a, const Word* b);
  void (*mul32)(Word* out, const Word* a, const Word* b);
  void (*shift)(Word* out, const Word* a, int left);  // by those that occur; negative: right
  unsigned (*equal)(const Word* a, const Word* b);
  void (*select)(Word* out, unsigned mask, const Word* yes, const Word* no);
  unsigned (*odd)(const Word* a);
  unsigned (*mask_or)(unsigned a, unsigned b);
  // `times` products of a[i]·b[i]: sums of lower halves, of both (another's), of upper halves.
  void (*products)(Word* low, Word* both, Word* high, const Word* a, const Word* b, unsigned times);
  void (*load)(Word* element, const Word* const* at);
  // Of elements; the operands' types are the widest that there are.
  void (*mul)(Word* out, const Word* a, const Word* b);           // Fe<12>
  void (*sqr)(Word* out, const Word* a);                          // Fe<12>
  void (*add_elements)(Word* out, const Word* a, const Word* b);  // Fe<12>
  void (*sub_elements)(Word* out, const Word* a, const Word* b,
                       unsigned kind);                                 // Fe<12> - sums[kind]
  void (*negate)(Word* out, const Word* a, unsigned mask, bool wide);  // Fe<12> or Fe<1>
  void (*carry)(Word* out, const Word* a);                             // Raw<64, 12>
  void (*tight)(Word* out, const Word* a);                             // Raw<64, 64>
  unsigned (*is_zero)(const Word* a);                                  // Fe<12>
  void (*everywhere)(Word* out, const Word* words);
  bool (*invert)(Word* a, bool two);  // one element of Fe<1> or two
  // Of scalars: five limbs each, halves of three.
  void (*multiply_scalars)(Word* out, const Word* a, const Word* b);
  void (*split)(Word* first, Word* second, const Word* k, unsigned top);  // 130, 132 or 136
  // u1 and u2 of every lane of every group, as they come.
  void (*prepare)(Word* u1, Word* u2, Word (*r)[4], const HotClaim* claims, unsigned count,
                  unsigned groups);
  void (*canonical)(Word* words, const Word* one_lane);  // Fe<12>
};

template <class L, int Unit>
struct OperationsOf {
  using U = typename L::U;
  static U in(const Word* at) { return L::load_words(at); }
  static void out(Word* at, const U& a) { L::store(at, a); }
  template <class E>
  static E element(const Word* at) {
    E e;
    for (unsigned i = 0; i < L::limbs; ++i) e.n[i] = in(at + i * L::lanes);
    return e;
  }
  template <class E>
  static void put(Word* at, const E& e) {
    for (unsigned i = 0; i < L::limbs; ++i) out(at + i * L::lanes, e.n[i]);
  }
  template <unsigned V>
  using F = Fe<L, V>;

  static void shift(Word* to, const Word* from, int left) {
    const U a = in(from);
    switch (left) {
      case 4:
        out(to, L::template shl<4>(a));
        break;
      case 32:
        out(to, L::template shl<32>(a));
        break;
      case -48:
        out(to, L::template shr<48>(a));
        break;
      case -52:
        out(to, L::template shr<52>(a));
        break;
      default:
        __builtin_abort();
    }
  }
  static void products(Word* low, Word* both, Word* high, const Word* a, const Word* b,
                       unsigned times) {
    if constexpr (!L::wide) {
      typename L::RoundTowardZero rounding;
      U c0 = L::start(times, 0), c1 = L::start(times, times), c2 = L::start(0, times);
      for (unsigned i = 0; i < times; ++i) {
        const auto x = L::operand(in(a + i * L::lanes)), y = L::operand(in(b + i * L::lanes));
        L::multiply_add(c0, c1, x, y);
        L::multiply_add(c1, c2, x, y);
      }
      out(low, c0);
      out(both, c1);
      out(high, c2);
    }
  }
  template <unsigned kind>
  static void difference(Word* to, const F<12>& a, const Word* b) {
    put(to, secp::sub(a, element<Raw<L, sums[kind].k, sums[kind].v>>(b)));
  }
  template <unsigned kind = 0>
  static void sub_elements(Word* to, const Word* a, const Word* b, unsigned wanted) {
    if constexpr (kind < sum_kinds) {
      if (kind == wanted) return difference<kind>(to, element<F<12>>(a), b);
      sub_elements<kind + 1>(to, a, b, wanted);
    }
  }
  static bool invert(Word* a, bool two) {
    typename L::RoundTowardZero rounding;
    if (!two) {
      F<1> e[1] = {element<F<1>>(a)};
      const bool done = invert_lanes<L, Unit>(e);
      put(a, e[0]);
      return done;
    }
    F<1> e[2] = {element<F<1>>(a), element<F<1>>(a + 5 * L::lanes)};
    const bool done = invert_lanes<L, Unit>(e);
    put(a, e[0]);
    put(a + 5 * L::lanes, e[1]);
    return done;
  }

  template <class Number>
  static Number scalar(const Word* at) {
    Number n;
    for (unsigned i = 0; i < 5; ++i) n.n[i] = in(at + i * L::lanes);
    return n;
  }
  static void multiply_scalars(Word* to, const Word* a, const Word* b) {
    if constexpr (!L::wide) {
      using Numbers = ScalarLanes<L>;
      typename L::RoundTowardZero rounding;
      put(to,
          Numbers::multiply(scalar<typename Numbers::Number>(a),
                            scalar<typename Numbers::Number>(b)),
          5);
    }
  }
  template <class N>
  static void put(Word* at, const N& number, unsigned limbs) {
    for (unsigned i = 0; i < limbs; ++i) out(at + i * L::lanes, number.n[i]);
  }
  static void split(Word* first, Word* second, const Word* k, unsigned top) {
    if constexpr (!L::wide) {
      using Numbers = ScalarLanes<L>;
      typename L::RoundTowardZero rounding;
      const auto number = scalar<typename Numbers::Number>(k);
      typename Numbers::Half a, b;
      if (top == 130) Numbers::template split<130>(a, b, number);
      if (top == 132) Numbers::template split<132>(a, b, number);
      if (top == 136) Numbers::template split<136>(a, b, number);
      put(first, a, 3);
      put(second, b, 3);
    }
  }
  static void prepare(Word* u1, Word* u2, Word (*r)[4], const HotClaim* claims, unsigned count,
                      unsigned groups) {
    if constexpr (!L::wide) {
      typename L::RoundTowardZero rounding;
      secp::prepare<L, Unit, 64>(claims, count, groups, r,
                                 [&](unsigned group, const auto& first, const auto& second) {
                                   put(u1 + group * 5 * L::lanes, first, 5);
                                   put(u2 + group * 5 * L::lanes, second, 5);
                                 });
    }
  }

  static constexpr LaneOperations all() {
    return {
        .lanes = L::lanes,
        .halves = !L::wide,
        .set1 = [](Word* to, Word v) { out(to, L::set1(v)); },
        .add = [](Word* to, const Word* a, const Word* b) { out(to, L::add(in(a), in(b))); },
        .sub = [](Word* to, const Word* a, const Word* b) { out(to, L::sub(in(a), in(b))); },
        .bit_and = [](Word* to, const Word* a,
                      const Word* b) { out(to, L::bit_and(in(a), in(b))); },
        .bit_or = [](Word* to, const Word* a, const Word* b) { out(to, L::bit_or(in(a), in(b))); },
        .bit_xor = [](Word* to, const Word* a,
                      const Word* b) { out(to, L::bit_xor(in(a), in(b))); },
        .mul32 = [](Word* to, const Word* a, const Word* b) { out(to, L::mul32(in(a), in(b))); },
        .shift = shift,
        .equal = [](const Word* a, const Word* b) { return L::bits(L::equal(in(a), in(b))); },
        .select = [](Word* to, unsigned mask, const Word* yes,
                     const Word* no) { out(to, L::select(L::mask(mask), in(yes), in(no))); },
        .odd = [](const Word* a) { return L::bits(L::odd(in(a))); },
        .mask_or = [](unsigned a,
                      unsigned b) { return L::bits(L::mask_or(L::mask(a), L::mask(b))); },
        .products = products,
        .load =
            [](Word* to, const Word* const* at) {
              F<1> e;
              L::load(e.n, at);
              put(to, e);
            },
        .mul =
            [](Word* to, const Word* a, const Word* b) {
              typename L::RoundTowardZero rounding;
              put(to, secp::mul(element<F<12>>(a), element<F<12>>(b)));
            },
        .sqr =
            [](Word* to, const Word* a) {
              typename L::RoundTowardZero rounding;
              put(to, secp::sqr(element<F<12>>(a)));
            },
        .add_elements =
            [](Word* to, const Word* a, const Word* b) {
              put(to, secp::add(element<F<12>>(a), element<F<12>>(b)));
            },
        .sub_elements = [](Word* to, const Word* a, const Word* b,
                           unsigned kind) { sub_elements(to, a, b, kind); },
        .negate =
            [](Word* to, const Word* a, unsigned mask, bool wide) {
              if (wide) {
                put(to, negate_where(L::mask(mask), element<F<12>>(a)));
              } else {
                put(to, negate_where(L::mask(mask), element<F<1>>(a)));
              }
            },
        .carry = [](Word* to, const Word* a) { put(to, secp::carry(element<Raw<L, 64, 12>>(a))); },
        .tight = [](Word* to, const Word* a) { put(to, secp::tight(element<Raw<L, 64, 64>>(a))); },
        .is_zero = [](const Word* a) { return L::bits(secp::is_zero(element<F<12>>(a))); },
        .everywhere = [](Word* to, const Word* words) { put(to, secp::everywhere<L>(words)); },
        .invert = invert,
        .multiply_scalars = multiply_scalars,
        .split = split,
        .prepare = prepare,
        .canonical =
            [](Word* to, const Word* lane) {
              Word limbs[L::limbs][L::lanes];
              for (unsigned i = 0; i < L::limbs; ++i) limbs[i][L::lanes - 1] = lane[i];
              canonical_words<Unit>(to, lane_of<L, Unit>(limbs, L::lanes - 1));
            },
    };
  }
};

// One for each translation unit.
extern const LaneOperations portable_operations, model_operations, emulated_operations,
    avx2_operations, ifma_operations;

}  // namespace claimgate::secp::test
