#include "lib/packet/reply.hpp"

#include <random>

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

using test::Bytes;

const LocalAddresses local = test::ours();

// The reply to `frame` that carries `verdicts`.
Bytes reply_to(const Bytes& frame, const Bytes& verdicts, Checksum checksum = Checksum::software) {
  test::ExactFrame exact(frame);
  const auto found = dissect(exact.data(), exact.size(), local, {true, true});
  EXPECT_EQ(found.kind, Kind::claims);
  std::memcpy(exact.data() + found.payload_offset, verdicts.data(), verdicts.size());
  const auto n = static_cast<unsigned>(verdicts.size() / wire::verdict_bytes);
  const std::size_t length = reply_in_place(exact.data(), found, n, local.mac(), checksum);
  EXPECT_LT(length, exact.size());
  EXPECT_GE(length, frame_bytes_min);
  return {exact.data(), exact.data() + length};
}

TEST(Reply, GoesBackFromTheAddressAndPortTheRequestWasSentTo) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      for (unsigned n = 1; n <= 15; ++n) {
        const auto asked = test::endpoints(v6, vlan);
        const Bytes verdicts = test::payload(n * 33);
        const Bytes reply = reply_to(test::claims_frame(v6, vlan, n), verdicts);
        EXPECT_TRUE(test::slow_ip_checksum_verifies(reply));
        EXPECT_TRUE(test::slow_upper_checksum_verifies(reply));
        const auto read = read_udp(reply);
        ASSERT_TRUE(read);
        const auto expected = reversed(asked);
        EXPECT_EQ(read->endpoints.source_mac, expected.source_mac);
        EXPECT_EQ(read->endpoints.destination_mac, expected.destination_mac);
        EXPECT_EQ(read->endpoints.vlan, expected.vlan);
        EXPECT_EQ(read->endpoints.source, expected.source);
        EXPECT_EQ(read->endpoints.destination, expected.destination);
        EXPECT_EQ(read->endpoints.source_port, 9317);
        EXPECT_EQ(read->endpoints.destination_port, 40'000);
        EXPECT_EQ(read->endpoints.ttl, 64);
        EXPECT_TRUE(std::equal(read->payload.begin(), read->payload.end(), verdicts.begin(),
                               verdicts.end()));
      }
    }
  }
}

TEST(Reply, IsTheFrameThatTheBuilderWritesForTheOtherDirection) {
  for (const bool v6 : {false, true}) {
    auto asked = test::endpoints(v6, true);
    asked.ttl = 3;
    Bytes request(2000);
    request.resize(build_udp(request, asked, test::payload(93)));
    auto answer = reversed(asked);
    answer.ttl = 64;
    Bytes expected(2000);
    expected.resize(build_udp(expected, answer, test::payload(33)));
    EXPECT_EQ(reply_to(request, test::payload(33)), expected);
  }
}

TEST(Reply, MayCarryFewerVerdictsThanThereWereClaims) {
  const Bytes reply = reply_to(test::claims_frame(false, false, 15), test::payload(33));
  EXPECT_EQ(reply.size(), 42u + 33u);
  EXPECT_TRUE(test::slow_upper_checksum_verifies(reply));
}

TEST(Reply, LeavesFromOurMacWhereTheRequestCameToAGroup) {
  auto asked = test::endpoints(false);
  asked.destination_mac = broadcast_mac;
  const Bytes reply = reply_to(test::udp_frame(asked, 93), test::payload(33));
  EXPECT_EQ(load_mac(reply.data()), test::peer_mac);
  EXPECT_EQ(load_mac(reply.data() + 6), test::our_mac);
}

TEST(Reply, ForgetsFragmentationTosAndIdOfTheRequest) {
  Bytes request = test::claims_frame(false);
  request[15] = std::byte{0xFF};
  test::put16(request, 18, 0xABCD);
  test::put16(request, 20, 0xC000);  // reserved bit and don't fragment
  const Bytes reply = reply_to(request, test::payload(33));
  EXPECT_EQ(reply[15], std::byte{0});
  EXPECT_EQ(test::be16(reply, 18), 0);
  EXPECT_EQ(test::be16(reply, 20), 0x4000);
  EXPECT_TRUE(test::slow_ip_checksum_verifies(reply));
}

TEST(Reply, WithOffloadLeavesThePseudoHeadersSumAndAZeroIpChecksum) {
  for (const bool v6 : {false, true}) {
    const Bytes reply =
        reply_to(test::claims_frame(v6, false, 4), test::payload(4 * 33), Checksum::offload);
    const std::size_t udp = test::upper_at(reply);
    if (!v6) {
      EXPECT_EQ(test::be16(reply, 14 + 10), 0);
    }
    // What a port then does: sum UDP with the field as it stands, store the complement.
    Bytes finished = reply;
    test::put16(finished, udp + 6,
                ~test::slow_sum(reply.data() + udp, reply.size() - udp) & 0xFFFF);
    EXPECT_TRUE(test::slow_upper_checksum_verifies(finished));
    const std::uint32_t pseudo = test::slow_sum(reply.data() + 14 + (v6 ? 8 : 12), v6 ? 32 : 8) +
                                 17 + static_cast<std::uint32_t>(reply.size() - udp);
    EXPECT_EQ(test::be16(reply, udp + 6), (pseudo & 0xFFFF) + (pseudo >> 16));
  }
}

TEST(Reply, NeverSendsAUdpChecksumOfZero) {
  // The payload's first word is what brings the sum to 0xFFFF, so the checksum computes to 0.
  for (const bool v6 : {false, true}) {
    Bytes verdicts = test::payload(33);
    test::put16(verdicts, 0, 0);
    const Bytes first = reply_to(test::claims_frame(v6), verdicts);
    test::put16(verdicts, 0, test::be16(first, test::upper_at(first) + 6));
    const Bytes reply = reply_to(test::claims_frame(v6), verdicts);
    EXPECT_EQ(test::be16(reply, test::upper_at(reply) + 6), 0xFFFF);
    EXPECT_TRUE(test::slow_upper_checksum_verifies(reply));
  }
}

TEST(Reply, HasTheReferencesChecksumForRandomAddressesPortsAndVerdicts) {
  std::mt19937_64 random(7);
  const LocalAddresses any = test::ours(true);
  for (int round = 0; round < 20'000; ++round) {
    auto e = test::endpoints(round % 2 == 0, round % 3 == 0);
    e.source.v4.value = 0x0B00'0000 | static_cast<std::uint32_t>(random() & 0xFF'FFFF);
    e.source.v6 = {0x2001'0DB8'0000'0000 | (random() & 0xFFFF'FFFF), random()};
    if (e.source.is_v6) e.source.v4 = {};
    if (!e.source.is_v6) e.source.v6 = {};
    e.source_port = static_cast<std::uint16_t>(10'000 + random() % 50'000);
    const unsigned n = 1 + static_cast<unsigned>(random() % 15);
    Bytes frame = test::udp_frame(e, n * 93);
    const auto found = dissect(frame.data(), frame.size(), any, {});
    ASSERT_EQ(found.kind, Kind::claims);
    for (std::size_t i = 0; i < n * 33; ++i) frame[found.payload_offset + i] = std::byte(random());
    frame.resize(reply_in_place(frame.data(), found, n, test::our_mac, Checksum::software));
    ASSERT_TRUE(test::slow_ip_checksum_verifies(frame));
    ASSERT_TRUE(test::slow_upper_checksum_verifies(frame));
  }
}

TEST(BuildUdp, RefusesWhatDoesNotFitAndMixedFamilies) {
  auto e = test::endpoints(false);
  Bytes out(134);
  EXPECT_EQ(build_udp(out, e, test::payload(93)), 0u);
  out.resize(135);
  EXPECT_EQ(build_udp(out, e, test::payload(93)), 135u);
  e.source = test::ip("2001:db8::2");
  EXPECT_EQ(build_udp(out, e, test::payload(1)), 0u);
  Bytes large(70'000);
  EXPECT_EQ(build_udp(large, test::endpoints(false), test::payload(65'508)), 0u);
  EXPECT_NE(build_udp(large, test::endpoints(false), test::payload(65'507)), 0u);
}

TEST(ReadUdp, ReadsNothingFromABrokenFrame) {
  const Bytes right = test::claims_frame(true);
  EXPECT_TRUE(read_udp(right));
  for (std::size_t length = 0; length < right.size(); ++length) {
    test::ExactFrame cut({right.begin(), right.begin() + static_cast<std::ptrdiff_t>(length)});
    EXPECT_FALSE(read_udp({cut.data(), cut.size()})) << length;
  }
  Bytes wrong = right;
  wrong.back() ^= std::byte{1};
  EXPECT_FALSE(read_udp(wrong));
}

}  // namespace
}  // namespace claimgate::packet
