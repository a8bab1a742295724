// How claimd gets its channels and claims at start: out of the journal in the state folder, or, the
// first time, out of the state file that releases before the journal left there. With warnings
// about what the operator must know. Main thread, before the worker runs.
#pragma once

#include <cstdint>
#include <memory>

#include "lib/channel/table.hpp"
#include "lib/failure/failure.hpp"
#include "lib/journal/posix_storage.hpp"
#include "src/control/state_folder.hpp"
#include "src/durability/keeper.hpp"

namespace claimgate::control {

// Fills the empty `table` and brings up the journal behind it. A state file is taken over once and
// put aside. Warns where the clock (`now_unix_s`) is before the last claim that was accepted.
// Fails on damage, naming file, offset and remedy; on a full disk; and where `table` has not room
// for all.
[[nodiscard]] Expected<std::unique_ptr<durability::Keeper>> load_state(
    const StateFolder& folder, journal::PosixStorage& storage,
    const durability::KeeperOptions& options, channel::Table& table, std::int64_t now_unix_s);

}  // namespace claimgate::control
