// Eight lanes of 64 bits in plain C++: what lane_ifma.hpp's instructions do, one by one, so that
// IFMA's algorithm runs where no CPU has it; and more than they do: where an instruction would lose
// something in silence (an operand of a multiplication of 2^52 and more, a sum past 2^64, a
// difference below 0), this ends the program.
#pragma once

#include <cstdint>

namespace claimgate::secp {

[[gnu::cold, gnu::noinline]] inline void model_fault(const char* what) noexcept {
  __builtin_printf("lane_model: %s\n", what);
  __builtin_abort();
}

struct Model {
  static constexpr unsigned lanes = 8;
  static constexpr bool wide = false;  // products come in two halves
  static constexpr unsigned limbs = 5;
  static constexpr bool products_inline = false;
  struct alignas(64) U {
    std::uint64_t v[lanes];
  };
  using Mask = U;  // all bits of a lane, or none
  using Operand = U;
  struct RoundTowardZero {
    RoundTowardZero() noexcept {}  // integers: there is nothing to set
  };

// Functions of their own: what is inlined a thousandfold takes the compiler minutes.
#define CG_LANE [[gnu::noinline]] static
  template <class F>
  [[gnu::always_inline]] static inline U each(F f) noexcept {
    U out;
    for (unsigned l = 0; l < lanes; ++l) out.v[l] = f(l);
    return out;
  }
  [[gnu::always_inline]] static inline void check(const U& bad, const char* what) noexcept {
    std::uint64_t any = 0;
    for (unsigned l = 0; l < lanes; ++l) any |= bad.v[l];
    if (any != 0) [[unlikely]]
      model_fault(what);
  }

  CG_LANE U set1(std::uint64_t v) noexcept {
    return each([&](unsigned) { return v; });
  }
  // -a is ~a + 1 (field.hpp's negate_where): a sum may pass 2^64 where an addend is a complement.
  CG_LANE U add(const U& a, const U& b) noexcept {
    check(each([&](unsigned l) -> std::uint64_t {
            return a.v[l] + b.v[l] < a.v[l] && ((a.v[l] | b.v[l]) >> 63) == 0;
          }),
          "a sum of numbers passes 2^64");
    return each([&](unsigned l) { return a.v[l] + b.v[l]; });
  }
  CG_LANE U sub(const U& a, const U& b) noexcept {
    check(each([&](unsigned l) -> std::uint64_t { return a.v[l] < b.v[l]; }),
          "a difference is below 0");
    return each([&](unsigned l) { return a.v[l] - b.v[l]; });
  }
  CG_LANE U bit_and(const U& a, const U& b) noexcept {
    return each([&](unsigned l) { return a.v[l] & b.v[l]; });
  }
  CG_LANE U bit_or(const U& a, const U& b) noexcept {
    return each([&](unsigned l) { return a.v[l] | b.v[l]; });
  }
  CG_LANE U bit_xor(const U& a, const U& b) noexcept {
    return each([&](unsigned l) { return a.v[l] ^ b.v[l]; });
  }
  template <int N>
  CG_LANE U shl(const U& a) noexcept {
    return each([&](unsigned l) { return a.v[l] << N; });
  }
  template <int N>
  CG_LANE U shr(const U& a) noexcept {
    return each([&](unsigned l) { return a.v[l] >> N; });
  }
  CG_LANE U mul32(const U& a, const U& b) noexcept {
    check(each([&](unsigned l) { return (a.v[l] | b.v[l]) >> 32; }),
          "an operand of mul32 is 2^32 and more");
    return each([&](unsigned l) { return (a.v[l] & 0xFFFFFFFF) * (b.v[l] & 0xFFFFFFFF); });
  }

  CG_LANE Mask equal(const U& a, const U& b) noexcept {
    return each([&](unsigned l) -> std::uint64_t { return a.v[l] == b.v[l] ? ~0ull : 0; });
  }
  // By the highest bit, as vpmovq2m takes it.
  CG_LANE U select(const Mask& m, const U& yes, const U& no) noexcept {
    return each([&](unsigned l) { return m.v[l] >> 63 != 0 ? yes.v[l] : no.v[l]; });
  }
  CG_LANE unsigned bits(const Mask& m) noexcept {
    unsigned out = 0;
    for (unsigned l = 0; l < lanes; ++l) out |= static_cast<unsigned>(m.v[l] >> 63) << l;
    return out;
  }
  CG_LANE Mask mask_or(const Mask& a, const Mask& b) noexcept {
    return bit_or(a, b);
  }
  CG_LANE Mask odd(const U& a) noexcept {
    return each([&](unsigned l) { return 0 - (a.v[l] & 1); });
  }
  CG_LANE Mask mask(unsigned bits) noexcept {
    return each([&](unsigned l) { return 0 - std::uint64_t{bits >> l & 1}; });
  }

  CG_LANE Operand operand(const U& a) noexcept {
    return a;
  }
  CG_LANE U start(unsigned, unsigned) noexcept {
    return set1(0);
  }
  CG_LANE void multiply_add(U& low, U& high, const Operand& a, const Operand& b) noexcept {
    __extension__ using Wide = unsigned __int128;
    constexpr std::uint64_t operand_mask = (std::uint64_t{1} << 52) - 1;
    check(each([&](unsigned l) { return (a.v[l] | b.v[l]) >> 52; }),
          "an operand of a multiplication is 2^52 and more");
    U carried;
    for (unsigned l = 0; l < lanes; ++l) {
      const Wide product = Wide{a.v[l] & operand_mask} * (b.v[l] & operand_mask);
      const std::uint64_t low_before = low.v[l], high_before = high.v[l];
      low.v[l] += static_cast<std::uint64_t>(product) & operand_mask;
      high.v[l] += static_cast<std::uint64_t>(product >> 52);
      carried.v[l] = low.v[l] < low_before || high.v[l] < high_before;
    }
    check(carried, "an accumulator passes 2^64");
  }

  CG_LANE void load(U n[5], const std::uint64_t* const at[lanes]) noexcept {
    constexpr std::uint64_t limb = (std::uint64_t{1} << 52) - 1;
    n[0] = each([&](unsigned l) { return at[l][0] & limb; });
    n[1] = each([&](unsigned l) { return (at[l][0] >> 52 | at[l][1] << 12) & limb; });
    n[2] = each([&](unsigned l) { return (at[l][1] >> 40 | at[l][2] << 24) & limb; });
    n[3] = each([&](unsigned l) { return (at[l][2] >> 28 | at[l][3] << 36) & limb; });
    n[4] = each([&](unsigned l) { return at[l][3] >> 16; });
  }
  CG_LANE void store(std::uint64_t out[lanes], const U& a) noexcept {
    for (unsigned l = 0; l < lanes; ++l) out[l] = a.v[l];
  }
  CG_LANE U load_words(const std::uint64_t in[lanes]) noexcept {
    return each([&](unsigned l) { return in[l]; });
  }
#undef CG_LANE
};

}  // namespace claimgate::secp
