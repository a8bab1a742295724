// When an answer was given: --as-of in either notation, or the file's own time. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimctl {

// Ledger seconds ("845000000"), or ISO 8601 with its zone: "2026-01-31T23:59:59Z", "…+01:00".
// Fails on anything else and on what lies after `now`.
[[nodiscard]] Expected<channel::LedgerTime> parse_as_of(std::string_view text,
                                                        channel::LedgerTime now);

}  // namespace claimgate::claimctl
