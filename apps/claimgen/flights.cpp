#include "apps/claimgen/flights.hpp"

#include <algorithm>

namespace claimgate::claimgen {

Flights::Index Flights::open(std::span<const std::uint32_t> claims) noexcept {
  assert(!free_.empty() && !claims.empty() && claims.size() <= wire::claims_per_datagram_max);
  const Index at = free_.back();
  free_.pop_back();
  Flight& flight = slots_[at].flight;
  std::ranges::copy(claims, flight.claims.begin());
  flight.n = static_cast<std::uint8_t>(claims.size());
  flight.repeats = 0;
  flight.port = wire::port_any;
  return at;
}

void Flights::sent(Index at, std::uint64_t now_ns) noexcept {
  leave_line(at);
  Slot& slot = slots_[at];
  slot.last_sent_ns = now_ns;
  slot.in_line = true;
  slot.older = newest_;
  slot.newer = none;
  (newest_ == none ? oldest_ : slots_[newest_].newer) = at;
  newest_ = at;
}

Flights::Index Flights::take_silent(std::uint64_t upto_ns) noexcept {
  const Index at = oldest_;
  if (at == none || slots_[at].last_sent_ns > upto_ns) return none;
  leave_line(at);
  return at;
}

void Flights::close(Index at) noexcept {
  leave_line(at);
  slots_[at].flight.n = 0;
  free_.push_back(at);
}

void Flights::leave_line(Index at) noexcept {
  Slot& slot = slots_[at];
  if (!slot.in_line) return;
  slot.in_line = false;
  (slot.older == none ? oldest_ : slots_[slot.older].newer) = slot.newer;
  (slot.newer == none ? newest_ : slots_[slot.newer].older) = slot.older;
}

}  // namespace claimgate::claimgen
