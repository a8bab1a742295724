// A state folder held against FORMAT.md without a claimd: every page of the manifest and of both
// checkpoints it names, every frame and record behind the older of them, and recovery itself. All
// damage is found, not only the first; what was torn by the end of a claimd is told apart from it.
//
// Control thread, on a folder that no claimd runs on (folder_lock.hpp). Only reads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/journal/recovery.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

// Called as it goes on, for people who wait; a Failure ends the work. `total` 0: not known.
using Step =
    std::function<Expected<void>(const char* what, std::uint64_t done, std::uint64_t total)>;

struct InspectedCheckpoint {
  std::string path;
  CheckpointRef ref;
  std::uint64_t damages = 0;
};

struct InspectedLane {
  std::uint32_t lane = 0;
  std::uint64_t after_lsn = 0;  // what is read begins behind this: the older checkpoint has it
  std::uint64_t segments = 0;   // that hold anything of it
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::uint64_t last_lsn = 0;     // of what counts
  std::uint64_t durable_lsn = 0;  // the highest that anything states
  std::uint64_t torn_bytes = 0;   // behind the end: never acknowledged, no damage
};

struct Inspection {
  bool fresh = false;  // no journal is here
  Manifest manifest;
  unsigned manifest_pages = 0;  // whole ones
  std::vector<InspectedCheckpoint> checkpoints;
  std::vector<InspectedLane> lanes;
  std::vector<Failure> damages;         // each with file, offset and remedy
  std::optional<Recovered> recovered;   // nothing: claimd would not start
  std::optional<channel::Table> table;  // as recovered
};

// A table with room for every channel that recovery may come across: those of the larger checkpoint
// and each ADD behind it. Configured is nothing of it, so that a folder can be read anywhere.
[[nodiscard]] Expected<channel::Table> table_for_recovery(Storage& storage);

// Fails where the folder cannot be judged: a newer version, a disk that does not read.
[[nodiscard]] Expected<Inspection> inspect(Storage& storage, const Step& step);

}  // namespace claimgate::journal
