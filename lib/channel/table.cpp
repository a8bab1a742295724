#include "lib/channel/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <thread>
#include <utility>

namespace claimgate::channel {
namespace {

constexpr std::size_t slot_words = sizeof(Slot) / 8;
constexpr std::size_t cold_words = sizeof(ColdRecord) / 8;

// The word with the sequence lock and the free list link: neither belongs to what the lock guards.
constexpr std::size_t lock_word = 6;
static_assert(offsetof(Slot, next_free) == lock_word * 8);
static_assert(offsetof(Slot, lock) == lock_word * 8 + 4);

// What a commit changes.
constexpr std::size_t amount_word = offsetof(Slot, amount) / 8;
constexpr std::size_t lsn_word = offsetof(Slot, lsn) / 8;
constexpr std::size_t times_word = offsetof(Slot, valid_until) / 8;
constexpr std::size_t signature_word = offsetof(Slot, signature) / 8;
static_assert(offsetof(Slot, last_activity) / 8 == times_word);

// The sequence lock, without fences: every guarded store is a release, every guarded load an
// acquire. A reader that saw one word of a write therefore also sees the lock that write made odd
// (or a later one) when it looks again, and reads once more. On x86-64 these are plain moves, and
// unlike fences ThreadSanitizer understands them.
std::uint64_t load_word(const void* base, std::size_t word) noexcept {
  auto* const at = static_cast<std::uint64_t*>(const_cast<void*>(base)) + word;
  return std::atomic_ref(*at).load(std::memory_order_acquire);  // pairs with store_word
}

void store_word(void* base, std::size_t word, std::uint64_t value) noexcept {
  std::atomic_ref(static_cast<std::uint64_t*>(base)[word])
      .store(value, std::memory_order_release);  // pairs with load_word
}

std::uint64_t word_of(const void* base, std::size_t word) noexcept {
  std::uint64_t value;
  std::memcpy(&value, static_cast<const std::byte*>(base) + word * 8, sizeof value);
  return value;
}

class WriteLock {
 public:
  explicit WriteLock(std::uint32_t& lock) noexcept : lock_(lock), seen_(lock) {
    lock_.store(seen_ + 1, std::memory_order_relaxed);  // ordered before what follows: store_word
  }
  ~WriteLock() { lock_.store(seen_ + 2, std::memory_order_release); }  // pairs with view()
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  std::atomic_ref<std::uint32_t> lock_;
  std::uint32_t seen_;
};

// Only the owner raises these two, so no read-modify-write is needed.
void raise(std::atomic<std::uint32_t>& number, std::uint32_t by) noexcept {
  number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

void set_expiry(Slot& slot, ColdRecord& cold, const ChannelTerms& terms) noexcept {
  slot.valid_until = terms.valid_until;
  slot.source_tag = terms.source_tag;
  slot.service_class = terms.service_class;
  cold.settle_delay_s = terms.settle_delay_s;
  cold.expiration = terms.expiration;
  cold.cancel_after = terms.cancel_after;
  cold.ledger_index = terms.ledger_index;
}

ChannelView compose(const Slot& slot, const ColdRecord& cold,
                    const std::array<std::byte, 20>* destinations) noexcept {
  ChannelView view;
  wire::store_be(view.terms.id.bytes.data(), slot.handle);
  std::copy(cold.id_tail.begin(), cold.id_tail.end(), view.terms.id.bytes.begin() + 8);
  view.terms.key = {.bytes = cold.key, .type = slot.key_type()};
  view.terms.source = cold.source;
  if (cold.destination != 0) view.terms.destination = destinations[cold.destination - 1];
  view.terms.funded = {slot.funded};
  view.terms.balance = {slot.balance};
  view.terms.expiration = cold.expiration;
  view.terms.cancel_after = cold.cancel_after;
  view.terms.valid_until = slot.valid_until;
  view.terms.settle_delay_s = cold.settle_delay_s;
  view.terms.ledger_index = cold.ledger_index;
  view.terms.source_tag = slot.source_tag;
  view.terms.service_class = slot.service_class;
  view.incarnation = slot.incarnation;
  view.held = {slot.amount};
  view.signature = slot.signature;
  view.lsn = slot.lsn;
  view.last_activity = slot.last_activity;
  return view;
}

std::uint32_t buckets_for(std::uint32_t capacity) noexcept {
  return (capacity + channels_per_bucket - 1) / channels_per_bucket;
}

}  // namespace

std::size_t Table::bytes_needed(std::uint32_t capacity) noexcept {
  return std::size_t{capacity} * (sizeof(Slot) + sizeof(ColdRecord)) +
         (std::size_t{buckets_for(capacity)} + probe_buckets_max - 1) * sizeof(IndexBucket) +
         destinations_max * sizeof(*destinations_);
}

Expected<Table> Table::create(std::uint32_t capacity, std::array<std::uint64_t, 2> hash_key,
                              memory::Pages pages) {
  if (capacity == 0 || capacity > capacity_max) {
    return fail(fmt::format("a channel table cannot have room for {} channels", capacity), {},
                fmt::format("set a capacity from 1 to {}", capacity_max));
  }
  const std::uint32_t buckets = buckets_for(capacity);
  const std::size_t bytes = bytes_needed(capacity);
  auto region = memory::Region::map(bytes, pages);
  if (!region) {
    return fail(fmt::format("no memory for a table of {} channels ({:.1f} MiB): {}", capacity,
                            static_cast<double>(bytes) / (1 << 20), region.error().what),
                region.error().where, region.error().remedy);
  }
  return Table(std::move(*region), capacity, buckets, hash_key);
}

Table::Table(memory::Region region, std::uint32_t capacity, std::uint32_t buckets,
             std::array<std::uint64_t, 2> hash_key) noexcept
    : region_(std::move(region)), capacity_(capacity), buckets_(buckets), hash_key_(hash_key) {
  std::byte* const base = region_.bytes();
  slots_ = reinterpret_cast<Slot*>(base);
  cold_ = reinterpret_cast<ColdRecord*>(base + std::size_t{capacity} * sizeof(Slot));
  index_ = reinterpret_cast<IndexBucket*>(base + std::size_t{capacity} *
                                                     (sizeof(Slot) + sizeof(ColdRecord)));
  destinations_ =
      reinterpret_cast<std::array<std::byte, 20>*>(index_ + buckets + probe_buckets_max - 1);
}

Table::Table(Table&& other) noexcept {
  *this = std::move(other);
}

Table& Table::operator=(Table&& other) noexcept {
  if (this == &other) return *this;
  region_ = std::move(other.region_);
  slots_ = std::exchange(other.slots_, nullptr);
  cold_ = std::exchange(other.cold_, nullptr);
  index_ = std::exchange(other.index_, nullptr);
  destinations_ = std::exchange(other.destinations_, nullptr);
  destinations_used_ = std::exchange(other.destinations_used_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  buckets_ = std::exchange(other.buckets_, 0);
  hash_key_ = other.hash_key_;
  free_ = std::exchange(other.free_, no_slot);
  size_.store(other.size_.exchange(0), std::memory_order_relaxed);
  slots_used_.store(other.slots_used_.exchange(0), std::memory_order_relaxed);
  return *this;
}

Table::~Table() = default;

void Table::commit(SlotIndex at, wire::Drops amount, const std::byte* signature, std::uint64_t lsn,
                   LedgerTime now) noexcept {
  Slot& slot = slots_[at];
  assert(slot.incarnation != 0 && amount.value > slot.amount);
  Slot next = slot;
  next.last_activity = now;
  WriteLock lock(slot.lock);
  store_word(&slot, amount_word, amount.value);
  store_word(&slot, lsn_word, lsn);
  store_word(&slot, times_word, word_of(&next, times_word));
  for (std::size_t i = 0; i < wire::signature_bytes / 8; ++i) {
    store_word(&slot, signature_word + i, word_of(signature, i));
  }
}

// ---- provisioning -------------------------------------------------------------------------

bool Table::same_id(SlotIndex at, const ChannelId& id) const noexcept {
  const auto& tail = cold_[at].id_tail;
  return std::equal(tail.begin(), tail.end(), id.bytes.begin() + 8);
}

std::uint32_t Table::number_of(const std::array<std::byte, 20>& destination) noexcept {
  if (destination == std::array<std::byte, 20>{}) return 0;
  auto* const end = destinations_ + destinations_used_;
  auto* const at = std::find(destinations_, end, destination);
  if (at == end) {
    if (destinations_used_ == destinations_max) return 0;
    *end = destination;
    ++destinations_used_;
  }
  return static_cast<std::uint32_t>(at - destinations_) + 1;
}

Table::Applied Table::apply(const ChannelTerms& terms, std::uint32_t incarnation) noexcept {
  assert(incarnation > 0);
  const wire::ChannelHandle handle = terms.id.handle();
  const SlotIndex at = find(handle, hash(handle), no_slot);
  if (at != no_slot) return update(at, terms);
  return add({.terms = terms, .incarnation = incarnation});
}

Table::Applied Table::restore(const ChannelView& view) noexcept {
  assert(view.incarnation > 0);
  const wire::ChannelHandle handle = view.terms.id.handle();
  const SlotIndex at = find(handle, hash(handle), no_slot);
  if (at == no_slot) return add(view);
  Applied applied = update(at, view.terms);
  if (applied.slot == no_slot) return applied;
  if (slots_[at].incarnation == view.incarnation && view.held.value > slots_[at].amount) {
    commit(at, view.held, view.signature.data(), view.lsn, view.last_activity);
    applied.result = ApplyResult::updated;
  }
  return applied;
}

Table::Applied Table::add(const ChannelView& view) noexcept {
  const SlotIndex fresh = slots_used_.load(std::memory_order_relaxed);
  const SlotIndex at = free_ != no_slot ? free_ : fresh;
  if (at == capacity_) return {ApplyResult::table_full, no_slot};
  const ChannelTerms& terms = view.terms;
  if (!insert(hash(terms.id.handle()), at)) return {ApplyResult::table_full, no_slot};
  if (at == free_) {
    free_ = slots_[at].next_free;
  } else {
    raise(slots_used_, 1);
  }
  slots_[at].next_free = no_slot;

  Slot slot{};
  ColdRecord cold{};
  slot.handle = terms.id.handle().value;
  slot.amount = view.held.value;
  slot.funded = terms.funded.value;
  slot.balance = terms.balance.value;
  slot.lsn = view.lsn;
  slot.last_activity = view.last_activity;
  slot.incarnation = view.incarnation;
  slot.flags = static_cast<std::uint8_t>(terms.key.type);
  slot.signature = view.signature;
  std::copy(terms.id.bytes.begin() + 8, terms.id.bytes.end(), cold.id_tail.begin());
  cold.key = terms.key.bytes;
  cold.source = terms.source;
  cold.destination = number_of(terms.destination);
  set_expiry(slot, cold, terms);
  write(at, slot, cold);
  raise(size_, 1);
  return {ApplyResult::added, at};
}

Table::Applied Table::update(SlotIndex at, const ChannelTerms& told) noexcept {
  ChannelTerms terms = compose(slots_[at], cold_[at], destinations_).terms;
  const ApplyResult result = merge(terms, told);
  if (result == ApplyResult::handle_taken || result == ApplyResult::key_differs)
    return {result, no_slot};
  Slot slot = slots_[at];
  ColdRecord cold = cold_[at];
  slot.funded = terms.funded.value;
  slot.balance = terms.balance.value;
  if (cold.destination == 0) cold.destination = number_of(terms.destination);
  set_expiry(slot, cold, terms);
  if (std::memcmp(&slot, &slots_[at], sizeof slot) != 0 ||
      std::memcmp(&cold, &cold_[at], sizeof cold) != 0)
    write(at, slot, cold);
  return {result, at};
}

bool Table::remove(const ChannelId& id) noexcept {
  const std::uint64_t key = hash(id.handle());
  const SlotIndex at = find(id.handle(), key, no_slot);
  if (at == no_slot || !same_id(at, id)) return false;
  erase(key, at);
  write(at, Slot{}, ColdRecord{});
  slots_[at].next_free = free_;
  free_ = at;
  raise(size_, ~std::uint32_t{0});
  return true;
}

void Table::write(SlotIndex at, const Slot& slot, const ColdRecord& cold) noexcept {
  WriteLock lock(slots_[at].lock);
  for (std::size_t i = 0; i < slot_words; ++i) {
    if (i != lock_word) store_word(&slots_[at], i, word_of(&slot, i));
  }
  for (std::size_t i = 0; i < cold_words; ++i) store_word(&cold_[at], i, word_of(&cold, i));
}

// ---- index --------------------------------------------------------------------------------
// Invariant: between a channel's home bucket and the one it lives in, every bucket is full. So a
// lookup may stop at the first bucket that is not.

bool Table::insert(std::uint64_t hash, SlotIndex at) noexcept {
  IndexBucket* const first = const_cast<IndexBucket*>(home(hash));
  for (IndexBucket* bucket = first; bucket != first + probe_buckets_max; ++bucket) {
    const unsigned empty = bucket->matches(0);
    if (empty == 0) continue;
    const auto entry = static_cast<unsigned>(std::countr_zero(empty));
    bucket->tag[entry] = tag_of(hash);
    bucket->slot[entry] = at;
    return true;
  }
  return false;
}

void Table::erase(std::uint64_t hash, SlotIndex at) noexcept {
  const auto entry_of = [](const IndexBucket& bucket, auto&& wanted) noexcept {
    unsigned entry = 0;
    while (entry < IndexBucket::entries && !(bucket.tag[entry] != 0 && wanted(bucket.slot[entry])))
      ++entry;
    return entry;
  };
  IndexBucket* hole = const_cast<IndexBucket*>(home(hash));
  unsigned entry = entry_of(*hole, [&](SlotIndex slot) { return slot == at; });
  while (entry == IndexBucket::entries) {
    ++hole;
    assert(hole < home(hash) + probe_buckets_max);
    entry = entry_of(*hole, [&](SlotIndex slot) { return slot == at; });
  }
  bool was_full = hole->full();
  hole->tag[entry] = 0;

  // Backward shift: while the hole's bucket used to be full, channels that went past it may live
  // behind; one of them moves into the hole and leaves a new one. None lives further from the
  // hole than the probe bound, and none behind a bucket that is not full.
  IndexBucket* const end = index_ + buckets_ + probe_buckets_max - 1;
  while (was_full) {
    IndexBucket* from = hole + 1;
    for (; from != end && from < hole + probe_buckets_max; ++from) {
      const bool from_full = from->full();
      const unsigned mover = entry_of(
          *from, [&](SlotIndex slot) { return home(this->hash({slots_[slot].handle})) <= hole; });
      if (mover != IndexBucket::entries) {
        hole->tag[entry] = from->tag[mover];
        hole->slot[entry] = from->slot[mover];
        from->tag[mover] = 0;
        hole = from;
        entry = mover;
        was_full = from_full;
        break;
      }
      if (!from_full) return;
    }
    if (from == end || hole != from) return;
  }
}

// ---- any thread ---------------------------------------------------------------------------

std::optional<ChannelView> Table::view(SlotIndex at) const noexcept {
  if (at >= capacity_) return std::nullopt;
  const std::atomic_ref lock(slots_[at].lock);
  constexpr unsigned spins_max = 64;  // an owner that lost its core needs ours to go on
  for (unsigned spins = 0;; ++spins) {
    if (spins >= spins_max) std::this_thread::yield();
    const std::uint32_t before = lock.load(std::memory_order_acquire);  // pairs with ~WriteLock
    if (before & 1) continue;
    alignas(Slot) std::array<std::uint64_t, slot_words> slot_copy{};
    alignas(ColdRecord) std::array<std::uint64_t, cold_words> cold_copy;
    for (std::size_t i = 0; i < slot_words; ++i) {
      if (i != lock_word) slot_copy[i] = load_word(&slots_[at], i);
    }
    for (std::size_t i = 0; i < cold_words; ++i) cold_copy[i] = load_word(&cold_[at], i);
    if (lock.load(std::memory_order_relaxed) != before) continue;
    const auto slot = std::bit_cast<Slot>(slot_copy);
    if (slot.incarnation == 0) return std::nullopt;
    return compose(slot, std::bit_cast<ColdRecord>(cold_copy), destinations_);
  }
}

std::uint32_t Table::size() const noexcept {
  return size_.load(std::memory_order_relaxed);
}

std::uint32_t Table::slots_used() const noexcept {
  return slots_used_.load(std::memory_order_relaxed);
}

std::size_t Table::bytes_mapped() const noexcept {
  return region_.size();
}

memory::Pages Table::pages() const noexcept {
  return region_.pages();
}

}  // namespace claimgate::channel
