#include "apps/claimgen/window.hpp"

#include <bit>

#include "tests/apps/claimgen/network.hpp"

namespace claimgate::claimgen {
namespace {

using wire::Code;

class UnderWay : public testing::TestWithParam<std::uint64_t> {};

TEST_P(UnderWay, EverythingIsRightOnAPerfectWire) {
  const auto stream = make_stream(GetParam(), 8, 3000);
  Network network(*stream, quick, {}, GetParam());
  network.run();
  const Tally& tally = network.window().tally();
  EXPECT_EQ(tally.mismatches, 0u) << complaints(network.window());
  EXPECT_EQ(tally.claims_decided, 3000u);
  EXPECT_EQ(tally.datagrams_resent + tally.replies_late + tally.claims_busy, 0u);
  EXPECT_EQ(tally.datagrams_answered, stream->plan.datagrams.size());
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : tally.verdicts[kind]) sum += count;
    EXPECT_EQ(sum, stream->plan.of_kind[kind]);
  }
}

TEST_P(UnderWay, NothingIsCalledWrongThatLossDelayBusyAndReorderingExplain) {
  const auto stream = make_stream(GetParam(), 8, 3000);
  const Weather storms[] = {{.lose_request = 100},
                            {.lose_reply = 100},
                            {.delay = 200},
                            {.busy = 100},
                            {.reorder_replies = true},
                            {.coalesce = true},
                            {.lose_request = 50,
                             .lose_reply = 50,
                             .delay = 100,
                             .busy = 50,
                             .reorder_replies = true,
                             .coalesce = true}};
  for (const Weather& weather : storms) {
    Network network(*stream, quick, weather, GetParam());
    network.run();
    const Tally& tally = network.window().tally();
    EXPECT_EQ(tally.mismatches, 0u) << complaints(network.window());
    EXPECT_EQ(tally.claims_decided, 3000u);
    EXPECT_EQ(tally.service_ns.count(), 3000u);
    EXPECT_EQ(network.appliance().held(), stream->plan.finals);
    if (weather.lose_request + weather.lose_reply + weather.delay > 0) {
      EXPECT_GT(tally.datagrams_resent, 0u);
    }
    if (weather.lose_reply > 0) {  // a good claim decided twice: DUPLICATE or STALE
      EXPECT_GT(tally.verdicts[0][1] + tally.verdicts[0][2], 0u);
    }
    if (weather.busy > 0) {
      EXPECT_GT(tally.claims_busy, 0u);
    }
    if (weather.coalesce) {
      EXPECT_GT(tally.verdicts[0][9], 0u);
    }
  }
}

TEST_P(UnderWay, NothingIsCalledWrongWhereRequestsOvertakeEachOtherUnnoticed) {
  const auto stream = make_stream(GetParam(), 8, 3000);
  WindowOptions patient = quick;
  patient.timeout_ns = 10'000'000;  // far above every delay: nothing is sent twice
  Network network(*stream, patient, {.delay = 300}, GetParam());
  network.run();
  EXPECT_EQ(network.window().tally().mismatches, 0u) << complaints(network.window());
  EXPECT_EQ(network.window().tally().datagrams_resent, 0u);
  EXPECT_EQ(network.appliance().held(), stream->plan.finals);
}

TEST_P(UnderWay, AnyOneVerdictWithAnotherCodeIsFoundOnAPerfectWire) {
  const auto stream = make_stream(GetParam(), 8, 400);
  Random random(GetParam(), 9);
  for (unsigned attempt = 0; attempt < 40; ++attempt) {
    const auto victim = static_cast<std::uint32_t>(random.below(400));
    const auto code = static_cast<Code>(random.below(wire::code_count));
    const bool may = code == stream->plan.claims[victim].expected || code == Code::busy ||
                     code == Code::covered;  // which coalescing would allow
    if (may) continue;
    Network network(*stream, quick, {}, GetParam());
    network.tamper([&](std::uint32_t claim, std::byte* verdict) {
      if (claim == victim) verdict[wire::offset::code] = static_cast<std::byte>(code);
    });
    network.run();
    EXPECT_GE(network.window().tally().mismatches, 1u)
        << victim << " " << name(stream->plan.claims[victim].kind) << " " << wire::name(code);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, UnderWay, testing::Values(1, 2, 3, 4));

TEST(Window, FindsEveryBitThatIsNotEchoed) {
  const auto stream = make_stream(21, 4, 300);
  for (std::size_t bit = 0; bit < wire::verdict_bytes * 8; ++bit) {
    const std::size_t byte = bit / 8;
    if (byte == wire::offset::type || byte == wire::offset::code) continue;  // read_reply, oracle
    if (byte == wire::offset::flags && bit % 8 == 0) continue;               // durable: may be set
    Network network(*stream, {.datagrams = 16, .timeout_ns = 50'000, .retries = 0}, {}, 1);
    network.tamper([&](std::uint32_t claim, std::byte* verdict) {
      if (claim == 128) verdict[byte] ^= static_cast<std::byte>(1u << (bit % 8));  // an odd stamp
    });
    network.run();
    EXPECT_GE(network.window().tally().mismatches, 1u) << "byte " << byte << " bit " << bit % 8;
  }
}

TEST(Window, GivesUpOnSilenceAndSaysSo) {
  const auto stream = make_stream(22, 4, 2000);
  Network network(*stream, {.datagrams = 8, .timeout_ns = 10'000, .retries = 2},
                  {.lose_request = 1000}, 1);
  network.run();
  EXPECT_TRUE(network.window().silent());
  EXPECT_FALSE(network.window().done());
  EXPECT_GE(network.window().tally().claims_unanswered, 8u);
  EXPECT_GE(network.window().tally().mismatches, 8u);
}

TEST(Window, NeverHasMoreUnderWayThanItHolds) {
  const auto stream = make_stream(23, 4, 500);
  Window window({.datagrams = 7}, stream->plan, stream->frames);
  unsigned taken = 0;
  while (window.take(1)) ++taken;
  EXPECT_EQ(taken, 7u);
  EXPECT_EQ(window.under_way(), 7u);
}

TEST(Window, ReleasesABurstWhenThereIsRoomForAllOfIt) {
  const auto stream = make_stream(26, 4, 100, "good=1");
  stream->plan.datagrams.assign(100, 1);
  Window window({.datagrams = 10, .schedule = {.burst = 4}}, stream->plan, stream->frames);
  const auto take_all = [&] {
    unsigned n = 0;
    while (window.take(1)) ++n;
    return n;
  };
  const auto answer = [&](std::uint32_t claim) {
    std::byte verdict[wire::verdict_bytes];
    wire::write_verdict(verdict, stream->frames.data() + claim * wire::claim_bytes, Code::accepted,
                        0, 0);
    window.settle(verdict, wire::port_any, 2);
  };
  EXPECT_EQ(take_all(), 8u) << "two bursts; the two places left are too few";
  answer(0);
  EXPECT_EQ(take_all(), 0u);
  answer(1);
  EXPECT_EQ(take_all(), 4u);
  for (std::uint32_t claim = 2; claim < 100; ++claim) {
    answer(claim);
    take_all();
  }
  EXPECT_TRUE(window.done()) << "the last burst has no whole four left";
}

TEST(Window, SendsToTheShardsPortWhereADatagramHasOneShardOnly) {
  const auto stream = make_stream(24, 200, 2000);
  Window window({.datagrams = 2000, .shard_ports = true}, stream->plan, stream->frames);
  unsigned shards = 0, any = 0;
  decltype(Tally::sent_to) to_port{};
  while (const auto out = window.take(1)) {
    std::byte payload[wire::payload_bytes_max];
    const std::size_t bytes = window.write_payload(payload, *out);
    const unsigned first = wire::ClaimFrame(payload).handle().virtual_shard();
    bool same = true;
    for (std::size_t at = 0; at < bytes; at += wire::claim_bytes) {
      same = same && wire::ClaimFrame(payload + at).handle().virtual_shard() == first;
    }
    EXPECT_EQ(out->port, same ? wire::port_shard_first + first : wire::port_any);
    (same ? shards : any) += 1;
    ++to_port[out->port - wire::port_any];
  }
  EXPECT_GT(shards, 0u);
  EXPECT_GT(any, 0u);
  EXPECT_EQ(window.tally().sent_to, to_port);
}

TEST(Window, ComplainsOfAnAnswerFromAnotherPortAndOfOneThatNobodyAskedFor) {
  const auto stream = make_stream(25, 4, 10, "good=1");
  Window window({.datagrams = 16}, stream->plan, stream->frames);
  const auto out = window.take(1);
  ASSERT_TRUE(out);
  std::byte payload[wire::payload_bytes_max];
  const std::size_t n = window.write_payload(payload, *out) / wire::claim_bytes;
  std::vector<std::byte> reply(n * wire::verdict_bytes);
  for (std::size_t i = 0; i < n; ++i) {
    wire::write_verdict(reply.data() + i * wire::verdict_bytes, payload + i * wire::claim_bytes,
                        Code::accepted, 0, 0);
  }
  window.settle(reply, 9301, 2);
  EXPECT_EQ(window.tally().mismatches, 1u);
  window.settle(reply, wire::port_any, 3);  // the same answer again
  EXPECT_EQ(window.tally().mismatches, 2u);
  EXPECT_EQ(window.tally().claims_decided, n);
}

TEST(Stamp, IsAnotherForEveryClaimAndSometimesNoTime) {
  EXPECT_NE(stamp_of(1, 1.7e12), stamp_of(2, 1.7e12));
  EXPECT_NE(stamp_of(128, 1.7e12), stamp_of(128, 1.7e12));  // a NaN
  EXPECT_EQ(std::bit_cast<std::uint64_t>(stamp_of(128, 1.7e12)),
            std::bit_cast<std::uint64_t>(stamp_of(128, 5)));
}

}  // namespace
}  // namespace claimgate::claimgen
