// Verification without tables: for keys seen for the first time, lanes side by side.
//
//   R = u1·G + u2·Q
//
// u2 is split for the endomorphism; both halves run down the same doublings, four at a time, with
// eight odd multiples of Q and of lambda·Q, affine after one inversion for the batch. u1·G is added
// from the generator's table, without doublings. Jacobian: no inversion per addition.
//
// An addition may be exceptional, since both halves share the accumulator and a payer chooses them:
// then z = 0 at the end, and the lane is undecided.
#pragma once

#include <cstdint>

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/jacobian.hpp"
#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"

namespace claimgate::secp {

template <class L, int Unit, unsigned batch>
class Cold {
 public:
  static constexpr unsigned groups = batch / L::lanes;
  static_assert(batch % L::lanes == 0);

  // Preconditions as of Hot::begin(); the keys are points of the curve.
  void begin(const ColdClaim* claims, unsigned count, const std::uint64_t* generator,
             bool) noexcept {
    typename L::RoundTowardZero rounding;
    count_ = count;
    groups_in_use_ = (count + L::lanes - 1) / L::lanes;
    prepare<L, Unit, batch>(claims, count, groups_in_use_, r_,
                            [&](unsigned group, const Number& u1, const Number& u2) noexcept {
                              note_digits(group, u2);
                              note_generator(group, generator, u1);
                            });
    for (unsigned i = 0; i < groups_in_use_ * L::lanes; ++i) {
      const ColdClaim& claim = claims[i < count ? i : 0];
      Scalars<Unit>::big_endian(key_[i], claim.key);
      Scalars<Unit>::big_endian(key_[i] + 4, claim.key + 32);
    }
    multiply_keys();
    group_ = 0;
    window_ = windows;
  }

  // Only the generator's table, which begin() fetches.
  static constexpr unsigned parts = 0;
  void fetch_part(unsigned) const noexcept {}

  // Some tens of microseconds at most; true once every verdict stands.
  bool step(std::uint8_t* verdicts) noexcept {
    if (faulty_) {
      for (unsigned i = 0; i < count_; ++i) verdicts[i] = undecided;
      return true;
    }
    typename L::RoundTowardZero rounding;
    Jacobian<L>& sum = sum_[group_];
    for (unsigned done = 0; window_ > 0 && done < windows_a_step; ++done) {
      --window_;
      const bool first = window_ + 1 == windows;
      if (!first) {
        for (unsigned i = 0; i < width; ++i) double_point(sum);
      }
      for (unsigned half = 0; half < 2; ++half) {
        const unsigned d = half * windows + window_;
        const PointLanes<L> p = multiple(d, half);
        const auto y = factor(negate_where(L::odd(sign(d)), p.y));
        if (first && half == 0) {
          sum = {p.x, tight(y), one<L>()};
        } else {
          add_affine(sum, p.x, y);
        }
      }
    }
    if (window_ > 0) return false;
    finish(verdicts);
    window_ = windows;
    return ++group_ == groups_in_use_;
  }

 private:
  using Numbers = BatchScalars<L, Unit>;
  using Number = typename Numbers::Number;
  static constexpr unsigned width = 4, windows = 33, multiples = 1u << (width - 1);
  static constexpr unsigned windows_a_step = 8;
  static constexpr unsigned generator_terms = 2 * generator_windows;

  void note_digits(unsigned group, const Number& scalar) noexcept {
    typename Numbers::Half halves[2];
    Numbers::template split<width * windows>(halves[0], halves[1], scalar);
    for (unsigned h = 0; h < 2; ++h) {
      for_each_digit<windows>([&]<unsigned i>() noexcept {
        typename L::U minus;
        const auto entry = digit<L, width, i>(halves[h], minus);
        L::store(&digit_[h * windows + i][group * L::lanes],
                 L::bit_or(entry, L::template shl<width - 1>(minus)));
      });
    }
  }
  void note_generator(unsigned group, const std::uint64_t* generator,
                      const Number& scalar) noexcept {
    typename Numbers::Half halves[2];
    Numbers::template split<generator_width * generator_windows>(halves[0], halves[1], scalar);
    const auto table = L::set1(reinterpret_cast<std::uint64_t>(generator));
    for (unsigned h = 0; h < 2; ++h) {
      place_digits<L, generator_width, generator_windows>(
          halves[h], table, [&](unsigned i, const typename L::U& at) noexcept {
            auto* const row = &entry_[h * generator_windows + i][group * L::lanes];
            L::store(row, at);
            for (unsigned l = 0; l < L::lanes; ++l) {
              __builtin_prefetch(reinterpret_cast<const void*>(row[l]));
            }
          });
    }
  }

  // {1, 3, …, 15}·Q of every claim, affine, and their lambda-images' x.
  void multiply_keys() noexcept {
    Fe<L> product[1] = {one<L>()};
    for (unsigned g = 0; g < groups_in_use_; ++g) {
      const std::uint64_t *at_x[L::lanes], *at_y[L::lanes];
      for (unsigned l = 0; l < L::lanes; ++l) {
        at_x[l] = key_[g * L::lanes + l];
        at_y[l] = at_x[l] + 4;
      }
      PointLanes<L> q;
      L::load(q.x.n, at_x);
      L::load(q.y.n, at_y);
      Jacobian<L> twice{q.x, q.y, one<L>()}, p = twice;
      double_point(twice);
      keep(g, 0, q);
      for (unsigned k = 1; k < multiples; ++k) {
        if (k == 1) {
          p = twice;
          add_affine(p, q.x, q.y);
        } else {
          add_point(p, twice);
        }
        odd_of_[g][k] = p;
        before_[g][k] = product[0];
        product[0] = mul(product[0], p.z);
      }
    }
    // Where a key is no point of the curve after all: nobody beside it is judged by that.
    faulty_ = !invert_lanes<L, Unit>(product);
    for (unsigned g = groups_in_use_; g-- > 0;) {
      for (unsigned k = multiples; k-- > 1;) {
        const Fe<L> z = mul(product[0], before_[g][k]), z2 = sqr(z);
        product[0] = mul(product[0], odd_of_[g][k].z);
        keep(g, k, {mul(odd_of_[g][k].x, z2), mul(odd_of_[g][k].y, mul(z2, z))});
      }
    }
  }
  void keep(unsigned g, unsigned k, const PointLanes<L>& p) noexcept {
    const Fe<L> image = mul(p.x, everywhere<L>(beta_words));
    for (unsigned i = 0; i < L::limbs; ++i) {
      L::store(multiple_[g][k][0][i], p.x.n[i]);
      L::store(multiple_[g][k][1][i], image.n[i]);
      L::store(multiple_[g][k][2][i], p.y.n[i]);
    }
  }
  // Each lane's own multiple.
  PointLanes<L> multiple(unsigned digit, unsigned half) const noexcept {
    std::uint64_t x[L::limbs][L::lanes], y[L::limbs][L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) {
      const auto& from = multiple_[group_][digit_[digit][group_ * L::lanes + l] & (multiples - 1)];
      for (unsigned i = 0; i < L::limbs; ++i) {
        x[i][l] = from[half][i][l];
        y[i][l] = from[2][i][l];
      }
    }
    PointLanes<L> p;
    for (unsigned i = 0; i < L::limbs; ++i) {
      p.x.n[i] = L::load_words(x[i]);
      p.y.n[i] = L::load_words(y[i]);
    }
    return p;
  }
  typename L::U sign(unsigned digit) const noexcept {
    return L::template shr<width - 1>(L::load_words(&digit_[digit][group_ * L::lanes]));
  }

  void finish(std::uint8_t* verdicts) noexcept {
    Jacobian<L>& sum = sum_[group_];
    const unsigned first = group_ * L::lanes;
    const Fe<L> beta = everywhere<L>(beta_words);
    for (unsigned t = 0; t < generator_terms; ++t) {
      const std::uint64_t *at_x[L::lanes], *at_y[L::lanes];
      for (unsigned l = 0; l < L::lanes; ++l) {
        at_x[l] = reinterpret_cast<const std::uint64_t*>(entry_[t][first + l] & ~std::uint64_t{1});
        at_y[l] = at_x[l] + 4;
      }
      PointLanes<L> p;
      L::load(p.x.n, at_x);
      L::load(p.y.n, at_y);
      if (t >= generator_windows) p.x = mul(p.x, beta);
      const auto negative = L::odd(L::load_words(&entry_[t][first]));
      add_affine(sum, p.x, factor(negate_where(negative, p.y)));
    }
    const Fe<L> z2 = sqr(sum.z);
    const unsigned exceptional = L::bits(is_zero(sum.z));
    const unsigned good = match_r<L, Unit>(
        &r_[first], [&](const Fe<L>& r) noexcept { return is_zero(sub(mul(r, z2), sum.x)); });
    for (unsigned l = 0; l < L::lanes && first + l < count_; ++l) {
      verdicts[first + l] = verdict(good >> l & 1, exceptional >> l & 1);
    }
  }

  alignas(64) std::uint64_t multiple_[groups][multiples][3][L::limbs][L::lanes];
  Jacobian<L> sum_[groups];
  Jacobian<L> odd_of_[groups][multiples];
  Fe<L> before_[groups][multiples];
  std::uint64_t key_[batch][8];
  std::uint64_t r_[batch][4];
  std::uint64_t entry_[generator_terms][batch];  // as in Hot
  std::uint64_t digit_[2 * windows][batch];
  unsigned count_, groups_in_use_, group_, window_;
  bool faulty_;
};

}  // namespace claimgate::secp
