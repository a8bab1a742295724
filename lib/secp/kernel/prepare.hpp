// From signatures to scalars: what every path begins with, and the comparison it ends with.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/field.hpp"
#include "lib/secp/kernel/inverse.hpp"
#include "lib/secp/kernel/scalar.hpp"

namespace claimgate::secp {

// r, u1 = m/s and u2 = r/s of `count` claims, by one inversion (Montgomery, 1987). A digest of n
// and more is reduced. Preconditions: 0 < count <= batch, r and s of every claim in range
// (kernel.hpp).
template <int Unit, unsigned batch, class Claim>
inline void prepare(const Claim* claims, unsigned count, std::uint64_t (*r)[4],
                    std::uint64_t (*u1)[4], std::uint64_t (*u2)[4]) noexcept {
  using Numbers = Scalars<Unit>;
  if (count > batch) __builtin_unreachable();  // g++ 12 at -O2 warns of what would come of it
  std::uint64_t s[batch][4], prefix[batch][4];
  for (unsigned i = 0; i < count; ++i) {
    Numbers::big_endian(r[i], claims[i].signature);
    Numbers::big_endian(s[i], claims[i].signature + 32);
    Numbers::big_endian(u1[i], claims[i].digest);
    Numbers::reduce_once(u1[i]);
    if (i > 0) {
      Numbers::multiply(prefix[i], prefix[i - 1], s[i]);
    } else {
      for (unsigned w = 0; w < 4; ++w) prefix[0][w] = s[0][w];
    }
  }
  // Each multiplication takes 2^256 away; one in advance gives it back to all that follow.
  std::uint64_t left[4];
  Inverse<Unit>::invert(left, prefix[count - 1], Inverse<Unit>::n);
  Numbers::multiply(left, left, Numbers::r_squared);
  for (unsigned i = count; i-- > 0;) {
    std::uint64_t inverse[4] = {left[0], left[1], left[2], left[3]};
    if (i > 0) {
      Numbers::multiply(inverse, left, prefix[i - 1]);
      Numbers::multiply(left, left, s[i]);
    }
    Numbers::multiply(u1[i], inverse, u1[i]);
    Numbers::multiply(u2[i], inverse, r[i]);
  }
}

// R.x may be r + n as well, where that is below p.
template <int Unit>
inline bool second_candidate(std::uint64_t out[4], const std::uint64_t r[4]) noexcept {
  using Numbers = Scalars<Unit>;
  constexpr std::uint64_t p_minus_n[4] = {0x402DA1722FC9BAEE, 0x4551231950B75FC4, 1, 0};
  for (unsigned w = 0; w < 4; ++w) out[w] = r[w];
  if (!Numbers::below(r, p_minus_n)) return false;
  typename Numbers::Wide sum = 0;
  for (unsigned w = 0; w < 4; ++w) {
    sum += r[w];
    sum += Numbers::n[w];
    out[w] = static_cast<std::uint64_t>(sum);
    sum >>= 64;
  }
  return true;
}

// The lanes for which `matches(x)` holds, x = r or the second candidate. `r`: of each lane.
template <class L, int Unit, class Matches>
inline unsigned match_r(const std::uint64_t (*r)[4], Matches matches) noexcept {
  const auto look = [&](const std::uint64_t(*at_r)[4]) noexcept {
    const std::uint64_t* at[L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) at[l] = at_r[l];
    Fe<L> x;
    L::load(x.n, at);
    return L::bits(matches(x));
  };
  std::uint64_t second[L::lanes][4];
  unsigned has_second = 0;
  for (unsigned l = 0; l < L::lanes; ++l) {
    has_second |= second_candidate<Unit>(second[l], r[l]) ? 1u << l : 0u;
  }
  const unsigned good = look(r);
  return has_second == 0 ? good : good | (look(second) & has_second);
}

}  // namespace claimgate::secp
