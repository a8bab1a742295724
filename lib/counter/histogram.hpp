// Histogram: how often which value came, for latencies in nanoseconds and for burst sizes.
//
// Owner: the one thread that records. Any thread may take a snapshot while it records: every bucket
// is a Counter, so a snapshot can miss the newest values but never shows torn ones, and its count
// is by construction the sum of its buckets. No allocation anywhere.
//
// Log-linear buckets (the idea of HdrHistogram): every power of two is cut into P = 2^part_bits
// equal parts, so a bucket is at most 1/P of its lower bound wide; values below 2P have a bucket
// each. With P = 16:
//
//   value   0 1 … 15 │ 16 17 … 31 │ 32 34 … 62 │ 64 68 … 124 │ … │ 2^39 …      2^40-1 and above
//   bucket  0 1 … 15 │ 16 17 … 31 │ 32 33 … 47 │ 48 49 … 63  │ … │ 576 577 …   591
//
// Histogram has P = 16 in under 5 KiB, what a worker keeps in its cache. FineHistogram has P =
// 1024, HdrHistogram's three significant digits (2048 sub-buckets, half of them in use above the
// first): values to 0.1 % in 248 KiB, what a load generator reports.
//
// Budget: record() <= 5 cycles with its bucket in L1.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "lib/counter/counter.hpp"
#include "lib/counter/gauge.hpp"

namespace claimgate::counter {

template <unsigned part_bits>
struct Buckets {
  static constexpr std::uint64_t parts = std::uint64_t{1} << part_bits;  // per power of two
  static constexpr unsigned value_bits = 40;                             // 2^40 ns is 18 minutes
  static constexpr std::uint64_t value_max = (std::uint64_t{1} << value_bits) - 1;
  static constexpr std::size_t count = (value_bits - part_bits + 1) * parts;

  // Values above value_max fall in the last bucket.
  [[nodiscard]] static constexpr std::size_t of(std::uint64_t value) noexcept {
    if (value > value_max) value = value_max;
    if (value < parts) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - part_bits;
    return shift * parts + static_cast<std::size_t>(value >> shift);
  }

  // The highest value of a bucket. Precondition: bucket < count.
  [[nodiscard]] static constexpr std::uint64_t upper_bound(std::size_t bucket) noexcept {
    if (bucket < 2 * parts) return bucket;
    const std::size_t shift = bucket / parts - 1;
    return ((bucket % parts + parts + 1) << shift) - 1;
  }
};
static_assert(Buckets<4>::count == 592);
static_assert(Buckets<4>::of(Buckets<4>::value_max) == Buckets<4>::count - 1);
static_assert(Buckets<4>::upper_bound(Buckets<4>::count - 1) == Buckets<4>::value_max);

// What a Histogram held at one moment: a plain value of the thread that took it.
template <unsigned part_bits>
class BasicHistogramSnapshot {
 public:
  using Buckets = counter::Buckets<part_bits>;

  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (const std::uint64_t n : buckets_) total += n;
    return total;
  }
  // Of the recorded values themselves, not of their buckets' bounds. Modulo 2^64.
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

  // The highest recorded value itself; 0 where nothing was recorded.
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

  // The upper bound of the bucket that holds the value of rank ceil(q * count), or max() where that
  // is lower: not below the true quantile, and at most 1/parts above it (for values up to
  // value_max). 0 where nothing was recorded. `q` in 0..1; outside it is taken as the nearer end.
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept {
    const std::uint64_t total = count();
    if (total == 0) return 0;
    std::uint64_t rank = 1;
    if (q >= 1) {
      rank = total;
    } else if (q > 0) {
      const double exact = q * static_cast<double>(total);
      rank = static_cast<std::uint64_t>(exact);
      if (static_cast<double>(rank) < exact || rank == 0) ++rank;
      if (rank > total) rank = total;
    }
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen < rank) continue;
      const std::uint64_t bound = Buckets::upper_bound(i);
      // Of a snapshot taken in the midst of a record() the maximum may be older than the bucket.
      return Buckets::of(max_) == i && max_ < bound ? max_ : bound;
    }
    return Buckets::value_max;
  }

  // Values <= `bound`, as a Prometheus bucket `le` counts them. Whole buckets only: exact where
  // `bound` is a bucket's upper bound (2^k - 1 always is), otherwise the bucket that `bound` cuts
  // is left out. Never falls as `bound` rises. At or above value_max: count().
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t bound) const noexcept {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < buckets_.size() && Buckets::upper_bound(i) <= bound; ++i) {
      total += buckets_[i];
    }
    return total;
  }

  // Adds what `other` counted: workers' histograms into one.
  void merge(const BasicHistogramSnapshot& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    sum_ += other.sum_;
    if (other.max_ > max_) max_ = other.max_;
  }

  // Precondition: bucket < Buckets::count.
  [[nodiscard]] std::uint64_t bucket(std::size_t bucket) const noexcept { return buckets_[bucket]; }

 private:
  template <unsigned>
  friend class BasicHistogram;
  std::array<std::uint64_t, Buckets::count> buckets_{};
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

template <unsigned part_bits>
class BasicHistogram {
 public:
  using Buckets = counter::Buckets<part_bits>;
  using Snapshot = BasicHistogramSnapshot<part_bits>;

  // Owner thread.
  void record(std::uint64_t value) noexcept { record_n(value, 1); }
  void record_n(std::uint64_t value, std::uint64_t n) noexcept {
    if (n == 0) return;
    if (value > max_.value()) max_.set(value);
    buckets_[Buckets::of(value)].add(n);
    sum_.add(value * n);
  }

  // Any thread.
  [[nodiscard]] Snapshot snapshot() const noexcept {
    Snapshot out;
    for (std::size_t i = 0; i < buckets_.size(); ++i) out.buckets_[i] = buckets_[i].value();
    out.sum_ = sum_.value();
    out.max_ = max_.value();
    return out;
  }
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (const Counter& bucket : buckets_) total += bucket.value();
    return total;
  }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_.value(); }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_.value(); }
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept { return snapshot().quantile(q); }
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t bound) const noexcept {
    return snapshot().count_up_to(bound);
  }

 private:
  std::array<Counter, Buckets::count> buckets_{};
  Counter sum_;
  Gauge max_;
};

using Histogram = BasicHistogram<4>;
using HistogramSnapshot = Histogram::Snapshot;
using FineHistogram = BasicHistogram<10>;
using FineHistogramSnapshot = FineHistogram::Snapshot;

}  // namespace claimgate::counter
