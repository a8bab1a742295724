// What provisioning says about one channel, and what the table answers about one.
// Plain values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/wire/claim.hpp"

namespace claimgate::channel {

// The ledger's 256-bit channel id; its leading 64 bits, big-endian, are the handle.
struct ChannelId {
  std::array<std::byte, 32> bytes{};
  friend bool operator==(const ChannelId&, const ChannelId&) = default;
  [[nodiscard]] wire::ChannelHandle handle() const noexcept {
    return {wire::load_be<std::uint64_t>(bytes.data())};
  }
};

enum class KeyType : std::uint8_t { secp256k1 = 1, ed25519 = 2 };

// Seconds since 2000-01-01T00:00:00Z, the ledger's epoch (Unix time - 946,684,800).
using LedgerTime = std::uint32_t;
inline constexpr std::int64_t ledger_epoch_unix_s = 946'684'800;
inline constexpr LedgerTime never = 0xFFFF'FFFF;

// Incarnations run from 1 to below this: one number per channel that was ever new here.
inline constexpr std::uint32_t incarnation_end = 0xFFFF'FFFF;

// secp256k1: x‖y, 64 bytes big-endian, a point on the curve. Ed25519: 32 bytes, then zeros.
struct PublicKey {
  std::array<std::byte, 64> bytes{};
  KeyType type = KeyType::secp256k1;
  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

// One channel as provisioning hands it over, already judged on its merits.
struct ChannelTerms {
  ChannelId id;
  PublicKey key;
  std::array<std::byte, 20> source{};  // AccountID of the payer
  // AccountID of the payee, ours, which redeems. All zero: not known (a state file of format 1).
  std::array<std::byte, 20> destination{};
  wire::Drops funded;             // the ledger's Amount
  wire::Drops balance;            // the ledger's Balance: already redeemed
  LedgerTime expiration = never;  // never: the ledger object has none
  LedgerTime cancel_after = never;
  LedgerTime valid_until = 0;  // min(expiration, cancel_after, as-of + settle delay) - margin
  std::uint32_t settle_delay_s = 0;
  std::uint32_t ledger_index = 0;  // of the answer this was read from
  std::uint16_t source_tag = 0;    // reserved for the operator's own classes
  std::uint8_t service_class = 0;
  friend bool operator==(const ChannelTerms&, const ChannelTerms&) = default;
};

// What a table made of one channel's terms.
enum class ApplyResult : std::uint8_t {
  added,
  updated,       // funds by maximum, expiry by the newer ledger; of the same one the earlier
  unchanged,     // an answer of the ledger we hold that says nothing new: validity not extended
  older_ledger,  // an answer from a ledger before the one we hold: funds merged, expiry kept
  handle_taken,  // another id with the same leading 64 bits
  key_differs,   // same id, another key: a channel's key never changes
  table_full,
};

// Makes of the `known` terms of a handle what they are once `told` was heard. Returns updated,
// unchanged or older_ledger; handle_taken or key_differs, and leaves `known` as it is, where the
// two cannot be one channel.
[[nodiscard]] ApplyResult merge(ChannelTerms& known, const ChannelTerms& told) noexcept;

// One channel as a reader sees it: terms, and the claim held.
struct ChannelView {
  ChannelTerms terms;
  std::uint32_t incarnation = 0;
  wire::Drops held;                                          // 0: no claim accepted yet
  std::array<std::byte, wire::signature_bytes> signature{};  // of `held`
  std::uint64_t lsn = 0;
  LedgerTime last_activity = 0;  // of the last accepted claim
};

}  // namespace claimgate::channel
