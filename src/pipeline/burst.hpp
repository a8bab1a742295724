// One poll's worth of work, on its way through the stages.
//
// Owner: the worker; one Burst object lives as long as it does, cleared by every turn. Plain arrays
// of fixed size: nothing here allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/channel/table.hpp"
#include "lib/wire/claim.hpp"
#include "src/pipeline/ticket.hpp"

namespace claimgate::pipeline {

inline constexpr unsigned burst_datagrams_max = 32;
inline constexpr unsigned burst_claims_max = burst_datagrams_max * wire::claims_per_datagram_max;

// A well-formed claim on its way from parse to admit.
struct ParsedClaim {
  Ticket* ticket;
  const std::byte* frame;  // its 93 bytes
  std::uint64_t handle;
  std::uint64_t amount;
  std::uint64_t hash;  // of the handle, by the table's key
  channel::SlotIndex guess;
  std::uint8_t position;  // in its datagram
};

template <class T, unsigned capacity>
struct List {
  std::array<T, capacity> items;
  unsigned count = 0;
  void push(const T& item) noexcept { items[count++] = item; }
  void clear() noexcept { count = 0; }
  [[nodiscard]] T* begin() noexcept { return items.data(); }
  [[nodiscard]] T* end() noexcept { return items.data() + count; }
};

struct Burst {
  List<Ticket*, burst_datagrams_max> received;
  List<ParsedClaim, burst_claims_max> claims;
  List<Ticket*, burst_datagrams_max> refused;     // to be discarded: counted by their reason
  List<Ticket*, burst_datagrams_max> neighbours;  // answered in place already: to be transmitted

  void clear() noexcept {
    received.clear();
    claims.clear();
    refused.clear();
    neighbours.clear();
  }
};

}  // namespace claimgate::pipeline
