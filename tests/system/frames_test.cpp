// A running claimd as its network sees it: frame in, frame out, and which counter moved.
// usage: test_system_frames veth|memif
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "apps/claimgen/channels.hpp"
#include "lib/packet/responder.hpp"
#include "tests/lib/packet/no_reply_rows.hpp"
#include "tests/system/daemon.hpp"
#include "tests/system/wire.hpp"

namespace claimgate::system_test {
namespace {

using namespace std::chrono_literals;
using packet::Drop;
using packet::Endpoints;
namespace frames = packet::test;

constexpr auto answered_within = 5s;
constexpr unsigned seed = 11, channel_count = 32;

// What all tests of this program share, made by main().
struct Stand {
  bool kernel_between = false;  // veth: a kernel reads the frames before claimd does
  Site site;
  std::unique_ptr<Daemon> daemon;
  std::unique_ptr<FrameWire> wire;
  std::optional<claimgen::ChannelSet> channels;
  std::vector<std::uint64_t> next_amount = std::vector<std::uint64_t>(channel_count, 1);
};
Stand* stand = nullptr;

double received(const Samples& samples) {
  return samples.worker("claimgate_datagrams_received_total");
}

// Waits until claimd has counted `count` frames more than in `before`, and all of them are decided.
Samples after(const Samples& before, double count) {
  Samples now;
  const bool counted = eventually([&] {
    now = stand->daemon->metrics();
    return received(now) == received(before) + count && accounting_errors(now).empty() &&
           now.worker("claimgate_datagrams_held") == 0;
  });
  EXPECT_TRUE(counted) << received(now) - received(before) << " frames counted of " << count;
  return now;
}

std::string series(std::string_view family, std::string_view labels = "") {
  return fmt::format("claimgate_{}{{worker=\"0\"{}}} +1", family, labels);
}

using Moves = std::vector<std::string>;
Moves drop_moves(Drop drop) {
  return {series("datagrams_dropped_total", fmt::format(",reason=\"{}\"", packet::name(drop))),
          series("datagrams_received_total")};
}
const Moves neighbour_moves = {series("datagrams_received_total"),
                               series("neighbours_answered_total")};

void expect_drop(const char* what, const Bytes& frame, Drop drop) {
  const Samples before = stand->daemon->metrics();
  stand->wire->send(frame);
  EXPECT_EQ(moved(before, after(before, 1)), drop_moves(drop)) << what;
  EXPECT_EQ(stand->wire->receive(0us), std::nullopt) << what << " was answered";
}

// The answer to a frame that claimd answers; an empty one, and a failure, where none comes.
Bytes exchange(const Bytes& frame) {
  stand->wire->send(frame);
  auto answer = stand->wire->receive(answered_within);
  EXPECT_TRUE(answer) << "no answer";
  return answer.value_or(Bytes());
}

Bytes query(const Endpoints& e) {
  Bytes out(128);
  out.resize(packet::build_neighbour_query(out, e));
  return out;
}

class SystemFrames : public ::testing::Test {
 protected:
  // Whatever a test sent, every packet buffer is back, and nothing came that no test awaited.
  void TearDown() override {
    EXPECT_EQ(stand->wire->receive(20ms), std::nullopt) << "a frame that nobody awaited";
    Samples now;
    EXPECT_TRUE(eventually([&] {
      now = stand->daemon->metrics();
      return accounting_errors(now).empty() &&
             now.at("claimgate_pool_mbufs_available{port=\"0\"}") ==
                 stand->daemon->pool_available_at_start();
    })) << "books or packet buffers: "
        << now.at("claimgate_pool_mbufs_available{port=\"0\"}") -
               stand->daemon->pool_available_at_start();
    ASSERT_TRUE(stand->daemon->running()) << stand->daemon->log();
  }
};

// What does not come through to claimd as it was sent: no port carries an empty frame, no kernel
// one below an Ethernet header, and an af_packet port has the kernel put IPv4 fragments together.
bool gets_through(const frames::Row& row, const Bytes& frame) {
  if (frame.empty()) return false;
  if (!stand->kernel_between) return true;
  return frame.size() >= 14 && (row.drop != Drop::ip_fragment || row.v6);
}

TEST_F(SystemFrames, OfTheNoReplyListGetNoReplyAndMoveTheirOwnCounterAlone) {
  unsigned sent = 0;
  for (const auto& row : frames::no_reply_rows) {
    Bytes frame = frames::claims_frame(row.v6);
    row.change(frame);
    if (!gets_through(row, frame)) continue;
    expect_drop(row.what, frame, row.drop);
    ++sent;
  }
  EXPECT_EQ(sent, frames::no_reply_rows.size() - (stand->kernel_between ? 4 : 1));
}

TEST_F(SystemFrames, OfTheNoReplyListAreDroppedBehindATagToo) {
  for (const auto& row : frames::no_reply_rows) {
    Bytes frame = frames::claims_frame(row.v6);
    row.change(frame);
    if (frame.size() < 14 || frames::be16(frame, 12) == 0x8100) continue;
    if (frames::be16(frame, 12) == 0x88A8 || !gets_through(row, frame)) continue;
    const Bytes tag = {std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{7}};
    frame.insert(frame.begin() + 12, tag.begin(), tag.end());
    expect_drop(row.what, frame, row.drop);
  }
}

TEST_F(SystemFrames, OfNeighboursThatDeserveNoAnswerMoveTheirOwnCounterAlone) {
  const auto changed = [](Bytes frame, auto&& change, bool fix = false) {
    change(frame);
    if (fix) frames::fix_upper_checksum(frame);
    return frame;
  };
  const Bytes arp = query(frames::endpoints(false));
  const Bytes solicitation = query(frames::endpoints(true));
  constexpr std::size_t arp_at = 14, icmp6 = 54;
  expect_drop("an ARP cut short", changed(arp, [](Bytes& f) { f.resize(41); }),
              Drop::arp_malformed);
  expect_drop("ARP of another hardware",
              changed(arp, [](Bytes& f) { f[arp_at + 1] = std::byte{6}; }), Drop::arp_malformed);
  expect_drop("an ARP reply", changed(arp, [](Bytes& f) { frames::put16(f, arp_at + 6, 2); }),
              Drop::arp_not_request);
  expect_drop("ARP for another", changed(arp, [](Bytes& f) { f[arp_at + 27] = std::byte{9}; }),
              Drop::arp_not_for_us);
  expect_drop("a solicitation that was forwarded",
              changed(solicitation, [](Bytes& f) { f[frames::ip6 + 7] = std::byte{254}; }),
              Drop::neighbour_malformed);
  expect_drop("a solicitation for another",
              changed(
                  solicitation, [](Bytes& f) { f[icmp6 + 23] = std::byte{9}; }, true),
              Drop::neighbour_not_for_us);
  expect_drop("a router solicitation",
              changed(
                  solicitation, [](Bytes& f) { f[icmp6] = std::byte{133}; }, true),
              Drop::icmp_unhandled);
  expect_drop("a solicitation with a wrong checksum",
              changed(solicitation, [](Bytes& f) { f[icmp6 + 20] ^= std::byte{1}; }),
              Drop::icmp_checksum);
  for (const bool v6 : {false, true}) {
    const Bytes echo = frames::echo(frames::endpoints(v6), 32);
    const std::size_t at = frames::upper_at(echo);
    expect_drop("an echo with a wrong checksum",
                changed(echo, [](Bytes& f) { f.back() ^= std::byte{1}; }), Drop::icmp_checksum);
    expect_drop("an echo reply",
                changed(
                    echo, [&](Bytes& f) { f[at] = std::byte(v6 ? 129 : 0); }, true),
                Drop::icmp_unhandled);
    expect_drop("an echo of six bytes",
                changed(echo,
                        [&](Bytes& f) {
                          const std::size_t ip = frames::ip_at(f);
                          if (v6) {
                            frames::put16(f, ip + 4, 6);
                          } else {
                            frames::put16(f, ip + 2, 26);
                            frames::fix_ip_checksum(f);
                          }
                        }),
                Drop::icmp_truncated);
  }
}

TEST_F(SystemFrames, OfNeighboursAreAnsweredInTheirFormAndCounted) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      const Endpoints e = frames::endpoints(v6, vlan);
      Samples before = stand->daemon->metrics();
      const Bytes told = exchange(query(e));
      EXPECT_EQ(packet::parse_neighbour_answer(told, e.destination), frames::our_mac);
      EXPECT_EQ(moved(before, after(before, 1)), neighbour_moves);

      before = stand->daemon->metrics();
      const Bytes request = frames::echo(e, 56);
      const Bytes reply = exchange(request);
      ASSERT_EQ(reply.size(), request.size());
      EXPECT_TRUE(frames::slow_ip_checksum_verifies(reply));
      EXPECT_TRUE(frames::slow_upper_checksum_verifies(reply));
      const std::size_t at = frames::upper_at(reply);
      EXPECT_EQ(reply[at], std::byte(v6 ? 129 : 0));
      EXPECT_TRUE(std::equal(request.begin() + static_cast<std::ptrdiff_t>(at) + 4, request.end(),
                             reply.begin() + static_cast<std::ptrdiff_t>(at) + 4));
      EXPECT_EQ(moved(before, after(before, 1)), neighbour_moves);
    }
  }
}

// A claim that its channel accepts, with any bits for a timestamp.
void next_claim(std::byte* at, unsigned channel, std::uint32_t sequence, double timestamp_ms) {
  const auto& payer = (*stand->channels)[channel];
  const wire::Drops amount{stand->next_amount[channel]++};
  const auto signature = payer.keys.sign(payer.id, amount);
  wire::write_claim(at, payer.id.handle(), sequence, amount, signature.data(), timestamp_ms);
}

TEST_F(SystemFrames, OfOneToFifteenClaimsAreAnsweredFromWhereTheyWentInTheirOrder) {
  const double strange[] = {1.5, std::nan("7"), std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(), -0.0};
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      for (unsigned n = 1; n <= 15; ++n) {
        Endpoints e = frames::endpoints(v6, vlan);
        e.destination_port = n % 2 == 0 ? wire::port_any : static_cast<std::uint16_t>(9301 + n);
        Bytes payload(n * wire::claim_bytes);
        for (unsigned i = 0; i < n; ++i) {
          next_claim(payload.data() + i * wire::claim_bytes, (n + i) % channel_count, n * 100 + i,
                     strange[i % 5]);
        }
        Bytes frame(packet::udp_payload_offset(e) + payload.size());
        ASSERT_EQ(packet::build_udp(frame, e, payload), frame.size());
        const Bytes reply = exchange(frame);
        const auto read = packet::read_udp(reply);
        ASSERT_TRUE(read) << n << " claims: the reply is malformed or its checksums are wrong";
        const Endpoints back = packet::reversed(e);
        EXPECT_EQ(read->endpoints.source, back.source);
        EXPECT_EQ(read->endpoints.destination, back.destination);
        EXPECT_EQ(read->endpoints.source_port, back.source_port);
        EXPECT_EQ(read->endpoints.destination_port, back.destination_port);
        EXPECT_EQ(read->endpoints.source_mac, frames::our_mac);
        EXPECT_EQ(read->endpoints.destination_mac, frames::peer_mac);
        EXPECT_EQ(read->endpoints.vlan, e.vlan);
        EXPECT_EQ(read->endpoints.ttl, packet::fresh_ttl);
        ASSERT_EQ(read->payload.size(), n * wire::verdict_bytes);
        for (unsigned i = 0; i < n; ++i) {
          const std::byte* at = read->payload.data() + i * wire::verdict_bytes;
          ASSERT_TRUE(wire::is_verdict(at));
          const auto verdict = wire::read_verdict(at);
          EXPECT_EQ(wire::name(verdict.code), wire::name(wire::Code::accepted));
          EXPECT_EQ(verdict.sequence, n * 100 + i);
          EXPECT_EQ(verdict.handle, (*stand->channels)[(n + i) % channel_count].id.handle());
          EXPECT_EQ(std::bit_cast<std::uint64_t>(verdict.timestamp_ms),
                    std::bit_cast<std::uint64_t>(strange[i % 5]));
          EXPECT_EQ(verdict.flags, wire::flag_durable);
          EXPECT_EQ(verdict.retry_after_ms, 0);
        }
      }
    }
  }
}

TEST_F(SystemFrames, OfImpossibleFieldsAreMalformedAndChangeNothing) {
  const std::uint64_t too_much = wire::drops_max.value + 1;
  struct Impossible {
    std::size_t at;
    std::uint64_t value;
    unsigned bytes;
  };
  const std::uint64_t held = stand->next_amount[0];
  for (const Impossible& each :
       {Impossible{0, 0x00, 1}, Impossible{0, 0x02, 1}, Impossible{0, 0x81, 1},
        Impossible{13, 0, 8}, Impossible{13, too_much, 8}, Impossible{13, ~std::uint64_t{0}, 8}}) {
    stand->next_amount[0] = held;
    Bytes payload(wire::claim_bytes);
    next_claim(payload.data(), 0, 1, 0);
    if (each.bytes == 1) {
      payload[each.at] = std::byte(each.value);
    } else {
      wire::store_be(payload.data() + each.at, each.value);
    }
    const Endpoints e = frames::endpoints(false);
    Bytes frame(packet::udp_payload_offset(e) + payload.size());
    ASSERT_EQ(packet::build_udp(frame, e, payload), frame.size());
    const auto reply = exchange(frame);
    const auto read = packet::read_udp(reply);
    ASSERT_TRUE(read);
    EXPECT_EQ(wire::name(wire::read_verdict(read->payload.data()).code), "MALFORMED");
  }
  stand->next_amount[0] = held;
  const auto shown = stand->site.claimctl(
      {"channels", "show", fmt::format("{:016X}", (*stand->channels)[0].id.handle().value),
       "--json"});
  EXPECT_NE(shown.out.find(fmt::format("\"held\": \"{}\"", held - 1)), std::string::npos)
      << shown.out;
}

// Sends payloads of every length in [first, last]; which of them were answered, with the counters.
void sweep(bool v6, std::size_t first, std::size_t last, bool jumbo) {
  const Samples before = stand->daemon->metrics();
  std::map<std::size_t, unsigned> answers;  // by verdicts
  double sent = 0;
  for (std::size_t bytes = first; bytes <= last; ++bytes, ++sent) {
    stand->wire->send(frames::udp_frame(frames::endpoints(v6), bytes));
    const bool claims = bytes % 93 == 0 && bytes >= 93 && bytes <= 15 * 93;
    if (!claims) continue;
    const auto reply = stand->wire->receive(answered_within);
    ASSERT_TRUE(reply) << bytes;
    const auto read = packet::read_udp(*reply);
    ASSERT_TRUE(read) << bytes;
    EXPECT_EQ(read->payload.size(), bytes / 93 * 33) << bytes;
    ++answers[bytes / 93];
  }
  const Samples now = after(before, sent);
  EXPECT_EQ(answers.size(), jumbo ? 0u : 15u);
  EXPECT_EQ(now.worker("claimgate_datagrams_answered_total") -
                before.worker("claimgate_datagrams_answered_total"),
            static_cast<double>(answers.size()));
  const auto dropped = [&](const char* reason) {
    return now.dropped(reason) - before.dropped(reason);
  };
  const double lost = sent - static_cast<double>(answers.size());
  if (!jumbo) {
    EXPECT_EQ(dropped("payload_size"), lost);
  } else {
    // Beyond the port's buffers a frame is cut by the kernel, or lies in several.
    EXPECT_EQ(dropped("payload_size") + dropped("ip_total_length") + dropped("segmented"), lost);
    EXPECT_GT(dropped(stand->kernel_between ? "ip_total_length" : "segmented"), 0);
  }
}

TEST_F(SystemFrames, OfEveryUdpLengthUpToTheMtuAreAnsweredExactlyWhereTheyHoldClaims) {
  sweep(false, 0, 1472, false);
  sweep(true, 0, 1452, false);
}

TEST_F(SystemFrames, BeyondTheUsualMtuAreCountedAndHarmNothing) {
  sweep(false, 1473, 2048, true);
  sweep(true, 1453, 2030, true);
}

TEST_F(SystemFrames, WithoutAnIpv4UdpChecksumAreAnsweredWithOne) {
  Bytes frame = frames::claims_frame(false);
  frames::put16(frame, frames::udp4 + 6, 0);
  const Bytes reply = exchange(frame);
  ASSERT_TRUE(packet::read_udp(reply));
  EXPECT_NE(frames::be16(reply, frames::udp4 + 6), 0);
}

TEST_F(SystemFrames, WithPaddingBehindTheirUdpLengthAreAnsweredWithoutIt) {
  Bytes frame = frames::claims_frame(false, false, 2);
  frame.insert(frame.end(), 40, std::byte{0xEE});
  const auto reply = exchange(frame);
  EXPECT_EQ(reply.size(), 42u + 2 * 33);
}

int run_all(const std::string& kind) {
  Stand all;
  stand = &all;
  all.kernel_between = kind == "veth";
  if (all.kernel_between) {
    if (auto made = make_veth(); !made) {
      std::printf("NOT RUN: system_frames_veth: %s\n", made.error().text().c_str());
      return 77;
    }
  }
  try {
    const std::string device =
        all.kernel_between ? veth_device() : all.site.memif_server() + ",mac=02:00:00:00:00:01";
    all.daemon = std::make_unique<Daemon>(
        all.site,
        DaemonOptions{.profile_name = all.kernel_between ? "af_packet" : "memif",
                      .settings = {"port.device=" + device,
                                   "port.addresses=[\"192.0.2.1/24\", \"198.51.100.7/31\", "
                                   "\"2001:db8::1/64\"]"}});
    all.daemon->wait_ready();
    claimgen::StopFlag never{false};
    auto set = claimgen::ChannelSet::make(
        {.seed = seed, .count = channel_count, .destination = payee()}, 1, never, true);
    if (!set) throw std::runtime_error(set.error().text());
    all.channels.emplace(std::move(*set));
    const auto imported =
        all.site.claimctl({"channels", "import", all.site.channels(seed, channel_count)});
    if (imported.code != 0) throw std::runtime_error(imported.err);
    if (all.kernel_between) {
      all.wire = std::make_unique<VethWire>();
    } else {
      all.wire = std::make_unique<MemifWire>(all.site);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  const int failed = RUN_ALL_TESTS();
  const int code = all.daemon->stop();
  if (code != 0) std::fprintf(stderr, "claimd ended with %d\n%s", code, all.daemon->log().c_str());
  return failed != 0 || code != 0 ? 1 : 0;
}

}  // namespace
}  // namespace claimgate::system_test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string kind = argc == 2 ? argv[1] : "";
  if (kind != "veth" && kind != "memif") {
    std::fprintf(stderr, "usage: %s veth|memif\n", argv[0]);
    return 2;
  }
  return claimgate::system_test::run_all(kind);
}
