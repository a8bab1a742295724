// The inverse of one number modulo an odd prime of 256 bits, by division steps.
//
// Source: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019,
// with eta = -delta and steps in batches of 62 on the low words; here in variable time: runs of
// zeros go at once, and up to six bits of g are cleared by one multiple of f.
//
// Numbers are five signed limbs of 62 bits. Invariant of a batch, modulo the prime m:
//   f = d·x, g = e·x, and (f, g) go to (±gcd, 0) = (±1, 0); then x^-1 = ±d.
#pragma once

#include <bit>
#include <cstdint>

namespace claimgate::secp {

template <int Unit>
struct Inverse {
  __extension__ using Wide = __int128;
  static constexpr std::uint64_t limb62 = (std::uint64_t{1} << 62) - 1;

  struct Modulus {
    std::int64_t limbs[5];     // of 62 bits
    std::uint64_t inverse_62;  // of the modulus modulo 2^62
  };
  // 2^256 - 2^32 - 977
  static constexpr Modulus p = {{0x3FFFFFFEFFFFFC2F, limb62, limb62, limb62, 0xFF},
                                0x27C7F6E22DDACACF};
  // The group's order.
  static constexpr Modulus n = {
      {0x3FD25E8CD0364141, 0x2ABB739ABD2280EE, 0x3FFFFFFFFFFFFFEB, limb62, 0xFF},
      0x34F20099AA774EC1};

  // One batch of 62 division steps: 2^62 times what it makes of f and g.
  struct Steps {
    std::int64_t u, v, q, r;  // f' = uf + vg, g' = qf + rg
  };

  static std::int64_t divide(std::int64_t eta, std::uint64_t f, std::uint64_t g,
                             Steps& out) noexcept {
    std::uint64_t u = 1, v = 0, q = 0, r = 1;
    int left = 62;
    for (;;) {
      const int zeros = std::countr_zero(g | (~std::uint64_t{0} << left));
      g >>= zeros;
      u <<= zeros;
      v <<= zeros;
      eta -= zeros;
      left -= zeros;
      if (left == 0) break;
      if (eta < 0) {
        eta = -eta;
        const std::uint64_t f_old = f, u_old = u, v_old = v;
        f = g;
        g = 0 - f_old;
        u = q;
        q = 0 - u_old;
        v = r;
        r = 0 - v_old;
      }
      // While eta stays positive, steps only add multiples of f to g: as many bits at once.
      const std::int64_t room = eta + 1 < left ? eta + 1 : left;
      const std::uint64_t mask = (~std::uint64_t{0} >> (64 - (room < 6 ? room : 6)));
      const std::uint64_t f_inverse = f * (2 - f * f);  // modulo 2^6: f is its own modulo 2^3
      const std::uint64_t w = (0 - g * f_inverse) & mask;
      g += f * w;
      q += u * w;
      r += v * w;
    }
    out = {static_cast<std::int64_t>(u), static_cast<std::int64_t>(v), static_cast<std::int64_t>(q),
           static_cast<std::int64_t>(r)};
    return eta;
  }

  static void update_gcd(std::int64_t f[5], std::int64_t g[5], const Steps& t) noexcept {
    Wide cf = Wide{t.u} * f[0] + Wide{t.v} * g[0];
    Wide cg = Wide{t.q} * f[0] + Wide{t.r} * g[0];
    cf >>= 62;  // the low 62 bits are zero
    cg >>= 62;
    for (unsigned i = 1; i < 5; ++i) {
      cf += Wide{t.u} * f[i] + Wide{t.v} * g[i];
      cg += Wide{t.q} * f[i] + Wide{t.r} * g[i];
      f[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cf) & limb62);
      g[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cg) & limb62);
      cf >>= 62;
      cg >>= 62;
    }
    f[4] = static_cast<std::int64_t>(cf);
    g[4] = static_cast<std::int64_t>(cg);
  }

  // d and e stay in (-2m, m): a multiple of m makes the low 62 bits zero before the division.
  static void update_factors(std::int64_t d[5], std::int64_t e[5], const Steps& t,
                             const Modulus& m) noexcept {
    const std::int64_t negative_d = d[4] >> 63, negative_e = e[4] >> 63;
    std::int64_t md = (t.u & negative_d) + (t.v & negative_e);
    std::int64_t me = (t.q & negative_d) + (t.r & negative_e);
    Wide cd = Wide{t.u} * d[0] + Wide{t.v} * e[0];
    Wide ce = Wide{t.q} * d[0] + Wide{t.r} * e[0];
    md -= static_cast<std::int64_t>(
        (m.inverse_62 * static_cast<std::uint64_t>(cd) + static_cast<std::uint64_t>(md)) & limb62);
    me -= static_cast<std::int64_t>(
        (m.inverse_62 * static_cast<std::uint64_t>(ce) + static_cast<std::uint64_t>(me)) & limb62);
    cd += Wide{m.limbs[0]} * md;
    ce += Wide{m.limbs[0]} * me;
    cd >>= 62;
    ce >>= 62;
    for (unsigned i = 1; i < 5; ++i) {
      cd += Wide{t.u} * d[i] + Wide{t.v} * e[i] + Wide{m.limbs[i]} * md;
      ce += Wide{t.q} * d[i] + Wide{t.r} * e[i] + Wide{m.limbs[i]} * me;
      d[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(cd) & limb62);
      e[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(ce) & limb62);
      cd >>= 62;
      ce >>= 62;
    }
    d[4] = static_cast<std::int64_t>(cd);
    e[4] = static_cast<std::int64_t>(ce);
  }

  // x^-1 modulo m, words least significant first; 0 of 0. Precondition: x < m.
  static void invert(std::uint64_t out[4], const std::uint64_t x[4], const Modulus& m) noexcept {
    std::int64_t d[5] = {}, e[5] = {1}, f[5], g[5];
    for (unsigned i = 0; i < 5; ++i) f[i] = m.limbs[i];
    const auto limb = [](std::uint64_t v) noexcept {
      return static_cast<std::int64_t>(v & limb62);
    };
    g[0] = limb(x[0]);
    g[1] = limb(x[0] >> 62 | x[1] << 2);
    g[2] = limb(x[1] >> 60 | x[2] << 4);
    g[3] = limb(x[2] >> 58 | x[3] << 6);
    g[4] = limb(x[3] >> 56);
    std::int64_t eta = -1;
    while ((g[0] | g[1] | g[2] | g[3] | g[4]) != 0) {
      Steps t;
      eta = divide(eta, static_cast<std::uint64_t>(f[0]) | static_cast<std::uint64_t>(f[1]) << 62,
                   static_cast<std::uint64_t>(g[0]) | static_cast<std::uint64_t>(g[1]) << 62, t);
      update_factors(d, e, t, m);
      update_gcd(f, g, t);
    }
    // f is 1 or -1: d times its sign, brought to 0 .. m - 1.
    const bool negate = f[4] < 0;
    std::int64_t sum[5];
    std::int64_t carry = 0;
    // d in (-2m, m), so -d in (-m, 2m): add m until it is not negative, then take it off.
    for (unsigned i = 0; i < 5; ++i) sum[i] = negate ? -d[i] : d[i];
    const auto settle = [&](std::int64_t times) noexcept {
      carry = 0;
      for (unsigned i = 0; i < 5; ++i) {
        const std::int64_t v = sum[i] + times * m.limbs[i] + carry;
        sum[i] = i < 4 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(v) & limb62) : v;
        carry = i < 4 ? v >> 62 : 0;
      }
    };
    settle(0);
    while (sum[4] < 0) settle(1);
    for (;;) {
      bool below = false;
      for (unsigned i = 5; i-- > 0;) {
        if (sum[i] == m.limbs[i]) continue;
        below = sum[i] < m.limbs[i];
        break;
      }
      if (below) break;
      settle(-1);
    }
    const auto word = [&](unsigned i) noexcept { return static_cast<std::uint64_t>(sum[i]); };
    out[0] = word(0) | word(1) << 62;
    out[1] = word(1) >> 2 | word(2) << 60;
    out[2] = word(2) >> 4 | word(3) << 58;
    out[3] = word(3) >> 6 | word(4) << 56;
  }
};

}  // namespace claimgate::secp
