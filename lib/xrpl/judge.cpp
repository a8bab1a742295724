#include "lib/xrpl/judge.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::xrpl {
namespace {

using Opinion = std::optional<Refusal>;  // nothing: no objection

Refusal refuse(Reason reason, std::string text) {
  return {reason, std::move(text)};
}

Opinion of_answer(const AnswerInfo& answer, const Policy& policy) {
  if (!policy.require_validated || answer.is_validated()) return std::nullopt;
  return refuse(Reason::not_validated,
                fmt::format("answer {} is not of a validated ledger; ask with "
                            "\"ledger_index\": \"validated\"",
                            answer.number));
}

std::string_view key_form_text(KeyForm form) noexcept {
  switch (form) {
    case KeyForm::missing:
      return "the answer gives no public key";
    case KeyForm::wrong_length:
      return "the public key is not 33 bytes long";
    case KeyForm::bad_text:
      return "the base58 public key does not decode";
    case KeyForm::conflicting:
      return "public_key and public_key_hex disagree";
    case KeyForm::present:
      break;
  }
  return "";
}

Opinion of_amounts(const RawChannel& raw) {
  if (raw.amount_drops == 0)
    return refuse(Reason::zero_amount, "the channel is funded with 0 drops");
  if (raw.amount_drops > wire::drops_max.value)
    return refuse(Reason::oversized_amount, "the amount is above 10^17 drops, all XRP there is");
  if (raw.balance_drops > raw.amount_drops)
    return refuse(Reason::balance_above_amount,
                  fmt::format("the balance, {} drops, is above the amount, {} drops",
                              raw.balance_drops, raw.amount_drops));
  return std::nullopt;
}

Opinion of_parties(const RawChannel& raw, const Policy& policy) {
  if (policy.destinations.empty())
    return refuse(Reason::no_destination_configured,
                  fmt::format("no destination account is configured as ours; the channel pays {}: "
                              "configure that address if it is yours",
                              address_text(raw.destination)));
  if (!policy.destinations.contains(raw.destination))
    return refuse(Reason::destination_not_ours,
                  fmt::format("the channel pays {}, which is not configured as ours",
                              address_text(raw.destination)));
  if (raw.sequence) {
    const channel::ChannelId made = channel_id(raw.account, raw.destination, *raw.sequence);
    if (made != raw.id)
      return refuse(Reason::id_mismatch,
                    fmt::format("account, destination and sequence {} make the channel id {}",
                                *raw.sequence, to_hex(made.bytes)));
  }
  return std::nullopt;
}

}  // namespace

LedgerTime valid_until(LedgerTime expiration, LedgerTime cancel_after, LedgerTime as_of,
                       std::uint32_t settle_delay_s, std::uint32_t margin_s) noexcept {
  const std::uint64_t settled = std::uint64_t{as_of} + settle_delay_s;
  const std::uint64_t closes = std::min({std::uint64_t{expiration}, std::uint64_t{cancel_after},
                                         settled, std::uint64_t{channel::never}});
  return static_cast<LedgerTime>(closes - std::min<std::uint64_t>(closes, margin_s));
}

std::expected<channel::ChannelTerms, Refusal> judge(const RawChannel& raw, const AnswerInfo& answer,
                                                    const Policy& policy) {
  if (auto refusal = of_answer(answer, policy)) return std::unexpected(std::move(*refusal));
  if (raw.is_token)
    return std::unexpected(refuse(Reason::unsupported_token,
                                  "the channel holds a token; only XRP channels are supported"));
  if (raw.key_form != KeyForm::present)
    return std::unexpected(refuse(Reason::bad_key, std::string(key_form_text(raw.key_form))));
  const auto key = parse_public_key(raw.key);
  if (!key) return std::unexpected(refuse(Reason::bad_key, key.error().what));
  if (auto refusal = of_amounts(raw)) return std::unexpected(std::move(*refusal));
  if (auto refusal = of_parties(raw, policy)) return std::unexpected(std::move(*refusal));
  if (raw.settle_delay_s < policy.settle_delay_min_s)
    return std::unexpected(refuse(Reason::settle_delay_too_short,
                                  fmt::format("the settle delay, {} s, is below the floor of {} s",
                                              raw.settle_delay_s, policy.settle_delay_min_s)));

  channel::ChannelTerms terms;
  terms.id = raw.id;
  terms.key = *key;
  terms.source = raw.account;
  terms.destination = raw.destination;
  terms.funded = {raw.amount_drops};
  terms.balance = {raw.balance_drops};
  terms.expiration = raw.expiration.value_or(channel::never);
  terms.cancel_after = raw.cancel_after.value_or(channel::never);
  terms.settle_delay_s = raw.settle_delay_s;
  terms.ledger_index = answer.ledger_index.value_or(0);
  // An answer from the future would only be a wrong clock, and must not stretch anything.
  terms.valid_until =
      valid_until(terms.expiration, terms.cancel_after, std::min(policy.as_of, policy.now),
                  raw.settle_delay_s, policy.margin_s);
  if (terms.valid_until <= policy.now)
    return std::unexpected(refuse(
        Reason::closing,
        fmt::format("claims would be safe until {} only (expiration {}, cancel after {}, answer of "
                    "{} plus settle delay {} s, less a margin of {} s); it is {}",
                    time_text(terms.valid_until), time_text(terms.expiration),
                    time_text(terms.cancel_after), time_text(policy.as_of), raw.settle_delay_s,
                    policy.margin_s, time_text(policy.now))));
  return terms;
}

}  // namespace claimgate::xrpl
