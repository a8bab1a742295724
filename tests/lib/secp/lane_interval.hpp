// A lane whose numbers are intervals, so that one run of field.hpp's code is a proof for all inputs
// within the bounds it starts from.
//
// Every operation gives an interval that holds all results; where one of them could pass 2^64 or
// fall below 0, or an operand of a multiplication could be 2^52 and more, a fault is noted.
// Intervals grow with their operands', so what holds for the widest inputs of a type holds for all
// of its.
#pragma once

#include <cstdint>
#include <string>

namespace claimgate::secp {

__extension__ using Integer = unsigned __int128;

struct Faults {
  static inline unsigned count = 0;
  static inline std::string first;
  static void note(const char* what) {
    if (count++ == 0) first = what;
  }
};

struct Interval {
  Integer low = 0, high = 0;
  bool complement = false;  // ~a: what is added next has to take all of it past 2^64
  bool mask = false;        // all bits or none, which is not known

  static constexpr Integer end = Integer{1} << 64;
  static Interval of(Integer low, Integer high) { return {low, high}; }
  static Interval exactly(std::uint64_t v) { return {v, v}; }
  [[nodiscard]] bool exact() const { return low == high; }
  const Interval& whole() const {
    if (mask || complement) Faults::note("a number that is no number yet is used");
    return *this;
  }

  friend Interval operator+(const Interval& a, const Interval& b) {
    if (a.mask || b.mask || (a.complement && b.complement)) Faults::note("a sum of no numbers");
    Interval out = of(a.low + b.low, a.high + b.high);
    if (a.complement || b.complement) {
      if (out.low < end) Faults::note("a negated number is beyond what covers it");
      out.low -= end;
      out.high -= end;
    }
    if (out.high >= end) Faults::note("a sum passes 2^64");
    return out;
  }
  friend Interval operator>>(const Interval& a, int by) {
    return of(a.whole().low >> by, a.high >> by);
  }
  // With a mask of low ones.
  friend Interval operator&(const Interval& a, std::uint64_t mask) {
    if ((mask & (mask + 1)) != 0) Faults::note("a mask of another kind");
    return a.high <= mask ? of(a.low, a.high) : of(0, mask);
  }
};

// Products come in two halves, as Ifma's and Avx2's do.
struct Intervals {
  static constexpr unsigned lanes = 1;
  static constexpr unsigned limbs = 5;
  static constexpr bool wide = false;
  static constexpr bool products_inline = true;
  using U = Interval;
  using Mask = Interval;
  using Operand = Interval;

  static U set1(std::uint64_t v) { return U::exactly(v); }
  static U add(const U& a, const U& b) { return a + b; }
  static U sub(const U& a, const U& b) {
    if (a.whole().low < b.whole().high) Faults::note("a difference falls below 0");
    return U::of(a.low - b.high, a.high - b.low);
  }
  static U bit_and(const U& a, const U& b) {
    if (a.mask) return U::of(0, b.whole().high);
    if (a.exact() && (a.low == 0 || a.low == U::end - 1)) return a.low == 0 ? a : b;
    if (!b.exact()) Faults::note("a mask that is not known");
    return a & static_cast<std::uint64_t>(b.low);
  }
  // With no bits or all.
  static U bit_xor(const U& a, const U& m) {
    if (a.mask) return a;
    if (m.exact() && m.low == 0) return a;
    if (!m.exact() || m.low != U::end - 1) Faults::note("bits that are not known change");
    return {.low = U::end - 1 - a.whole().high, .high = U::end - 1 - a.low, .complement = true};
  }
  static U odd(const U& a) {
    return {.low = 0, .high = a.whole().high & 1, .complement = false, .mask = true};
  }
  template <int N>
  static U shl(const U& a) {
    const U out = U::of(a.whole().low << N, a.high << N);
    if (out.high >= U::end) Faults::note("a shift passes 2^64");
    return out;
  }
  template <int N>
  static U shr(const U& a) {
    return a >> N;
  }
  static U mul32(const U& a, const U& b) {
    if (a.whole().high >> 32 != 0 || b.whole().high >> 32 != 0) {
      Faults::note("an operand of mul32 is 2^32 and more");
    }
    return U::of(a.low * b.low, a.high * b.high);
  }
  static Operand operand(const U& a) {
    if (a.whole().high >> 52 != 0) Faults::note("an operand is 2^52 and more");
    return a;
  }
  static U start(unsigned, unsigned) { return U::exactly(0); }
  static void multiply_add(U& low, U& high, const Operand& a, const Operand& b) {
    const Integer most = a.high * b.high, least = a.low * b.low;
    constexpr Integer half = (Integer{1} << 52) - 1;
    low = low + U::of(0, most < half ? most : half);
    high = high + U::of(least >> 52, most >> 52);
  }
};

}  // namespace claimgate::secp
