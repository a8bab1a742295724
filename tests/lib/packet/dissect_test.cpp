#include "lib/packet/dissect.hpp"

#include <functional>

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

using test::Bytes;
using test::claims_frame;
using test::endpoints;
using test::ip;
using test::outcome;
using test::put16;
using test::udp_frame;

const LocalAddresses local = test::ours();

constexpr std::size_t ip4 = 14, udp4 = 34, ip6 = 14, udp6 = 54;

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

// A row of PROTOCOL's no-reply list: a valid frame, what is done to it, and the reason it drops.
struct Row {
  const char* what;
  bool v6;
  std::function<void(Bytes&)> change;
  Drop drop;
};

Bytes from(bool v6, const char* source) {
  auto e = endpoints(v6);
  e.source = ip(source);
  return udp_frame(e, 93);
}
Bytes to(bool v6, const char* destination) {
  auto e = endpoints(v6);
  e.destination = ip(destination);
  return udp_frame(e, 93);
}
Bytes ports(bool v6, std::uint16_t source, std::uint16_t destination) {
  auto e = endpoints(v6);
  e.source_port = source;
  e.destination_port = destination;
  return udp_frame(e, 93);
}
auto becomes(Bytes frame) {
  return [frame = std::move(frame)](Bytes& out) { out = frame; };
}
auto sets(std::size_t at, unsigned value) {
  return [=](Bytes& f) { f.at(at) = std::byte(value); };
}
auto sets_ip4(std::size_t at, unsigned value) {
  return [=](Bytes& f) {
    f.at(ip4 + at) = std::byte(value);
    test::fix_ip_checksum(f);
  };
}
auto flips(std::size_t at) {
  return [=](Bytes& f) { f.at(at) ^= std::byte{0x10}; };
}
auto tagged(unsigned outer, unsigned inner) {
  return [=](Bytes& f) {
    const std::vector<std::byte> tags = {
        std::byte(outer >> 8), std::byte(outer), std::byte{0}, std::byte{5},
        std::byte(inner >> 8), std::byte(inner), std::byte{0}, std::byte{6}};
    f.insert(f.begin() + 12, tags.begin(), tags.end());
  };
}

const std::vector<Row> no_reply_rows = {
    {"no bytes", false, [](Bytes& f) { f.clear(); }, Drop::runt_frame},
    {"a byte short of Ethernet", false, [](Bytes& f) { f.resize(13); }, Drop::runt_frame},
    {"a group as Ethernet source", false, sets(6, 0x03), Drop::source_mac_multicast},
    {"broadcast as Ethernet source", true, sets(6, 0xFF), Drop::source_mac_multicast},
    {"an unknown type", false, [](Bytes& f) { put16(f, 12, 0x88CC); }, Drop::unknown_ethertype},
    {"a length for a type", false, [](Bytes& f) { put16(f, 12, 100); }, Drop::unknown_ethertype},
    {"two customer tags", false, tagged(0x8100, 0x8100), Drop::second_vlan_tag},
    {"service and customer tag", true, tagged(0x88A8, 0x8100), Drop::second_vlan_tag},
    {"customer and service tag", false, tagged(0x8100, 0x88A8), Drop::second_vlan_tag},
    {"IPv4 header cut", false, [](Bytes& f) { f.resize(33); }, Drop::ip_header_truncated},
    {"IPv6 header cut", true, [](Bytes& f) { f.resize(53); }, Drop::ip_header_truncated},
    {"version 6 behind IPv4's type", false, sets_ip4(0, 0x65), Drop::ip_version},
    {"version 4 behind IPv6's type", true, sets(ip6, 0x45), Drop::ip_version},
    {"IHL of 4", false, sets_ip4(0, 0x44), Drop::ip_header_length},
    {"IPv4 options", false, sets_ip4(0, 0x46), Drop::ip_options},
    {"total length beyond the frame", false, sets_ip4(3, 122), Drop::ip_total_length},
    {"total length below the header", false, sets_ip4(3, 19), Drop::ip_total_length},
    {"payload length beyond the frame", true, sets(ip6 + 5, 102), Drop::ip_total_length},
    {"the first fragment", false, sets_ip4(6, 0x20), Drop::ip_fragment},
    {"a later fragment", false, sets_ip4(7, 0x01), Drop::ip_fragment},
    {"an IPv6 fragment", true, sets(ip6 + 6, 44), Drop::ip_fragment},
    {"bad IPv4 checksum", false, flips(ip4 + 10), Drop::ip_checksum},
    {"a TTL changed on the way", false, flips(ip4 + 8), Drop::ip_checksum},
    {"hop-by-hop options", true, sets(ip6 + 6, 0), Drop::ipv6_extension},
    {"a routing header", true, sets(ip6 + 6, 43), Drop::ipv6_extension},
    {"destination options", true, sets(ip6 + 6, 60), Drop::ipv6_extension},
    {"an authentication header", true, sets(ip6 + 6, 51), Drop::ipv6_extension},
    {"TCP", false, sets_ip4(9, 6), Drop::not_udp},
    {"TCP over IPv6", true, sets(ip6 + 6, 6), Drop::not_udp},
    {"ICMPv6 over IPv4", false, sets_ip4(9, 58), Drop::not_udp},
    {"ICMP over IPv6", true, sets(ip6 + 6, 1), Drop::not_udp},
    {"no room for UDP", false, sets_ip4(3, 27), Drop::udp_truncated},
    {"no room for UDP over IPv6", true, sets(ip6 + 5, 7), Drop::udp_truncated},
    {"UDP length 7", false, sets(udp4 + 5, 7), Drop::udp_length_below_header},
    {"UDP length beyond IP's", false, sets(udp4 + 5, 102), Drop::udp_length_beyond_ip},
    {"UDP length beyond IPv6's", true, sets(udp6 + 5, 102), Drop::udp_length_beyond_ip},
    {"a changed payload", false, flips(udp4 + 50), Drop::udp_checksum},
    {"a changed last byte over IPv6", true, flips(udp6 + 100), Drop::udp_checksum},
    {"UDP checksum 0 over IPv6", true, [](Bytes& f) { put16(f, udp6 + 6, 0); },
     Drop::udp6_checksum_zero},
    {"a multicast source", false, becomes(from(false, "224.0.0.5")), Drop::source_multicast},
    {"an IPv6 multicast source", true, becomes(from(true, "ff02::5")), Drop::source_multicast},
    {"the broadcast source", false, becomes(from(false, "255.255.255.255")),
     Drop::source_broadcast},
    {"our network's broadcast as source", false, becomes(from(false, "192.0.2.255")),
     Drop::source_broadcast},
    {"a loopback source", false, becomes(from(false, "127.0.0.1")), Drop::source_loopback},
    {"the IPv6 loopback source", true, becomes(from(true, "::1")), Drop::source_loopback},
    {"no source", false, becomes(from(false, "0.0.0.0")), Drop::source_unspecified},
    {"a source in network 0", false, becomes(from(false, "0.1.2.3")), Drop::source_unspecified},
    {"no IPv6 source", true, becomes(from(true, "::")), Drop::source_unspecified},
    {"a mapped source", true, becomes(from(true, "::ffff:192.0.2.2")), Drop::source_mapped_v4},
    {"our address as source", false, becomes(from(false, "192.0.2.1")), Drop::source_ourselves},
    {"our other address as source", false, becomes(from(false, "198.51.100.7")),
     Drop::source_ourselves},
    {"our IPv6 address as source", true, becomes(from(true, "2001:db8::1")),
     Drop::source_ourselves},
    {"our link-local address as source", true, becomes(from(true, "fe80::ff:fe00:1")),
     Drop::source_ourselves},
    {"the first of our ports as source", false, becomes(ports(false, 9300, 9300)),
     Drop::source_port_ours},
    {"the last of our ports as source", true, becomes(ports(true, 9364, 9301)),
     Drop::source_port_ours},
    {"someone else's address", false, becomes(to(false, "192.0.2.3")), Drop::destination_not_ours},
    {"someone else's IPv6 address", true, becomes(to(true, "2001:db8::3")),
     Drop::destination_not_ours},
    {"the broadcast address", false, becomes(to(false, "255.255.255.255")),
     Drop::destination_not_ours},
    {"all nodes", true, becomes(to(true, "ff02::1")), Drop::destination_not_ours},
    {"the port below ours", false, becomes(ports(false, 40'000, 9299)), Drop::port_not_ours},
    {"the port above ours", true, becomes(ports(true, 40'000, 9365)), Drop::port_not_ours},
    {"no payload", false, becomes(udp_frame(endpoints(false), 0)), Drop::payload_size},
    {"a byte too few", false, becomes(udp_frame(endpoints(false), 92)), Drop::payload_size},
    {"a byte too many", true, becomes(udp_frame(endpoints(true), 94)), Drop::payload_size},
    {"sixteen claims", true, becomes(udp_frame(endpoints(true), 16 * 93)), Drop::payload_size},
};

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
