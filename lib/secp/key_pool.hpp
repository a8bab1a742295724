// The pool of per-key tables: which key has one, who gets the next, who gives one up.
//
//   claim ─ use() ──► cold, small, large (with the table), or quarantined ──► pin() … unpin()
//     └─ its signature was good: verified() ──► count ──► board of candidates
//   between batches: spent(), next_build() ──► job, built in slices ──► built() or abandon()
//
//   one region:  small and large tables │ fixed part │ 8-byte word per key number │ 64 per table
//
// Owner: one worker thread calls everything but counters(). No cryptography in here, no allocation
// after create(), no loop longer than a small constant. Memory: never more than `budget_bytes`,
// with all of the above in it, as mapped; 8 bytes per key number, 64 per table beside the table,
// 8 KiB at most besides. KEY_POOL.md says why each rule is what it is.
//
// Budget, lines in L2: use() 15 cycles, verified() 25 and of a candidate 60 more, next_build() 1000
// a call at most, once per batch of 64. use() touches the key's word, and where the key has a table
// the table's descriptor: two lines. The caller reads the key's own line in any case.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "lib/counter/counter.hpp"
#include "lib/counter/gauge.hpp"
#include "lib/failure/failure.hpp"
#include "lib/memory/region.hpp"
#include "lib/secp/key_word.hpp"
#include "lib/secp/suspects.hpp"

namespace claimgate::secp {

using Key = std::span<const std::byte, 64>;  // x‖y, big endian, a point on the curve

enum class TableSize : std::uint8_t { small, large };

using TableNumber = std::uint32_t;
inline constexpr TableNumber no_table = 0xFFFF'FFFF;
inline constexpr std::uint32_t tables_max = KeyWord::number_end;

// Cycles: per claim by each path, and to build a table. Measured by the engine at its start.
struct Costs {
  std::uint32_t cold, hot_small, hot_large, build_small, build_large;
};

struct KeyPoolOptions {
  std::uint32_t keys_max;    // key numbers are 0 .. keys_max - 1
  std::size_t budget_bytes;  // of everything, as mapped
  std::size_t small_bytes;   // of one table: a multiple of 64
  std::size_t large_bytes;   // likewise; more than small_bytes
  double large_share;        // 0 .. 1, of the bytes for tables
  Costs costs;
  double build_share = 0.05;  // of the cycles that spent() tells
  std::uint64_t half_life_claims =
      0;  // 0: half_life_per_table for each table, at least the minimum
  memory::Pages pages = memory::Pages::huge;
};

// A pool of n tables is rebuilt whole in about as many claims, at the share that building has:
// build / (0.05 · cold) per table, 64 to 67 with AVX2's costs and with IFMA's.
inline constexpr std::uint64_t half_life_per_table = 64;
inline constexpr std::uint64_t half_life_min = 4096;

enum class Path : std::uint8_t { cold, small, large, quarantined };

struct Use {
  Path path;
  TableNumber table;             // to pin; no_table unless small or large
  const std::uint64_t* address;  // of the table, 64-byte aligned; null unless small or large
};

struct BuildJob {
  TableNumber table;
  TableSize size;
  std::uint32_t reserved;  // cycles set aside for it
  std::uint64_t* address;  // where to build, the size's bytes, 64-byte aligned
  std::array<std::byte, 64> key;
};

// Written by the pool's thread, read by any.
struct alignas(counter::counter_group_alignment) KeyPoolCounters {
  counter::Counter promotions;  // jobs given out
  counter::Counter builds_finished;
  counter::Counter builds_abandoned;  // by the engine, or outdated when they were done
  counter::Counter evictions;         // tables taken from their key for another
  counter::Counter outdated;          // tables whose key number had come to another key
  counter::Counter quarantines;       // begun
  counter::Gauge small_in_use;        // tables: being built, in service, or awaiting the last unpin
  counter::Gauge large_in_use;
  counter::Gauge table_bytes_in_use;
  counter::Gauge quarantined_keys;  // now
};

class KeyPool {
 public:
  // What a pool needs besides its tables and their 64 bytes each: at most 8 KiB, and 8 per key.
  [[nodiscard]] static std::size_t bytes_beside(std::uint32_t keys_max) noexcept;
  // Fails where an option is out of its bounds, where the budget holds not one table beside the
  // words of `keys_max`, or where memory cannot be had.
  [[nodiscard]] static Expected<KeyPool> create(const KeyPoolOptions& options);

  // ---- per claim ---------------------------------------------------------------------------
  // All key numbers: below keys_max.
  void prefetch_word(std::uint32_t key_number) const noexcept;
  void prefetch_descriptor(std::uint32_t key_number) const noexcept;  // reads the word
  // How the next claim under `key` is to be verified. A table that was built for another key of
  // the same number is not served, and freed once nothing pins it.
  [[nodiscard]] Use use(std::uint32_t key_number, Key key) noexcept;
  // While a table is pinned nothing is written to it. One pin per claim in flight; precondition:
  // `table` is of the use() called just before, or pinned already.
  void pin(TableNumber table) noexcept { ++descriptors_[table].pins; }
  void unpin(TableNumber table) noexcept;
  // The claim's signature was good. Others are not told of: whoever sends garbage for somebody
  // else's channel heats no key, and makes no other grow cold.
  void verified(std::uint32_t key_number, Key key) noexcept;
  // The claim met the engine's exceptional case (Suspects says what comes of it).
  void exceptional(std::uint32_t key_number, Key key) noexcept;

  // ---- per batch ---------------------------------------------------------------------------
  // Cycles that passed since the last call, idle ones included, and those of them that went into
  // building.
  void spent(std::uint64_t passed, std::uint64_t building) noexcept;
  // The next table to build, if there is one that pays and building is within its share. Looks at
  // 9 tables at most. Each job ends with built() or abandon(); several may be under way.
  [[nodiscard]] std::optional<BuildJob> next_build() noexcept;
  // The table is whole: it goes into service, true; or its key is no longer wanted, false.
  bool built(const BuildJob& job) noexcept;
  void abandon(const BuildJob& job) noexcept;
  // What candidates and victims are judged by from now on.
  void set_costs(const Costs& costs) noexcept;

  // ---- inspection --------------------------------------------------------------------------
  [[nodiscard]] const KeyPoolCounters& counters() const noexcept { return fixed_->counters; }
  [[nodiscard]] std::uint32_t decayed_count(std::uint32_t key_number) const noexcept {
    return words_[key_number].count_at(epoch_);
  }
  // The least count with which a key gets such a table, if there is room; `never` where it does not
  // pay.
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  [[nodiscard]] std::uint64_t threshold(Tier from, TableSize to) const noexcept {
    return thresholds_[static_cast<unsigned>(from)][static_cast<unsigned>(to)];
  }
  [[nodiscard]] std::uint32_t tables(TableSize size) const noexcept { return class_of(size).count; }
  [[nodiscard]] std::uint64_t half_life_claims() const noexcept { return half_life_; }
  [[nodiscard]] std::size_t bytes_mapped() const noexcept { return region_.size(); }
  [[nodiscard]] memory::Pages pages() const noexcept { return region_.pages(); }

 private:
  enum class State : std::uint8_t {
    free,
    building,
    serving,  // its key's word names it
    leaving,  // no word names it, but claims in flight pin it
  };

  // One line per table. x and the parity of y are a curve point's identity (SEC 1, 2.3.3); y's low
  // 64 bits hold that parity.
  struct alignas(64) Descriptor {
    std::array<std::uint64_t, 4> x;
    std::uint64_t y_low;
    std::uint64_t* address;
    std::uint32_t key_number;
    std::uint32_t pins;
    TableNumber next_free;
    State state;
    TableSize size;

    [[nodiscard]] bool is_of(Key key) const noexcept {
      const auto at = [&](std::size_t word) { return word_of(key, word); };
      return ((x[0] ^ at(0)) | (x[1] ^ at(1)) | (x[2] ^ at(2)) | (x[3] ^ at(3)) |
              (y_low ^ at(7))) == 0;
    }
    [[nodiscard]] std::uint32_t fingerprint() const noexcept { return fingerprint_of(x[3]); }
  };
  static_assert(sizeof(Descriptor) == 64);

  // The tables of one size, numbered side by side.
  struct SizeClass {
    TableNumber first;
    std::uint32_t count;
    TableNumber free;     // head of the list
    TableNumber hand;     // where the search for a victim goes on
    TableNumber weakest;  // the worst of those seen, until taken
  };

  // Keys whose count says that a table pays. A key number has one place; the better of two stays,
  // and the other is offered again with its next claim.
  static constexpr unsigned places = 64;
  struct Candidate {
    std::array<std::byte, 64> key;
    std::uint32_t key_number;
  };

  struct Fixed {
    KeyPoolCounters counters;
    alignas(64) std::array<std::uint64_t, places> merit;  // 0: the place is empty
    std::array<Candidate, places> board;
    Suspects suspects;
  };
  static_assert(sizeof(Fixed) + alignof(Fixed) <= 8192);

  KeyPool(memory::Region region, const KeyPoolOptions& options, std::uint32_t small,
          std::uint32_t large) noexcept;

  [[nodiscard]] static std::uint64_t word_of(Key key, std::size_t word) noexcept {
    std::uint64_t value;
    std::memcpy(&value, key.data() + 8 * word, sizeof value);
    return value;
  }
  // Of the memory word that ends in x's lowest byte.
  [[nodiscard]] static std::uint32_t fingerprint_of(std::uint64_t x_low) noexcept {
    return static_cast<std::uint32_t>(x_low >> 40);
  }
  [[nodiscard]] static std::uint64_t identity_of(Key key) noexcept {
    return word_of(key, 3) ^ word_of(key, 7);
  }
  [[nodiscard]] SizeClass& class_of(TableSize size) noexcept {
    return classes_[static_cast<unsigned>(size)];
  }
  [[nodiscard]] const SizeClass& class_of(TableSize size) const noexcept {
    return classes_[static_cast<unsigned>(size)];
  }

  [[nodiscard]] Use use_unusual(std::uint32_t key_number, Key key) noexcept;
  [[nodiscard]] bool is_quarantined(std::uint32_t key_number, Key key) const noexcept;
  void offer(std::uint32_t key_number, Key key, Tier tier, std::uint32_t count) noexcept;
  [[nodiscard]] std::optional<BuildJob> place(unsigned at) noexcept;
  [[nodiscard]] BuildJob begin(const Candidate& candidate, TableNumber at) noexcept;
  [[nodiscard]] bool wanted(const Descriptor& table) const noexcept;
  [[nodiscard]] TableNumber take(TableSize size, std::uint64_t gain) noexcept;
  void look_for_weaker(SizeClass& among) noexcept;
  void evict(TableNumber at) noexcept;
  [[nodiscard]] std::uint64_t worth(TableNumber at) const noexcept;
  void retire(TableNumber at) noexcept;
  void release(TableNumber at) noexcept;
  void push_free(TableNumber at) noexcept;
  void count_in_use(TableSize size, bool one_more) noexcept;
  [[nodiscard]] bool affordable(std::uint32_t cycles) const noexcept {
    return credit_ - reserved_ >= std::int64_t{cycles} << 16;
  }
  [[nodiscard]] std::uint32_t build_cost(TableSize size) const noexcept;
  [[nodiscard]] std::uint64_t saving(Tier from, TableSize to) const noexcept;

  memory::Region region_;
  KeyWord* words_ = nullptr;
  Descriptor* descriptors_ = nullptr;
  Fixed* fixed_ = nullptr;
  std::uint16_t epoch_ = 0;
  std::uint64_t epoch_claims_left_ = 0;  // good claims until the next one
  std::uint64_t half_life_ = 0;
  std::array<std::uint64_t, 3> offer_from_{};                 // by tier: the least count
  std::array<std::uint64_t, 3> merit_scale_{};                // by tier: per claim counted
  std::array<std::array<std::uint64_t, 2>, 3> thresholds_{};  // by tier and size
  std::array<SizeClass, 2> classes_{};
  std::array<std::size_t, 2> bytes_of_{};  // of one table, by size
  Costs costs_{};
  std::uint32_t least_build_ = 0;  // cycles
  // Cycles that may go into building, in 2^-16.
  std::int64_t credit_ = 0, credit_max_ = 0;
  std::int64_t reserved_ = 0;  // for jobs under way
  std::uint64_t share_ = 0;    // of a cycle, in 2^-16
};

// ---- hot functions, inline -------------------------------------------------------------------

inline void KeyPool::prefetch_word(std::uint32_t key_number) const noexcept {
  __builtin_prefetch(words_ + key_number);
}

inline void KeyPool::prefetch_descriptor(std::uint32_t key_number) const noexcept {
  const KeyWord word = words_[key_number];
  if (word.tier() != Tier::cold) __builtin_prefetch(descriptors_ + word.number());
}

inline Use KeyPool::use(std::uint32_t key_number, Key key) noexcept {
  const KeyWord word = words_[key_number];
  if (word.plainly_cold()) return {Path::cold, no_table, nullptr};
  if (!word.suspect()) [[likely]] {
    const Descriptor& table = descriptors_[word.number()];
    if (table.is_of(key)) [[likely]] {
      return {static_cast<Path>(word.tier()), word.number(), table.address};
    }
  }
  return use_unusual(key_number, key);
}

inline void KeyPool::unpin(TableNumber table) noexcept {
  Descriptor& descriptor = descriptors_[table];
  if (--descriptor.pins == 0 && descriptor.state == State::leaving) [[unlikely]] {
    release(table);
  }
}

inline void KeyPool::verified(std::uint32_t key_number, Key key) noexcept {
  if (--epoch_claims_left_ == 0) [[unlikely]] {
    epoch_claims_left_ = half_life_;
    ++epoch_;
  }
  KeyWord word = words_[key_number];
  const Tier tier = word.tier();
  if (tier == Tier::cold) {
    const std::uint32_t fingerprint = fingerprint_of(word_of(key, 3));
    if (word.number() != fingerprint) word = KeyWord::cold(fingerprint);
  } else if (!descriptors_[word.number()].is_of(key)) [[unlikely]] {
    return;  // of the key before, or after: the number is use()'s to settle
  }
  if (word.suspect() && is_quarantined(key_number, key)) [[unlikely]] {
    return;
  }
  const std::uint32_t count = word.count_at(epoch_) + 1;
  word.set_count(count, epoch_);
  words_[key_number] = word;
  if (count >= offer_from_[static_cast<unsigned>(tier)] && !word.building()) {
    offer(key_number, key, tier, count);
  }
}

}  // namespace claimgate::secp
