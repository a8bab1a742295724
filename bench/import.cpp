// bench import: a million channels through the admin socket, and back from the state file.
//
// The real claimctl gives the real claimd, on an idle memif port, what the real claimgen wrote
// (half of the keys Ed25519; made outside of what is timed). Then claimd is stopped, started and
// stopped again. While the import runs another client asks for `stats` every 2 ms. Fails where a
// channel is missing afterwards.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/measure/calibration.hpp"
#include "bench/measure/program.hpp"
#include "bench/measure/slices.hpp"
#include "lib/admin/client.hpp"
#include "lib/signing/signing.hpp"
#include "lib/xrpl/keys.hpp"
#include "tests/system/daemon.hpp"

namespace claimgate::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned seed = 11;
constexpr auto import_within = std::chrono::minutes(20);
constexpr unsigned keys_a_slice = 64;
constexpr unsigned key_slices = 10;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// CPU time of all children of this process that have ended and been waited for.
double children_cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Round trips of `stats` on a connection of its own, for as long as it lives.
class StatsAsker {
 public:
  explicit StatsAsker(const std::string& socket) : began_(Clock::now()) {
    thread_ = std::thread([this, socket] { ask(socket); });
  }
  StatsAsker(const StatsAsker&) = delete;
  StatsAsker& operator=(const StatsAsker&) = delete;
  ~StatsAsker() { stop(); }

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // The rest after stop(). Throws where claimd stopped answering.
  [[nodiscard]] const std::vector<double>& waited_ms() const {
    if (!failure_.empty() || waited_ms_.empty()) {
      throw std::runtime_error("claimd answers no stats while it imports: " + failure_);
    }
    return waited_ms_;
  }
  // When the first channel was there: until then claimctl reads and claimd only collects.
  [[nodiscard]] double first_channel_s() const noexcept { return first_channel_s_; }

 private:
  void ask(const std::string& socket) {
    auto client = admin::Client::connect(socket, "bench");
    while (client && !stop_) {
      const auto before = Clock::now();
      const auto answer = client->ask(admin::Verb::stats, "{}", admin::Verb::stats_answer);
      if (!answer) {
        failure_ = answer.error().text();
        return;
      }
      waited_ms_.push_back(seconds_since(before) * 1e3);
      if (first_channel_s_ == 0 &&
          nlohmann::json::parse(answer->text())["channels"]["known"].get<std::uint64_t>() > 0) {
        first_channel_s_ = seconds_since(began_);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (!client) failure_ = client.error().text();
  }

  Clock::time_point began_;
  std::atomic<bool> stop_{false};
  std::string failure_;
  std::vector<double> waited_ms_;
  double first_channel_s_ = 0;
  std::thread thread_;
};

// What judging a channel costs most of: microseconds per key, as the import checks it.
class KeyCheck {
 public:
  explicit KeyCheck(channel::KeyType type) {
    for (unsigned i = 0; i < keys_a_slice; ++i) {
      keys_.push_back(xrpl::key_form(signing::KeyPair::derive(seed, i, type).public_key()));
    }
  }
  void measure() {
    Slices slices;
    const auto clock_began = Clock::now();
    const std::uint64_t began = __rdtsc();
    while (slices.kept() < key_slices) {
      slices.add([this] {
        for (const auto& key : keys_) (void)need(xrpl::parse_public_key(key));
        return std::uint64_t{keys_.size()};
      });
    }
    const double us_per_cycle =
        seconds_since(clock_began) * 1e6 / static_cast<double>(__rdtsc() - began);
    us_.push_back(slices.cycles_per_unit() * us_per_cycle);
  }
  [[nodiscard]] Summary summary() const { return summarize(us_); }

 private:
  std::vector<xrpl::KeyBytes> keys_;
  std::vector<double> us_;
};

// "… 1000000 channels recovered in 1.23 s: …": what claimd says of its start.
double load_s(const std::string& log) {
  const auto line = log.find(" channels recovered in ");
  const auto at = line == log.npos ? line : log.find(" in ", line);
  if (at == log.npos) throw std::runtime_error("claimd says nothing of what it loaded:\n" + log);
  return std::strtod(log.c_str() + at + 4, nullptr);
}

class ImportBench {
 public:
  ImportBench(const Options& options, const Report& report)
      : options_(options), report_(report), file_(site_.path("channels.json")) {}

  void run() {
    generate();
    for (unsigned round = 0; round < options_.repeats; ++round) {
      calibration_.measure();
      ed25519_.measure();
      secp256k1_.measure();
      import();
      load();
    }
    report();
  }

 private:
  void generate() {
    const auto written = system_test::run(
        {.arguments = {system_test::program("claimgen"), "channels", "--quiet", "--seed",
                       std::to_string(seed), "--channels", std::to_string(options_.channels),
                       "--destination", system_test::payee(), "--out", file_}},
        import_within);
    if (written.code != 0) throw std::runtime_error("claimgen writes no channels: " + written.err);
    report_.fact("input", fmt::format("{} channels, {} MiB of JSON, every second key Ed25519",
                                      options_.channels, std::filesystem::file_size(file_) >> 20));
  }

  [[nodiscard]] system_test::Daemon start() const {
    return {site_, {.settings = {fmt::format("channels.capacity={}", options_.channels)}}};
  }

  void must_know_all(const system_test::Daemon& daemon) const {
    const double known = daemon.metrics().at("claimgate_channels");
    if (known != options_.channels) {
      throw std::runtime_error(
          fmt::format("claimd knows {} channels of {}", known, options_.channels));
    }
  }

  void stop(system_test::Daemon& daemon) {
    const auto began = Clock::now();
    if (daemon.stop() != 0) throw std::runtime_error("claimd does not stop:\n" + daemon.log());
    stop_s_.push_back(seconds_since(began));
  }

  void import() {
    std::filesystem::remove_all(site_.state_dir());
    system_test::Daemon daemon = start();
    daemon.wait_ready();
    StatsAsker asker(site_.admin_socket());
    const auto began = Clock::now();
    const double daemon_before_s = daemon.cpu_s(), children_before_s = children_cpu_s();
    const auto imported =
        system_test::run({.arguments = {system_test::program("claimctl"), "--socket",
                                        site_.admin_socket(), "channels", "import", file_}},
                         import_within);
    const double took_s = seconds_since(began);
    daemon_cpu_s_.push_back(daemon.cpu_s() - daemon_before_s);
    claimctl_cpu_s_.push_back(children_cpu_s() - children_before_s);
    asker.stop();
    if (imported.code != 0) throw std::runtime_error(imported.out + imported.err);
    import_s_.push_back(took_s);
    reading_s_.push_back(asker.first_channel_s());
    p50_ms_.push_back(quantile(asker.waited_ms(), 0.50));
    p95_ms_.push_back(quantile(asker.waited_ms(), 0.95));
    max_ms_.push_back(quantile(asker.waited_ms(), 1));
    must_know_all(daemon);
    stop(daemon);
  }

  void load() {
    const auto began = Clock::now();
    system_test::Daemon daemon = start();
    daemon.wait_ready();
    ready_s_.push_back(seconds_since(began));
    start_cpu_s_.push_back(daemon.cpu_s());
    load_s_.push_back(load_s(daemon.log()));
    must_know_all(daemon);
    stop(daemon);
  }

  void report() const {
    calibration_.report(report_);
    const auto row = [&](const char* name, const std::vector<double>& measured, const char* unit,
                         std::optional<Goal> goal = std::nullopt, const char* note = "") {
      report_.row(
          {.name = name, .summary = summarize(measured), .unit = unit, .goal = goal, .note = note});
    };
    row("import, claimctl from start to end", import_s_, "s", at_most(30));
    row("import, until the first channel is there", reading_s_, "s", std::nullopt,
        "claimctl reads and sends, claimd collects");
    row("import, CPU time of claimd", daemon_cpu_s_, "s", std::nullopt,
        "its worker, idle, included");
    row("import, CPU time of claimctl", claimctl_cpu_s_, "s");
    report_.row({.name = "check of an Ed25519 key", .summary = ed25519_.summary(), .unit = "us"});
    report_.row(
        {.name = "check of a secp256k1 key", .summary = secp256k1_.summary(), .unit = "us"});
    row("stats while importing, p50", p50_ms_, "ms");
    row("stats while importing, p95", p95_ms_, "ms", at_most(100));
    row("stats while importing, slowest", max_ms_, "ms");
    row("start, from exec to answering claims", ready_s_, "s", at_most(3));
    row("start, CPU time", start_cpu_s_, "s");
    row("start, loading the state file alone", load_s_, "s", std::nullopt, "as claimd logs it");
    row("stop, saving the state file included", stop_s_, "s");
  }

  const Options options_;
  const Report& report_;
  const system_test::Site site_;
  const std::string file_;
  Calibration calibration_;
  KeyCheck ed25519_{channel::KeyType::ed25519}, secp256k1_{channel::KeyType::secp256k1};
  std::vector<double> import_s_, reading_s_, daemon_cpu_s_, claimctl_cpu_s_, start_cpu_s_, p50_ms_,
      p95_ms_, max_ms_, ready_s_, load_s_, stop_s_;
};

void measure(const Options& options, const Report& report) {
  ImportBench(options, report).run();
}

}  // namespace
}  // namespace claimgate::bench

int main(int argc, char** argv) {
  return claimgate::bench::run(
      argc, argv,
      {.name = "import",
       .about = "How long claimd takes to import channels and to load them at start, and how "
                "responsive it stays meanwhile",
       .defaults = {.repeats = 7, .channels = 1'000'000},
       .quick_repeats = 3,
       .measure = claimgate::bench::measure});
}
