#include "lib/secp/suspects.hpp"

#include <algorithm>

namespace claimgate::secp {

Suspects::Entry* Suspects::find(std::uint32_t key_number, std::uint64_t identity) noexcept {
  for (Entry& entry : entries_[key_number % sets]) {
    if (entry.standing == Standing::unknown || entry.key_number != key_number) continue;
    if (entry.identity == identity) return &entry;
    if (entry.standing == Standing::quarantined) --quarantined_;
    entry = {};  // of a key that had the number before
  }
  return nullptr;
}

Standing Suspects::standing(std::uint32_t key_number, std::uint64_t identity) const noexcept {
  for (const Entry& entry : entries_[key_number % sets]) {
    if (entry.key_number == key_number && entry.identity == identity) return entry.standing;
  }
  return Standing::unknown;
}

Standing Suspects::count_use(std::uint32_t key_number, std::uint64_t identity) noexcept {
  Entry* const entry = find(key_number, identity);
  if (entry == nullptr) return Standing::unknown;
  if (entry->standing == Standing::quarantined) {
    if (--entry->claims > 0) return Standing::quarantined;
    // This claim is the last one; the next is on probation.
    --quarantined_;
    entry->standing = Standing::watched;
    entry->trips = 0;
    return Standing::quarantined;
  }
  if (++entry->claims <= watch_claims) return Standing::watched;
  *entry = {};
  return Standing::unknown;
}

bool Suspects::trip(std::uint32_t key_number, std::uint64_t identity) noexcept {
  Entry* entry = find(key_number, identity);
  if (entry == nullptr) {
    entry = room(key_number);
    if (entry == nullptr) return false;
    *entry = {
        .identity = identity, .key_number = key_number, .claims = 1, .standing = Standing::watched};
  }
  if (entry->standing == Standing::quarantined) return false;
  ++entry->trips;
  if (entry->trips < trips_to_quarantine || 4 * entry->trips < 3 * entry->claims) {
    return false;
  }
  entry->standing = Standing::quarantined;
  entry->claims = std::min(uses_min << std::min<unsigned>(entry->before, 16), uses_max);
  if (entry->before < 16) ++entry->before;
  ++quarantined_;
  return true;
}

// An empty entry, or that of the watched key with the fewest trips.
Suspects::Entry* Suspects::room(std::uint32_t key_number) noexcept {
  Entry* best = nullptr;
  for (Entry& entry : entries_[key_number % sets]) {
    if (entry.standing == Standing::unknown) return &entry;
    if (entry.standing == Standing::quarantined) continue;
    if (best == nullptr || entry.trips < best->trips) best = &entry;
  }
  return best;
}

}  // namespace claimgate::secp
