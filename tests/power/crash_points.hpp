// The moments of a log of writes at which the power is cut, and what the disk then has.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tests/power/write_log.hpp"

namespace claimgate::power {

// What a cut leaves of the writes that no flush has covered yet.
enum class Unflushed { none, torn, all };

// Just before an entry that makes something durable, a flush or a write past the disk's cache, came
// about: whatever was acknowledged since the one before it rests on what was durable without it.
struct CrashPoint {
  std::size_t settled = 0;  // entries below this are on the disk: a flush has covered them
  std::size_t end = 0;      // those from there to here are on it where they went past the cache
  Unflushed left = Unflushed::none;  // of the others
  std::uint64_t acknowledged = 0;    // answers given before the cut
};

// At most `count` of them, in order, one from each of as many equal parts of the log; which one,
// and what it leaves, is drawn.
[[nodiscard]] std::vector<CrashPoint> crash_points(const WriteLog& log, std::size_t count,
                                                   std::mt19937_64& random);

// Writes entries [from, to) to `disk`.
void bring(const WriteLog& log, std::size_t from, std::size_t to, Replayed& disk);
// Writes what the cut at `point` has left of entries [settled, end): what went past the cache, and
// of the others nothing, everything, or any sectors of any of them.
void bring_unflushed(const WriteLog& log, const CrashPoint& point, std::mt19937_64& random,
                     Replayed& disk);

}  // namespace claimgate::power
