#include "lib/packet/responder.hpp"

#include <optional>

#include "tests/lib/packet/frames.hpp"

namespace claimgate::packet {
namespace {

using test::be16;
using test::Bytes;
using test::echo;
using test::endpoints;
using test::ip;
using test::put16;

const LocalAddresses local = test::ours();
constexpr std::size_t room_bytes = 16;

struct Outcome {
  Answer answer;
  Bytes frame;  // the answer's bytes, or the whole buffer where there is none
};

// Responds in a buffer of exactly the request and `room` bytes; checks what holds of every answer.
Outcome respond_to(const Bytes& request, std::size_t room = room_bytes,
                   const LocalAddresses& to = local) {
  Bytes padded = request;
  padded.resize(request.size() + room, std::byte{0xEE});
  test::ExactFrame exact(padded);
  const Answer answer = respond(exact.data(), request.size(), padded.size(), to);
  EXPECT_EQ(answer.answered == Answered::nothing, answer.drop != Drop::none);
  EXPECT_EQ(answer.answered == Answered::nothing, answer.length == 0);
  EXPECT_LE(answer.length, padded.size());
  if (answer.length == 0) {
    EXPECT_EQ(exact.bytes(), padded) << "a frame without an answer was changed";
    return {answer, padded};
  }
  EXPECT_GE(answer.length, 60u);
  const Bytes all = exact.bytes();
  return {answer, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(answer.length)}};
}

Bytes query(const Endpoints& e) {
  Bytes out(128);
  out.resize(build_neighbour_query(out, e));
  EXPECT_EQ(dissect(out.data(), out.size(), local, {}).kind, Kind::neighbour);
  return out;
}

Drop refusal(const Bytes& request) {
  return respond_to(request).answer.drop;
}

TEST(Arp, AnswersARequestForOurAddressWithOurMac) {
  for (const bool vlan : {false, true}) {
    const auto e = endpoints(false, vlan);
    const auto [answer, frame] = respond_to(query(e));
    EXPECT_EQ(answer.answered, Answered::arp);
    EXPECT_EQ(load_mac(frame.data()), test::peer_mac);
    EXPECT_EQ(load_mac(frame.data() + 6), test::our_mac);
    const std::size_t at = vlan ? 18 : 14;
    if (vlan) {
      EXPECT_EQ(be16(frame, 14), 0x6064);
    }
    EXPECT_EQ(be16(frame, at + 6), 2);
    EXPECT_EQ(load_mac(frame.data() + at + 18), test::peer_mac);
    EXPECT_EQ(wire::load_be<std::uint32_t>(frame.data() + at + 24), e.source.v4.value);
    for (std::size_t i = at + 28; i < frame.size(); ++i) EXPECT_EQ(frame[i], std::byte{0});
    EXPECT_EQ(parse_neighbour_answer(frame, e.destination), test::our_mac);
    EXPECT_EQ(parse_neighbour_answer(frame, ip("192.0.2.9")), std::nullopt);
  }
}

TEST(Arp, AnswersAProbeWithoutASender) {
  auto e = endpoints(false);
  e.source = ip("0.0.0.0");
  EXPECT_EQ(respond_to(query(e)).answer.answered, Answered::arp);
}

TEST(Arp, PadsAShortRequestsAnswerWithZerosOnlyWhereThereIsRoom) {
  Bytes request = query(endpoints(false));
  request.resize(42);
  EXPECT_EQ(respond_to(request, 18).answer.length, 60u);
  EXPECT_EQ(respond_to(request, 17).answer.drop, Drop::answer_no_room);
}

TEST(Arp, RefusesWhatItMustNotAnswer) {
  const auto changed = [](auto&& change) {
    Bytes request = query(endpoints(false));
    change(request);
    return refusal(request);
  };
  EXPECT_EQ(changed([](Bytes& f) { f.resize(41); }), Drop::arp_malformed);
  for (std::size_t at = 14; at < 20; ++at) {
    EXPECT_EQ(changed([&](Bytes& f) { f[at] ^= std::byte{0x40}; }), Drop::arp_malformed) << at;
  }
  EXPECT_EQ(changed([](Bytes& f) { put16(f, 20, 2); }), Drop::arp_not_request);
  EXPECT_EQ(changed([](Bytes& f) { f[22] = std::byte{1}; }), Drop::arp_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[6] = std::byte{1}; }), Drop::source_mac_multicast);
  EXPECT_EQ(changed([](Bytes& f) { f[41] = std::byte{9}; }), Drop::arp_not_for_us);
  const auto from = [](const char* source) {
    auto e = endpoints(false);
    e.source = ip(source);
    return refusal(query(e));
  };
  EXPECT_EQ(from("192.0.2.1"), Drop::source_ourselves);
  EXPECT_EQ(from("198.51.100.7"), Drop::source_ourselves);
  EXPECT_EQ(from("192.0.2.255"), Drop::source_broadcast);
  EXPECT_EQ(from("224.0.0.1"), Drop::source_multicast);
  EXPECT_EQ(from("127.0.0.1"), Drop::source_loopback);
}

TEST(Arp, WithAnyAddressStillAnswersForConfiguredAddressesOnly) {
  auto e = endpoints(false);
  e.destination = ip("192.0.2.77");
  EXPECT_EQ(respond_to(query(e), 16, test::ours(true)).answer.drop, Drop::arp_not_for_us);
}

TEST(Solicitation, IsAnsweredToGroupAndUnicastWithTheTargetsMac) {
  for (const bool vlan : {false, true}) {
    for (const bool to_group : {true, false}) {
      const auto e = endpoints(true, vlan);
      Bytes request = query(e);
      if (!to_group) {
        store_ipv6(request.data() + test::ip_at(request) + 24, e.destination.v6);
        test::fix_upper_checksum(request);
      }
      const auto [answer, frame] = respond_to(request);
      ASSERT_EQ(answer.answered, Answered::neighbour);
      EXPECT_EQ(load_mac(frame.data()), test::peer_mac);
      EXPECT_EQ(load_mac(frame.data() + 6), test::our_mac);
      const std::size_t at = test::ip_at(frame);
      EXPECT_EQ(frame[at + 7], std::byte{255});
      EXPECT_EQ(load_ipv6(frame.data() + at + 8), e.destination.v6);
      EXPECT_EQ(load_ipv6(frame.data() + at + 24), e.source.v6);
      EXPECT_EQ(frame[at + 40], std::byte{136});
      EXPECT_EQ(frame[at + 44], std::byte{0x60});  // solicited, override
      EXPECT_TRUE(test::slow_upper_checksum_verifies(frame));
      EXPECT_EQ(parse_neighbour_answer(frame, e.destination), test::our_mac);
      EXPECT_EQ(parse_neighbour_answer(frame, ip("2001:db8::9")), std::nullopt);
    }
  }
}

TEST(Solicitation, ForOurLinkLocalAddressIsAnswered) {
  auto e = endpoints(true);
  e.source = ip("fe80::2");
  e.destination = ip("fe80::ff:fe00:1");
  EXPECT_EQ(respond_to(query(e)).answer.answered, Answered::neighbour);
}

// A solicitation cut to its 24 bytes: without the option that tells the asker's MAC.
Bytes without_option(Bytes request) {
  request.resize(request.size() - 8);
  put16(request, test::ip_at(request) + 4, 24);
  test::fix_upper_checksum(request);
  return request;
}

TEST(Solicitation, WithoutItsOptionGoesBackToTheFramesSourceAndNeedsEightBytesOfRoom) {
  const Bytes request = without_option(query(endpoints(true)));
  const auto [answer, frame] = respond_to(request, 8);
  EXPECT_EQ(answer.answered, Answered::neighbour);
  EXPECT_EQ(answer.length, request.size() + 8);
  EXPECT_EQ(load_mac(frame.data()), test::peer_mac);
  EXPECT_TRUE(test::slow_upper_checksum_verifies(frame));
  EXPECT_EQ(respond_to(request, 7).answer.drop, Drop::answer_no_room);
}

TEST(Solicitation, OfADuplicateAddressProbeIsAnsweredToAllNodesUnsolicited) {
  auto e = endpoints(true);
  e.source = ip("::");
  const auto [answer, frame] = respond_to(without_option(query(e)));
  ASSERT_EQ(answer.answered, Answered::neighbour);
  EXPECT_EQ(text(load_mac(frame.data())), "33:33:00:00:00:01");
  EXPECT_EQ(load_ipv6(frame.data() + 14 + 24), all_nodes);
  EXPECT_EQ(frame[14 + 44], std::byte{0x20});
  EXPECT_TRUE(test::slow_upper_checksum_verifies(frame));
  EXPECT_EQ(refusal(query(e)), Drop::neighbour_malformed) << "a probe must not carry the option";
}

TEST(Solicitation, RefusesWhatItMustNotAnswer) {
  const auto changed = [](auto&& change, bool fix = true) {
    Bytes request = query(endpoints(true));
    change(request);
    if (fix) test::fix_upper_checksum(request);
    return refusal(request);
  };
  constexpr std::size_t at = 14, icmp6 = 54;
  EXPECT_EQ(changed([](Bytes& f) { f[at + 7] = std::byte{254}; }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 1] = std::byte{1}; }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 25] = std::byte{0}; }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 25] = std::byte{2}; }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 26] = std::byte{1}; }), Drop::neighbour_malformed);
  // An option that ends 8 bytes behind the message, in padding that reads like more options.
  EXPECT_EQ(changed([](Bytes& f) {
              put16(f, icmp6 + 24, 14 << 8 | 2);
              while (f.size() < 512) f.insert(f.end(), {std::byte{14}, std::byte{1}});
            }),
            Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { put16(f, at + 4, 31); }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { put16(f, at + 4, 23); }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 8] = std::byte{0xFF}; }), Drop::neighbour_malformed);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 23] = std::byte{9}; }), Drop::neighbour_not_for_us);
  EXPECT_EQ(changed([](Bytes& f) { f[at + 39] = std::byte{9}; }), Drop::neighbour_not_for_us);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6 + 20] ^= std::byte{1}; }, false), Drop::icmp_checksum);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6] = std::byte{133}; }), Drop::icmp_unhandled);
  EXPECT_EQ(changed([](Bytes& f) { f[icmp6] = std::byte{136}; }), Drop::icmp_unhandled);
  const auto from = [](const char* source) {
    auto e = endpoints(true);
    e.source = ip(source);
    return refusal(query(e));
  };
  EXPECT_EQ(from("2001:db8::1"), Drop::source_ourselves);
  EXPECT_EQ(from("ff02::9"), Drop::source_multicast);
  EXPECT_EQ(from("::1"), Drop::source_loopback);
  EXPECT_EQ(from("::ffff:1.2.3.4"), Drop::source_mapped_v4);
}

TEST(Solicitation, WithMoreOptionsThanANeighbourSendsIsRefused) {
  Bytes request = query(endpoints(true));
  const std::size_t longer = 8 * 40;
  request.resize(request.size() + longer);
  for (std::size_t at = request.size() - longer; at < request.size(); at += 8) {
    request[at] = std::byte{99};
    request[at + 1] = std::byte{1};
  }
  put16(request, 18, static_cast<unsigned>(32 + longer));
  test::fix_upper_checksum(request);
  EXPECT_EQ(refusal(request), Drop::neighbour_malformed);
}

TEST(Echo, IsAnsweredWithItsOwnBytesAtEveryLength) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      for (std::size_t bytes = 0; bytes <= 1500; bytes += bytes < 64 ? 1 : 37) {
        auto e = endpoints(v6, vlan);
        e.ttl = 3;
        const Bytes request = echo(e, bytes);
        const auto [answer, frame] = respond_to(request, 32);
        ASSERT_EQ(answer.answered, v6 ? Answered::echo6 : Answered::echo) << bytes;
        ASSERT_EQ(frame.size(), std::max<std::size_t>(request.size(), 60));
        EXPECT_TRUE(test::slow_ip_checksum_verifies(frame));
        EXPECT_TRUE(test::slow_upper_checksum_verifies(frame));
        EXPECT_EQ(load_mac(frame.data()), test::peer_mac);
        const std::size_t at = test::upper_at(frame);
        EXPECT_EQ(frame[at], std::byte(v6 ? 129 : 0));
        EXPECT_EQ(frame[test::ip_at(frame) + (v6 ? 7 : 8)], std::byte{64});
        EXPECT_TRUE(std::equal(request.begin() + static_cast<std::ptrdiff_t>(at) + 4, request.end(),
                               frame.begin() + static_cast<std::ptrdiff_t>(at) + 4));
        for (std::size_t i = request.size(); i < frame.size(); ++i) {
          EXPECT_EQ(frame[i], std::byte{0});
        }
      }
    }
  }
}

TEST(Echo, TrustsTheIpLengthAndZeroesThePaddingBehind) {
  Bytes request = echo(endpoints(false), 2);
  request.resize(60, std::byte{0xEE});
  const auto [answer, frame] = respond_to(request);
  EXPECT_EQ(answer.answered, Answered::echo);
  for (std::size_t i = 44; i < 60; ++i) EXPECT_EQ(frame[i], std::byte{0});
}

TEST(Echo, RefusesWhatItMustNotAnswer) {
  for (const bool v6 : {false, true}) {
    const auto changed = [&](auto&& change, bool fix = true) {
      Bytes request = echo(endpoints(v6), 32);
      change(request, test::upper_at(request));
      if (fix) test::fix_upper_checksum(request);
      return refusal(request);
    };
    EXPECT_EQ(changed([](Bytes& f, std::size_t) { f.back() ^= std::byte{1}; }, false),
              Drop::icmp_checksum);
    EXPECT_EQ(changed([](Bytes& f, std::size_t at) { f[at + 1] = std::byte{1}; }),
              Drop::icmp_unhandled);
    EXPECT_EQ(changed([&](Bytes& f, std::size_t at) { f[at] = std::byte(v6 ? 129 : 0); }),
              Drop::icmp_unhandled);
    const auto between = [&](const char* source, const char* destination) {
      auto e = endpoints(v6);
      if (*source != 0) e.source = ip(source);
      if (*destination != 0) e.destination = ip(destination);
      return refusal(echo(e, 8));
    };
    EXPECT_EQ(between("", v6 ? "2001:db8::9" : "192.0.2.9"), Drop::destination_not_ours);
    EXPECT_EQ(between("", v6 ? "ff02::1" : "192.0.2.255"), Drop::destination_not_ours);
    EXPECT_EQ(between("", v6 ? "ff05::2" : "224.0.0.1"), Drop::destination_not_ours);
    EXPECT_EQ(between(v6 ? "ff02::1" : "224.0.0.1", ""), Drop::source_multicast);
    EXPECT_EQ(between(v6 ? "::1" : "127.0.0.1", ""), Drop::source_loopback);
    EXPECT_EQ(between(v6 ? "::" : "0.0.0.0", ""), Drop::source_unspecified);
    EXPECT_EQ(between(v6 ? "2001:db8::1" : "192.0.2.1", ""), Drop::source_ourselves);
  }
  EXPECT_EQ(refusal([] {
              auto e = endpoints(false);
              e.source = ip("192.0.2.255");
              return echo(e, 8);
            }()),
            Drop::source_broadcast);
}

TEST(Respond, SurvivesEveryCutOfEveryRequest) {
  for (const bool v6 : {false, true}) {
    for (const Bytes& whole : {query(endpoints(v6, true)), echo(endpoints(v6), 64)}) {
      for (std::size_t length = 0; length < whole.size(); ++length) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto answer = respond_to(cut).answer;
        // Only what was padding may be missing: ARP with its tag ends at byte 46.
        const bool whole_arp = be16(whole, 16) == 0x0806 && length >= 46;
        ASSERT_EQ(answer.answered != Answered::nothing, whole_arp) << length;
      }
    }
  }
}

TEST(Respond, LeavesUdpAndUnknownTypesAlone) {
  EXPECT_EQ(refusal(test::claims_frame(false)), Drop::not_udp);
  EXPECT_EQ(refusal(test::claims_frame(true)), Drop::not_udp);
  Bytes other = test::claims_frame(false);
  put16(other, 12, 0x88CC);
  EXPECT_EQ(refusal(other), Drop::unknown_ethertype);
}

}  // namespace
}  // namespace claimgate::packet
