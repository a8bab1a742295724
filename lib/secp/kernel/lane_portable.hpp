// One lane of 64 bits, for any x86-64.
//
// `Unit` keeps what different translation units make of this apart: each compiles it for another
// CPU, and a linker would keep any one of them.
#pragma once

#include <cstdint>

namespace claimgate::secp {

template <int Unit>
struct Portable {
  static constexpr unsigned lanes = 1;
  static constexpr bool wide = true;  // products are whole: field_words.hpp
  static constexpr unsigned limbs = 4;
  static constexpr bool products_inline = false;
  using U = std::uint64_t;
  using Mask = std::uint64_t;
  struct RoundTowardZero {
    RoundTowardZero() noexcept {}  // there is nothing to set
  };

#define CG_LANE [[gnu::always_inline]] static inline
  CG_LANE U set1(std::uint64_t v) noexcept {
    return v;
  }
  CG_LANE U add(U a, U b) noexcept {
    return a + b;
  }
  CG_LANE U sub(U a, U b) noexcept {
    return a - b;
  }
  CG_LANE U bit_and(U a, U b) noexcept {
    return a & b;
  }
  CG_LANE U bit_or(U a, U b) noexcept {
    return a | b;
  }
  CG_LANE U bit_xor(U a, U b) noexcept {
    return a ^ b;
  }
  template <int N>
  CG_LANE U shl(U a) noexcept {
    return a << N;
  }
  template <int N>
  CG_LANE U shr(U a) noexcept {
    return a >> N;
  }
  CG_LANE U mul32(U a, U b) noexcept {
    return a * b;
  }
  CG_LANE Mask equal(U a, U b) noexcept {
    return a == b ? ~U{0} : U{0};
  }
  CG_LANE U select(Mask m, U yes, U no) noexcept {
    return (yes & m) | (no & ~m);
  }
  CG_LANE unsigned bits(Mask m) noexcept {
    return static_cast<unsigned>(m & 1);
  }
  CG_LANE Mask mask_or(Mask a, Mask b) noexcept {
    return a | b;
  }
  CG_LANE Mask mask(unsigned bits) noexcept {
    return 0 - U{bits & 1};
  }
  CG_LANE Mask odd(U a) noexcept {
    return 0 - (a & 1);
  }
  CG_LANE void load(U n[4], const std::uint64_t* const at[1]) noexcept {
    for (unsigned i = 0; i < 4; ++i) n[i] = at[0][i];
  }
  CG_LANE void store(std::uint64_t out[1], U a) noexcept {
    out[0] = a;
  }
  CG_LANE U load_words(const std::uint64_t in[1]) noexcept {
    return in[0];
  }
#undef CG_LANE
};

}  // namespace claimgate::secp
