#include "lib/packet/dissect.hpp"

#include "tests/lib/packet/no_reply_rows.hpp"

namespace claimgate::packet {
namespace {

using namespace test;

const LocalAddresses local = test::ours();

TEST(Dissect, FindsOneToFifteenClaimsInEveryLayout) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      for (unsigned n = 1; n <= 15; ++n) {
        const auto found = outcome(claims_frame(v6, vlan, n), local);
        EXPECT_EQ(found.kind, Kind::claims);
        EXPECT_EQ(found.claims, n);
        EXPECT_EQ(found.vlan, vlan);
        EXPECT_EQ(found.ipv6, v6);
        EXPECT_EQ(found.destination_port, 9317);
        EXPECT_EQ(found.payload_offset, 14 + (vlan ? 4 : 0) + (v6 ? 40 : 20) + 8);
      }
    }
  }
}

TEST(Dissect, DropsEveryRowOfTheNoReplyListForItsOwnReasonAndLeavesTheFrame) {
  for (const Row& row : no_reply_rows) {
    Bytes frame = claims_frame(row.v6);
    row.change(frame);
    const auto found = outcome(frame, local);
    EXPECT_EQ(found.kind, Kind::drop) << row.what;
    EXPECT_EQ(name(found.drop), name(row.drop)) << row.what;
  }
}

TEST(Dissect, DropsTheSameRowsBehindATag) {
  for (const Row& row : no_reply_rows) {
    Bytes frame = claims_frame(row.v6);
    row.change(frame);
    if (frame.size() < 14 || test::be16(frame, 12) == 0x8100) continue;
    if (test::be16(frame, 12) == 0x88A8) continue;
    const Bytes tag = {std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{7}};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    EXPECT_EQ(name(outcome(frame, local).drop), name(row.drop)) << row.what;
  }
}

TEST(Dissect, AcceptsAnIpv4ChecksumOfZeroWhateverThePayload) {
  Bytes frame = claims_frame(false);
  put16(frame, udp4 + 6, 0);
  frame.back() ^= std::byte{0xFF};
  EXPECT_EQ(outcome(frame, local).kind, Kind::claims);
}

TEST(Dissect, TakesThePortsWordForTheChecksumsItVerified) {
  Bytes frame = claims_frame(false);
  frame[ip4 + 10] ^= std::byte{1};
  frame.back() ^= std::byte{1};
  EXPECT_EQ(outcome(frame, local).drop, Drop::ip_checksum);
  EXPECT_EQ(outcome(frame, local, {.ip_checksum_good = true}).drop, Drop::udp_checksum);
  EXPECT_EQ(outcome(frame, local, {.udp_checksum_good = true}).drop, Drop::ip_checksum);
  EXPECT_EQ(outcome(frame, local, {true, true}).kind, Kind::claims);
  Bytes six = claims_frame(true);
  put16(six, udp6 + 6, 0);
  EXPECT_EQ(outcome(six, local, {true, true}).drop, Drop::udp6_checksum_zero);
}

TEST(Dissect, ExaminesEveryUdpLengthAndFindsClaimsInFifteenOfThem) {
  for (const bool v6 : {false, true}) {
    for (std::size_t bytes = 0; bytes <= 2048; ++bytes) {
      const auto found = outcome(udp_frame(endpoints(v6), bytes), local);
      const bool claims = bytes % 93 == 0 && bytes / 93 >= 1 && bytes / 93 <= 15;
      ASSERT_EQ(found.kind, claims ? Kind::claims : Kind::drop) << bytes;
      ASSERT_EQ(found.claims, claims ? bytes / 93 : 0) << bytes;
      ASSERT_EQ(found.drop, claims ? Drop::none : Drop::payload_size) << bytes;
    }
  }
}

TEST(Dissect, TrustsTheUdpLengthNotTheFramesOrTheIpPayloads) {
  for (const bool v6 : {false, true}) {
    Bytes frame = claims_frame(v6, false, 2);
    const Bytes whole = frame;
    frame.insert(frame.end(), 40, std::byte{0xEE});  // stale bytes a generator pads with
    EXPECT_EQ(outcome(frame, local).claims, 2u);
    // Bytes between the end of UDP and the end of IP are not looked at either.
    const std::size_t length_at = v6 ? ip6 + 4 : ip4 + 2;
    put16(frame, length_at, test::be16(frame, length_at) + 40);
    test::fix_ip_checksum(frame);
    EXPECT_EQ(outcome(frame, local).claims, 2u);
  }
}

TEST(Dissect, DropsAValidFrameCutAtEveryLength) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      const Bytes whole = claims_frame(v6, vlan, 3);
      for (std::size_t length = 0; length < whole.size(); ++length) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        ASSERT_EQ(outcome(cut, local).kind, Kind::drop) << length;
        ASSERT_EQ(outcome(cut, local, {true, true}).kind, Kind::drop) << length;
      }
    }
  }
}

// Each field over every value it can hold; with the checksum made right again, so that the field
// itself is what is judged.
TEST(Dissect, JudgesEveryFirstByteOfTheIpHeader) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes frame = claims_frame(false);
    sets_ip4(0, value)(frame);
    const Drop expected = value >> 4 != 4     ? Drop::ip_version
                          : (value & 0xF) < 5 ? Drop::ip_header_length
                          : (value & 0xF) > 5 ? Drop::ip_options
                                              : Drop::none;
    ASSERT_EQ(outcome(frame, local).drop, expected) << value;
    Bytes six = claims_frame(true);
    six[ip6] = std::byte(value);  // the lower half is traffic class: free
    ASSERT_EQ(outcome(six, local).drop, value >> 4 == 6 ? Drop::none : Drop::ip_version) << value;
  }
}

TEST(Dissect, JudgesEveryIpv4TotalLength) {
  Bytes frame = claims_frame(false);
  const unsigned right = test::be16(frame, ip4 + 2);
  frame.resize(frame.size() + 9);
  for (unsigned value = 0; value < 65'536; ++value) {
    put16(frame, ip4 + 2, value);
    test::fix_ip_checksum(frame);
    const Drop expected = value < 20 || value > right + 9 ? Drop::ip_total_length
                          : value < 28                    ? Drop::udp_truncated
                          : value < right                 ? Drop::udp_length_beyond_ip
                                                          : Drop::none;
    ASSERT_EQ(dissect(frame.data(), frame.size(), local, {}).drop, expected) << value;
  }
}

TEST(Dissect, JudgesEveryIpv6PayloadLength) {
  Bytes frame = claims_frame(true);
  const unsigned right = test::be16(frame, ip6 + 4);
  frame.resize(frame.size() + 9);
  for (unsigned value = 0; value < 65'536; ++value) {
    put16(frame, ip6 + 4, value);
    const Drop expected = value > right + 9 ? Drop::ip_total_length
                          : value < 8       ? Drop::udp_truncated
                          : value < right   ? Drop::udp_length_beyond_ip
                                            : Drop::none;
    ASSERT_EQ(dissect(frame.data(), frame.size(), local, {}).drop, expected) << value;
  }
}

TEST(Dissect, JudgesEveryUdpLengthField) {
  for (const bool v6 : {false, true}) {
    Bytes frame = claims_frame(v6, false, 2);
    const std::size_t udp = v6 ? udp6 : udp4;
    for (unsigned value = 0; value < 65'536; ++value) {
      put16(frame, udp + 4, value);
      const Drop expected = value < 8                      ? Drop::udp_length_below_header
                            : value > 194                  ? Drop::udp_length_beyond_ip
                            : value != 101 && value != 194 ? Drop::payload_size
                                                           : Drop::none;
      ASSERT_EQ(dissect(frame.data(), frame.size(), local, {true, true}).drop, expected) << value;
    }
  }
}

TEST(Dissect, JudgesEveryFragmentField) {
  for (unsigned value = 0; value < 65'536; ++value) {
    Bytes frame = claims_frame(false);
    put16(frame, ip4 + 6, value);
    test::fix_ip_checksum(frame);
    ASSERT_EQ(dissect(frame.data(), frame.size(), local, {}).drop,
              (value & 0x3FFF) == 0 ? Drop::none : Drop::ip_fragment)
        << value;
  }
}

TEST(Dissect, JudgesEveryProtocolNumber) {
  for (unsigned value = 0; value < 256; ++value) {
    Bytes frame = claims_frame(false);
    sets_ip4(9, value)(frame);
    const auto four = outcome(frame, local);
    ASSERT_EQ(four.kind, value == 17  ? Kind::claims
                         : value == 1 ? Kind::neighbour
                                      : Kind::drop)
        << value;
    Bytes six = claims_frame(true);
    six[ip6 + 6] = std::byte(value);
    ASSERT_EQ(outcome(six, local).kind, value == 17   ? Kind::claims
                                        : value == 58 ? Kind::neighbour
                                                      : Kind::drop)
        << value;
  }
}

TEST(Dissect, TakesExactlyPorts9300To9364AndRefusesThemAsSource) {
  Bytes frame = claims_frame(false);
  for (unsigned port = 0; port < 65'536; ++port) {
    const bool ours = port >= 9300 && port <= 9364;
    put16(frame, udp4 + 2, port);
    put16(frame, udp4, 40'000);
    ASSERT_EQ(dissect(frame.data(), frame.size(), local, {true, true}).drop,
              ours ? Drop::none : Drop::port_not_ours)
        << port;
    put16(frame, udp4 + 2, 9300);
    put16(frame, udp4, port);
    ASSERT_EQ(dissect(frame.data(), frame.size(), local, {true, true}).drop,
              ours ? Drop::source_port_ours : Drop::none)
        << port;
  }
}

TEST(Dissect, SeesEverySingleBitErrorOfAFrameBehindItsEthernetAddresses) {
  for (const bool v6 : {false, true}) {
    const Bytes right = claims_frame(v6);
    for (std::size_t bit = 14 * 8; bit < right.size() * 8; ++bit) {
      Bytes frame = right;
      frame[bit / 8] ^= std::byte(1u << bit % 8);
      // Traffic class, flow label and hop limit of IPv6 are covered by no checksum.
      const bool uncovered = v6 && ((bit >= ip6 * 8 && bit / 8 < ip6 + 4) || bit / 8 == ip6 + 7);
      if (uncovered) continue;
      ASSERT_EQ(outcome(frame, local).kind, Kind::drop) << bit;
    }
  }
}

TEST(Dissect, WithAnyAddressTakesClaimsForEveryUnicastDestinationOnly) {
  const LocalAddresses any = test::ours(true);
  EXPECT_EQ(outcome(to(false, "8.8.4.4"), any).kind, Kind::claims);
  EXPECT_EQ(outcome(to(true, "2001:db8:9::9"), any).kind, Kind::claims);
  EXPECT_EQ(outcome(to(false, "224.0.0.1"), any).drop, Drop::destination_not_ours);
  EXPECT_EQ(outcome(to(false, "192.0.2.255"), any).drop, Drop::destination_not_ours);
  EXPECT_EQ(outcome(to(true, "ff02::1"), any).drop, Drop::destination_not_ours);
  auto land = endpoints(false);
  land.source = land.destination = ip("8.8.4.4");
  EXPECT_EQ(outcome(udp_frame(land, 93), any).drop, Drop::source_ourselves);
}

TEST(Dissect, TakesAnyDestinationMacAndTagPriority) {
  auto e = endpoints(false, true);
  e.destination_mac = broadcast_mac;
  for (const unsigned tag : {0x0000u, 0x0FFFu, 0xE001u, 0x1002u}) {
    e.vlan = static_cast<std::uint16_t>(tag);
    EXPECT_EQ(outcome(udp_frame(e, 93), local).kind, Kind::claims);
  }
}

}  // namespace
}  // namespace claimgate::packet
