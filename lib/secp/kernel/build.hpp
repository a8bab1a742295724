// Building a table: for each window i the odd multiples {1, 3, …, 2^w - 1}·2^(w i)·Q, affine.
//
//   chain    2^k Q for every k below w·windows, by doubling (Jacobian), one inversion for all
//   levels   what is below 2^k, plus 2^k: twice as many odd multiples of each window at a time,
//            by affine additions that share an inversion (hot.hpp), windows side by side in lanes
//
// No addition is exceptional: both points are different multiples below n of one of order n.
#pragma once

#include <cstdint>

#include "lib/secp/kernel/jacobian.hpp"
#include "lib/secp/kernel/lanes.hpp"

namespace claimgate::secp {

template <class L, int Unit>
class Build {
 public:
  static constexpr unsigned chain_max = 144, windows_max = 28, block = 16;

  // `point`: x, y as words. `table`: windows · 2^(width - 1) entries of 8 words, 64-byte aligned;
  // whole once step() says so.
  void begin(const std::uint64_t point[8], unsigned width, unsigned windows,
             std::uint64_t* table) noexcept {
    for (unsigned i = 0; i < 8; ++i) chain_[0][i] = point[i];
    width_ = width;
    windows_ = windows;
    table_ = table;
    bit_ = 0;
    doubled_up_ = false;
    from_ = 0;
  }

  // Some microseconds to some tens; true at the end.
  bool step() noexcept {
    typename L::RoundTowardZero rounding;
    if (!doubled_up_) {
      double_up();
      doubled_up_ = true;
      return false;
    }
    if (bit_ == 0) {
      normalize();
      for (unsigned w = 0; w < windows_; ++w) copy(entry(w, 0), chain_[width_ * w]);
      bit_ = 1;
      return bit_ == width_;
    }
    const unsigned have = 1u << (bit_ - 1);  // odd multiples below 2^bit
    const unsigned count = have - from_ < block ? have - from_ : block;
    add_block(have, from_, count);
    from_ += count;
    if (from_ == have) {
      from_ = 0;
      ++bit_;
    }
    return bit_ == width_;
  }

 private:
  using One = Portable<Unit>;

  std::uint64_t* entry(unsigned window, unsigned index) const noexcept {
    return table_ + ((window << (width_ - 1)) + index) * 8;
  }
  static void copy(std::uint64_t* out, const std::uint64_t* words) noexcept {
    for (unsigned i = 0; i < 8; ++i) out[i] = words[i];
  }

  void double_up() noexcept {
    const unsigned all = width_ * windows_;
    Jacobian<One> p{everywhere<One>(chain_[0]), everywhere<One>(chain_[0] + 4), one<One>()};
    Fe<One> product = one<One>();
    for (unsigned k = 1; k < all; ++k) {
      double_point(p);
      doubled_[k] = p;
      before_[k] = product;
      product = mul(product, p.z);
    }
    product_ = product;
  }
  // The chain, affine.
  void normalize() noexcept {
    std::uint64_t words[4], inverted[4];
    canonical_words<Unit>(words, product_);
    Inverse<Unit>::invert(inverted, words, Inverse<Unit>::p);
    Fe<One> left = everywhere<One>(inverted);
    for (unsigned k = width_ * windows_; k-- > 1;) {
      const Fe<One> z = mul(left, before_[k]), z2 = sqr(z);
      left = mul(left, doubled_[k].z);
      canonical_words<Unit>(chain_[k], mul(doubled_[k].x, z2));
      canonical_words<Unit>(chain_[k] + 4, mul(doubled_[k].y, mul(z2, z)));
    }
  }

  // Entries have + from … of every window: those at `from` … and 2^bit times its base.
  void add_block(unsigned have, unsigned from, unsigned count) noexcept {
    const unsigned groups = (windows_ + L::lanes - 1) / L::lanes;
    Fe<L> product[1] = {one<L>()};
    for (unsigned g = 0; g < groups; ++g) {
      const PointLanes<L> step_point = step_of(g);
      for (unsigned i = 0; i < count; ++i) {
        const PointLanes<L> p = load(g, from + i);
        prefix_[g * count + i] = product[0];
        product[0] = mul(product[0], factor(sub(step_point.x, p.x)));
      }
    }
    static_cast<void>(invert_lanes<L, Unit>(product));
    for (unsigned g = groups; g-- > 0;) {
      const PointLanes<L> q = step_of(g);
      for (unsigned i = count; i-- > 0;) {
        const PointLanes<L> p = load(g, from + i);
        const auto dx = factor(sub(q.x, p.x));
        const Fe<L> inverse = mul(product[0], prefix_[g * count + i]);
        product[0] = mul(product[0], dx);
        const Fe<L> slope = mul(factor(sub(q.y, p.y)), inverse);
        const Fe<L> x = tight(sub(sqr(slope), add(p.x, q.x)));
        store(g, have + from + i, x, tight(sub(mul(slope, factor(sub(p.x, x))), p.y)));
      }
    }
  }
  // Lanes beyond the last window repeat it.
  unsigned window_of(unsigned group, unsigned lane) const noexcept {
    const unsigned w = group * L::lanes + lane;
    return w < windows_ ? w : windows_ - 1;
  }
  PointLanes<L> step_of(unsigned group) const noexcept {
    return load_at(
        [&](unsigned lane) noexcept { return chain_[width_ * window_of(group, lane) + bit_]; });
  }
  PointLanes<L> load(unsigned group, unsigned index) const noexcept {
    return load_at([&](unsigned lane) noexcept { return entry(window_of(group, lane), index); });
  }
  template <class Where>
  static PointLanes<L> load_at(Where where) noexcept {
    const std::uint64_t *at[L::lanes], *at_y[L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) {
      at[l] = where(l);
      at_y[l] = at[l] + 4;
    }
    PointLanes<L> p;
    L::load(p.x.n, at);
    L::load(p.y.n, at_y);
    return p;
  }
  void store(unsigned group, unsigned index, const Fe<L>& x, const Fe<L>& y) noexcept {
    std::uint64_t wx[L::limbs][L::lanes], wy[L::limbs][L::lanes];
    for (unsigned i = 0; i < L::limbs; ++i) {
      L::store(wx[i], x.n[i]);
      L::store(wy[i], y.n[i]);
    }
    for (unsigned l = 0; l < L::lanes && group * L::lanes + l < windows_; ++l) {
      std::uint64_t* const out = entry(group * L::lanes + l, index);
      canonical_words<Unit>(out, lane_of<L, Unit>(wx, l));
      canonical_words<Unit>(out + 4, lane_of<L, Unit>(wy, l));
    }
  }

  Fe<L> prefix_[windows_max * block];
  std::uint64_t chain_[chain_max][8];  // 2^k Q
  Jacobian<One> doubled_[chain_max];
  Fe<One> before_[chain_max];
  std::uint64_t* table_;
  Fe<One> product_;  // of the chain's z
  unsigned width_, windows_, bit_, from_;
  bool doubled_up_;
};

}  // namespace claimgate::secp
