#include "lib/secp/key_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace claimgate::secp {
namespace {

constexpr std::size_t line_bytes = 64;
constexpr unsigned victims_per_call = 8;
constexpr std::uint64_t cycles_max = std::uint64_t{1} << 40;  // per call of spent()

static_assert(static_cast<unsigned>(Path::small) == static_cast<unsigned>(Tier::small) &&
              static_cast<unsigned>(Path::large) == static_cast<unsigned>(Tier::large));

constexpr Tier tier_of(TableSize size) noexcept {
  return size == TableSize::small ? Tier::small : Tier::large;
}

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

// Of a range of 2^32 onto 64 places, so that neighbouring key numbers lie apart.
constexpr unsigned place_of(std::uint32_t key_number) noexcept {
  return key_number * 0x9E37'79B1u >> 26;
}

bool is_whole_lines(std::size_t bytes) noexcept {
  return bytes > 0 && bytes % line_bytes == 0 && bytes < std::size_t{1} << 32;
}

std::optional<Failure> objection(const KeyPoolOptions& options) {
  if (options.keys_max == 0) {
    return Failure{"a pool of key tables for no keys", {}, "set keys_max to 1 or more"};
  }
  if (!is_whole_lines(options.small_bytes) || !is_whole_lines(options.large_bytes) ||
      options.small_bytes >= options.large_bytes) {
    return Failure{
        fmt::format("key tables of {} and {} bytes", options.small_bytes, options.large_bytes),
        {},
        "give both a multiple of 64, the large ones more"};
  }
  // Not-a-number fails both.
  if (!(options.large_share >= 0 && options.large_share <= 1)) {
    return Failure{fmt::format("a share of {} for large key tables", options.large_share),
                   {},
                   "set it from 0 to 1"};
  }
  if (!(options.build_share >= 0 && options.build_share <= 1)) {
    return Failure{fmt::format("a share of {} of the cycles for building", options.build_share),
                   {},
                   "set it from 0 to 1"};
  }
  return std::nullopt;
}

}  // namespace

std::size_t KeyPool::bytes_beside(std::uint32_t keys_max) noexcept {
  return alignof(Fixed) + sizeof(Fixed) +
         round_up(std::size_t{keys_max} * sizeof(KeyWord), line_bytes);
}

Expected<KeyPool> KeyPool::create(const KeyPoolOptions& options) {
  if (auto failure = objection(options)) return std::unexpected(std::move(*failure));
  // The region is rounded up to whole pages, so the budget is rounded down to them first.
  const std::size_t page_bytes = std::size_t{options.pages == memory::Pages::normal ? 4u : 2048u}
                                 << 10;
  const std::size_t budget = options.budget_bytes / page_bytes * page_bytes;
  const std::size_t beside = bytes_beside(options.keys_max);
  const std::size_t each_small = options.small_bytes + sizeof(Descriptor);
  const std::size_t each_large = options.large_bytes + sizeof(Descriptor);
  const std::size_t room = budget > beside ? budget - beside : 0;
  const auto for_large = static_cast<std::size_t>(static_cast<double>(room) * options.large_share);
  const std::size_t large =
      std::min<std::size_t>(std::min(for_large, room) / each_large, tables_max / 2);
  const std::size_t small =
      options.large_share == 1
          ? 0
          : std::min<std::size_t>((room - large * each_large) / each_small, tables_max / 2);
  if (small + large == 0) {
    return fail(fmt::format("{} bytes hold no key table beside the {} bytes for {} keys",
                            options.budget_bytes, beside, options.keys_max),
                {}, "raise the budget of the pool of key tables");
  }
  const std::size_t bytes = beside + small * each_small + large * each_large;
  auto region = memory::Region::map(bytes, options.pages);
  if (!region) {
    return fail(fmt::format("no memory for a pool of {} key tables: {}", small + large,
                            region.error().what),
                region.error().where, region.error().remedy);
  }
  return KeyPool(std::move(*region), options, static_cast<std::uint32_t>(small),
                 static_cast<std::uint32_t>(large));
}

KeyPool::KeyPool(memory::Region region, const KeyPoolOptions& options, std::uint32_t small,
                 std::uint32_t large) noexcept
    : region_(std::move(region)),
      half_life_(options.half_life_claims != 0
                     ? options.half_life_claims
                     : std::max(half_life_min, half_life_per_table * (small + large))),
      classes_{{{0, small, no_table, 0, no_table}, {small, large, no_table, small, no_table}}},
      share_(static_cast<std::uint64_t>(std::llround(options.build_share * 65'536))) {
  static_assert(std::is_trivially_destructible_v<Fixed> &&
                std::is_trivially_copyable_v<Descriptor>);
  epoch_claims_left_ = half_life_;
  std::byte* const tables = region_.bytes();
  std::byte* behind = tables + small * options.small_bytes + large * options.large_bytes;
  descriptors_ = reinterpret_cast<Descriptor*>(behind);
  behind += (std::size_t{small} + large) * sizeof(Descriptor);
  std::byte* const fixed = tables + round_up(static_cast<std::size_t>(behind - tables),
                                             alignof(Fixed));  // the region is page-aligned
  fixed_ = new (fixed) Fixed{};
  words_ = reinterpret_cast<KeyWord*>(fixed + sizeof(Fixed));  // zero-filled: all cold
  std::byte* address = tables;
  for (TableNumber at = 0; at < small + large; ++at) {
    const bool is_small = at < small;
    descriptors_[at] = {.address = reinterpret_cast<std::uint64_t*>(address),
                        .size = is_small ? TableSize::small : TableSize::large};
    address += is_small ? options.small_bytes : options.large_bytes;
  }
  bytes_of_ = {options.small_bytes, options.large_bytes};
  // The lowest numbers are given out first.
  for (TableNumber at = small + large; at-- > 0;) push_free(at);
  set_costs(options.costs);
}

// ---- per claim -------------------------------------------------------------------------------

Use KeyPool::use_unusual(std::uint32_t key_number, Key key) noexcept {
  KeyWord& word = words_[key_number];
  if (word.suspect()) {
    const Standing standing = fixed_->suspects.count_use(key_number, identity_of(key));
    fixed_->counters.quarantined_keys.set(fixed_->suspects.quarantined());
    if (standing == Standing::quarantined) return {Path::quarantined, no_table, nullptr};
    if (standing == Standing::unknown) word.set_suspect(false);
  }
  if (word.tier() == Tier::cold) return {Path::cold, no_table, nullptr};
  const TableNumber at = word.number();
  if (descriptors_[at].is_of(key)) {
    return {static_cast<Path>(word.tier()), at, descriptors_[at].address};
  }
  fixed_->counters.outdated.add();
  word = KeyWord::cold(fingerprint_of(word_of(key, 3)));
  retire(at);
  return {Path::cold, no_table, nullptr};
}

bool KeyPool::is_quarantined(std::uint32_t key_number, Key key) const noexcept {
  return fixed_->suspects.standing(key_number, identity_of(key)) == Standing::quarantined;
}

void KeyPool::exceptional(std::uint32_t key_number, Key key) noexcept {
  KeyWord& word = words_[key_number];
  const bool cold = word.tier() == Tier::cold;
  const std::uint32_t fingerprint = fingerprint_of(word_of(key, 3));
  if (!cold && !descriptors_[word.number()].is_of(key)) return;  // of the key before, or after
  if (cold && word.number() != fingerprint) word = KeyWord::cold(fingerprint);
  if (fixed_->suspects.trip(key_number, identity_of(key))) {
    const TableNumber at = word.number();
    word = KeyWord::cold(fingerprint);
    if (!cold) retire(at);
    fixed_->counters.quarantines.add();
    fixed_->counters.quarantined_keys.set(fixed_->suspects.quarantined());
  }
  word.set_suspect(true);
}

void KeyPool::offer(std::uint32_t key_number, Key key, Tier tier, std::uint32_t count) noexcept {
  const unsigned at = place_of(key_number);
  const std::uint64_t merit = count * merit_scale_[static_cast<unsigned>(tier)];
  std::uint64_t& there = fixed_->merit[at];
  Candidate& candidate = fixed_->board[at];
  if (there != 0 && candidate.key_number != key_number && there >= merit) return;
  there = merit;
  candidate.key_number = key_number;
  std::memcpy(candidate.key.data(), key.data(), key.size());
}

// ---- per batch -------------------------------------------------------------------------------

void KeyPool::spent(std::uint64_t passed, std::uint64_t building) noexcept {
  const auto earned = static_cast<std::int64_t>(std::min(passed, cycles_max) * share_);
  const auto used = static_cast<std::int64_t>(std::min(building, cycles_max) << 16);
  credit_ = std::min(credit_ + earned, credit_max_) - used;
}

std::optional<BuildJob> KeyPool::next_build() noexcept {
  if (!affordable(least_build_)) return std::nullopt;
  const auto best = std::max_element(fixed_->merit.begin(), fixed_->merit.end());
  if (*best == 0) return std::nullopt;
  return place(static_cast<unsigned>(best - fixed_->merit.begin()));
}

// Starts on a table for the candidate, or takes it off the board: if it still deserves one it is
// offered again with its next claim. It stays where only the credit is missing.
std::optional<BuildJob> KeyPool::place(unsigned at) noexcept {
  const Candidate& candidate = fixed_->board[at];
  const Key key = candidate.key;
  const KeyWord word = words_[candidate.key_number];
  const Tier tier = word.tier();
  const bool same_key = tier == Tier::cold ? word.number() == fingerprint_of(word_of(key, 3))
                                           : descriptors_[word.number()].is_of(key);
  const std::uint64_t count = word.count_at(epoch_);
  std::optional<BuildJob> job;
  for (const TableSize size : {TableSize::small, TableSize::large}) {
    if (!same_key || word.building() || count < threshold(tier, size)) continue;
    if (!affordable(build_cost(size))) return std::nullopt;
    const TableNumber table = take(size, count * saving(tier, size));
    if (table == no_table) continue;
    job = begin(candidate, table);
    break;
  }
  fixed_->merit[at] = 0;
  return job;
}

BuildJob KeyPool::begin(const Candidate& candidate, TableNumber at) noexcept {
  Descriptor& table = descriptors_[at];
  const Key key = candidate.key;
  table.x = {word_of(key, 0), word_of(key, 1), word_of(key, 2), word_of(key, 3)};
  table.y_low = word_of(key, 7);
  table.key_number = candidate.key_number;
  table.state = State::building;
  words_[candidate.key_number].set_building(true);
  const std::uint32_t cycles = build_cost(table.size);
  reserved_ += std::int64_t{cycles} << 16;
  fixed_->counters.promotions.add();
  return {at, table.size, cycles, table.address, candidate.key};
}

bool KeyPool::built(const BuildJob& job) noexcept {
  Descriptor& table = descriptors_[job.table];
  assert(table.state == State::building);
  reserved_ -= std::int64_t{job.reserved} << 16;
  if (!wanted(table)) {
    fixed_->counters.builds_abandoned.add();
    release(job.table);
    return false;
  }
  KeyWord& word = words_[table.key_number];
  const KeyWord before = word;
  word.set_tier(tier_of(table.size), job.table);
  word.set_building(false);
  table.state = State::serving;
  if (before.tier() != Tier::cold) retire(before.number());
  fixed_->counters.builds_finished.add();
  return true;
}

void KeyPool::abandon(const BuildJob& job) noexcept {
  Descriptor& table = descriptors_[job.table];
  assert(table.state == State::building);
  reserved_ -= std::int64_t{job.reserved} << 16;
  if (wanted(table)) words_[table.key_number].set_building(false);
  fixed_->counters.builds_abandoned.add();
  release(job.table);
}

// The key number still waits for a table, and for one of this key. Where the fingerprints of two
// keys agree the wrong one may go into service here; use() will tell them apart.
bool KeyPool::wanted(const Descriptor& table) const noexcept {
  const KeyWord word = words_[table.key_number];
  if (!word.building()) return false;
  if (word.tier() == Tier::cold) return word.number() == table.fingerprint();
  const Descriptor& served = descriptors_[word.number()];
  return served.x == table.x && served.y_low == table.y_low;
}

void KeyPool::set_costs(const Costs& costs) noexcept {
  costs_ = costs;
  offer_from_.fill(never);
  merit_scale_.fill(0);
  for (const Tier tier : {Tier::cold, Tier::small, Tier::large}) {
    const auto t = static_cast<unsigned>(tier);
    for (const TableSize size : {TableSize::small, TableSize::large}) {
      const std::uint64_t gain = saving(tier, size);
      std::uint64_t& least = thresholds_[t][static_cast<unsigned>(size)];
      least = never;
      if (gain == 0 || class_of(size).count == 0 || tier >= tier_of(size)) continue;
      least = 2 * std::uint64_t{build_cost(size)} / gain + 1;
      if (least >= offer_from_[t]) continue;
      // What a count is worth for each cycle of building, in 2^-16; at most 2^36 of them.
      offer_from_[t] = least;
      const std::uint64_t scale = (gain << 16) / std::max(build_cost(size), 1u);
      merit_scale_[t] = std::clamp<std::uint64_t>(scale, 1, std::uint64_t{1} << 36);
    }
  }
  least_build_ = std::min(costs.build_small, costs.build_large);
  credit_max_ = std::int64_t{std::max(costs.build_small, costs.build_large)} * 4 << 16;
}

// ---- tables ----------------------------------------------------------------------------------

// A free table, or that of a victim; no_table where there is neither. `gain`: what the candidate
// would have saved with it, in cycles, over what its count goes back.
TableNumber KeyPool::take(TableSize size, std::uint64_t gain) noexcept {
  SizeClass& among = class_of(size);
  if (among.free == no_table && among.count > 0) {
    look_for_weaker(among);
    const std::uint64_t loss = among.weakest == no_table ? never : worth(among.weakest);
    if (loss < gain / 2 && gain - loss > 2 * std::uint64_t{build_cost(size)}) {
      evict(std::exchange(among.weakest, no_table));  // free at once, unless pinned
    }
  }
  const TableNumber at = among.free;
  if (at == no_table) return no_table;
  among.free = descriptors_[at].next_free;
  count_in_use(size, true);
  return at;
}

void KeyPool::look_for_weaker(SizeClass& among) noexcept {
  const auto serves = [&](TableNumber at) { return descriptors_[at].state == State::serving; };
  if (among.weakest != no_table && !serves(among.weakest)) among.weakest = no_table;
  std::uint64_t least = among.weakest == no_table ? never : worth(among.weakest);
  for (unsigned i = std::min(victims_per_call, among.count); i > 0; --i) {
    const TableNumber at = among.hand;
    among.hand = at + 1 == among.first + among.count ? among.first : at + 1;
    if (!serves(at) || worth(at) >= least) continue;
    least = worth(at);
    among.weakest = at;
  }
}

// What the key of a table in service would lose with it, in cycles, over what its count goes back.
std::uint64_t KeyPool::worth(TableNumber at) const noexcept {
  const Descriptor& table = descriptors_[at];
  return words_[table.key_number].count_at(epoch_) * saving(Tier::cold, table.size);
}

void KeyPool::evict(TableNumber at) noexcept {
  const Descriptor& table = descriptors_[at];
  words_[table.key_number].set_tier(Tier::cold, table.fingerprint());  // it keeps its count
  retire(at);
  fixed_->counters.evictions.add();
}

// No word names the table any more: it is free once nothing pins it.
void KeyPool::retire(TableNumber at) noexcept {
  if (descriptors_[at].pins == 0) {
    release(at);
  } else {
    descriptors_[at].state = State::leaving;
  }
}

void KeyPool::release(TableNumber at) noexcept {
  count_in_use(descriptors_[at].size, false);
  push_free(at);
}

void KeyPool::push_free(TableNumber at) noexcept {
  Descriptor& table = descriptors_[at];
  table.state = State::free;
  table.next_free = std::exchange(class_of(table.size).free, at);
}

void KeyPool::count_in_use(TableSize size, bool one_more) noexcept {
  KeyPoolCounters& counters = fixed_->counters;
  counter::Gauge& tables = size == TableSize::small ? counters.small_in_use : counters.large_in_use;
  const std::uint64_t bytes = bytes_of_[static_cast<unsigned>(size)];
  const std::uint64_t all = counters.table_bytes_in_use.value();
  tables.set(one_more ? tables.value() + 1 : tables.value() - 1);
  counters.table_bytes_in_use.set(one_more ? all + bytes : all - bytes);
}

// ---- costs -----------------------------------------------------------------------------------

std::uint32_t KeyPool::build_cost(TableSize size) const noexcept {
  return size == TableSize::small ? costs_.build_small : costs_.build_large;
}

// Cycles per claim; 0 where the table is no better.
std::uint64_t KeyPool::saving(Tier from, TableSize to) const noexcept {
  const std::array by_tier = {costs_.cold, costs_.hot_small, costs_.hot_large};
  const std::uint32_t now = by_tier[static_cast<unsigned>(from)];
  const std::uint32_t then = by_tier[static_cast<unsigned>(tier_of(to))];
  return now > then ? now - then : 0;
}

}  // namespace claimgate::secp
