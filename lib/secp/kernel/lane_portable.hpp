// One lane of 64 bits, in plain C++ with 128-bit products.
//
// `Unit` keeps what different translation units make of this apart: each compiles it for another
// CPU, and a linker would keep any one of them.
#pragma once

#include <cstdint>

namespace claimgate::secp {

template <int Unit>
struct Portable {
  static constexpr unsigned lanes = 1;
  static constexpr bool wide = true;
  static constexpr bool products_inline = true;
  using U = std::uint64_t;
  using Mask = std::uint64_t;
  __extension__ using Wide = unsigned __int128;
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
  CG_LANE void load(U n[5], const std::uint64_t* const at[1]) noexcept {
    const std::uint64_t* const w = at[0];
    constexpr std::uint64_t limb = (std::uint64_t{1} << 52) - 1;
    n[0] = w[0] & limb;
    n[1] = (w[0] >> 52 | w[1] << 12) & limb;
    n[2] = (w[1] >> 40 | w[2] << 24) & limb;
    n[3] = (w[2] >> 28 | w[3] << 36) & limb;
    n[4] = w[3] >> 16;
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
