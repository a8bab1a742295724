#include "apps/claimctl/as_of.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include <fmt/core.h>

#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

// Reads exactly `digits` decimal digits off the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc{} || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// Minutes east of Greenwich.
std::optional<int> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return 0;
  const bool west = take(text, '-');
  if (!west && !take(text, '+')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return (west ? -1 : 1) * (*hours * 60 + *minutes);
}

std::optional<std::int64_t> unix_from_iso(std::string_view text) {
  namespace chrono = std::chrono;
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !(take(text, 'T') || take(text, ' '))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const chrono::year_month_day date{chrono::year{*year},
                                    chrono::month{static_cast<unsigned>(*month)},
                                    chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  const chrono::sys_seconds at = chrono::sys_days{date} + chrono::hours{*hour} +
                                 chrono::minutes{*minute - *zone} + chrono::seconds{*second};
  return at.time_since_epoch().count();
}

}  // namespace

Expected<channel::LedgerTime> parse_as_of(std::string_view text, channel::LedgerTime now) {
  channel::LedgerTime time = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    const auto unix_s = unix_from_iso(text);
    if (!unix_s || *unix_s < channel::ledger_epoch_unix_s) {
      return fail(fmt::format("'{}' is not a time", text), "--as-of",
                  "Write 2026-01-31T23:59:59Z, or seconds since 2000-01-01T00:00:00Z");
    }
    time = xrpl::ledger_from_unix(*unix_s);
  }
  if (time > now) {
    return fail(fmt::format("{} has not come yet", xrpl::time_text(time)), "--as-of",
                "Give the time at which the ledger's answer was given");
  }
  return time;
}

}  // namespace claimgate::claimctl
