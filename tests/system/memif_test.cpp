// claimd and claimgen on the two ends of a memif port: the whole mix of claims in every shape, the
// books afterwards, and channels that go while their claims come.
#include "tests/system/appliance_test.hpp"

#include <csignal>
#include <fstream>

namespace claimgate::system_test {
namespace {

using nlohmann::json;

struct Shape {
  const char* name;
  std::vector<std::string> arguments;
  std::vector<std::string> settings = {};
};
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.name;
}

const std::vector<std::string> ipv6 = {"--local-ip", "fd00:93::2", "--peer-ip", "fd00:93::1"};

class FullMix : public ApplianceTest, public ::testing::WithParamInterface<Shape> {};

TEST_P(FullMix, GetsOnlyPermittedVerdictsAndEveryChannelItsExactAmount) {
  start({.settings = GetParam().settings});
  import(site.channels(7, 200));
  const std::string finals = site.path("finals.jsonl");
  const auto sent =
      site.claimgen(run_arguments(7, 200, 4000, plus({"--final", finals}, GetParam().arguments)));
  ASSERT_EQ(sent.code, 0) << sent.out << sent.err;
  const json report = json::parse(sent.out);
  EXPECT_EQ(report["claims_decided"], 4000);

  const std::string listed = site.file("list.jsonl", list());
  const auto checked = site.claimgen({"check-amounts", "--final", finals, "--list", listed});
  EXPECT_EQ(checked.code, 0) << checked.err;

  const Samples books = settle();
  const double parsed = books.worker("claimgate_claims_parsed_total");
  EXPECT_GE(parsed, 4000);
  if (report["datagrams_resent"] == 0) {
    EXPECT_EQ(parsed, 4000);
  }
  for (const char* code : {"accepted", "duplicate", "stale", "unknown_channel", "bad_signature",
                           "over_funds", "malformed"}) {
    EXPECT_GT(books.verdicts(code), 0) << code;
  }
  for (const char* scheme : {"secp256k1", "ed25519"}) {
    EXPECT_GT(books.at(std::string("claimgate_signatures_verified_total{worker=\"0\",scheme=\"") +
                       scheme + "\"}"),
              0)
        << scheme;
  }
  EXPECT_EQ(books.sum("claimgate_datagrams_dropped_total"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    , FullMix,
    ::testing::Values(
        Shape{"one_claim_one_by_one", {"--window", "1", "--claims-per-datagram", "1"}},
        Shape{"one_claim_window_64", {"--window", "64", "--claims-per-datagram", "1"}},
        Shape{
            "fifteen_to_shards_over_ipv6",
            plus({"--window", "32", "--claims-per-datagram", "15", "--udp-port", "shards"}, ipv6)},
        Shape{"single_to_shards",
              {"--window", "64", "--claims-per-datagram", "1", "--udp-port", "shards"}},
        Shape{"mixed_tagged", {"--window", "128", "--claims-per-datagram", "mixed", "--vlan", "7"}},
        Shape{"mixed_tagged_over_ipv6",
              plus({"--window", "16", "--claims-per-datagram", "mixed", "--vlan", "4000"}, ipv6)},
        Shape{"mixed_on_huge_pages_with_a_trusted_peer",
              {"--window", "256", "--claims-per-datagram", "mixed", "--huge-pages", "auto"},
              {"eal.huge_pages=auto", "memory.table_pages=huge", "port.trusted_peer=true"}}),
    [](const auto& info) { return std::string(info.param.name); });

class OpenLoop : public ApplianceTest {};

TEST_F(OpenLoop, ByZipfsLawIsRightInEveryVerdictAndSaysWhatItTook) {
  start();
  import(site.channels(7, 200));
  const std::string finals = site.path("finals.jsonl"), latency = site.path("latency.hgrm");
  const auto sent = site.claimgen(
      run_arguments(7, 200, 4000,
                    {"--rate", "4k", "--arrivals", "poisson", "--burst", "4", "--channel-choice",
                     "zipf:1.2", "--udp-port", "shards", "--claims-per-datagram", "2", "--final",
                     finals, "--latency-out", latency}));
  ASSERT_EQ(sent.code, 0) << sent.out << sent.err;
  const json report = json::parse(sent.out);
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(report["claims_decided"], 4000);
  EXPECT_EQ(report["loop"], "open");
  EXPECT_EQ(report["window"], 65'536);
  EXPECT_EQ(report["burst"], 4);
  EXPECT_EQ(report["channel_choice"], "zipf:1.2");
  const json& schedule = report["schedule"];
  EXPECT_EQ(schedule["claims_per_second"], 4000);
  EXPECT_EQ(schedule["arrivals"], "poisson");
  EXPECT_LE(schedule["sent_claims_per_second"], 4001);
  EXPECT_EQ(schedule["behind_us"]["count"], 2000) << "one for each datagram";
  for (const char* what : {"latency_us", "service_us"}) {
    const json& of = report[what];
    EXPECT_EQ(of["count"], 4000) << "one for each claim";
    double last = 0;
    for (const char* key : {"p50", "p90", "p99", "p999", "p9999", "max"}) {
      EXPECT_GE(of[key], last) << what << " " << key;
      last = of[key];
    }
    EXPECT_GT(of["mean"], 0);
  }
  EXPECT_GE(report["latency_us"]["mean"], report["service_us"]["mean"]);
  double to_ports = 0;
  for (const auto& [port, datagrams] : report["datagrams_to_port"].items()) {
    EXPECT_GE(std::stoi(port), 9300);
    EXPECT_LE(std::stoi(port), 9364);
    to_ports += datagrams.get<double>();
  }
  EXPECT_EQ(to_ports, report["datagrams_sent"]);
  EXPECT_GT(report["datagrams_to_port"].size(), 2u);

  std::ifstream file(latency);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find("Percentile TotalCount"), text.npos) << text;
  EXPECT_NE(text.find("Total count    =         4000]"), text.npos) << text;

  const std::string listed = site.file("list.jsonl", list());
  const auto checked = site.claimgen({"check-amounts", "--final", finals, "--list", listed});
  EXPECT_EQ(checked.code, 0) << checked.err;
  std::vector<double> held;
  for (const json& each : channels_listed())
    held.push_back(std::stod(each["held"].get<std::string>()));
  std::ranges::sort(held);
  EXPECT_GT(held.back(), 20 * held[100]) << "the hottest of 200 channels beside the middle one";
}

TEST_F(OpenLoop, FasterThanTheApplianceIsStillRightInEveryVerdict) {
  start();
  import(site.channels(7, 50));
  const auto sent = site.claimgen(run_arguments(7, 50, 6000, {"--rate", "1M", "--window", "500"}));
  ASSERT_EQ(sent.code, 0) << sent.out << sent.err;
  const json report = json::parse(sent.out);
  EXPECT_EQ(report["latency_us"]["count"], 6000);
  EXPECT_GT(report["latency_us"]["p50"], report["service_us"]["p50"])
      << "what the window held back";
  EXPECT_GT(report["schedule"]["late_held_back"], 0);
  EXPECT_EQ(report["schedule"]["appliance_kept_rate"], false);
}

class Books : public ApplianceTest {};

TEST_F(Books, AreTheSameOnMetricsAndInClaimctlStats) {
  start();
  import(site.channels(7, 50));
  ASSERT_EQ(site.claimgen(run_arguments(7, 50, 2000)).code, 0);
  const Samples books = settle();
  const auto asked = site.claimctl({"stats", "--json"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  const json stats = json::parse(asked.out);
  for (const auto& [code, count] : stats["claims"]["verdicts"].items()) {
    EXPECT_EQ(count.get<double>(), books.verdicts(code)) << code;
  }
  for (const auto& [reason, count] : stats["datagrams"]["dropped"].items()) {
    EXPECT_EQ(count.get<double>(), books.dropped(reason)) << reason;
  }
  EXPECT_EQ(stats["claims"]["parsed"], books.worker("claimgate_claims_parsed_total"));
  EXPECT_EQ(stats["datagrams"]["received"], books.worker("claimgate_datagrams_received_total"));
  EXPECT_EQ(stats["datagrams"]["answered"], books.worker("claimgate_datagrams_answered_total"));
  EXPECT_EQ(stats["channels"]["known"], books.at("claimgate_channels"));
  EXPECT_EQ(stats["port"]["pool_available"],
            books.at("claimgate_pool_mbufs_available{port=\"0\"}"));
  EXPECT_EQ(stats["worker"]["reply_ns"]["count"],
            books.at("claimgate_reply_seconds_count{worker=\"0\"}"));
}

TEST_F(Books, FollowPrometheusConventions) {
  start();
  import(site.channels(7, 20));
  ASSERT_EQ(site.claimgen(run_arguments(7, 20, 500)).code, 0);
  const Samples books = settle();
  EXPECT_TRUE(books.content_type.starts_with("text/plain")) << books.content_type;
  std::map<std::string, std::string> types;
  std::istringstream lines(books.text);
  std::string helped;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, family, type;
    words >> hash >> kind >> family >> type;
    if (hash != "#") {
      std::string name = line.substr(0, line.find_first_of("{ "));
      for (const char* part : {"_bucket", "_sum", "_count"}) {
        const std::string base = name.ends_with(part) ? name.substr(0, name.rfind(part)) : name;
        const auto type = types.find(base);
        if (type != types.end() && type->second != "counter" && type->second != "gauge") {
          name = base;  // of a histogram, or of a summary that the library keeps of itself
        }
      }
      EXPECT_TRUE(types.contains(name)) << "no TYPE before " << line;
      EXPECT_EQ(name.starts_with("claimgate_") || name.starts_with("process_") ||
                    name.starts_with("exposer_"),
                true)
          << name;
      EXPECT_EQ(line.find("channel_id"), line.npos) << line;
    } else if (kind == "HELP") {
      helped = family;
      EXPECT_FALSE(type.empty()) << "an empty HELP for " << family;
    } else if (kind == "TYPE") {
      EXPECT_EQ(helped, family) << "HELP stands before TYPE";
      EXPECT_FALSE(types.contains(family)) << family << " twice";
      types[family] = type;
      EXPECT_EQ(type == "counter", family.ends_with("_total")) << family << " is a " << type;
    }
  }
  EXPECT_GT(types.size(), 20u);
}

TEST_F(Books, CountDatagramsLeftInSilenceWhereUnknownChannelsGetNoAnswer) {
  start({.settings = {"claims.answer_unknown=false"}});
  const auto sent = site.claimgen(run_arguments(
      7, 5, 20,
      {"--claims-per-datagram", "2", "--window", "10", "--retries", "0", "--mix", "good=1"}));
  EXPECT_EQ(sent.code, 1) << sent.out << sent.err;
  const Samples books = settle();
  EXPECT_EQ(books.worker("claimgate_datagrams_silenced_total"), 10);
  EXPECT_EQ(books.worker("claimgate_datagrams_answered_total"), 0);
  EXPECT_EQ(books.verdicts("unknown_channel"), 20);
}

class Peer : public ApplianceTest {};

// What lies in the shared rings when a client dies is the kernel's to unmap and ours to give back.
TEST_F(Peer, KilledWithClaimsUnderWayLeavesTheBooksInOrderAndTheNextIsServed) {
  start();
  import(site.channels(7, 50));
  for (unsigned round = 1; round <= 3; ++round) {
    const double before = daemon().metrics().worker("claimgate_claims_parsed_total");
    Child sender(site.claimgen_command(run_arguments(7, 50, 40'000, {"--window", "512"})));
    ASSERT_TRUE(eventually(
        [&] {
          return daemon().metrics().worker("claimgate_claims_parsed_total") >= before + 300 * round;
        },
        std::chrono::seconds(60)));
    sender.signal(SIGKILL);
    EXPECT_EQ(sender.wait(std::chrono::seconds(10)), 128 + SIGKILL);
    settle();
  }
  import(site.channels(8, 50));
  const auto sent = site.claimgen(run_arguments(8, 50, 500));
  EXPECT_EQ(sent.code, 0) << sent.out << sent.err;
}

class Removal : public ApplianceTest {};

TEST_F(Removal, WhileClaimsFlowMakesThemUnknownAndAnImportMakesANewIncarnation) {
  start();
  const std::string file = site.channels(9, 1);
  import(file);
  const auto before = channels_listed();
  ASSERT_EQ(before.size(), 1u);
  const std::string id = before[0]["channel_id"];
  Child sender(site.claimgen_command(run_arguments(
      9, 1, 60'000, {"--mix", "good=1", "--window", "4", "--claims-per-datagram", "1"})));
  ASSERT_TRUE(eventually([&] { return daemon().metrics().verdicts("accepted") >= 100; },
                         std::chrono::seconds(60)));
  const auto removed = site.claimctl({"channels", "remove", id, "--yes", "--json"});
  ASSERT_EQ(removed.code, 0) << removed.out << removed.err;
  ASSERT_TRUE(eventually([&] { return daemon().metrics().verdicts("unknown_channel") >= 100; }));
  const double accepted = daemon().metrics().verdicts("accepted");
  sender.signal(SIGTERM);
  EXPECT_TRUE(sender.wait(std::chrono::seconds(20)));
  EXPECT_EQ(daemon().metrics().verdicts("accepted"), accepted) << "a removed channel accepted";
  EXPECT_TRUE(channels_listed().empty());
  EXPECT_EQ(site.claimctl({"channels", "show", id}).code, 1);

  import(file);
  const auto again = channels_listed();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0]["held"], "0") << "the old incarnation's claim came back";
  EXPECT_GT(again[0]["incarnation"].get<int>(), before[0]["incarnation"].get<int>());
  EXPECT_EQ(site.claimgen(run_arguments(9, 1, 50)).code, 0) << "the new incarnation takes claims";
}

class Idle : public ApplianceTest {};

TEST_F(Idle, AYieldingClaimdLeavesItsCoreToOthers) {
  start({.settings = {"worker.idle=yield"}});
  const double before = daemon().cpu_s();
  const auto began = std::chrono::steady_clock::now();
  const timespec three_s{.tv_sec = 3, .tv_nsec = 0};
  nanosleep(&three_s, nullptr);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  // The goal is 5 % (bench idle); CPU time holds on a busy machine, but for colder caches.
  EXPECT_LT((daemon().cpu_s() - before) / took.count(), 0.08);
}

}  // namespace
}  // namespace claimgate::system_test
