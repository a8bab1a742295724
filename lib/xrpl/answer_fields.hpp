// The fields of rippled's answers that channel_reader.cpp knows, by the name they have in each
// shape.
//
// Private to channel_reader.cpp. Constants; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace claimgate::xrpl {

enum class Field : std::uint8_t {
  unknown,
  // of an answer
  result,
  status,
  error,
  error_message,
  validated,
  ledger_index,
  ledger_current_index,
  marker,
  channels,
  account_objects,
  node,
  answer_index,
  // of a channel, in either spelling
  id,
  entry_type,
  account,
  destination,
  amount,
  balance,
  key_text,
  key_hex,
  settle_delay,
  expiration,
  cancel_after,
  sequence,
  source_tag,
  destination_tag,
};

struct NamedField {
  std::string_view name;
  Field field;
};

inline constexpr NamedField answer_fields[] = {
    {"result", Field::result},
    {"status", Field::status},
    {"error", Field::error},
    {"error_message", Field::error_message},
    {"validated", Field::validated},
    {"ledger_index", Field::ledger_index},
    {"ledger_current_index", Field::ledger_current_index},
    {"marker", Field::marker},
    {"channels", Field::channels},
    {"account_objects", Field::account_objects},
    {"node", Field::node},
    {"index", Field::answer_index},
};

inline constexpr NamedField listed_fields[] = {
    {"channel_id", Field::id},
    {"account", Field::account},
    {"destination_account", Field::destination},
    {"amount", Field::amount},
    {"balance", Field::balance},
    {"public_key", Field::key_text},
    {"public_key_hex", Field::key_hex},
    {"settle_delay", Field::settle_delay},
    {"expiration", Field::expiration},
    {"cancel_after", Field::cancel_after},
    {"sequence", Field::sequence},
    {"source_tag", Field::source_tag},
    {"destination_tag", Field::destination_tag},
};

inline constexpr NamedField object_fields[] = {
    {"index", Field::id},
    {"LedgerEntryType", Field::entry_type},
    {"Account", Field::account},
    {"Destination", Field::destination},
    {"Amount", Field::amount},
    {"Balance", Field::balance},
    {"PublicKey", Field::key_hex},
    {"SettleDelay", Field::settle_delay},
    {"Expiration", Field::expiration},
    {"CancelAfter", Field::cancel_after},
    {"Sequence", Field::sequence},
    {"SourceTag", Field::source_tag},
    {"DestinationTag", Field::destination_tag},
};

[[nodiscard]] inline Field find(std::span<const NamedField> fields,
                                std::string_view name) noexcept {
  for (const NamedField& known : fields)
    if (known.name == name) return known.field;
  return Field::unknown;
}

[[nodiscard]] inline std::string_view name_of(std::span<const NamedField> fields,
                                              Field field) noexcept {
  for (const NamedField& known : fields)
    if (known.field == field) return known.name;
  return "?";
}

}  // namespace claimgate::xrpl
