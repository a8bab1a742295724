// The journal under a worker that accepts claims, an operator who imports and removes channels, and
// a disk that loses power at any I/O, also while it recovers: life after life on one disk, all from
// one seed. What was acknowledged is kept in a model; every recovery is held against it.
#pragma once

#include <cstdint>
#include <string>

namespace claimgate::journal {

struct SimulationCounts {
  std::uint64_t crashes = 0;
  std::uint64_t crashes_in_recovery = 0;
  std::uint64_t deepest = 0;       // crashes in a row without a life in between
  std::uint64_t acknowledged = 0;  // verdicts and provisioning answers
  std::uint64_t checkpoints = 0;
  std::uint64_t segments_recycled = 0;
  std::uint64_t rotted = 0;   // bits flipped in what was acknowledged
  std::uint64_t refused = 0;  // starts that said so
  std::string lost;           // what was acknowledged and not found; empty: nothing

  SimulationCounts& operator+=(const SimulationCounts& other);
};

struct SimulationOptions {
  std::uint64_t seed = 0;
  unsigned lives = 20;  // each ends in a crash or, rarely, in a clean stop
  bool rot = false;     // flip bits in acknowledged data before some starts
};

// Stops at the first thing that is lost, and says what.
[[nodiscard]] SimulationCounts simulate(const SimulationOptions& options);

}  // namespace claimgate::journal
