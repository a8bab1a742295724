#include "apps/claimgen/window.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <functional>
#include <stdexcept>

#include "apps/claimgen/random.hpp"
#include "tests/apps/claimgen/stream.hpp"

namespace claimgate::claimgen {
namespace {

using wire::Code;

// The protocol over plain numbers: what a claim's signature is worth is taken from the plan, the
// rest from the frame (plan_test holds the plan against real verification).
class Appliance {
 public:
  explicit Appliance(const Stream& stream) : stream_(stream), held_(stream.plan.finals.size()) {}

  Code decide(const std::byte* bytes) {
    const wire::ClaimFrame frame(bytes);
    const PlannedClaim& planned = stream_.plan.claims[frame.sequence()];
    const std::uint64_t amount = frame.amount().value;
    if (frame.malformed()) return Code::malformed;
    if (planned.kind == Kind::unknown) return Code::unknown_channel;
    if (amount > stream_.channels.funded_drops) return Code::over_funds;
    std::uint64_t& held = held_[planned.channel];
    if (amount < held) return Code::stale;
    if (!can_advance(planned.kind)) return Code::bad_signature;
    if (amount == held) return Code::duplicate;
    held = amount;
    return Code::accepted;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& held() const { return held_; }

 private:
  const Stream& stream_;
  std::vector<std::uint64_t> held_;
};

// What can befall a datagram, per thousand.
struct Weather {
  unsigned lose_request = 0;
  unsigned lose_reply = 0;
  unsigned delay = 0;  // a request that arrives late, behind others
  unsigned busy = 0;   // per claim
  bool reorder_replies = false;
  bool coalesce = false;  // the appliance answers COVERED below a higher amount of the datagram
};

// Carries a plan from a window to an appliance and back, one microsecond per step.
class Network {
 public:
  using Tamper = std::function<void(std::uint32_t claim, std::byte* verdict)>;

  Network(const Stream& stream, const WindowOptions& options, Weather weather, std::uint64_t seed)
      : appliance_(stream),
        window_(options, stream.plan, stream.frames),
        weather_(weather),
        random_(seed) {}

  void tamper(Tamper tamper) { tamper_ = std::move(tamper); }

  void run() {
    for (std::uint64_t round = 0; !window_.done() && !window_.silent(); ++round) {
      ASSERT_LT(round, 50'000'000u) << "the window does not end";
      now_ns_ += 1000;
      while (const auto out = window_.take(now_ns_)) send(*out);
      if (round % 8 == 0) window_.expire(now_ns_);
      deliver_requests();
      deliver_replies();
    }
    if (window_.done()) window_.check_finals();
  }

  Window& window() { return window_; }
  const Appliance& appliance() const { return appliance_; }

 private:
  using Bytes = std::vector<std::byte>;
  struct Request {
    std::uint64_t at_ns;
    std::uint16_t port;
    Bytes payload;
  };
  bool chance(unsigned per_thousand) { return random_.below(1000) < per_thousand; }

  void send(const Outgoing& out) {
    Bytes payload(wire::payload_bytes_max);
    payload.resize(window_.write_payload(payload.data(), out));
    ASSERT_EQ(payload.size(), out.claims.size() * wire::claim_bytes);
    if (chance(weather_.lose_request)) return;
    const std::uint64_t late_ns = chance(weather_.delay) ? random_.below(300'000) : 0;
    requests_.push_back({now_ns_ + late_ns, out.port, std::move(payload)});
  }

  void deliver_requests() {
    for (std::size_t left = requests_.size(); left > 0; --left) {
      Request request = std::move(requests_.front());
      requests_.pop_front();
      if (request.at_ns > now_ns_) {
        requests_.push_back(std::move(request));
        continue;
      }
      std::vector<Code> codes;
      for (std::size_t at = 0; at < request.payload.size(); at += wire::claim_bytes) {
        codes.push_back(chance(weather_.busy) ? Code::busy
                                              : appliance_.decide(request.payload.data() + at));
      }
      if (weather_.coalesce) coalesce(request.payload, codes);
      Bytes reply;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::byte* claim = request.payload.data() + i * wire::claim_bytes;
        std::byte verdict[wire::verdict_bytes];
        wire::write_verdict(verdict, claim, codes[i], 0, codes[i] == Code::busy ? 1 : 0);
        if (tamper_) tamper_(wire::ClaimFrame(claim).sequence(), verdict);
        reply.insert(reply.end(), verdict, verdict + sizeof verdict);
      }
      if (!chance(weather_.lose_reply)) replies_.push_back({now_ns_, request.port, reply});
    }
  }

  static void coalesce(const Bytes& payload, std::vector<Code>& codes) {
    const auto frame = [&](std::size_t i) {
      return wire::ClaimFrame(payload.data() + i * wire::claim_bytes);
    };
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] != Code::accepted && codes[i] != Code::bad_signature) continue;
      for (std::size_t j = i + 1; j < codes.size(); ++j) {
        if (codes[j] == Code::accepted && frame(j).handle() == frame(i).handle() &&
            frame(j).amount() > frame(i).amount()) {
          codes[i] = Code::covered;
        }
      }
    }
  }

  void deliver_replies() {
    while (!replies_.empty()) {
      if (weather_.reorder_replies) {
        std::swap(replies_.front(), replies_[random_.below(replies_.size())]);
        if (chance(500)) return;
      }
      window_.settle(replies_.front().payload, replies_.front().port, now_ns_);
      replies_.pop_front();
    }
  }

  Appliance appliance_;
  Window window_;
  Weather weather_;
  Random random_;
  Tamper tamper_;
  std::deque<Request> requests_, replies_;
  std::uint64_t now_ns_ = 0;
};

constexpr WindowOptions quick{
    .datagrams = 16, .timeout_ns = 50'000, .retries = 200, .unix_ms = 1.7e12};

std::string complaints(const Window& window) {
  std::string out;
  for (const Mismatch& each : window.mismatches()) {
    out += (each.claim ? std::to_string(*each.claim) : "-") + ": expected " + each.expected +
           ", got " + each.got + "\n";
  }
  return out;
}

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

TEST(Window, SendsToTheShardsPortWhereADatagramHasOneShardOnly) {
  const auto stream = make_stream(24, 200, 2000);
  Window window({.datagrams = 2000, .shard_ports = true}, stream->plan, stream->frames);
  unsigned shards = 0, any = 0;
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
  }
  EXPECT_GT(shards, 0u);
  EXPECT_GT(any, 0u);
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
