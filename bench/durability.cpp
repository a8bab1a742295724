// bench durability: what this disk makes of groups of 128-byte records that must be on it before
// anybody is answered, by each way of saying so to the kernel. The file is made as the journal
// makes its segments; groups go to increasing offsets of it, past the page cache where that is
// granted. Then what the journal makes of that disk (journal_figures.hpp).
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "bench/group_writes.hpp"
#include "bench/journal_figures.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/program.hpp"
#include "bench/vanishing_folder.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/machine/machine.hpp"

namespace claimgate::bench {
namespace {

constexpr std::size_t record_bytes = 128;
constexpr std::array<std::size_t, 4> group_records = {64, 256, 1024, 4096};
static_assert(group_records.back() * record_bytes == Course::group_bytes_max);
constexpr unsigned groups_a_round = 128;  // of each size and way: its p99 is the second longest
constexpr std::uint64_t file_bytes = groups_a_round * Course::group_bytes_max;

// A figure per round.
struct Measured {
  std::vector<double> records_per_s, p50_us, p99_us;
};

void measure_round(Way& way, std::size_t records, Course& course, Measured& out) {
  const auto began = std::chrono::steady_clock::now();
  const auto took_us = way.writes->write(course, records * record_bytes, groups_a_round);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  out.records_per_s.push_back(static_cast<double>(records * groups_a_round) / took.count());
  out.p50_us.push_back(quantile(took_us, 0.50));
  out.p99_us.push_back(quantile(took_us, 0.99));
}

void report_group(const Report& report, std::size_t records, const std::vector<Way>& ways,
                  const std::vector<Measured>& measured) {
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const std::string name = fmt::format("{} records: {}", records, ways[i].name);
    const Measured& figures = measured[i];
    report.row({.name = name, .summary = summarize(figures.records_per_s), .unit = "records/s"});
    report.row({.name = name + ", p50", .summary = summarize(figures.p50_us), .unit = "us"});
    report.row({.name = name + ", p99", .summary = summarize(figures.p99_us), .unit = "us"});
    if (i == 0) continue;
    report.row({.name = name,
                .summary = summarize(ratios(figures.records_per_s, measured[0].records_per_s)),
                .unit = "ratio",
                .reference = ways[0].name});
  }
}

std::vector<Way> all_ways(const Report& report) {
  std::vector<Way> ways = ways_of_system_calls();
  try {
    std::ranges::move(ways_of_io_uring(), std::back_inserter(ways));
  } catch (const std::system_error& error) {
    report.warn(
        fmt::format("left out: what needs io_uring, which is not granted here ({})", error.what()));
  }
  return ways;
}

void report_disk(const Report& report, const std::string& folder) {
  const machine::Disk disk = machine::look_at_disk(folder);
  report.fact("disk", fmt::format("{} in {}, {} MiB free",
                                  disk.filesystem.empty() ? "unknown" : disk.filesystem, folder,
                                  disk.free_bytes >> 20));
}

void measure(const Options& options, const Report& report) {
  const VanishingFolder folder(options.folder);
  report_disk(report, options.folder);
  const auto disk = need(journal::PosixStorage::open(folder.path()));
  (void)need(disk->create("groups", file_bytes));
  const journal::Descriptor file(::open((folder.path() + "/groups").c_str(),
                                        O_RDWR | O_CLOEXEC | (disk->direct() ? O_DIRECT : 0)));
  if (!file) throw std::system_error(errno, std::system_category(), folder.path() + "/groups");
  if (!disk->direct()) {
    report.warn("this file system takes no direct writes: every figure holds the page cache, too");
  }

  std::vector<Way> ways = all_ways(report);
  Course course(file.number(), file_bytes);
  Calibration calibration;
  std::array<std::vector<Measured>, group_records.size()> measured;
  measured.fill(std::vector<Measured>(ways.size()));
  std::vector<std::size_t> order(ways.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(6);
  for (unsigned round = 0; round < options.repeats; ++round) {
    calibration.measure();
    for (std::size_t size = 0; size < group_records.size(); ++size) {
      // What one way leaves the disk to do must not always fall on the same other one.
      std::ranges::shuffle(order, random);
      for (const std::size_t way : order) {
        measure_round(ways[way], group_records[size], course, measured[size][way]);
      }
    }
  }
  calibration.report(report);
  for (std::size_t size = 0; size < group_records.size(); ++size) {
    report_group(report, group_records[size], ways, measured[size]);
  }
  measure_journal(options, report, folder.path());
}

}  // namespace
}  // namespace claimgate::bench

int main(int argc, char** argv) {
  namespace bench = claimgate::bench;
  return bench::run(
      argc, argv,
      {.name = "durability",
       .about = "What a disk makes of groups of 128-byte records that must be on it: how many a "
                "second and how long a group takes, by each way of asking the kernel for it; and "
                "what the journal adds: to a claim's answer, to a start, while a checkpoint is "
                "written",
       .defaults = {.repeats = 31, .channels = 1'000'000, .folder = "/var/tmp"},
       .quick_repeats = 7,
       .measure = bench::measure});
}
