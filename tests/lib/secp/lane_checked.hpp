// Portable, for one number of a translation unit, with every sum, difference and product checked:
// what does not fit its type ends the program. To be included before anything instantiates it.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/lane_portable.hpp"

namespace claimgate::secp {

inline constexpr int checked_unit = 11;

namespace checked {

[[gnu::cold, gnu::noinline]] inline void fault(const char* what) noexcept {
  __builtin_printf("lane_checked: %s\n", what);
  __builtin_abort();
}

// 64 bits. Shifts and masks are the plain ones: what they drop is meant to go.
class Word {
 public:
  Word() = default;
  constexpr Word(std::uint64_t v) noexcept : v_(v) {}
  constexpr operator std::uint64_t() const noexcept { return v_; }
  [[gnu::noinline]] friend Word operator+(Word a, Word b) noexcept {
    std::uint64_t out;
    if (__builtin_add_overflow(a.v_, b.v_, &out)) fault("a sum passes 2^64");
    return out;
  }
  friend Word operator+(Word a, std::uint64_t b) noexcept { return a + Word(b); }
  [[gnu::noinline]] friend Word operator*(int a, Word b) noexcept {
    std::uint64_t out;
    if (__builtin_mul_overflow(a, b.v_, &out)) fault("a multiple passes 2^64");
    return out;
  }
  Word& operator+=(std::uint64_t b) noexcept { return *this = *this + Word(b); }
  Word& operator&=(std::uint64_t b) noexcept { return *this = v_ & b; }

 private:
  std::uint64_t v_;
};

// 128 bits.
class Wide {
  __extension__ using Bits = unsigned __int128;

 public:
  Wide() = default;
  constexpr Wide(std::uint64_t v) noexcept : v_(v) {}
  constexpr Wide(Word v) noexcept : v_(static_cast<std::uint64_t>(v)) {}
  constexpr Wide(int v) noexcept : v_(static_cast<std::uint64_t>(v)) {}
  constexpr explicit operator std::uint64_t() const noexcept {
    return static_cast<std::uint64_t>(v_);
  }
  constexpr explicit operator Word() const noexcept { return static_cast<std::uint64_t>(v_); }
  [[gnu::noinline]] friend Wide operator+(Wide a, Wide b) noexcept {
    Wide out;
    if (__builtin_add_overflow(a.v_, b.v_, &out.v_)) fault("a sum passes 2^128");
    return out;
  }
  [[gnu::noinline]] friend Wide operator*(Wide a, Wide b) noexcept {
    Wide out;
    if (__builtin_mul_overflow(a.v_, b.v_, &out.v_)) fault("a product passes 2^128");
    return out;
  }
  Wide& operator+=(Wide b) noexcept { return *this = *this + b; }
  friend Wide operator>>(Wide a, int by) noexcept {
    a.v_ >>= by;
    return a;
  }
  Wide& operator>>=(int by) noexcept { return *this = *this >> by; }

 private:
  Bits v_;
};

}  // namespace checked

template <>
struct Portable<checked_unit> {
  static constexpr unsigned lanes = 1;
  static constexpr bool wide = true;
  static constexpr bool products_inline = false;
  using U = checked::Word;
  using Mask = std::uint64_t;
  using Wide = checked::Wide;
  struct RoundTowardZero {
    RoundTowardZero() noexcept {}
  };

  static U set1(std::uint64_t v) noexcept { return v; }
  // -a is ~a + 1 (field.hpp's negate_where): a sum may pass 2^64 where an addend is a complement.
  [[gnu::noinline]] static U add(U a, U b) noexcept {
    const std::uint64_t x = a, y = b;
    return (x | y) >> 63 != 0 ? U{x + y} : a + b;
  }
  [[gnu::noinline]] static U sub(U a, U b) noexcept {
    std::uint64_t out;
    if (__builtin_sub_overflow(std::uint64_t{a}, std::uint64_t{b}, &out)) {
      checked::fault("a difference is below 0");
    }
    return out;
  }
  static U bit_and(U a, U b) noexcept { return std::uint64_t{a} & std::uint64_t{b}; }
  static U bit_or(U a, U b) noexcept { return std::uint64_t{a} | std::uint64_t{b}; }
  static U bit_xor(U a, U b) noexcept { return std::uint64_t{a} ^ std::uint64_t{b}; }
  template <int N>
  static U shl(U a) noexcept {
    if (std::uint64_t{a} >> (64 - N) != 0) checked::fault("a shift passes 2^64");
    return std::uint64_t{a} << N;
  }
  template <int N>
  static U shr(U a) noexcept {
    return std::uint64_t{a} >> N;
  }
  static U mul32(U a, U b) noexcept {
    if ((std::uint64_t{a} | std::uint64_t{b}) >> 32 != 0) checked::fault("mul32 of 2^32 and more");
    return std::uint64_t{a} * std::uint64_t{b};
  }
  static Mask equal(U a, U b) noexcept {
    return std::uint64_t{a} == std::uint64_t{b} ? ~Mask{0} : Mask{0};
  }
  static U select(Mask m, U yes, U no) noexcept {
    return (std::uint64_t{yes} & m) | (std::uint64_t{no} & ~m);
  }
  static unsigned bits(Mask m) noexcept { return static_cast<unsigned>(m & 1); }
  static Mask mask_or(Mask a, Mask b) noexcept { return a | b; }
  static Mask mask(unsigned bits) noexcept { return 0 - Mask{bits & 1}; }
  static Mask odd(U a) noexcept { return 0 - (std::uint64_t{a} & 1); }
  static void load(U n[5], const std::uint64_t* const at[1]) noexcept {
    std::uint64_t limbs[5];
    Portable<0>::load(limbs, at);
    for (unsigned i = 0; i < 5; ++i) n[i] = limbs[i];
  }
  static void store(std::uint64_t out[1], U a) noexcept { out[0] = a; }
  static U load_words(const std::uint64_t in[1]) noexcept { return in[0]; }
};

}  // namespace claimgate::secp
