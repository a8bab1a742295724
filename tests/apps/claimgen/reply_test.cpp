#include "apps/claimgen/reply.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {
namespace {

packet::Endpoints asked(bool v6, std::optional<std::uint16_t> vlan) {
  packet::Endpoints out;
  out.source_mac = {{2, 0, 0, 0, 0, 2}};
  out.destination_mac = {{2, 0, 0, 0, 0, 1}};
  out.vlan = vlan;
  out.source = packet::parse_ip(v6 ? "fd00:93::2" : "10.93.0.2").value();
  out.destination = packet::parse_ip(v6 ? "fd00:93::1" : "10.93.0.1").value();
  out.source_port = 40'000;
  return out;
}

std::vector<std::byte> verdicts(unsigned n) {
  std::array<std::byte, wire::claim_bytes> claim{};
  std::array<std::byte, wire::verdict_bytes> verdict;
  wire::write_verdict(verdict.data(), claim.data(), wire::Code::stale, 0, 0);
  std::vector<std::byte> out(wire::claims_per_datagram_max * wire::verdict_bytes);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = verdict[i % verdict.size()];
  out.resize(n * wire::verdict_bytes);
  return out;
}

std::vector<std::byte> frame(const packet::Endpoints& from, std::span<const std::byte> payload) {
  std::vector<std::byte> out(2048);
  out.resize(packet::build_udp(out, from, payload));
  return out;
}

TEST(Reply, IsReadInEveryFormAClaimCanBeSentIn) {
  for (const bool v6 : {false, true}) {
    for (const std::optional<std::uint16_t> vlan : {std::optional<std::uint16_t>{}, {7}}) {
      for (unsigned n = 1; n <= wire::claims_per_datagram_max; ++n) {
        const auto ours = asked(v6, vlan);
        const auto payload = verdicts(n);
        const auto bytes = frame(packet::reversed(ours), payload);
        const Reply reply = read_reply(bytes, ours);
        ASSERT_EQ(reply.fault, ReplyFault::none) << name(reply.fault);
        EXPECT_EQ(reply.verdicts.size(), payload.size());
        EXPECT_EQ(reply.source_port, wire::port_any);
      }
    }
  }
}

TEST(Reply, WithAnyBitBehindTheMacsFlippedIsNeverTakenForAnotherGoodOne) {
  const auto ours = asked(false, std::nullopt);
  const auto good = frame(packet::reversed(ours), verdicts(1));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_NE(read_reply(bytes, ours).fault, ReplyFault::none) << "bit " << bit;
  }
}

TEST(Reply, OfAWrongLengthOrTypeIsAFault) {
  const auto ours = asked(false, std::nullopt);
  const auto theirs = packet::reversed(ours);
  for (const std::size_t bytes : {0u, 1u, 32u, 34u, 65u, 93u, 16u * 33u}) {
    const std::vector<std::byte> payload(bytes, std::byte{0x81});
    EXPECT_EQ(read_reply(frame(theirs, payload), ours).fault, ReplyFault::wrong_length) << bytes;
  }
  auto payload = verdicts(2);
  payload[wire::verdict_bytes] = std::byte{0x01};
  EXPECT_EQ(read_reply(frame(theirs, payload), ours).fault, ReplyFault::not_a_verdict);
  payload = verdicts(1);
  payload[wire::offset::code] = std::byte{wire::code_count};
  EXPECT_EQ(read_reply(frame(theirs, payload), ours).fault, ReplyFault::not_a_verdict);
}

TEST(Reply, FromElsewhereIsAFaultAndToElsewhereIsNotForUs) {
  const auto ours = asked(false, std::nullopt);
  auto theirs = packet::reversed(ours);
  theirs.source = packet::parse_ip("10.93.0.9").value();
  EXPECT_EQ(read_reply(frame(theirs, verdicts(1)), ours).fault, ReplyFault::wrong_sender);
  theirs = packet::reversed(ours);
  theirs.vlan = 7;
  EXPECT_EQ(read_reply(frame(theirs, verdicts(1)), ours).fault, ReplyFault::wrong_sender);
  theirs = packet::reversed(ours);
  theirs.destination_port = 40'001;
  EXPECT_EQ(read_reply(frame(theirs, verdicts(1)), ours).fault, ReplyFault::not_for_us);
}

}  // namespace
}  // namespace claimgate::claimgen
