// One claim with a table, at once: lanes take the windows of one sum between them.
//
// A half's windows go to a block of lanes, which add up what is theirs (no addition within a half
// is exceptional: hot.hpp), then lanes are added to each other. Where halves meet z may become 0:
// then the claim is undecided.
#pragma once

#include <cstdint>

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/jacobian.hpp"
#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"

namespace claimgate::secp {

template <class L, int Unit, unsigned width, unsigned windows>
class One {
 public:
  // Preconditions as of Hot::begin().
  static std::uint8_t verify(const HotClaim& claim, const std::uint64_t* generator) noexcept {
    typename L::RoundTowardZero rounding;
    std::uint64_t r[1][4], u1[1][4], u2[1][4];
    prepare_each<Unit, 1>(&claim, 1, r, u1, u2);
    const std::uint64_t* entry[2][most];
    bool minus[2][most];
    Half a, b;
    Numbers::template split<width * windows>(a, b, {{u2[0][0], u2[0][1], u2[0][2], u2[0][3]}});
    note<width, windows>(entry, minus, claim.table, a, b);
    Jacobian<L> sum = sum_of<windows>(entry, minus);
    Numbers::template split<generator_width * generator_windows>(
        a, b, {{u1[0][0], u1[0][1], u1[0][2], u1[0][3]}});
    note<generator_width, generator_windows>(entry, minus, generator, a, b);
    const Jacobian<L> other = sum_of<generator_windows>(entry, minus);
    add_point(sum, other);

    std::uint64_t same_r[L::lanes][4];
    for (auto& each : same_r) {
      for (unsigned w = 0; w < 4; ++w) each[w] = r[0][w];
    }
    const Fe<L> z2 = sqr(sum.z);
    const unsigned good = match_r<L, Unit>(
        same_r, [&](const Fe<L>& x) noexcept { return is_zero(sub(mul(x, z2), sum.x)); });
    return verdict(good & 1, L::bits(is_zero(sum.z)) & 1);
  }

 private:
  using Numbers = ScalarEach<Unit>;
  using Half = typename Numbers::Half;
  static constexpr unsigned most = windows > generator_windows ? windows : generator_windows;
  // Lanes that share one half.
  static constexpr unsigned block = L::lanes >= 2 ? L::lanes / 2 : 1;

  template <unsigned w, unsigned count>
  static void note(const std::uint64_t* (&entry)[2][most], bool (&minus)[2][most],
                   const std::uint64_t* table, const Half& a, const Half& b) noexcept {
    using Each = Portable<Unit>;
    const Half* const halves[2] = {&a, &b};
    for (unsigned h = 0; h < 2; ++h) {
      place_digits<Each, w, count>(
          *halves[h], reinterpret_cast<std::uint64_t>(table),
          [&](unsigned i, std::uint64_t at) noexcept {
            entry[h][i] = reinterpret_cast<const std::uint64_t*>(at & ~std::uint64_t{1});
            minus[h][i] = (at & 1) != 0;
            __builtin_prefetch(entry[h][i]);
          });
    }
  }

  // Both halves' sums, the second one's image taken, added up: the same in every lane.
  template <unsigned count>
  static Jacobian<L> sum_of(const std::uint64_t* const (&entry)[2][most],
                            const bool (&minus)[2][most]) noexcept {
    if constexpr (L::lanes == 1) {
      Jacobian<L> first = part<count>(entry, minus, 0), second = part<count>(entry, minus, 1);
      second.x = mul(second.x, everywhere<L>(beta_words));
      add_point(first, second);
      return first;
    } else {
      Jacobian<L> sum = part<count>(entry, minus, 0);
      for (unsigned away = 1; away < block; away *= 2) add_point(sum, exchange(sum, away));
      const Fe<L> image = mul(sum.x, everywhere<L>(beta_words));
      sum.x = select(L::mask(((1u << block) - 1) << block), image, sum.x);
      add_point(sum, exchange(sum, block));
      return sum;
    }
  }

  // What each lane adds up: every block-th window of its half. `half`: where one lane is all.
  template <unsigned count>
  static Jacobian<L> part(const std::uint64_t* const (&entry)[2][most],
                          const bool (&minus)[2][most], unsigned half) noexcept {
    Jacobian<L> sum;
    for (unsigned first = 0; first < count; first += block) {
      const std::uint64_t *at_x[L::lanes], *at_y[L::lanes];
      unsigned negative = 0, present = 0;
      for (unsigned l = 0; l < L::lanes; ++l) {
        const unsigned h = L::lanes == 1 ? half : l / block, w = first + l % block;
        const unsigned window = w < count ? w : count - 1;
        present |= w < count ? 1u << l : 0u;
        at_x[l] = entry[h][window];
        at_y[l] = at_x[l] + 4;
        negative |= minus[h][window] ? 1u << l : 0u;
      }
      PointLanes<L> p;
      L::load(p.x.n, at_x);
      L::load(p.y.n, at_y);
      const auto y = factor(negate_where(L::mask(negative), p.y));
      if (first == 0) {
        sum = {p.x, tight(y), one<L>()};
        continue;
      }
      const Jacobian<L> before = sum;
      add_affine(sum, p.x, y);
      if (first + block > count) sum = select(L::mask(present), sum, before);
    }
    return sum;
  }

  // Lane l's point in lane l ^ away.
  static Jacobian<L> exchange(const Jacobian<L>& p, unsigned away) noexcept {
    const auto swapped = [away](const Fe<L>& a) noexcept {
      Fe<L> out;
      for (unsigned i = 0; i < L::limbs; ++i) {
        std::uint64_t words[L::lanes], other[L::lanes];
        L::store(words, a.n[i]);
        for (unsigned l = 0; l < L::lanes; ++l) other[l] = words[l ^ away];
        out.n[i] = L::load_words(other);
      }
      return out;
    };
    return {swapped(p.x), swapped(p.y), swapped(p.z)};
  }
};

}  // namespace claimgate::secp
