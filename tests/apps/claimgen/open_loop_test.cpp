// The open loop over simulated time: what percentiles say of stalls, and whose fault they are.
#include <cmath>

#include "apps/claimgen/report.hpp"
#include "apps/claimgen/watch.hpp"
#include "tests/apps/claimgen/network.hpp"

namespace claimgate::claimgen {
namespace {

using wire::Code;

constexpr std::uint64_t ms = 1'000'000, us = 1000;
constexpr std::uint32_t claims = 10'000;  // one a datagram, 10,000 a second: a run of one second
constexpr Stall a_tenth_second{300 * ms, 400 * ms};
constexpr Weather wire_of_100_us{.transit_ns = 99 * us};

WindowOptions open_loop(std::uint32_t window = window_max) {
  return {.datagrams = window, .schedule = {.claims_per_s = 10'000}, .unix_ms = 1.7e12};
}

class Stalled : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    stream_ = make_stream(31, 8, claims);
    stream_->plan.datagrams.assign(claims, 1);
  }
  static void TearDownTestSuite() { stream_.reset(); }

  // Keeps what the network tells at its end.
  void run(const WindowOptions& options, Stall appliance, Stall client) {
    network_ = std::make_unique<Network>(*stream_, options, wire_of_100_us, 1);
    network_->stall_appliance(appliance);
    network_->stall_client(client);
    network_->run();
    EXPECT_EQ(tally().mismatches, 0u) << complaints(network_->window());
    EXPECT_EQ(tally().claims_decided, claims);
    EXPECT_EQ(tally().datagrams_resent, 0u);
  }
  const Tally& tally() { return network_->window().tally(); }
  std::string text() {
    return text_report({.seconds = 1}, network_->window(), stream_->plan, stream_->set);
  }

  // Of a claim that was due in the last x ms before the stall's end, the latency is below x ms: a
  // tenth of all claims was due in the stall.
  // `catching_up_ns`: how long what was held takes to leave.
  void expect_the_stall_in(const counter::FineHistogram& latency, double catching_up_ns = 0) {
    EXPECT_EQ(latency.count(), claims);
    EXPECT_LT(latency.quantile(0.5), 102 * us);
    EXPECT_LT(latency.quantile(0.89), 102 * us);
    for (const double q : {0.92, 0.95, 0.99, 0.999}) {
      const double expected = 100e6 - (1 - q) * 1e9;
      EXPECT_NEAR(static_cast<double>(latency.quantile(q)), expected,
                  0.002 * expected + 3e5 + catching_up_ns)
          << q;
    }
    EXPECT_NEAR(static_cast<double>(latency.max()), 100e6, 3e5 + catching_up_ns);
  }
  static void expect_hidden(const counter::FineHistogram& latency, double upto) {
    EXPECT_EQ(latency.count(), claims);
    EXPECT_LT(latency.quantile(upto), 200 * us);
    EXPECT_GT(latency.max(), 99 * ms);
  }

  static inline std::unique_ptr<Stream> stream_;
  std::unique_ptr<Network> network_;
};

TEST_F(Stalled, AnApplianceShowsInTheOpenLoopsPercentilesAndHidesFromTheClosedLoop) {
  run(open_loop(), a_tenth_second, {});
  expect_the_stall_in(tally().latency_ns);

  // One under way over a wire of 100 us: the same claims in the same second, but for the stall.
  run({.datagrams = 1, .unix_ms = 1.7e12}, a_tenth_second, {});
  expect_hidden(tally().service_ns, 0.9999);
  EXPECT_EQ(tally().latency_ns.count(), 0u) << "a closed loop knows no due time";
}

TEST_F(Stalled, AnApplianceShowsAlsoWhereTheWindowKeepsClaimsFromLeaving) {
  run(open_loop(100), a_tenth_second, {});
  expect_the_stall_in(tally().latency_ns, 1e6);  // a hundred in every 100 us
  expect_hidden(tally().service_ns, 0.98);
  // Due in the stall, but for those that fit the window and those that left within a millisecond.
  EXPECT_NEAR(static_cast<double>(tally().late_held), 1000 - 100 - 10, 15);
  EXPECT_EQ(tally().late_own, 0u);
  EXPECT_EQ(tally().behind_ns.count(), claims);
  EXPECT_NEAR(static_cast<double>(tally().behind_ns.max()), 90e6, 5e5);
  EXPECT_NE(text().find("WARNING: the appliance"), std::string::npos) << text();
  EXPECT_EQ(text().find("WARNING: this generator"), std::string::npos) << text();
}

TEST_F(Stalled, AGeneratorShowsInThePercentilesTooAndIsNamed) {
  run(open_loop(), {}, a_tenth_second);
  expect_the_stall_in(tally().latency_ns);
  EXPECT_LT(tally().service_ns.max(), 102 * us) << "nothing was under way";
  EXPECT_NEAR(static_cast<double>(tally().late_own), 1000 - 10, 2);
  EXPECT_EQ(tally().late_held, 0u);
  EXPECT_NE(text().find("WARNING: this generator"), std::string::npos) << text();
  EXPECT_EQ(text().find("WARNING: the appliance"), std::string::npos) << text();
}

TEST_F(Stalled, NobodyGetsNoWarningAndTheRateThatWasAskedFor) {
  run(open_loop(), {}, {});
  EXPECT_LT(tally().latency_ns.max(), 102 * us);
  EXPECT_LE(tally().behind_ns.max(), 1 * us);
  EXPECT_EQ(tally().late_own + tally().late_held, 0u);
  EXPECT_EQ(text().find("WARNING"), std::string::npos) << text();
  EXPECT_NE(text().find("10000 claims/s intended (fixed arrivals, bursts of 1), 10000 sent"),
            std::string::npos)
      << text();
}

TEST_F(Stalled, APortThatTakesNoMoreIsNotTheGeneratorsFault) {
  Window window(open_loop(), stream_->plan, stream_->frames);
  ASSERT_TRUE(window.take(0));
  window.held_back(4 * ms);
  ASSERT_TRUE(window.take(6 * ms));  // due at 0.1 ms, held back until 4 ms
  EXPECT_EQ(window.tally().late_held, 1u);
  while (window.take(6 * ms)) continue;  // those due up to 4 ms were held, 41 to 50 were not
  EXPECT_EQ(window.tally().late_held, 40u);
  EXPECT_EQ(window.tally().late_own, 9u) << "due at 4.1 to 4.9 ms, sent at 6 ms";
}

class OpenLoop : public testing::TestWithParam<std::uint64_t> {};

TEST_P(OpenLoop, KeepsEveryVerdictAndEveryClaimsLatencyThroughEveryStorm) {
  const auto stream = make_stream(GetParam(), 8, 3000, default_mix, {.zipf_exponent = 1});
  const Weather storms[] = {{},
                            {.lose_request = 100},
                            {.lose_reply = 100},
                            {.delay = 200},
                            {.busy = 100},
                            {.lose_request = 50,
                             .lose_reply = 50,
                             .delay = 100,
                             .busy = 50,
                             .reorder_replies = true,
                             .coalesce = true}};
  for (const Weather& weather : storms) {
    for (const auto arrivals : {Arrivals::fixed, Arrivals::poisson}) {
      WindowOptions options = quick;
      options.schedule = {
          .claims_per_s = 500'000, .arrivals = arrivals, .burst = 3, .seed = GetParam()};
      Network network(*stream, options, weather, GetParam());
      network.run();
      const Tally& tally = network.window().tally();
      EXPECT_EQ(tally.mismatches, 0u) << complaints(network.window());
      EXPECT_EQ(network.appliance().held(), stream->plan.finals);
      EXPECT_EQ(tally.claims_sent, 3000u);
      EXPECT_EQ(tally.behind_ns.count(), stream->plan.datagrams.size());
      EXPECT_EQ(tally.latency_ns.count(), 3000u) << "one for each claim, however often it left";
      EXPECT_EQ(tally.service_ns.count(), 3000u);
      EXPECT_GE(tally.latency_ns.sum(), tally.service_ns.sum());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OpenLoop, testing::Values(1, 2, 3));

class OneClaim : public testing::Test {
 protected:
  OneClaim() : stream_(make_stream(32, 4, 20, "good=1")) {
    stream_->plan.datagrams.assign(20, 1);
    window_ = std::make_unique<Window>(
        WindowOptions{.schedule = {.claims_per_s = 1000}, .timeout_ns = 50 * ms}, stream_->plan,
        stream_->frames);
  }
  void answer(std::uint32_t claim, Code code, std::uint64_t now_ns) {
    std::byte verdict[wire::verdict_bytes];
    wire::write_verdict(verdict, stream_->frames.data() + claim * wire::claim_bytes, code, 0,
                        code == Code::busy ? 7 : 0);
    window_->settle(verdict, wire::port_any, now_ns);
  }
  const Tally& tally() { return window_->tally(); }

  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Window> window_;
};

TEST_F(OneClaim, LeavesWhenItIsDueAndNotBefore) {
  ASSERT_TRUE(window_->take(0));
  EXPECT_FALSE(window_->take(1 * ms - 1));
  EXPECT_EQ(window_->next_due_ns(), 1 * ms);
  ASSERT_TRUE(window_->take(1 * ms));
  EXPECT_FALSE(window_->take(2 * ms - 1));
}

TEST_F(OneClaim, KeepsItsDueTimeWhenItIsSentAgainAfterSilence) {
  ASSERT_TRUE(window_->take(3 * ms));  // due at 0
  EXPECT_EQ(window_->take(53 * ms)->claims[0], 0u) << "the silent one goes first";
  EXPECT_EQ(tally().datagrams_resent, 1u);
  answer(0, Code::accepted, 60 * ms);
  EXPECT_EQ(tally().latency_ns.max(), 60 * ms);
  EXPECT_EQ(tally().service_ns.max(), 57 * ms);
}

TEST_F(OneClaim, KeepsItsDueTimeThroughBusyAndCountsOnceWhenItIsDecided) {
  ASSERT_TRUE(window_->take(0));
  answer(0, Code::busy, 1 * ms - 1);
  EXPECT_EQ(tally().latency_ns.count(), 0u) << "BUSY decides nothing";
  EXPECT_FALSE(window_->idle());
  while (const auto out = window_->take(8 * ms)) {
    if (out->claims[0] != 0) continue;
    EXPECT_EQ(out->claims.size(), 1u);
  }
  answer(0, Code::accepted, 9 * ms);
  EXPECT_EQ(tally().latency_ns.count(), 1u);
  EXPECT_EQ(tally().latency_ns.max(), 9 * ms);
  EXPECT_EQ(tally().service_ns.max(), 9 * ms);
}

TEST(Watch, WaitsForWhatIsNotYetDueAndNotForWhatIsNotAnswered) {
  constexpr std::uint64_t s = 1'000'000'000;
  const auto stream = make_stream(33, 4, 20, "good=1");
  stream->plan.datagrams.assign(20, 1);
  // Bursts of ten: one every ten seconds.
  Window window({.schedule = {.claims_per_s = 1, .burst = 10}, .timeout_ns = 100 * ms},
                stream->plan, stream->frames);
  StopFlag stop{false};
  Watch watch(window, stop);
  while (const auto out = window.take(0)) {
    std::byte verdict[wire::verdict_bytes];
    wire::write_verdict(verdict, stream->frames.data() + out->claims[0] * wire::claim_bytes,
                        Code::accepted, 0, 0);
    window.settle(verdict, wire::port_any, 0);
  }
  for (std::uint64_t now = 0; now < 10 * s; now += 100 * ms) ASSERT_TRUE(watch.goes_on(now)) << now;
  ASSERT_TRUE(window.take(10 * s));
  ASSERT_TRUE(watch.goes_on(10 * s));
  ASSERT_TRUE(watch.goes_on(14 * s));
  EXPECT_FALSE(watch.goes_on(16 * s));
  EXPECT_NE(watch.cut_short().find("no claim was decided for 5.0 s"), std::string::npos);
  EXPECT_FALSE(watch.stopped());

  Watch other(window, stop);
  stop = true;
  EXPECT_FALSE(other.goes_on(10 * s));
  EXPECT_TRUE(other.stopped());
  EXPECT_EQ(other.cut_short(), "");
}

}  // namespace
}  // namespace claimgate::claimgen
