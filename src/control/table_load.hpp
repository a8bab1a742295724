// How the table gets its channels at start: from the state folder, with warnings about what the
// operator must know. Main thread, before the worker runs.
#pragma once

#include <cstdint>

#include "lib/channel/snapshot.hpp"
#include "lib/channel/table.hpp"
#include "lib/failure/failure.hpp"
#include "src/control/state_folder.hpp"

namespace claimgate::control {

// Fills the empty `table` from the folder's state file; tells what its header holds (without a file
// a new one). Warns where the claimd before this one did not stop cleanly, and where the clock
// (`now_unix_s`) is before the time the file was saved at. Fails on a damaged file, and where
// `table` has not room for all.
[[nodiscard]] Expected<channel::SnapshotHeader> load_table(const StateFolder& folder,
                                                           channel::Table& table,
                                                           std::int64_t now_unix_s);

}  // namespace claimgate::control
