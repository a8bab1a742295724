// Reads what rippled (or Clio) answers about payment channels, as a stream, in bounded memory.
//
//   account_channels   {"result": {"channels": [ {…} … ], "validated": true, "ledger_index": N}}
//   account_objects    {"result": {"account_objects": [ {"LedgerEntryType": "PayChannel", …} … ]}}
//   ledger_entry       {"result": {"index": "…", "node": {…}}}
//
// With or without the `result` envelope (JSON-RPC and WebSocket form alike); one answer, several in
// a row (the pages of one listing), or a JSON array of them. Fields it does not know are ignored at
// any depth; other ledger objects are skipped and counted.
//
// Two kinds of wrong. *Structure*: no JSON, cut short, a field of the wrong type, a missing id, an
// answer that is an error: read_channels fails, and what the sink has seen until then must be
// dropped. *Merit*: a key off the curve, a zero amount, a token channel: carried in RawChannel to
// the judge (judge.hpp), so one bad channel does not refuse its neighbours.
//
// `validated` and `ledger_index` may follow the channels in the text, so channels are judged after
// on_answer of their answer. Field names and shapes: rippled src/xrpld/rpc/handlers/
// {AccountChannels,AccountObjects,LedgerEntry}.cpp. account_channels leaves both key fields out
// when it does not know the key's type: a missing key is a matter of merit.
//
// One thread; the control path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::xrpl {

inline constexpr std::size_t json_depth_max = 64;
// Longest string, and longest stretch without a string or number: the lexer keeps either whole.
inline constexpr std::size_t json_token_bytes_max = std::size_t{256} << 10;

enum class KeyForm : std::uint8_t {
  present,       // 33 bytes; whether they are a key is not yet known
  missing,       // neither form given
  wrong_length,  // hexadecimal, but not of 33 bytes
  bad_text,      // base58 that does not decode
  conflicting,   // public_key and public_key_hex disagree
};

// One channel as the answer states it. Amounts beyond 64 bits are carried as 2^64 - 1.
struct RawChannel {
  channel::ChannelId id;
  KeyBytes key{};
  KeyForm key_form = KeyForm::missing;
  bool is_token = false;  // Amount or Balance is an object: not XRP (XLS-93)
  AccountId account{};
  AccountId destination{};
  std::uint64_t amount_drops = 0;
  std::uint64_t balance_drops = 0;
  std::uint32_t settle_delay_s = 0;
  std::uint32_t answer = 0;  // number of its answer in the input, from 1
  std::optional<LedgerTime> expiration;
  std::optional<LedgerTime> cancel_after;
  std::optional<std::uint32_t> sequence;  // of the creating transaction
  std::optional<std::uint32_t> source_tag;
  std::optional<std::uint32_t> destination_tag;
  std::uint64_t line = 0;    // where it starts in the input, from 1
  std::uint64_t offset = 0;  // bytes before it
  friend bool operator==(const RawChannel&, const RawChannel&) = default;
};
static_assert(sizeof(RawChannel) <= 256, "a million of them are kept until their answer ends");

struct AnswerInfo {
  std::uint32_t number = 0;                   // from 1
  std::optional<bool> validated;              // absent where rippled did not say
  std::optional<std::uint32_t> ledger_index;  // of a closed ledger
  bool is_current = false;                    // of the open ledger: never validated
  bool has_marker = false;                    // rippled has more pages
  std::uint64_t channels = 0;
  std::uint64_t skipped = 0;  // ledger objects that are not payment channels
  [[nodiscard]] bool is_validated() const noexcept { return !is_current && validated == true; }
  friend bool operator==(const AnswerInfo&, const AnswerInfo&) = default;
};

struct ReadTotals {
  std::uint32_t answers = 0;
  std::uint64_t channels = 0;
  std::uint64_t skipped = 0;
  std::uint64_t bytes = 0;
  bool has_marker = false;  // of the last answer: the listing is not complete
  friend bool operator==(const ReadTotals&, const ReadTotals&) = default;
};

// Any may be empty. A failure that on_channel or on_answer returns ends the reading with it.
// on_answer follows all of its answer's channels.
struct ChannelSink {
  std::function<Expected<void>(const RawChannel&)> on_channel;
  std::function<Expected<void>(const AnswerInfo&)> on_answer;
  std::function<void(std::uint64_t bytes)> on_progress;  // bytes taken so far, per 64 KiB
};

// Fills the front of the span and returns the bytes written; 0 is the end.
using ReadBytes = std::function<Expected<std::size_t>(std::span<char>)>;

// Reads all of the input. `name` is what failures call it ("channels.json", "standard input");
// they say name:line and byte, counted to the end of the offending value. Fails on any error of
// structure, on an input without an answer, and with what `source` or the sink fails with.
[[nodiscard]] Expected<ReadTotals> read_channels(const ReadBytes& source, const ChannelSink& sink,
                                                 std::string_view name);
[[nodiscard]] Expected<ReadTotals> read_channels(std::istream& input, const ChannelSink& sink,
                                                 std::string_view name);

}  // namespace claimgate::xrpl
