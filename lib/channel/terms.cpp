#include "lib/channel/terms.hpp"

#include <algorithm>

namespace claimgate::channel {

ApplyResult merge(ChannelTerms& known, const ChannelTerms& told) noexcept {
  if (known.id != told.id) return ApplyResult::handle_taken;
  if (known.key != told.key) return ApplyResult::key_differs;
  ChannelTerms merged = told.ledger_index < known.ledger_index ? known : told;
  merged.source = known.source;
  // The id says which it is, by hash; it can only have been missing before.
  merged.destination =
      known.destination != decltype(known.destination){} ? known.destination : told.destination;
  merged.funded = std::max(known.funded, told.funded);
  merged.balance = std::max(known.balance, told.balance);
  if (told.ledger_index == known.ledger_index) {
    // A ledger has one close time: what is read from it later says no more about the time after it.
    merged.expiration = std::min(known.expiration, told.expiration);
    merged.cancel_after = std::min(known.cancel_after, told.cancel_after);
    merged.valid_until = std::min(known.valid_until, told.valid_until);
  }
  const bool same = merged == known;
  known = merged;
  if (told.ledger_index < merged.ledger_index) return ApplyResult::older_ledger;
  return same ? ApplyResult::unchanged : ApplyResult::updated;
}

}  // namespace claimgate::channel
