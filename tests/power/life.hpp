// A process with the journal, from start to stop: it recovers, then a worker accepts claims through
// its gates while committers write them, and the control thread imports, removes, checkpoints and
// tends. All parts are the ones that claimd is made of; only the payers are made up.
#pragma once

#include <cstdint>
#include <functional>
#include <random>

#include "lib/channel/table.hpp"
#include "lib/journal/storage.hpp"
#include "tests/power/history.hpp"

namespace claimgate::power {

struct LifeOptions {
  std::uint64_t claims = 1000;                             // to accept before it ends
  std::uint64_t segment_bytes = 24 * journal::page_bytes;  // two full groups
};

struct LifeCounts {
  std::uint64_t claims = 0;   // acknowledged
  std::uint64_t batches = 0;  // imports and removals, acknowledged
  std::uint64_t checkpoints = 0;
  std::uint64_t busy = 0;  // claims that the gate refused
};

[[nodiscard]] channel::Table empty_table();

// Lives once over `storage`, into an empty `table`, and stops in good order. Everything that is
// acknowledged goes into `history`, and `told` hears how many acknowledgements there are, before
// anything else is: on the worker's thread or this one, one at a time. A Failure: the journal's.
[[nodiscard]] Expected<LifeCounts> live(journal::Storage& storage, const LifeOptions& options,
                                        std::mt19937_64& random, channel::Table& table,
                                        History& history,
                                        const std::function<void(std::size_t)>& told);

}  // namespace claimgate::power
