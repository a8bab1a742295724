// The datagrams under way: a bounded pool, which also knows whose last transmission lies furthest
// back.
//
// One thread, the client's. No allocation after construction; everything is O(1).
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

struct Flight {
  std::array<std::uint32_t, wire::claims_per_datagram_max> claims;
  std::uint8_t n = 0;        // claims; 0: not under way
  std::uint8_t repeats = 0;  // transmissions after the first
  std::uint16_t port = wire::port_any;
};

class Flights {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = 0xFFFF'FFFF;

  explicit Flights(std::uint32_t count) : slots_(count) {
    free_.reserve(count);
    for (Index i = count; i-- > 0;) free_.push_back(i);
  }

  [[nodiscard]] Flight& operator[](Index at) noexcept { return slots_[at].flight; }
  [[nodiscard]] std::uint32_t room() const noexcept {
    return static_cast<std::uint32_t>(free_.size());
  }
  [[nodiscard]] std::uint32_t under_way() const noexcept {
    return static_cast<std::uint32_t>(slots_.size() - free_.size());
  }

  // Precondition: room() > 0, `claims` are 1 to 15.
  [[nodiscard]] Index open(std::span<const std::uint32_t> claims) noexcept;
  // Notes a transmission. Times never fall from one call to the next.
  void sent(Index at, std::uint64_t now_ns) noexcept;
  // The one that was sent at `upto_ns` or before and longest ago, or none. It stands out of the
  // line until sent() or close().
  [[nodiscard]] Index take_silent(std::uint64_t upto_ns) noexcept;
  void close(Index at) noexcept;

 private:
  // The line in the order of the last transmissions, newest at the end.
  struct Slot {
    Flight flight;
    Index older = none, newer = none;
    bool in_line = false;
    std::uint64_t last_sent_ns = 0;
  };
  void leave_line(Index at) noexcept;

  std::vector<Slot> slots_;
  std::vector<Index> free_;
  Index oldest_ = none, newest_ = none;
};

}  // namespace claimgate::claimgen
