#include "bench/journal_figures.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "bench/journal_load.hpp"
#include "bench/measure/machine.hpp"
#include "bench/off_the_last_cpu.hpp"
#include "bench/vanishing_folder.hpp"
#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/journal/recovery.hpp"

namespace claimgate::bench {
namespace {

using durability::KeeperOptions;
using durability::Release;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr double slice_s = 0.25;
constexpr unsigned window = 16'000;  // claims not released at saturation: the ring, nearly
// Claims a second: half of what one core verifies with libsecp256k1, and half of what the
// appliance is to verify one day.
constexpr std::array<unsigned, 2> half_loads = {12'000, 100'000};
constexpr unsigned checkpointed_channels = 100'000;
constexpr std::uint64_t journal_bytes_full = 2048 * mib;  // durability.journal_max_mib's default
constexpr unsigned channels_full = 1'000'000;

KeeperOptions options_with(Release release, std::uint64_t replay_bytes_max) {
  KeeperOptions options;
  options.journal.new_node_uuid = {std::byte{1}};
  options.journal.segment_bytes = 64 * mib;
  options.release = release;
  options.async_max = std::chrono::seconds(10);  // how late the disk may be is not the question
  options.committer.sleeps = true;               // those whose turn it is not take no CPU
  options.replay_bytes_max = replay_bytes_max;
  return options;
}

std::string made(const std::string& folder, const char* name) {
  const std::string path = folder + "/" + name;
  std::filesystem::create_directory(path);
  return path;
}

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// ---- when verdicts leave -----------------------------------------------------------------------

// One durable write of a page after another, beside a core that polls: what a claim alone would
// wait for. (Beside an idle one the kernel takes longer to come back.)
class BareWrites {
 public:
  explicit BareWrites(const std::string& folder)
      : storage_(need(journal::PosixStorage::open(folder))),
        file_(need(storage_->create("bare", pages * journal::page_bytes))) {}
  std::vector<double> measure() {
    std::future<std::vector<double>> took_us;
    {
      const OffTheLastCpu elsewhere;
      took_us = std::async(std::launch::async, [this] { return write(); });
    }
    while (took_us.wait_for(std::chrono::seconds(0)) != std::future_status::ready) _mm_pause();
    return took_us.get();
  }

 private:
  std::vector<double> write() {
    std::vector<double> took_us;
    // For as long as the load: a disk's rare slow writes must have the same chance to come. One may
    // last longer than that.
    for (const auto start = Clock::now(); seconds_since(start) < slice_s || took_us.size() < 2;
         at_ = (at_ + 1) % pages) {
      page_.data()[0] = static_cast<std::byte>(at_);
      const auto began = Clock::now();
      const auto written =
          file_->write_durably(at_ * journal::page_bytes, {page_.data(), journal::page_bytes});
      if (!written) throw std::runtime_error(written.error().text());
      took_us.push_back(seconds_since(began) * 1e6);
    }
    return took_us;
  }

  // As a segment: nothing is written a second time soon, for which a disk may be quicker.
  static constexpr std::uint64_t pages = 64 * mib / journal::page_bytes;
  std::unique_ptr<journal::PosixStorage> storage_;
  std::unique_ptr<journal::File> file_;
  journal::AlignedBuffer page_{journal::page_bytes};
  std::uint64_t at_ = 0;
};

struct AtRate {
  std::vector<double> p50_us, p99_us, bytes_per_claim;
  void add(const std::vector<double>& waited_us) {
    p50_us.push_back(quantile(waited_us, 0.50));
    p99_us.push_back(quantile(waited_us, 0.99));
  }
};

// What claims at random moments would wait if these writes, one behind the other, were all the disk
// had to do: the rest of the one under way, and the next. A long one meets many claims.
std::vector<double> waits_at_depth_1(const std::vector<double>& writes_us) {
  std::vector<double> waits;
  constexpr double every_us = 5;
  double left_over = 0;
  for (std::size_t i = 0; i + 1 < writes_us.size(); ++i) {
    double at = left_over;
    for (; at < writes_us[i]; at += every_us) waits.push_back(writes_us[i] - at + writes_us[i + 1]);
    left_over = at - writes_us[i];
  }
  return waits;
}

void report_latencies(const Report& report, const std::array<AtRate, half_loads.size()>& loads,
                      const AtRate& bare, const AtRate& floor) {
  const auto both = [&](const std::string& name, const AtRate& measured) {
    report.row({.name = name + ", p50", .summary = summarize(measured.p50_us), .unit = "us"});
    report.row({.name = name + ", p99", .summary = summarize(measured.p99_us), .unit = "us"});
  };
  both("bare write of a page", bare);
  both("a claim's wait at depth 1, from those writes", floor);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const std::string name = fmt::format("added at {} claims/s", half_loads[i]);
    const auto row = [&](const char* which, const std::vector<double>& added,
                         const std::vector<double>& beside, double goal) {
      report.row({.name = name + which, .summary = summarize(added), .unit = "us"});
      report.row({.name = name + which,
                  .summary = summarize(ratios(added, beside)),
                  .unit = "ratio",
                  .goal = at_most(goal),
                  .reference = "bare write of a page"});
    };
    row(", p50", loads[i].p50_us, bare.p50_us, 1.8);
    row(", p99", loads[i].p99_us, bare.p99_us, 3);
    const auto beside_floor = [&](const char* which, const std::vector<double>& added,
                                  const std::vector<double>& beside) {
      report.row({.name = name + which,
                  .summary = summarize(ratios(added, beside)),
                  .unit = "ratio",
                  .reference = "a claim's wait at depth 1"});
    };
    beside_floor(", p50", loads[i].p50_us, floor.p50_us);
    beside_floor(", p99", loads[i].p99_us, floor.p99_us);
    report.row({.name = fmt::format("written at {} claims/s", half_loads[i]),
                .summary = summarize(loads[i].bytes_per_claim),
                .unit = "bytes/claim"});
  }
}

void measure_latency(const Options& options, const Report& report, const std::string& folder) {
  JournalLoad load(made(folder, "latency"), 10'000, options_with(Release::when_durable, 512 * mib));
  BareWrites bare_writes(made(folder, "bare"));
  AtRate bare, floor;
  std::array<AtRate, half_loads.size()> loads;
  for (unsigned round = 0; round < options.repeats; ++round) {
    const auto writes = bare_writes.measure();
    bare.add(writes);
    floor.add(waits_at_depth_1(writes));
    for (std::size_t i = 0; i < loads.size(); ++i) {
      const Loaded at_rate = load.at_rate(half_loads[i], half_loads[i] / 4);
      loads[i].add(at_rate.added_us);
      loads[i].bytes_per_claim.push_back(at_rate.bytes_per_claim);
    }
  }
  report_latencies(report, loads, bare, floor);
}

// ---- as many as go -----------------------------------------------------------------------------

void measure_saturation(const Options& options, const Report& report, const std::string& folder) {
  // Small tables: their checkpoints are nothing, and segments are used again.
  JournalLoad ack(made(folder, "ack"), 10'000, options_with(Release::when_durable, 256 * mib));
  JournalLoad async(made(folder, "async"), 10'000, options_with(Release::at_once, 256 * mib));
  // Until every segment has been used once: their making is no matter here.
  ack.lengthen(1024 * mib * options.channels / channels_full);
  async.lengthen(1024 * mib * options.channels / channels_full);
  std::vector<double> ack_rate, async_rate, bytes;
  for (unsigned round = 0; round < options.repeats; ++round) {
    const Loaded acknowledged = ack.saturate(slice_s, window);
    ack_rate.push_back(acknowledged.claims_per_s);
    bytes.push_back(acknowledged.bytes_per_claim);
    async_rate.push_back(async.saturate(slice_s, window).claims_per_s);
  }
  report.row({.name = "saturated, async", .summary = summarize(async_rate), .unit = "claims/s"});
  report.row(
      {.name = "saturated, durable-ack", .summary = summarize(ack_rate), .unit = "claims/s"});
  report.row({.name = "saturated, durable-ack",
              .summary = summarize(ratios(ack_rate, async_rate)),
              .unit = "ratio",
              .goal = at_least(0.9),
              .reference = "saturated, async"});
  report.row({.name = "written, saturated", .summary = summarize(bytes), .unit = "bytes/claim"});
}

// ---- beside a checkpoint -----------------------------------------------------------------------

void measure_checkpoints(const Options& options, const Report& report, const std::string& folder) {
  JournalLoad quiet(made(folder, "quiet"), checkpointed_channels,
                    options_with(Release::when_durable, 64 * journal_bytes_full));
  JournalLoad busy(made(folder, "busy"), checkpointed_channels,
                   options_with(Release::when_durable, 1));
  busy.lengthen(128 * mib);  // from the first filled segment on there is one after another
  std::vector<double> rate, busy_rate, turn_us, busy_turn_us;
  std::uint64_t checkpoints = 0;
  for (unsigned round = 0; round < options.repeats; ++round) {
    const Loaded without = quiet.saturate(slice_s, window);
    const Loaded beside = busy.saturate(slice_s, window);
    rate.push_back(without.claims_per_s);
    turn_us.push_back(without.turn_p9999_us);
    busy_rate.push_back(beside.claims_per_s);
    busy_turn_us.push_back(beside.turn_p9999_us);
    checkpoints += beside.checkpoints;
  }
  report.row({.name = "saturated, while checkpoints are written",
              .summary = summarize(ratios(busy_rate, rate)),
              .unit = "ratio",
              .goal = at_least(0.85),
              .reference = "the same without",
              .note = fmt::format("{} of {} channels", checkpoints, checkpointed_channels)});
  report.row({.name = "turn of the worker, p99.99", .summary = summarize(turn_us), .unit = "us"});
  report.row({.name = "turn of the worker, p99.99, while checkpoints are written",
              .summary = summarize(busy_turn_us),
              .unit = "us",
              .goal = at_most(100)});
}

// ---- recovery ----------------------------------------------------------------------------------

double read_mib_per_s(const std::string& folder) {
  const auto storage = need(journal::PosixStorage::open(folder));
  journal::AlignedBuffer buffer(mib);
  std::uint64_t bytes = 0;
  const auto began = Clock::now();
  for (const auto& entry : need(storage->list("lane-0"))) {
    const auto file = need(storage->open("lane-0/" + entry.name, journal::Access::read_only));
    const std::uint64_t size = need(file->size());
    for (std::uint64_t at = 0; at + mib <= size; at += mib, bytes += mib) {
      const auto read = file->read(at, {buffer.data(), mib});
      if (!read) throw std::runtime_error(read.error().text());
    }
  }
  return static_cast<double>(bytes) / static_cast<double>(mib) / seconds_since(began);
}

struct Recovery {
  double seconds = 0;
  journal::Recovered recovered;
};

Recovery recover_from(const std::string& folder, unsigned channels) {
  Recovery out;
  auto table = need(channel::Table::create(channels, {7, 8}, memory::Pages::transparent));
  const auto storage = need(journal::PosixStorage::open(folder));
  const auto began = Clock::now();
  out.recovered = need(journal::recover(*storage, table));
  out.seconds = seconds_since(began);
  return out;
}

// A node with `channels` channels, a checkpoint of them, and `bytes` of claims behind it.
void fill(const std::string& folder, unsigned channels, std::uint64_t bytes) {
  const auto options = options_with(Release::at_once, 64 * journal_bytes_full);
  JournalLoad(folder, channels, options).stop();
  JournalLoad(folder, channels, options).lengthen(bytes);
}

void measure_recovery(const Options& options, const Report& report, const std::string& folder) {
  const unsigned channels = options.channels;
  const auto bytes = static_cast<std::uint64_t>(static_cast<double>(journal_bytes_full) * channels /
                                                channels_full);
  const unsigned repeats = std::min(options.repeats, 7u);
  const std::string path = made(folder, "recovery");
  fill(path, channels, bytes);
  std::vector<double> seconds, rate, read_rate;
  for (unsigned i = 0; i < repeats; ++i) {
    read_rate.push_back(read_mib_per_s(path));
    const Recovery done = recover_from(path, channels);
    seconds.push_back(done.seconds);
    rate.push_back(static_cast<double>(done.recovered.claims + done.recovered.claims_ignored) /
                   done.seconds);
  }
  const std::string name =
      fmt::format("recovery, {} channels and {} MiB of journal", channels, bytes / mib);
  report.row({.name = name, .summary = summarize(seconds), .unit = "s", .goal = at_most(10)});
  report.row({.name = "the same", .summary = summarize(rate), .unit = "records/s"});
  report.row({.name = "the disk's bare read rate, 1 MiB at a time",
              .summary = summarize(read_rate),
              .unit = "MiB/s"});
}

// In memory, so that the disk does not count.
void measure_replay(const Options& options, const Report& report) {
  constexpr const char* memory_folder = "/dev/shm";
  std::error_code error;
  if (std::filesystem::space(memory_folder, error).available < 1024 * mib) {
    report.warn("left out: replay from memory, for which /dev/shm has no 1 GiB");
    return;
  }
  const VanishingFolder folder(memory_folder);
  fill(folder.path(), 10'000, 256 * mib);
  std::vector<double> rate;
  for (unsigned i = 0; i < options.repeats; ++i) {
    const Recovery done = recover_from(folder.path(), 10'000);
    rate.push_back(static_cast<double>(done.recovered.claims + done.recovered.claims_ignored) /
                   done.seconds);
  }
  report.row({.name = "replay from memory, one core",
              .summary = summarize(rate),
              .unit = "records/s",
              .goal = at_least(10e6)});
}

}  // namespace

void measure_journal(const Options& options, const Report& report, const std::string& folder) {
  measure_latency(options, report, folder);
  measure_saturation(options, report, folder);
  measure_checkpoints(options, report, folder);
  measure_recovery(options, report, folder);
  measure_replay(options, report);
}

}  // namespace claimgate::bench
