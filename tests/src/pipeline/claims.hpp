// Payers, claims and datagrams for the tests: everything follows from small numbers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/packet/build.hpp"
#include "lib/signing/signing.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::pipeline {

using channel::KeyType;

// One channel and who may sign for it.
struct Payer {
  signing::KeyPair key;
  channel::ChannelTerms terms;
  [[nodiscard]] wire::ChannelHandle handle() const noexcept { return terms.id.handle(); }
};

// Funded with 1,000 drops, valid until second 900,000,000.
inline Payer make_payer(std::uint64_t index, KeyType type = KeyType::secp256k1) {
  Payer payer{.key = signing::KeyPair::derive(93, index, type), .terms = {}};
  std::uint64_t word = index;
  for (std::size_t at = 0; at < payer.terms.id.bytes.size(); at += 8) {
    word = std::rotl(word * 0x9E37'79B9'7F4A'7C15 + 0x1234'5678, 23);
    wire::store_be(payer.terms.id.bytes.data() + at, word);
  }
  payer.terms.key = payer.key.public_key();
  payer.terms.funded = {1'000};
  payer.terms.valid_until = 900'000'000;
  payer.terms.ledger_index = 100;
  return payer;
}

using ClaimBytes = std::array<std::byte, wire::claim_bytes>;

inline ClaimBytes claim_with(wire::ChannelHandle handle, std::uint64_t amount,
                             const signing::Signature& signature, std::uint32_t sequence = 7,
                             double timestamp_ms = 1.75e12) {
  ClaimBytes frame;
  wire::write_claim(frame.data(), handle, sequence, {amount}, signature.data(), timestamp_ms);
  return frame;
}

inline ClaimBytes good_claim(const Payer& payer, std::uint64_t amount, std::uint32_t nonce = 0) {
  return claim_with(payer.handle(), amount, payer.key.sign(payer.terms.id, {amount}, nonce));
}

inline ClaimBytes forged_claim(const Payer& payer, std::uint64_t amount) {
  auto signature = payer.key.sign(payer.terms.id, {amount});
  signature[40] ^= std::byte{1};
  return claim_with(payer.handle(), amount, signature);
}

inline packet::Endpoints client_to_appliance() {
  return {.source_mac = {{2, 0, 0, 0, 0, 2}},
          .destination_mac = {{2, 0, 0, 0, 0, 1}},
          .vlan = std::nullopt,
          .source = {.is_v6 = false, .v4 = {0x0A5D0002}, .v6 = {}},       // 10.93.0.2
          .destination = {.is_v6 = false, .v4 = {0x0A5D0001}, .v6 = {}},  // 10.93.0.1
          .source_port = 40'000,
          .destination_port = wire::port_any};
}

inline packet::Endpoints client_to_appliance_v6() {
  auto ends = client_to_appliance();
  ends.source = {.is_v6 = true, .v4 = {}, .v6 = {0xFD93'0000'0000'0000, 2}};
  ends.destination = {.is_v6 = true, .v4 = {}, .v6 = {0xFD93'0000'0000'0000, 1}};
  return ends;
}

inline std::vector<std::byte> datagram_around(
    std::span<const std::byte> payload, const packet::Endpoints& ends = client_to_appliance()) {
  std::vector<std::byte> frame(packet::udp_payload_offset(ends) + payload.size());
  const std::size_t length = packet::build_udp(frame, ends, payload);
  frame.resize(length);
  return frame;
}

inline std::vector<std::byte> datagram(const std::vector<ClaimBytes>& claims,
                                       const packet::Endpoints& ends = client_to_appliance()) {
  return datagram_around(std::span(reinterpret_cast<const std::byte*>(claims.data()),
                                   claims.size() * wire::claim_bytes),
                         ends);
}

}  // namespace claimgate::pipeline
