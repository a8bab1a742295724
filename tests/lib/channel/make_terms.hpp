// Channels for the tests: every field is a function of the numbers given, so that a test can say
// what it expects without keeping a copy. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/channel/terms.hpp"

namespace claimgate::channel {

// An id with this handle; `tail` fills the 24 bytes behind it.
inline ChannelId make_id(std::uint64_t handle, std::uint8_t tail = 0) {
  ChannelId id;
  wire::store_be(id.bytes.data(), handle);
  std::fill(id.bytes.begin() + 8, id.bytes.end(), std::byte{tail});
  return id;
}

inline PublicKey make_key(std::uint8_t fill, KeyType type = KeyType::secp256k1) {
  PublicKey key{.type = type};
  const std::size_t n = type == KeyType::ed25519 ? 32 : 64;
  std::fill_n(key.bytes.begin(), n, std::byte{fill});
  return key;
}

inline ChannelTerms make_terms(std::uint64_t handle, std::uint32_t ledger_index = 100) {
  ChannelTerms terms;
  terms.id = make_id(handle, static_cast<std::uint8_t>(handle * 7));
  terms.key = make_key(static_cast<std::uint8_t>(handle * 13),
                       handle % 2 ? KeyType::ed25519 : KeyType::secp256k1);
  terms.source.fill(std::byte(handle * 3 + 1));
  terms.destination.fill(std::byte(handle % 3 + 1));
  terms.funded = {1'000'000 + handle % 1000};
  terms.balance = {handle % 100};
  terms.expiration = static_cast<LedgerTime>(900'000'000 + handle % 50);
  terms.cancel_after = static_cast<LedgerTime>(910'000'000 + handle % 50);
  terms.valid_until = terms.expiration - 600;
  terms.settle_delay_s = static_cast<std::uint32_t>(3600 + handle % 10);
  terms.ledger_index = ledger_index;
  terms.source_tag = static_cast<std::uint16_t>(handle * 5);
  terms.service_class = static_cast<std::uint8_t>(handle % 4);
  return terms;
}

inline bool same_terms(const ChannelTerms& a, const ChannelTerms& b) {
  return a.id == b.id && a.key == b.key && a.source == b.source && a.destination == b.destination &&
         a.funded == b.funded && a.balance == b.balance && a.expiration == b.expiration &&
         a.cancel_after == b.cancel_after && a.valid_until == b.valid_until &&
         a.settle_delay_s == b.settle_delay_s && a.ledger_index == b.ledger_index &&
         a.source_tag == b.source_tag && a.service_class == b.service_class;
}

inline bool same_view(const ChannelView& a, const ChannelView& b) {
  return same_terms(a.terms, b.terms) && a.incarnation == b.incarnation && a.held == b.held &&
         a.signature == b.signature && a.lsn == b.lsn && a.last_activity == b.last_activity;
}

using Signature = std::array<std::byte, wire::signature_bytes>;

inline Signature make_signature(std::uint64_t amount) {
  Signature signature;
  for (std::size_t i = 0; i < 8; ++i) {
    wire::store_raw(signature.data() + i * 8, amount * 0x9E37'79B9'7F4A'7C15 + i);
  }
  return signature;
}

}  // namespace claimgate::channel
