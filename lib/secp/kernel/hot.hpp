// Verification with tables: many signatures at once, for keys whose multiples stand ready.
//
//   R = u1·G + u2·Q,  and the signature is good where R.x = r (mod n)
//
// With u1 and u2 split for the endomorphism (scalar.hpp) R is a sum of points that are all in
// tables, 76 of them at width 5, so no point is ever doubled. They are added pairwise, level by
// level; each affine addition needs the inverse of a difference, and all differences of a level
// share one inversion (Montgomery, 1987). Per addition: 5 multiplications and a squaring.
//
// Four sums stand apart: Q_a and Q_b (halves of u2), G_a and G_b (halves of u1). Within one, two
// partial sums are never equal or opposite: their digits are odd and of different windows, so the
// difference is not 0, and it is below n. Across them anything may happen, and a payer can bring it
// about, so the two joins before the last addition look for it: such a lane is undecided, never a
// neighbour's trouble. The last addition needs no inverse at all:
//   R.x = dy²/dx² - x1 - x2, so (r + x1 + x2)·dx² = dy², unless dx = 0.
#pragma once

#include <cstdint>

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/field.hpp"
#include "lib/secp/kernel/lanes.hpp"
#include "lib/secp/kernel/prepare.hpp"

namespace claimgate::secp {

template <class L, int Unit, unsigned width, unsigned windows, unsigned batch>
class Hot {
 public:
  static constexpr unsigned groups = batch / L::lanes;
  static_assert(batch % (2 * L::lanes) == 0, "two groups go side by side");

  // One batch. What `claims` point to is read here only, but for the tables. Precondition:
  // 0 < count <= batch, every r and s within its bounds (in_range()).
  void begin(const HotClaim* claims, unsigned count, const std::uint64_t* generator,
             bool ahead) noexcept {
    typename L::RoundTowardZero rounding;
    count_ = count;
    groups_in_use_ = 2 * ((count + 2 * L::lanes - 1) / (2 * L::lanes));
    prepare<L, Unit, batch>(
        claims, count, groups_in_use_, r_,
        [&](unsigned group, const Number& u1, const Number& u2) noexcept {
          std::uint64_t tables[L::lanes];
          for (unsigned l = 0; l < L::lanes; ++l) {
            const unsigned i = group * L::lanes + l;
            tables[l] = reinterpret_cast<std::uint64_t>(claims[i < count ? i : 0].table);
          }
          note_terms<width, windows>(0, group, L::load_words(tables), u2, ahead);
          note_terms<generator_width, generator_windows>(
              2 * windows, group, L::set1(reinterpret_cast<std::uint64_t>(generator)), u1, ahead);
        });
    level_ = 0;
    group_ = 0;
    forward_ = true;
    for (unsigned s_ = 0; s_ < 4; ++s_) points_in_[s_] = segment_terms(s_);
    acc_[0] = acc_[1] = one<L>();
  }

  // The points of one term, for the cache beyond the nearest.
  static constexpr unsigned parts = 2 * (windows + generator_windows);
  void fetch_part(unsigned part) const noexcept {
    for (unsigned i = 0; i < count_; ++i) __builtin_prefetch(entry(part, i), 0, 2);
  }

  // Some microseconds of work; true once every verdict stands.
  bool step(std::uint8_t* verdicts) noexcept {
    typename L::RoundTowardZero rounding;
    if (level_ == levels) {
      finish(group_, verdicts);
      group_ += 2;
      return group_ >= groups_in_use_;
    }
    if (forward_) {
      go_forward(group_);
      group_ += 2;
      if (group_ < groups_in_use_) return false;
      if (!invert_lanes<L, Unit>(acc_)) {
        // An arithmetic fault, or memory's: nobody is judged by it.
        for (unsigned i = 0; i < count_; ++i) verdicts[i] = undecided;
        return true;
      }
      forward_ = false;
      group_ -= 2;
      return false;
    }
    go_backward(group_);
    if (group_ > 0) {
      group_ -= 2;
      return false;
    }
    forward_ = true;
    acc_[0] = acc_[1] = one<L>();
    if (level_ + 1 < levels) {
      for (unsigned& n : points_in_) n = (n + 1) / 2;
    }
    ++level_;
    return false;
  }

 private:
  using Numbers = BatchScalars<L, Unit>;
  using Number = typename Numbers::Number;
  using Element = Fe<L>;
  using Mask = typename L::Mask;

  static constexpr unsigned entry_bytes = 64;
  static constexpr unsigned terms = parts;
  static constexpr unsigned segment_terms(unsigned s) noexcept {
    return s < 2 ? windows : generator_windows;
  }
  static constexpr unsigned segment_first(unsigned s) noexcept {
    return s < 2 ? s * windows : 2 * windows + (s - 2) * generator_windows;
  }
  static constexpr unsigned halvings(unsigned n) noexcept {
    return n <= 1 ? 0 : 1 + halvings((n + 1) / 2);
  }
  // Levels until each sum is one point, and one that joins halves.
  static constexpr unsigned trees =
      halvings(windows > generator_windows ? windows : generator_windows);
  static constexpr unsigned levels = trees + 1;
  // Where a sum's points stand, once there are half as many.
  static constexpr unsigned place(unsigned s) noexcept {
    return s < 2 ? s * ((windows + 1) / 2)
                 : 2 * ((windows + 1) / 2) + (s - 2) * ((generator_windows + 1) / 2);
  }
  static constexpr unsigned places = place(4);

  // Where the points of a scalar's digits stand, and that they are fetched unless it is ahead of
  // the batch's turn. `term`: of the first half's first window; the other half's follow.
  template <unsigned w, unsigned count>
  CG_INLINE void note_terms(unsigned term, unsigned group, const typename L::U& tables,
                            const Number& scalar, bool ahead) noexcept {
    typename Numbers::Half halves[2];
    Numbers::template split<w * count>(halves[0], halves[1], scalar);
    for (const auto& half : halves) {
      place_digits<L, w, count>(half, tables, [&](unsigned i, const typename L::U& at) noexcept {
        L::store(&entry_[term + i][group * L::lanes], at);
      });
      for (unsigned i = 0; i < count && !ahead; ++i) fetch(term + i, group);
      term += count;
    }
  }
  const std::uint64_t* entry(unsigned term, unsigned signature) const noexcept {
    return reinterpret_cast<const std::uint64_t*>(entry_[term][signature] & ~std::uint64_t{1});
  }
  Mask negative(unsigned term, unsigned group) const noexcept {
    return L::odd(L::load_words(&entry_[term][group * L::lanes]));
  }
  CG_INLINE Element load_x(unsigned term, unsigned group) const noexcept {
    const std::uint64_t* at[L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) at[l] = entry(term, group * L::lanes + l);
    Element x;
    L::load(x.n, at);
    return x;
  }
  CG_INLINE PointLanes<L> load_point(unsigned term, unsigned group, Mask& minus) const noexcept {
    const std::uint64_t *at[L::lanes], *at_y[L::lanes];
    for (unsigned l = 0; l < L::lanes; ++l) {
      at[l] = entry(term, group * L::lanes + l);
      at_y[l] = at[l] + 4;
    }
    PointLanes<L> p;
    L::load(p.x.n, at);
    L::load(p.y.n, at_y);
    minus = negative(term, group);
    return p;
  }
  void fetch(unsigned term, unsigned group) const noexcept {
    for (unsigned l = 0; l < L::lanes; ++l) {
      __builtin_prefetch(entry(term, group * L::lanes + l));
    }
  }

  // ---- forward: the product of all differences, remembering what stood before each -----------
  void go_forward(unsigned g) noexcept {
    unsigned at = 0;
    const auto take = [&](unsigned chain, const auto& difference) noexcept {
      prefix_[g + chain][at] = acc_[chain];
      acc_[chain] = mul(acc_[chain], difference);
    };
    if (level_ + 1 == levels) {  // the joins
      const Element beta = everywhere<L>(beta_words);
      for (unsigned c = 0; c < 2; ++c) {
        at = 0;
        for (unsigned j = 0; j < 2; ++j, ++at) {
          PointLanes<L>& b = point_[g + c][place(2 * j + 1)];
          b.x = mul(b.x, beta);  // lambda·(x, y) = (beta·x, y)
          const Element d = tight(sub(b.x, point_[g + c][place(2 * j)].x));
          const Mask none = is_zero(d);
          exceptional_[g + c][j] = L::bits(none);
          take(c, select(none, one<L>(), d));
        }
      }
      return;
    }
    for (unsigned s = 4; s-- > 0;) {
      for (unsigned j = points_in_[s] / 2; j-- > 0; ++at) {
        for (unsigned c = 0; c < 2; ++c) {
          if (level_ == 0) {
            const unsigned term = segment_first(s) + 2 * j;
            if (g + 2 < groups_in_use_) {
              fetch(term, g + 2 + c);
              fetch(term + 1, g + 2 + c);
            }
            take(c, factor(sub(load_x(term + 1, g + c), load_x(term, g + c))));
          } else {
            const PointLanes<L>* const points = point_[g + c] + place(s);
            take(c, factor(sub(points[2 * j + 1].x, points[2 * j].x)));
          }
        }
      }
    }
  }

  // ---- backward: each difference's inverse, and the addition it was for ------------------------
  template <class Y1, class Y2>
  CG_INLINE void add_points(PointLanes<L>& out, unsigned chain, const Element& before,
                            const Element& x1, const Y1& y1, const Element& x2,
                            const Y2& y2) noexcept {
    const auto dx = factor(sub(x2, x1));
    const Element inverse = mul(acc_[chain], before);
    acc_[chain] = mul(acc_[chain], dx);
    const Element slope = mul(factor(sub(y2, y1)), inverse);
    const Element x3 = tight(sub(sqr(slope), add(x1, x2)));
    const Element y3 = tight(sub(mul(slope, factor(sub(x1, x3))), y1));
    out.x = x3;
    out.y = y3;
  }

  void go_backward(unsigned g) noexcept {
    if (level_ + 1 == levels) {
      for (unsigned j = 2; j-- > 0;) {
        for (unsigned c = 0; c < 2; ++c) {
          PointLanes<L>& a = point_[g + c][place(2 * j)];
          const PointLanes<L>& b = point_[g + c][place(2 * j + 1)];
          // Where the difference was 0 the factor was 1; what comes of it is not looked at.
          const Mask none = L::mask(exceptional_[g + c][j]);
          const Element dx = select(none, one<L>(), tight(sub(b.x, a.x)));
          const Element inverse = mul(acc_[c], prefix_[g + c][j]);
          acc_[c] = mul(acc_[c], dx);
          const Element slope = mul(factor(sub(b.y, a.y)), inverse);
          const Element x3 = tight(sub(sqr(slope), add(a.x, b.x)));
          a.y = tight(sub(mul(slope, factor(sub(a.x, x3))), a.y));
          a.x = x3;
        }
      }
      return;
    }
    unsigned at = 0;
    for (unsigned s = 0; s < 4; ++s) at += points_in_[s] / 2;
    for (unsigned s = 0; s < 4; ++s) {
      const unsigned pairs = points_in_[s] / 2;
      for (unsigned j = 0; j < pairs; ++j) {
        --at;
        for (unsigned c = 0; c < 2; ++c) {
          PointLanes<L>* const points = point_[g + c] + place(s);
          if (level_ == 0) {
            const unsigned term = segment_first(s) + 2 * j;
            Mask minus1, minus2;
            const PointLanes<L> p1 = load_point(term, g + c, minus1);
            const PointLanes<L> p2 = load_point(term + 1, g + c, minus2);
            add_points(points[j], c, prefix_[g + c][at], p1.x, negate_where(minus1, p1.y), p2.x,
                       negate_where(minus2, p2.y));
          } else {
            const PointLanes<L> p1 = points[2 * j], p2 = points[2 * j + 1];
            add_points(points[j], c, prefix_[g + c][at], p1.x, p1.y, p2.x, p2.y);
          }
        }
      }
      if (points_in_[s] % 2 == 0) continue;
      for (unsigned c = 0; c < 2; ++c) {  // one is left over
        PointLanes<L>* const points = point_[g + c] + place(s);
        if (level_ == 0) {
          Mask minus;
          const PointLanes<L> p = load_point(segment_first(s) + 2 * pairs, g + c, minus);
          points[pairs].x = p.x;
          points[pairs].y = tight(negate_where(minus, p.y));
        } else {
          points[pairs] = points[2 * pairs];
        }
      }
    }
  }

  // ---- the last addition, and the verdict ------------------------------------------------------
  void finish(unsigned g, std::uint8_t* verdicts) noexcept {
    for (unsigned c = 0; c < 2; ++c) {
      const PointLanes<L>& a = point_[g + c][place(0)];
      const PointLanes<L>& b = point_[g + c][place(2)];
      const auto dx = factor(sub(b.x, a.x));
      const Element dx2 = sqr(dx);
      const Element dy2 = sqr(factor(sub(b.y, a.y)));
      const unsigned first = (g + c) * L::lanes;
      const unsigned good = match_r<L, Unit>(&r_[first], [&](const Element& r) noexcept {
        return is_zero(sub(mul(factor(add(r, add(a.x, b.x))), dx2), dy2));
      });
      const unsigned exceptional =
          exceptional_[g + c][0] | exceptional_[g + c][1] | L::bits(is_zero(dx));
      for (unsigned l = 0; l < L::lanes && first + l < count_; ++l) {
        verdicts[first + l] = verdict(good >> l & 1, exceptional >> l & 1);
      }
    }
  }
  alignas(64) PointLanes<L> point_[groups][places];
  Element prefix_[groups][places];
  Element acc_[2];
  std::uint64_t r_[batch][4];
  // Of each signature's digits: the point's place in its table; bit 0: to be negated.
  std::uint64_t entry_[terms][batch];
  unsigned exceptional_[groups][2];
  unsigned points_in_[4];
  unsigned count_, groups_in_use_, level_, group_;
  bool forward_;
};

}  // namespace claimgate::secp
