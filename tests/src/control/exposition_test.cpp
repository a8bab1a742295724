// A real scrape over loopback, read as Prometheus reads it.
#include "src/control/exposition.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "src/control/build_info.hpp"

namespace claimgate::control {
namespace {

int connected_or_bound(std::uint16_t port, int (*join)(int, const sockaddr*, socklen_t)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (join(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

std::string http_get(std::uint16_t port, const std::string& path) {
  const int fd = connected_or_bound(port, ::connect);
  if (fd < 0) return {};
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char chunk[4096];
  for (ssize_t got; (got = recv(fd, chunk, sizeof chunk, 0)) > 0;) {
    answer.append(chunk, static_cast<std::size_t>(got));
  }
  close(fd);
  return answer;
}

// The text format, taken apart: families with HELP and TYPE, series with their values.
struct Scrape {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> helps;
  std::map<std::string, double> series;  // "name{labels}"
  std::vector<std::pair<std::string, double>> in_order;

  [[nodiscard]] double at(const std::string& name) const {
    const auto found = series.find(name);
    EXPECT_NE(found, series.end()) << name;
    return found == series.end() ? NAN : found->second;
  }
};

Scrape parse(const std::string& body) {
  Scrape out;
  std::istringstream lines(body);
  const std::regex comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*))");
  const std::string name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
  const std::string label = R"re([a-zA-Z_][a-zA-Z0-9_]*="[^"\n]*")re";
  const std::regex sample(fmt::format(R"re(({0}(\{{{1}(?:,{1})*\}})?) (\S+))re", name, label));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      auto& texts = match[1] == "HELP" ? out.helps : out.types;
      EXPECT_TRUE(texts.emplace(match[2], match[3]).second) << "twice: " << line;
    } else if (std::regex_match(line, match, sample)) {
      const double value = match[3] == "+Inf" ? INFINITY : std::stod(match[3]);
      EXPECT_TRUE(out.series.emplace(match[1], value).second) << "twice: " << line;
      out.in_order.emplace_back(match[1], value);
    } else {
      ADD_FAILURE() << "not the text format: " << line;
    }
  }
  return out;
}

class ExpositionTest : public testing::Test {
 protected:
  Observed observed() {
    Observed out;
    out.workers = {&stats_};
    out.ports.push_back({.pool_mbufs = [] { return 8192u; },
                         .pool_available = [] { return 8000u; },
                         .link_up = [] { return true; },
                         .statistics =
                             [](const Observed::EachStatistic& each) {
                               each("rx_good_packets", 7);
                               each("tx_q0_errors", 0);
                             }});
    out.rings.push_back({.name = "commands", .entries = [] { return 3u; }, .capacity = 63});
    out.channels = [this] { return channels_; };
    out.channels_capacity = 1000;
    out.table_bytes = 288'000;
    out.dpdk_version = "DPDK 22.11";
    return out;
  }
  Scrape scrape(const Exposition& exposition) {
    const std::string answer = http_get(exposition.port(), "/metrics");
    EXPECT_EQ(answer.find("HTTP/1.1 200"), 0u) << answer.substr(0, 200);
    EXPECT_NE(answer.find("Content-Type: text/plain"), answer.npos);
    return parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }
  Exposition start() {
    auto exposition = Exposition::start("127.0.0.1:0", observed());
    if (!exposition) {
      ADD_FAILURE() << exposition.error().text();
      std::abort();
    }
    return std::move(*exposition);
  }

  pipeline::Stats stats_;
  std::uint64_t channels_ = 12;
};

std::string family_of(const Scrape& scrape, const std::string& series) {
  std::string name = series.substr(0, series.find('{'));
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string base = name.substr(0, name.size() - std::string(suffix).size());
    const auto type = scrape.types.find(base);
    if (type != scrape.types.end() && (type->second == "histogram" || type->second == "summary")) {
      return base;
    }
  }
  return name;
}

TEST_F(ExpositionTest, every_series_belongs_to_a_family_with_help_and_type) {
  const Exposition exposition = start();
  const Scrape scraped = scrape(exposition);
  EXPECT_GT(scraped.series.size(), 80u);
  for (const auto& [series, value] : scraped.series) {
    const std::string family = family_of(scraped, series);
    ASSERT_TRUE(scraped.types.contains(family)) << series;
    ASSERT_TRUE(scraped.helps.contains(family)) << series;
    EXPECT_TRUE(family.starts_with("exposer_") || scraped.helps.at(family).ends_with("."))
        << family;
  }
}

TEST_F(ExpositionTest, names_and_labels_follow_the_conventions) {
  const Exposition exposition = start();
  const Scrape scraped = scrape(exposition);
  const std::regex convention("(claimgate|process|exposer)(_[a-z0-9]+)+");
  for (const auto& [family, type] : scraped.types) {
    EXPECT_TRUE(std::regex_match(family, convention)) << family;
    if (family.starts_with("exposer_")) continue;  // prometheus-cpp's own
    EXPECT_EQ(family.ends_with("_total"), type == "counter") << family << " is a " << type;
    // Base units only.
    for (const char* unit : {"_ms", "_us", "_ns", "_milliseconds", "_mib", "_percent"}) {
      EXPECT_FALSE(family.ends_with(unit)) << family;
    }
  }
  for (const auto& [series, value] : scraped.series) {
    EXPECT_EQ(series.find("channel="), series.npos) << series;
  }
}

TEST_F(ExpositionTest, every_verdict_and_every_reason_is_there_from_the_start_as_0) {
  const Exposition exposition = start();
  const Scrape scraped = scrape(exposition);
  for (const char* code : {"accepted", "duplicate", "stale", "unknown_channel", "bad_signature",
                           "over_funds", "closed", "busy", "malformed", "covered", "moved"}) {
    EXPECT_EQ(scraped.at(std::string("claimgate_claims_verdicts_total{worker=\"0\",code=\"") +
                         code + "\"}"),
              0);
  }
  for (std::size_t i = 1; i < packet::drop_count; ++i) {
    EXPECT_EQ(scraped.at("claimgate_datagrams_dropped_total{worker=\"0\",reason=\"" +
                         std::string(packet::drop_names[i]) + "\"}"),
              0);
  }
  for (const auto& [series, value] : scraped.series) {
    EXPECT_EQ(series.find("reason=\"none\""), series.npos) << "no frame is dropped for no reason";
  }
}

TEST_F(ExpositionTest, a_scrape_shows_what_the_worker_counted_since_the_last) {
  const Exposition exposition = start();
  (void)scrape(exposition);
  stats_.datagrams_received.add(5);
  stats_.verdicts[static_cast<std::size_t>(wire::Code::bad_signature)].add(3);
  stats_.dropped[static_cast<std::size_t>(packet::Drop::ip_fragment)].add(2);
  stats_.signatures_secp256k1.add(11);
  stats_.signatures_ed25519.add(4);
  stats_.bursts.add(6);
  stats_.datagrams_held.set(9);
  channels_ = 13;
  const Scrape scraped = scrape(exposition);
  EXPECT_EQ(scraped.at("claimgate_datagrams_received_total{worker=\"0\"}"), 5);
  EXPECT_EQ(scraped.at("claimgate_claims_verdicts_total{worker=\"0\",code=\"bad_signature\"}"), 3);
  EXPECT_EQ(scraped.at("claimgate_datagrams_dropped_total{worker=\"0\",reason=\"ip_fragment\"}"),
            2);
  EXPECT_EQ(scraped.at("claimgate_signatures_verified_total{worker=\"0\",scheme=\"secp256k1\"}"),
            11);
  EXPECT_EQ(scraped.at("claimgate_signatures_verified_total{worker=\"0\",scheme=\"ed25519\"}"), 4);
  EXPECT_EQ(scraped.at("claimgate_polls_total{worker=\"0\",result=\"frames\"}"), 6);
  EXPECT_EQ(scraped.at("claimgate_datagrams_held{worker=\"0\"}"), 9);
  EXPECT_EQ(scraped.at("claimgate_channels"), 13);
}

TEST_F(ExpositionTest, levels_of_port_pool_ring_and_table_are_shown) {
  const Exposition exposition = start();
  const Scrape scraped = scrape(exposition);
  EXPECT_EQ(scraped.at("claimgate_up"), 1);
  EXPECT_EQ(scraped.at("claimgate_pool_mbufs{port=\"0\"}"), 8192);
  EXPECT_EQ(scraped.at("claimgate_pool_mbufs_available{port=\"0\"}"), 8000);
  EXPECT_EQ(scraped.at("claimgate_port_up{port=\"0\"}"), 1);
  EXPECT_EQ(scraped.at("claimgate_port_statistic{port=\"0\",name=\"rx_good_packets\"}"), 7);
  EXPECT_EQ(scraped.types.at("claimgate_port_statistic"), "untyped");
  EXPECT_EQ(scraped.at("claimgate_ring_entries{ring=\"commands\"}"), 3);
  EXPECT_EQ(scraped.at("claimgate_ring_capacity{ring=\"commands\"}"), 63);
  EXPECT_EQ(scraped.at("claimgate_channels_capacity"), 1000);
  EXPECT_EQ(scraped.at("claimgate_table_bytes"), 288'000);
  const BuildInfo build = build_info();
  EXPECT_EQ(scraped.at("claimgate_build_info{version=\"" + std::string(build.version) +
                       "\",revision=\"" + std::string(build.revision) + "\",compiler=\"" +
                       std::string(build.compiler) + "\",dpdk=\"DPDK 22.11\"}"),
            1);
}

TEST_F(ExpositionTest, the_process_started_in_the_last_hour_and_not_in_the_future) {
  const Exposition exposition = start();
  const double started_s = scrape(exposition).at("process_start_time_seconds");
  const auto now_s = static_cast<double>(std::time(nullptr));
  EXPECT_LT(started_s, now_s + 2);
  EXPECT_GT(started_s, now_s - 3600);
}

TEST_F(ExpositionTest, histograms_are_cumulative_and_end_in_their_count) {
  for (const std::uint64_t ns : {500u, 1023u, 1024u, 40'000u, 2'000'000'000u}) {
    stats_.reply_ns.record(ns);
  }
  for (const std::uint64_t frames : {1u, 1u, 2u, 16u, 31u, 32u}) stats_.burst_fill.record(frames);
  stats_.turn_ns.record(100);
  const Exposition exposition = start();
  const Scrape scraped = scrape(exposition);

  std::map<std::string, double> last;
  unsigned buckets = 0;
  for (const auto& [series, value] : scraped.in_order) {
    const std::string name = series.substr(0, series.find('{'));
    if (!name.ends_with("_bucket")) continue;
    ++buckets;
    EXPECT_GE(value, last[name]) << series;
    const auto edge = series.substr(series.find("le=") + 3);
    EXPECT_LE(edge.size(), std::string("\"0.0083886072\"}").size()) << series << " is not round";
    last[name] = value;
  }
  EXPECT_GT(buckets, 40u);
  for (const char* name :
       {"claimgate_reply_seconds", "claimgate_turn_seconds", "claimgate_burst_frames"}) {
    const std::string base = name;
    EXPECT_EQ(scraped.types.at(base), "histogram");
    EXPECT_EQ(scraped.at(base + "_bucket{worker=\"0\",le=\"+Inf\"}"),
              scraped.at(base + "_count{worker=\"0\"}"));
  }
  // The edge 2^10 - 1 ns holds 500 and 1023, and 1024 lies beyond it.
  EXPECT_EQ(scraped.at("claimgate_reply_seconds_bucket{worker=\"0\",le=\"1.023e-06\"}"), 2);
  EXPECT_EQ(scraped.at("claimgate_reply_seconds_count{worker=\"0\"}"), 5);
  EXPECT_NEAR(scraped.at("claimgate_reply_seconds_sum{worker=\"0\"}"), 2.000042547, 1e-9);
  EXPECT_EQ(scraped.at("claimgate_burst_frames_bucket{worker=\"0\",le=\"1\"}"), 2);
  EXPECT_EQ(scraped.at("claimgate_burst_frames_bucket{worker=\"0\",le=\"16\"}"), 4);
  EXPECT_EQ(scraped.at("claimgate_burst_frames_bucket{worker=\"0\",le=\"32\"}"), 6);
  EXPECT_EQ(scraped.at("claimgate_burst_frames_sum{worker=\"0\"}"), 83);
}

TEST_F(ExpositionTest, each_worker_has_its_own_series) {
  pipeline::Stats second;
  second.claims_parsed.add(42);
  Observed two = observed();
  two.workers.push_back(&second);
  const auto exposition = Exposition::start("127.0.0.1:0", std::move(two));
  ASSERT_TRUE(exposition) << exposition.error().text();
  const Scrape scraped = scrape(*exposition);
  EXPECT_EQ(scraped.at("claimgate_claims_parsed_total{worker=\"0\"}"), 0);
  EXPECT_EQ(scraped.at("claimgate_claims_parsed_total{worker=\"1\"}"), 42);
}

TEST_F(ExpositionTest, other_paths_are_not_found_and_serve_no_files) {
  const Exposition exposition = start();
  for (const char* path : {"/", "/metricz", "/etc/passwd", "/../../etc/passwd"}) {
    const std::string answer = http_get(exposition.port(), path);
    EXPECT_EQ(answer.find("HTTP/1.1 4"), 0u) << path << ": " << answer.substr(0, 60);
  }
}

TEST_F(ExpositionTest, an_address_in_use_is_refused_with_a_remedy) {
  const int taken = connected_or_bound(0, ::bind);
  ASSERT_GE(taken, 0);
  ASSERT_EQ(listen(taken, 1), 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::string listen_at = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto exposition = Exposition::start(listen_at, observed());
  close(taken);
  ASSERT_FALSE(exposition);
  EXPECT_EQ(exposition.error().where, "metrics.listen \"" + listen_at + "\"");
  EXPECT_EQ(exposition.error().what, "another process listens there already");
  EXPECT_NE(exposition.error().remedy.find("ss -ltnp"), std::string::npos);
}

TEST_F(ExpositionTest, an_address_that_is_not_ours_is_refused_by_name) {
  const auto exposition = Exposition::start("192.0.2.77:9464", observed());
  ASSERT_FALSE(exposition);
  EXPECT_EQ(exposition.error().what, "this machine has no such address");
}

TEST_F(ExpositionTest, after_destruction_the_port_is_free_again) {
  std::uint16_t port = 0;
  {
    const Exposition exposition = start();
    port = exposition.port();
    EXPECT_NE(port, 0);
  }
  const int fd = connected_or_bound(port, ::connect);
  EXPECT_LT(fd, 0);
  if (fd >= 0) close(fd);
}

}  // namespace
}  // namespace claimgate::control
