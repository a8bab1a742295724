// The ledger's clock: seconds since 2000-01-01T00:00:00Z in 32 bits.
// Pure functions; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <fmt/core.h>

#include "lib/channel/terms.hpp"

namespace claimgate::xrpl {

using channel::LedgerTime;

// Saturates: before 2000 is 0, beyond 2136 is channel::never.
[[nodiscard]] constexpr LedgerTime ledger_from_unix(std::int64_t unix_s) noexcept {
  if (unix_s <= channel::ledger_epoch_unix_s) return 0;
  const auto since = static_cast<std::uint64_t>(unix_s - channel::ledger_epoch_unix_s);
  return since < channel::never ? static_cast<LedgerTime>(since) : channel::never;
}

[[nodiscard]] constexpr std::int64_t unix_from_ledger(LedgerTime time) noexcept {
  return channel::ledger_epoch_unix_s + static_cast<std::int64_t>(time);
}

// ISO 8601 in UTC, "2026-01-31T23:59:59Z"; "never" for channel::never.
[[nodiscard]] inline std::string time_text(LedgerTime time) {
  if (time == channel::never) return "never";
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_from_ledger(time))};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace claimgate::xrpl
