// The bodies that travel as JSON: small, read with every field's type checked, unknown fields
// ignored. Plain values; pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/failure/failure.hpp"

namespace claimgate::admin {

inline constexpr std::size_t name_bytes_max = 4096;  // of a source's name, an id, a client's name

struct Hello {
  std::string client;  // "claimctl 0.1.0"
};

struct HelloAnswer {
  std::string version;  // "0.1.0"
  std::string build;    // compiler, flavour; free text
  std::int64_t pid = 0;
  bool may_change = false;  // whether this peer may import and remove
};

struct ImportBegin {
  std::string source;       // the file's name, for claimd's log
  std::uint32_t as_of = 0;  // ledger seconds: when the answers were given
  bool strict = false;      // one refusal refuses all
  bool dry_run = false;     // judge, apply nothing
};

// What one answer of rippled says of all the channels in it; it closes the run of import_channels
// messages since the last one.
struct ImportAnswer {
  std::optional<std::uint32_t> ledger_index;
  std::optional<bool> validated;  // absent where rippled did not say
  bool is_current = false;        // of the open ledger
  std::uint64_t channels = 0;     // how many records the run holds: checked
};

struct ImportProgress {
  std::uint64_t done = 0, total = 0;  // channels; `total` of the phase under way
};

struct ImportDone {
  std::uint64_t added = 0, updated = 0, unchanged = 0, refused = 0;
  std::uint64_t older = 0;  // from a ledger before the one known: funds merged, expiry kept
  bool applied = false;     // false: a dry run, or strict and something was refused
};

struct Refused {
  std::string channel_id;  // 64 hex digits
  std::string reason;      // a word that a program may rely on: "key_differs"
  std::string text;        // a sentence for people
  std::uint64_t line = 0;  // of the input, 1 = first; 0 = not known
};

enum class StateFilter : std::uint8_t { all, open, closed };

struct List {
  std::uint32_t cursor = 0;  // slot to start at; 0 first, then the page's `next`
  std::uint32_t limit = 0;   // records wanted, 1 .. records_per_page_max
  StateFilter state = StateFilter::all;
};

struct ShowOrRemove {
  std::string id;  // 64 hex digits, or 16: the handle
};

struct RemoveAnswer {
  bool removed = false;
  std::string channel_id;
};

[[nodiscard]] std::string encode(const Hello& body);
[[nodiscard]] std::string encode(const HelloAnswer& body);
[[nodiscard]] std::string encode(const ImportBegin& body);
[[nodiscard]] std::string encode(const ImportAnswer& body);
[[nodiscard]] std::string encode(const ImportProgress& body);
[[nodiscard]] std::string encode(const ImportDone& body);
[[nodiscard]] std::string encode(const std::vector<Refused>& body);
[[nodiscard]] std::string encode(const List& body);
[[nodiscard]] std::string encode(const ShowOrRemove& body);
[[nodiscard]] std::string encode(const RemoveAnswer& body);
[[nodiscard]] std::string encode(const Failure& body);

// Each fails on what is no JSON object, and on a field that is missing, of another type, out of
// its range or longer than name_bytes_max, naming the field.
[[nodiscard]] Expected<Hello> decode_hello(std::string_view text);
[[nodiscard]] Expected<HelloAnswer> decode_hello_answer(std::string_view text);
[[nodiscard]] Expected<ImportBegin> decode_import_begin(std::string_view text);
[[nodiscard]] Expected<ImportAnswer> decode_import_answer(std::string_view text);
[[nodiscard]] Expected<ImportProgress> decode_import_progress(std::string_view text);
[[nodiscard]] Expected<ImportDone> decode_import_done(std::string_view text);
[[nodiscard]] Expected<std::vector<Refused>> decode_refused(std::string_view text);
[[nodiscard]] Expected<List> decode_list(std::string_view text);
[[nodiscard]] Expected<ShowOrRemove> decode_show_or_remove(std::string_view text);
[[nodiscard]] Expected<RemoveAnswer> decode_remove_answer(std::string_view text);
[[nodiscard]] Expected<Failure> decode_failure(std::string_view text);

}  // namespace claimgate::admin
