// A worker around the real pool, without arithmetic: claims come in batches, two in flight, tables
// are built in slices between them, and every step costs what a cost model says it does.
//
// What it builds is a stamp, the key at both ends of the table. Every claim looks at the stamp of
// its table when its batch begins and when it ends: a table of another key, or one written to while
// it was pinned, is noticed (`faults`).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "lib/secp/key_pool.hpp"

namespace claimgate::secp {

// Round figures like AVX2's and like IFMA's; and as measured with AVX2 on Zen 3, where a table
// saves the most.
inline constexpr Costs avx2_costs = {14'000, 5'500, 4'500, 45'000, 130'000};
inline constexpr Costs ifma_costs = {6'000, 1'700, 1'500, 20'000, 80'000};
inline constexpr Costs zen3_costs = {34'600, 11'300, 9'000, 120'000, 405'000};
inline constexpr const char* costs_names[] = {"Avx2", "Ifma", "Zen3"};

inline std::uint64_t mix(std::uint64_t x) noexcept {  // splitmix64's finish
  x += 0x9E37'79B9'7F4A'7C15;
  x = (x ^ x >> 30) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ x >> 27) * 0x94D0'49BB'1331'11EB;
  return x ^ x >> 31;
}

using KeyBytes = std::array<std::byte, 64>;

// The key that a key number has; `generation` is raised when the number comes to another key.
inline KeyBytes key_bytes(std::uint32_t key_number, std::uint32_t generation = 0) noexcept {
  KeyBytes out;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::uint64_t word =
        mix(std::uint64_t{generation} << 40 | std::uint64_t{key_number} << 8 | i);
    std::memcpy(out.data() + 8 * i, &word, 8);
  }
  return out;
}

class SimulatedWorker {
 public:
  static constexpr std::size_t batch = 64;
  static constexpr std::uint64_t slice_cycles = 60'000;  // of building, between two batches
  static constexpr std::uint64_t pool_cycles = 100;      // per claim, for the pool itself

  struct Totals {
    std::uint64_t claims = 0, hot = 0, large = 0;
    std::uint64_t cycles = 0, building = 0, pool = 0;  // `cycles` holds the two others
    std::uint64_t faults = 0;

    // Against a worker without a pool, per claim: above 1 is quicker.
    [[nodiscard]] double speed(const Costs& costs) const {
      return static_cast<double>(claims * costs.cold) / static_cast<double>(cycles);
    }
    [[nodiscard]] double hit_rate() const {
      return static_cast<double>(hot) / static_cast<double>(claims);
    }
    [[nodiscard]] double building_share() const {
      return static_cast<double>(building) / static_cast<double>(cycles);
    }
  };

  SimulatedWorker(KeyPool& pool, const Costs& costs, std::size_t table_bytes_small,
                  std::size_t table_bytes_large)
      : pool_(pool), costs_(costs), bytes_{table_bytes_small, table_bytes_large} {}

  // One claim; `good`: its signature is.
  void claim(std::uint32_t key_number, bool good = true) {
    Claim& one = batches_[filling_][filled_++];
    one.key_number = key_number;
    one.good = good;
    one.key = key_bytes(key_number);
    one.use = pool_.use(key_number, one.key);
    if (one.use.table != no_table) pool_.pin(one.use.table);
    if (filled_ == batch) turn();
  }

  [[nodiscard]] const Totals& totals() const { return totals_; }
  void forget_totals() { totals_ = {}; }

 private:
  struct Claim {
    Use use;
    std::uint32_t key_number;
    bool good;
    KeyBytes key;
  };

  [[nodiscard]] std::byte* end_of(TableSize size, std::uint64_t* address) const {
    return reinterpret_cast<std::byte*>(address) + bytes_[static_cast<unsigned>(size)] - 32;
  }
  void look(const Claim& one) {
    if (one.use.table == no_table) return;
    const auto size = one.use.path == Path::small ? TableSize::small : TableSize::large;
    auto* const table = const_cast<std::uint64_t*>(one.use.address);
    totals_.faults += std::memcmp(table, one.key.data(), 32) != 0;
    totals_.faults += std::memcmp(end_of(size, table), one.key.data() + 32, 32) != 0;
  }

  // The filled batch begins, the one before it ends.
  void turn() {
    for (const Claim& one : batches_[filling_]) look(one);
    filling_ ^= 1;
    filled_ = 0;
    if (std::exchange(any_, true)) finish(batches_[filling_]);
    build();
  }

  void finish(const std::array<Claim, batch>& claims) {
    for (const Claim& one : claims) {
      look(one);
      if (one.use.table != no_table) pool_.unpin(one.use.table);
      if (one.good) pool_.verified(one.key_number, one.key);
      passed_ += pool_cycles + (one.use.path == Path::small   ? costs_.hot_small
                                : one.use.path == Path::large ? costs_.hot_large
                                                              : costs_.cold);
      totals_.hot += one.use.table != no_table;
      totals_.large += one.use.path == Path::large;
    }
    totals_.claims += batch;
    totals_.pool += batch * pool_cycles;
  }

  void build() {
    if (!job_) {
      job_ = pool_.next_build();
      if (job_) {
        left_ = job_->size == TableSize::small ? costs_.build_small : costs_.build_large;
        std::memset(job_->address, 0, bytes_[static_cast<unsigned>(job_->size)]);
      }
    }
    std::uint64_t building = 0;
    if (job_) {
      building = std::min(left_, slice_cycles);
      left_ -= building;
      if (left_ == 0) {
        std::memcpy(job_->address, job_->key.data(), 32);
        std::memcpy(end_of(job_->size, job_->address), job_->key.data() + 32, 32);
        pool_.built(*job_);
        job_.reset();
      }
    }
    passed_ += building;
    pool_.spent(passed_, building);
    totals_.cycles += passed_;
    totals_.building += building;
    passed_ = 0;
  }

  KeyPool& pool_;
  Costs costs_;
  std::array<std::size_t, 2> bytes_;
  std::array<std::array<Claim, batch>, 2> batches_{};
  unsigned filling_ = 0;
  std::size_t filled_ = 0;
  bool any_ = false;
  std::optional<BuildJob> job_;
  std::uint64_t left_ = 0;    // cycles of the job
  std::uint64_t passed_ = 0;  // cycles since the pool was told
  Totals totals_;
};

}  // namespace claimgate::secp
