// The claim frame, the verdict frame and the verdict codes (wire/FORMAT.md).
//
//   CLAIM, 93 bytes                          VERDICT, 33 bytes
//   0   type 0x01                            0   type 0x81
//   1   channel handle  u64                  1   channel handle   echoed
//   9   sequence        u32, not signed      9   sequence         echoed
//   13  amount          u64, drops           13  amount           echoed
//   21  signature       r‖s or R‖S           21  code, 22 flags, 23 retry_after_ms u16
//   85  timestamp       f64, not signed      25  timestamp        echoed bit for bit
//
// All integers are big-endian. Pure functions of bytes: any thread, no allocation.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "lib/wire/endian.hpp"

namespace claimgate::wire {

inline constexpr std::size_t claim_bytes = 93;
inline constexpr std::size_t verdict_bytes = 33;
inline constexpr std::size_t signature_bytes = 64;
inline constexpr unsigned claims_per_datagram_max = 15;
inline constexpr std::size_t payload_bytes_max = claim_bytes * claims_per_datagram_max;  // 1395

inline constexpr std::uint8_t claim_type = 0x01;
inline constexpr std::uint8_t verdict_type = 0x81;

inline constexpr std::uint16_t port_any = 9300;          // takes any claim
inline constexpr std::uint16_t port_shard_first = 9301;  // 9301 + v: virtual shard v
inline constexpr unsigned virtual_shards = 64;
inline constexpr std::uint16_t port_last = port_shard_first + virtual_shards - 1;
static_assert(port_last == 9364);
static_assert(verdict_bytes < claim_bytes, "a reply is never longer than its request");

// Leading 64 bits of the 256-bit ledger channel id.
struct ChannelHandle {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(ChannelHandle, ChannelHandle) = default;
  [[nodiscard]] constexpr unsigned virtual_shard() const noexcept {
    return static_cast<unsigned>(value % virtual_shards);
  }
};

// Cumulative amount in drops (1 XRP = 1,000,000 drops); never a delta.
struct Drops {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Drops, Drops) = default;
};

inline constexpr Drops drops_max{100'000'000'000'000'000};  // 10^17: all XRP that can exist

enum class Code : std::uint8_t {
  accepted = 0,
  duplicate = 1,
  stale = 2,
  unknown_channel = 3,
  bad_signature = 4,
  over_funds = 5,
  closed = 6,
  busy = 7,
  malformed = 8,
  covered = 9,
  moved = 10,
};
inline constexpr std::size_t code_count = 11;

inline constexpr std::array<std::string_view, code_count> code_names = {
    "ACCEPTED", "DUPLICATE", "STALE",     "UNKNOWN_CHANNEL", "BAD_SIGNATURE", "OVER_FUNDS",
    "CLOSED",   "BUSY",      "MALFORMED", "COVERED",         "MOVED"};

[[nodiscard]] constexpr std::string_view name(Code code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < code_count ? code_names[index] : std::string_view("?");
}

inline constexpr std::uint8_t flag_durable = 0x01;  // what the verdict says survives power loss

namespace offset {
inline constexpr std::size_t type = 0, handle = 1, sequence = 9, amount = 13;
inline constexpr std::size_t claim_signature = 21, claim_timestamp = 85;
inline constexpr std::size_t code = 21, flags = 22, retry_after = 23, verdict_timestamp = 25;
}  // namespace offset
static_assert(offset::claim_timestamp + 8 == claim_bytes);
static_assert(offset::claim_signature + signature_bytes == offset::claim_timestamp);
static_assert(offset::verdict_timestamp + 8 == verdict_bytes);

// A read-only view of one claim frame where it lies. Precondition: 93 readable bytes.
class ClaimFrame {
 public:
  explicit ClaimFrame(const std::byte* frame) noexcept : at_(frame) {}
  [[nodiscard]] std::uint8_t type() const noexcept { return static_cast<std::uint8_t>(at_[0]); }
  [[nodiscard]] ChannelHandle handle() const noexcept {
    return {load_be<std::uint64_t>(at_ + offset::handle)};
  }
  [[nodiscard]] std::uint32_t sequence() const noexcept {
    return load_be<std::uint32_t>(at_ + offset::sequence);
  }
  [[nodiscard]] Drops amount() const noexcept {
    return {load_be<std::uint64_t>(at_ + offset::amount)};
  }
  [[nodiscard]] const std::byte* signature() const noexcept {
    return at_ + offset::claim_signature;
  }
  [[nodiscard]] const std::byte* bytes() const noexcept { return at_; }
  // A field no channel could ever accept: wrong type, amount 0 or above 10^17.
  [[nodiscard]] bool malformed() const noexcept {
    const std::uint64_t amount_drops = amount().value;
    return type() != claim_type || amount_drops - 1 >= drops_max.value;
  }

 private:
  const std::byte* at_;
};

// Writes one claim frame. Precondition: `frame` has 93 writable bytes, `signature` 64 readable.
inline void write_claim(std::byte* frame, ChannelHandle handle, std::uint32_t sequence,
                        Drops amount, const std::byte* signature, double timestamp_ms) noexcept {
  frame[offset::type] = std::byte{claim_type};
  store_be(frame + offset::handle, handle.value);
  store_be(frame + offset::sequence, sequence);
  store_be(frame + offset::amount, amount.value);
  std::memcpy(frame + offset::claim_signature, signature, signature_bytes);
  store_be(frame + offset::claim_timestamp, std::bit_cast<std::uint64_t>(timestamp_ms));
}

// Writes the verdict on `claim` to `out` (33 bytes). `out` may overlap the claim frame it answers:
// every echoed field is read before the first byte is written. Written in ascending order over the
// request's own buffer, verdict j never reaches a claim after j (33(j+1) <= 93(j+1)).
inline void write_verdict(std::byte* out, const std::byte* claim, Code code, std::uint8_t flags,
                          std::uint16_t retry_after_ms) noexcept {
  const auto handle = load_raw<std::uint64_t>(claim + offset::handle);
  const auto sequence = load_raw<std::uint32_t>(claim + offset::sequence);
  const auto amount = load_raw<std::uint64_t>(claim + offset::amount);
  const auto timestamp = load_raw<std::uint64_t>(claim + offset::claim_timestamp);
  out[offset::type] = std::byte{verdict_type};
  store_raw(out + offset::handle, handle);
  store_raw(out + offset::sequence, sequence);
  store_raw(out + offset::amount, amount);
  out[offset::code] = std::byte{static_cast<std::uint8_t>(code)};
  out[offset::flags] = std::byte{flags};
  store_be(out + offset::retry_after, retry_after_ms);
  store_raw(out + offset::verdict_timestamp, timestamp);
}

// A verdict's parsed meaning, for clients and tests.
struct Verdict {
  ChannelHandle handle;
  std::uint32_t sequence = 0;
  Drops amount;
  Code code = Code::busy;
  std::uint8_t flags = 0;
  std::uint16_t retry_after_ms = 0;
  double timestamp_ms = 0;
};

// Precondition: 33 readable bytes. `type` is not checked: see is_verdict().
[[nodiscard]] inline Verdict read_verdict(const std::byte* at) noexcept {
  return {.handle = {load_be<std::uint64_t>(at + offset::handle)},
          .sequence = load_be<std::uint32_t>(at + offset::sequence),
          .amount = {load_be<std::uint64_t>(at + offset::amount)},
          .code = static_cast<Code>(at[offset::code]),
          .flags = static_cast<std::uint8_t>(at[offset::flags]),
          .retry_after_ms = load_be<std::uint16_t>(at + offset::retry_after),
          .timestamp_ms =
              std::bit_cast<double>(load_be<std::uint64_t>(at + offset::verdict_timestamp))};
}

[[nodiscard]] inline bool is_verdict(const std::byte* at) noexcept {
  return static_cast<std::uint8_t>(at[0]) == verdict_type &&
         static_cast<std::uint8_t>(at[offset::code]) < code_count;
}

}  // namespace claimgate::wire

template <>
struct std::hash<claimgate::wire::ChannelHandle> {
  std::size_t operator()(claimgate::wire::ChannelHandle handle) const noexcept {
    return std::hash<std::uint64_t>{}(handle.value);
  }
};
