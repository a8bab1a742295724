// Recovery: the table as it was acknowledged, from the checkpoint and the lanes behind it.
//
//   newest manifest ─► its checkpoint, else the one before ─► provisioning lane ─► claim lanes
//
// The provisioning lane decides which incarnations exist; a claim counts within its incarnation,
// the highest amount wins, and the order in which lanes are read does not matter.
//
// Control thread, before anything else runs. Only reads: a Failure leaves every file as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/journal/lane_scan.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

struct RecoveredLane {
  std::uint32_t lane = 0;
  std::uint64_t base_lsn = 0;  // up to where the checkpoint that was read holds it
  LaneEnd end;
};

struct Recovered {
  bool fresh = false;     // there was nothing: a new node
  Manifest manifest;      // as it was found
  CheckpointRef base;     // the checkpoint that was read
  std::string set_aside;  // why not the newest, or empty
  std::vector<RecoveredLane> lanes;
  std::uint32_t highest_term = 0;
  std::uint32_t next_incarnation = 1;
  std::uint64_t changes = 0;          // provisioning records that took effect
  std::uint64_t changes_ignored = 0;  // of imports without a commit
  std::uint64_t claims = 0;           // that raised an amount
  std::uint64_t claims_ignored = 0;   // superseded, or of an incarnation that is gone
  [[nodiscard]] bool replayed() const noexcept {
    return changes + changes_ignored + claims + claims_ignored > 0;
  }
};

// The number of the lane whose folder has this name; nothing where it is no lane's.
[[nodiscard]] std::optional<std::uint32_t> lane_number(const std::string& folder);

// Every lane of the folder: those that the manifest names, and those that have a folder, as a
// lane's first record may be younger than the manifest.
[[nodiscard]] Expected<std::vector<std::uint32_t>> lanes_of(Storage& storage,
                                                            const Manifest& manifest);

// What recovery asks of a lane whose records up to `after_lsn` a checkpoint has.
[[nodiscard]] LaneQuery query_of(const Manifest& manifest, std::uint32_t lane,
                                 std::uint64_t after_lsn);

// Fills `table`, which is empty. A Failure names file, offset and remedy: damage to what was
// acknowledged, a newer version, a table that is too small, a disk that does not read.
[[nodiscard]] Expected<Recovered> recover(Storage& storage, channel::Table& table);

}  // namespace claimgate::journal
