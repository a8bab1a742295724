// The 64 bits that the pool keeps for every key number (key_pool.hpp): all that a cold claim reads.
//
//   63       62        61 60  59 … 44  43 … 24  23 … 0
//   suspect  building  tier   epoch    count    table's number; of a cold key its fingerprint
//
// All zero: a cold key of which nothing is known. The count is what it was at `epoch`, and halves
// with every epoch since (count_at()); nobody goes over the words to do so. The fingerprint tells
// that a key number has come to another key; it decides about nothing but an inherited count. The
// table a claim is verified with is told by the whole key (Descriptor).
//
// The epoch is taken modulo 2^16: a key that is silent for 65,536 half-lives to within some, finds
// the count it had then. A half-life is at least 4096 claims, so that is at least 268 million
// claims, and the harm is a table some claims too early, or one evicted some later.
//
// Plain value of the pool's thread.
#pragma once

#include <cstdint>

namespace claimgate::secp {

enum class Tier : std::uint8_t { cold, small, large };

class KeyWord {
 public:
  static constexpr unsigned number_bits = 24, count_bits = 20, epoch_bits = 16;
  static constexpr std::uint32_t number_end = std::uint32_t{1} << number_bits;
  static constexpr std::uint32_t count_max = (std::uint32_t{1} << count_bits) - 1;  // saturates

  constexpr KeyWord() noexcept = default;
  [[nodiscard]] static constexpr KeyWord cold(std::uint32_t fingerprint) noexcept {
    KeyWord word;
    word.bits_ = fingerprint % number_end;
    return word;
  }

  [[nodiscard]] constexpr Tier tier() const noexcept {
    return static_cast<Tier>(bits_ >> tier_at & 3);
  }
  [[nodiscard]] constexpr std::uint32_t number() const noexcept {
    return static_cast<std::uint32_t>(bits_) % number_end;
  }
  [[nodiscard]] constexpr bool building() const noexcept { return (bits_ >> building_at & 1) != 0; }
  [[nodiscard]] constexpr bool suspect() const noexcept { return bits_ >> suspect_at != 0; }
  // No table and no suspicion: the commonest of answers from one test.
  [[nodiscard]] constexpr bool plainly_cold() const noexcept {
    return (bits_ & (std::uint64_t{3} << tier_at | std::uint64_t{1} << suspect_at)) == 0;
  }

  [[nodiscard]] constexpr std::uint32_t count_at(std::uint16_t epoch) const noexcept {
    const auto then = static_cast<std::uint16_t>(bits_ >> epoch_at);
    const auto halvings = static_cast<std::uint16_t>(epoch - then);
    return halvings < count_bits ? (bits_ >> count_at_bit & count_max) >> halvings : 0;
  }

  constexpr void set_count(std::uint32_t count, std::uint16_t epoch) noexcept {
    const std::uint64_t value = count < count_max ? count : count_max;
    put(count_at_bit, count_bits + epoch_bits, value | std::uint64_t{epoch} << count_bits);
  }
  constexpr void set_tier(Tier tier, std::uint32_t number) noexcept {
    put(tier_at, 2, static_cast<std::uint64_t>(tier));
    put(0, number_bits, number);
  }
  constexpr void set_building(bool building) noexcept { put(building_at, 1, building ? 1 : 0); }
  constexpr void set_suspect(bool suspect) noexcept { put(suspect_at, 1, suspect ? 1 : 0); }

 private:
  static constexpr unsigned count_at_bit = number_bits, epoch_at = count_at_bit + count_bits,
                            tier_at = epoch_at + epoch_bits, building_at = tier_at + 2,
                            suspect_at = building_at + 1;
  static_assert(suspect_at == 63);

  constexpr void put(unsigned at, unsigned bits, std::uint64_t value) noexcept {
    const std::uint64_t mask = ((std::uint64_t{1} << bits) - 1) << at;
    bits_ = (bits_ & ~mask) | (value << at & mask);
  }

  std::uint64_t bits_ = 0;
};
static_assert(sizeof(KeyWord) == 8);

}  // namespace claimgate::secp
