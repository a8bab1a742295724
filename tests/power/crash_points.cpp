#include "tests/power/crash_points.hpp"

namespace claimgate::power {
namespace {

// The file system's superblock. Disks write a block of their own size whole or not at all, and ext4
// rests on it there: torn, it would not be mounted at all.
constexpr std::uint64_t superblock_sectors = 8;

}  // namespace

std::vector<CrashPoint> crash_points(const WriteLog& log, std::size_t count,
                                     std::mt19937_64& random) {
  std::vector<CrashPoint> all;
  std::size_t settled = 0;
  for (std::size_t i = 0; i < log.entries().size(); ++i) {
    const LogEntry& entry = log.entries()[i];
    if (!entry.flush && !entry.fua) continue;
    all.push_back({.settled = settled, .end = i, .acknowledged = entry.mark});
    if (entry.flush) settled = i + 1;
  }
  std::vector<CrashPoint> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i * all.size() / count, to = (i + 1) * all.size() / count;
    if (from == to) continue;
    CrashPoint& point = chosen.emplace_back(all[from + random() % (to - from)]);
    point.left = static_cast<Unflushed>(random() % 3);
  }
  return chosen;
}

void bring(const WriteLog& log, std::size_t from, std::size_t to, Replayed& disk) {
  for (std::size_t i = from; i < to; ++i) {
    const LogEntry& entry = log.entries()[i];
    const auto data = log.data(entry);
    if (!data.empty()) disk.write(entry.sector, data.data(), data.size());
  }
}

void bring_unflushed(const WriteLog& log, const CrashPoint& point, std::mt19937_64& random,
                     Replayed& disk) {
  for (std::size_t i = point.settled; i < point.end; ++i) {
    const LogEntry& entry = log.entries()[i];
    const bool torn = point.left == Unflushed::torn && !entry.fua;
    if (point.left == Unflushed::none && !entry.fua) continue;
    if (!torn || entry.sector < superblock_sectors) {
      if (!torn || random() % 2) bring(log, i, i + 1, disk);
      continue;
    }
    const auto data = log.data(entry);
    const std::uint64_t kept = random() % 5;  // of four sectors; a write may be whole or lost
    for (std::size_t at = 0; at < data.size(); at += sector_bytes) {
      if (random() % 4 < kept) {
        disk.write(entry.sector + at / sector_bytes, data.data() + at, sector_bytes);
      }
    }
  }
}

}  // namespace claimgate::power
