// The channel table of one worker: 128-byte slots, 128-byte cold records, a keyed-hash index.
//
//   index bucket, 64 B           slot, 128 B                      cold record, 128 B
//   ┌ tag[8] u32 ┬ slot[8] u32 ┐ ┌ hot line 64 ┬ signature 64 ┐   ┌ id tail, key, source, … ┐
//
// Owner: one worker thread. Only it finds, commits, adds, updates and removes; it takes no lock.
// Any other thread may read a slot by number with view(): a per-slot sequence lock over 64-bit
// atomics, so a reader never sees half of a commit and never delays the owner (DESIGN.md).
//
// Memory per channel of capacity: 128 + 128 + at most 32 bytes; nothing else grows with it
// (free slots are chained through the slots themselves; the payees' accounts, few and ours, are
// kept once and numbered). Everything is mapped at create().
//
// Budget: hash + candidate + find with bucket and hot line prefetched <= 40 cycles per claim.
#pragma once

#include <emmintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/channel/siphash.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/memory/region.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::channel {

using SlotIndex = std::uint32_t;
inline constexpr SlotIndex no_slot = 0xFFFF'FFFF;

// The line that admission reads and commit writes, and the signature line behind it.
struct alignas(128) Slot {
  std::uint64_t handle;   // the ledger id's leading 64 bits
  std::uint64_t amount;   // held: highest accepted claim, 0 = none
  std::uint64_t funded;   // drops
  std::uint64_t balance;  // drops, the ledger's
  std::uint64_t lsn;      // of the last accepted claim
  std::uint32_t valid_until;
  std::uint32_t last_activity;  // LedgerTime of the last accepted claim
  std::uint32_t next_free;      // free list link; no_slot while in use
  std::uint32_t lock;           // sequence lock: odd while the owner writes
  std::uint32_t incarnation;    // 0 = slot is free
  std::uint16_t source_tag;
  std::uint8_t service_class;
  std::uint8_t flags;  // bit 0..1: KeyType
  std::array<std::byte, 64> signature;

  [[nodiscard]] KeyType key_type() const noexcept { return static_cast<KeyType>(flags & 3); }
  // A claim must exceed this to be worth anything new.
  [[nodiscard]] std::uint64_t floor() const noexcept { return amount > balance ? amount : balance; }
};
static_assert(sizeof(Slot) == 128 && offsetof(Slot, signature) == 64);

// What only verification and the control plane read.
struct alignas(128) ColdRecord {
  std::array<std::byte, 24> id_tail;  // channel id bytes 8..31
  std::array<std::byte, 64> key;      // x‖y, or 32 bytes of Ed25519
  std::array<std::byte, 20> source;
  std::uint32_t settle_delay_s;
  std::uint32_t expiration;
  std::uint32_t cancel_after;
  std::uint32_t ledger_index;
  std::uint32_t destination;  // number of the payee's account, from 1; 0: not known
};
static_assert(sizeof(ColdRecord) == 128 && offsetof(ColdRecord, settle_delay_s) == 108);

// One line of the index. A lookup reads it whole: eight tags in two SSE2 compares.
struct alignas(64) IndexBucket {
  static constexpr unsigned entries = 8;
  std::array<std::uint32_t, entries> tag;  // 0: the entry is empty
  std::array<std::uint32_t, entries> slot;

  // Bit i: tag[i] == wanted.
  [[nodiscard]] unsigned matches(std::uint32_t wanted) const noexcept {
    const __m128i all = _mm_set1_epi32(static_cast<int>(wanted));
    const auto* const lines = reinterpret_cast<const __m128i*>(tag.data());
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(lines), all);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(lines + 1), all);
    return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(low)) |
                                 _mm_movemask_ps(_mm_castsi128_ps(high)) << 4);
  }
  [[nodiscard]] bool full() const noexcept { return matches(0) == 0; }
};
static_assert(sizeof(IndexBucket) == 64 && offsetof(IndexBucket, slot) == 32);

// Channels of capacity per bucket: 21.3 bytes of index each. At that fill about 0.4% of the
// channels live outside their home bucket.
inline constexpr unsigned channels_per_bucket = 3;
// A channel lives at most this many buckets from home; adding one that finds no room there fails.
inline constexpr unsigned probe_buckets_max = 32;
inline constexpr std::uint32_t capacity_max = std::uint32_t{1} << 30;
// Accounts that a table can number, 80 KiB; a configuration names at most 1024. A channel of one
// more than these is kept like any other, its destination as not known.
inline constexpr std::uint32_t destinations_max = 4096;

class Table {
 public:
  // What create() will map, before it is rounded up to whole pages.
  [[nodiscard]] static std::size_t bytes_needed(std::uint32_t capacity) noexcept;
  // Maps memory for `capacity` channels (1 .. 2^30). `hash_key`: 128 secret random bits for the
  // index, so that nobody who chooses channel ids can aim at one bucket.
  // Fails where the memory cannot be had, naming how much was asked for.
  [[nodiscard]] static Expected<Table> create(std::uint32_t capacity,
                                              std::array<std::uint64_t, 2> hash_key,
                                              memory::Pages pages);

  Table(Table&&) noexcept;
  Table& operator=(Table&&) noexcept;
  ~Table();

  // ---- owner thread, hot ------------------------------------------------------------------
  // Keyed hash (SipHash-1-3) of a handle: computed once per claim, passed to the calls below.
  [[nodiscard]] std::uint64_t hash(wire::ChannelHandle handle) const noexcept;
  void prefetch_bucket(std::uint64_t hash) const noexcept;
  // The first slot whose tag matches, without touching slots: a candidate to prefetch, or no_slot.
  [[nodiscard]] SlotIndex candidate(std::uint64_t hash) const noexcept;
  void prefetch_slot(SlotIndex slot) const noexcept;       // hot line; no_slot is harmless
  void prefetch_signature(SlotIndex slot) const noexcept;  // second line
  void prefetch_cold(SlotIndex slot) const noexcept;
  // The slot of `handle`, or no_slot. `guess` is what candidate() said: tried first. A guess that
  // adds and removes have overtaken, or no_slot, costs a second look at the index, nothing else.
  [[nodiscard]] SlotIndex find(wire::ChannelHandle handle, std::uint64_t hash,
                               SlotIndex guess) const noexcept;
  [[nodiscard]] const Slot& slot(SlotIndex at) const noexcept { return slots_[at]; }
  [[nodiscard]] const ColdRecord& cold(SlotIndex at) const noexcept { return cold_[at]; }
  // Advances a slot to a newly accepted claim, or to one recovered. Preconditions: `amount` is
  // above the one held; `signature` has 64 bytes, outside the table, and verified under the slot's
  // key.
  void commit(SlotIndex at, wire::Drops amount, const std::byte* signature, std::uint64_t lsn,
              LedgerTime now) noexcept;

  // ---- owner thread, provisioning ---------------------------------------------------------
  struct Applied {
    ApplyResult result;
    SlotIndex slot;  // of the channel, no_slot where refused
  };
  // Adds or updates one channel. A new one gets `incarnation` (> 0); an existing one keeps its own
  // and its held claim.
  Applied apply(const ChannelTerms& terms, std::uint32_t incarnation) noexcept;
  // Removes; false where the id is not here (a different id under the same handle is not removed).
  bool remove(const ChannelId& id) noexcept;
  // Puts back one channel as load_snapshot() read it, with its incarnation and held claim. Same
  // refusals as apply(). Where the id is here already its terms are merged, and within the same
  // incarnation the higher held claim stays.
  Applied restore(const ChannelView& view) noexcept;

  // ---- any thread -------------------------------------------------------------------------
  // One consistent reading of a slot, or nothing: free, or beyond capacity. Retries while the
  // owner writes.
  [[nodiscard]] std::optional<ChannelView> view(SlotIndex at) const noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t size() const noexcept;  // channels now (relaxed)
  // One past the highest slot ever used: where a reader that walks all slots may stop (relaxed).
  [[nodiscard]] std::uint32_t slots_used() const noexcept;
  [[nodiscard]] std::size_t bytes_mapped() const noexcept;
  [[nodiscard]] memory::Pages pages() const noexcept;  // what was really had

 private:
  Table(memory::Region region, std::uint32_t capacity, std::uint32_t buckets,
        std::array<std::uint64_t, 2> hash_key) noexcept;

  __extension__ using Product = unsigned __int128;

  // Bucket from the high bits (multiply and shift), tag from the low ones, so that within a bucket
  // all 32 bits of the tag still tell channels apart.
  [[nodiscard]] const IndexBucket* home(std::uint64_t hash) const noexcept {
    return index_ + static_cast<std::uint64_t>(Product{hash} * buckets_ >> 64);
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint32_t>(hash);
    return tag != 0 ? tag : 1;
  }
  [[nodiscard]] bool holds(SlotIndex at, std::uint64_t handle) const noexcept {
    return slots_[at].handle == handle && slots_[at].incarnation != 0;
  }
  [[nodiscard]] bool same_id(SlotIndex at, const ChannelId& id) const noexcept;
  [[nodiscard]] bool insert(std::uint64_t hash, SlotIndex at) noexcept;
  void erase(std::uint64_t hash, SlotIndex at) noexcept;
  Applied add(const ChannelView& view) noexcept;
  Applied update(SlotIndex at, const ChannelTerms& told) noexcept;
  // The account's number, a new one where it has none; 0 where it is all zero, or none is left.
  [[nodiscard]] std::uint32_t number_of(const std::array<std::byte, 20>& destination) noexcept;
  void write(SlotIndex at, const Slot& slot, const ColdRecord& cold) noexcept;

  memory::Region region_;
  Slot* slots_ = nullptr;
  ColdRecord* cold_ = nullptr;
  IndexBucket* index_ = nullptr;  // buckets_ homes, then probe_buckets_max - 1 for overflow
  // By number - 1. An entry is written once, before any cold record that names it (write()).
  std::array<std::byte, 20>* destinations_ = nullptr;
  std::uint32_t destinations_used_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t buckets_ = 0;
  std::array<std::uint64_t, 2> hash_key_{};
  SlotIndex free_ = no_slot;  // head of the free list
  std::atomic<std::uint32_t> size_{0};
  std::atomic<std::uint32_t> slots_used_{0};
};

// ---- hot functions, inline ----------------------------------------------------------------

inline std::uint64_t Table::hash(wire::ChannelHandle handle) const noexcept {
  return siphash_1_3(handle.value, hash_key_);
}

inline void Table::prefetch_bucket(std::uint64_t hash) const noexcept {
  __builtin_prefetch(home(hash));
}

inline SlotIndex Table::candidate(std::uint64_t hash) const noexcept {
  const std::uint32_t tag = tag_of(hash);
  const IndexBucket* bucket = home(hash);
  for (const IndexBucket* const end = bucket + probe_buckets_max; bucket != end; ++bucket) {
    const unsigned matches = bucket->matches(tag);
    if (matches != 0) return bucket->slot[static_cast<unsigned>(std::countr_zero(matches))];
    if (!bucket->full()) break;
  }
  return no_slot;
}

inline void Table::prefetch_slot(SlotIndex slot) const noexcept {
  __builtin_prefetch(slots_ + (slot == no_slot ? 0 : slot));
}

inline void Table::prefetch_signature(SlotIndex slot) const noexcept {
  __builtin_prefetch(slots_[slot == no_slot ? 0 : slot].signature.data());
}

inline void Table::prefetch_cold(SlotIndex slot) const noexcept {
  const ColdRecord* const record = cold_ + (slot == no_slot ? 0 : slot);
  __builtin_prefetch(record);
  __builtin_prefetch(reinterpret_cast<const std::byte*>(record) + 64);
}

inline SlotIndex Table::find(wire::ChannelHandle handle, std::uint64_t hash,
                             SlotIndex guess) const noexcept {
  if (guess != no_slot && holds(guess, handle.value)) [[likely]]
    return guess;
  const std::uint32_t tag = tag_of(hash);
  const IndexBucket* bucket = home(hash);
  for (const IndexBucket* const end = bucket + probe_buckets_max; bucket != end; ++bucket) {
    for (unsigned matches = bucket->matches(tag); matches != 0; matches &= matches - 1) {
      const SlotIndex at = bucket->slot[static_cast<unsigned>(std::countr_zero(matches))];
      if (slots_[at].handle == handle.value) return at;
    }
    if (!bucket->full()) break;
  }
  return no_slot;
}

}  // namespace claimgate::channel
