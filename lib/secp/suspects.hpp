// The keys whose claims met the engine's exceptional case, and those of them in quarantine.
//
// An honest key never gets here: two of the partial sums that a claim adds up at last are ± equal
// by chance once in 2^128 claims, and by will only for who knows the key. So whoever is here wants
// to be, and what is decided here harms him alone. What each of his claims may cost is bounded by a
// fast path spent in vain plus the reference; quarantine saves the former.
//
//            first trip                 trips_to_quarantine, and 3 of 4 claims
//   unknown ────────────► watched ─────────────────────────────────────────────► quarantined
//      ▲                   │   ▲                                                      │
//      └── watch_claims ───┘   └──── uses_min << how often before, up to uses_max ────┘
//
// Every bound is in claims of that very key, not in time: neither others' load nor silence shortens
// or lengthens a quarantine. `sets` × `ways` keys at most; where a set is full of quarantined keys,
// one more stays unknown and goes on paying the dearer price.
//
// Owner: the pool, its thread. All bounded: at most `ways` entries are looked at. Only claims of
// keys that are here (KeyWord::suspect) ask.
#pragma once

#include <array>
#include <cstdint>

namespace claimgate::secp {

enum class Standing : std::uint8_t { unknown, watched, quarantined };

class Suspects {
 public:
  static constexpr unsigned sets = 16, ways = 4;
  static constexpr std::uint32_t trips_to_quarantine = 8;
  static constexpr std::uint32_t watch_claims = 64;
  static constexpr std::uint32_t uses_min = 1024, uses_max = 65'536;

  // `identity`: 64 bits of the key itself. A key number that has come to another key is unknown.
  [[nodiscard]] Standing standing(std::uint32_t key_number, std::uint64_t identity) const noexcept;
  // One more claim of the key: how it is to be verified. Ends what is over.
  Standing count_use(std::uint32_t key_number, std::uint64_t identity) noexcept;
  // One more exceptional claim; true where it begins a quarantine. Claims that were under way when
  // it began change nothing.
  bool trip(std::uint32_t key_number, std::uint64_t identity) noexcept;

  [[nodiscard]] std::uint32_t quarantined() const noexcept { return quarantined_; }

 private:
  struct Entry {
    std::uint64_t identity;
    std::uint32_t key_number;
    std::uint32_t claims;  // since the watch began, or left in quarantine
    std::uint32_t trips;   // since the watch began
    std::uint8_t before;   // quarantines before this watch
    Standing standing;     // unknown: the entry is empty
  };

  [[nodiscard]] Entry* find(std::uint32_t key_number, std::uint64_t identity) noexcept;
  [[nodiscard]] Entry* room(std::uint32_t key_number) noexcept;

  std::array<std::array<Entry, ways>, sets> entries_{};
  std::uint32_t quarantined_ = 0;
};

}  // namespace claimgate::secp
