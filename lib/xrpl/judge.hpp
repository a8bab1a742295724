// Decides whether a channel that an answer describes may be taken on, and until when.
//
// These are the merits that the answer and the policy show by themselves. Whether the handle is
// taken by another id, or a known channel's key differs, is the table's to say.
//
//   valid_until = min(expiration, cancel_after, as_of + settle_delay) - margin     saturating
//
// Until then the source cannot have closed the channel, however old the answer is: a close asked
// for after `as_of` takes settle_delay (rippled PaymentChannelClaim.cpp, tfClose). Pure; any
// thread; the control path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>

#include "lib/channel/terms.hpp"
#include "lib/xrpl/channel_reader.hpp"

namespace claimgate::xrpl {

inline constexpr std::uint32_t settle_delay_default_min_s = 3600;
inline constexpr std::uint32_t margin_default_s = 600;

struct Policy {
  std::set<AccountId> destinations;  // ours; empty refuses every channel
  std::uint32_t settle_delay_min_s = settle_delay_default_min_s;
  std::uint32_t margin_s = margin_default_s;
  LedgerTime as_of = 0;  // close time of the answer's ledger; a later one than `now` counts as now
  LedgerTime now = 0;
  bool require_validated = true;
};

// In the order in which they are looked for; the first found is the answer.
enum class Reason : std::uint8_t {
  not_validated,
  unsupported_token,
  bad_key,
  zero_amount,
  oversized_amount,
  balance_above_amount,
  no_destination_configured,
  destination_not_ours,
  id_mismatch,
  settle_delay_too_short,
  closing,
};
inline constexpr std::size_t reason_count = 11;

inline constexpr std::array<std::string_view, reason_count> reason_names = {
    "not_validated",
    "unsupported_token",
    "bad_key",
    "zero_amount",
    "oversized_amount",
    "balance_above_amount",
    "no_destination_configured",
    "destination_not_ours",
    "id_mismatch",
    "settle_delay_too_short",
    "closing"};

[[nodiscard]] constexpr std::string_view name(Reason reason) noexcept {
  return reason_names[static_cast<std::size_t>(reason)];
}

struct Refusal {
  Reason reason = Reason::bad_key;
  std::string text;  // one sentence with the figures, and the remedy where there is one
};

// The latest second before which a claim may be accepted, by the formula above.
[[nodiscard]] LedgerTime valid_until(LedgerTime expiration, LedgerTime cancel_after,
                                     LedgerTime as_of, std::uint32_t settle_delay_s,
                                     std::uint32_t margin_s) noexcept;

// Precondition: `answer` is the one that `raw.answer` numbers, as on_answer gave it.
[[nodiscard]] std::expected<channel::ChannelTerms, Refusal> judge(const RawChannel& raw,
                                                                  const AnswerInfo& answer,
                                                                  const Policy& policy);

}  // namespace claimgate::xrpl
