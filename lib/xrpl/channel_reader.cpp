#include "lib/xrpl/channel_reader.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "lib/xrpl/answer_fields.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/text_feed.hpp"

namespace claimgate::xrpl {
namespace {

// Text from the input goes to terminals and logs: short, and without control characters.
std::string printable(std::string_view text) {
  constexpr std::size_t shown_max = 160;
  std::string shown(text.substr(0, shown_max));
  for (char& c : shown)
    if (c < ' ' || c > '~') c = '?';
  if (text.size() > shown_max) shown += "…";
  return shown;
}

// Digits without sign or leading zero; beyond 64 bits the largest value.
std::optional<std::uint64_t> parse_drops(std::string_view text) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t drops = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    drops = drops > (most - digit) / 10 ? most : drops * 10 + digit;
  }
  return drops;
}

// A JSON value as SAX hands it over.
struct Value {
  enum class Kind : std::uint8_t { null, boolean, whole, other_number, string, array, object };
  Kind kind = Kind::null;
  bool flag = false;
  std::uint64_t number = 0;
  std::string_view text;
  [[nodiscard]] bool is(Kind k) const noexcept { return kind == k; }
};
using Kind = Value::Kind;

std::optional<std::uint32_t> as_u32(const Value& value) noexcept {
  if (!value.is(Kind::whole) || value.number > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  return static_cast<std::uint32_t>(value.number);
}

// Follows one input's answers; what nlohmann's parser calls. Returning false stops the parser.
class AnswerFollower {
 public:
  AnswerFollower(TextFeed& feed, const ChannelSink& sink) : feed_(feed), sink_(sink) {}

  [[nodiscard]] std::optional<Failure>& failure() noexcept { return failure_; }
  [[nodiscard]] const ReadTotals& totals() const noexcept { return totals_; }

  bool null() { return scalar({.kind = Kind::null}); }
  bool boolean(bool flag) { return scalar({.kind = Kind::boolean, .flag = flag}); }
  bool number_integer(std::int64_t) { return scalar({.kind = Kind::other_number}); }
  bool number_unsigned(std::uint64_t number) {
    return scalar({.kind = Kind::whole, .number = number});
  }
  bool number_float(double, const std::string&) { return scalar({.kind = Kind::other_number}); }
  bool string(std::string& text) { return scalar({.kind = Kind::string, .text = text}); }
  bool binary(nlohmann::json::binary_t&) { return stop("binary values are not JSON"); }

  bool key(std::string& name) {
    if (skip_depth_ > 0) return true;
    const Place place = places_.back();
    field_ = find(place == Place::entry ? entry_fields() : std::span(answer_fields), name);
    if (field_ == Field::unknown) return true;
    std::uint32_t& seen = place == Place::entry    ? entry_seen_
                          : place == Place::result ? result_seen_
                                                   : answer_seen_;
    const std::uint32_t bit = 1U << static_cast<unsigned>(field_);
    // Which of two values counts must not depend on the reader.
    if ((seen & bit) != 0) return stop(fmt::format("the field \"{}\" is given twice", name));
    seen |= bit;
    return true;
  }

  bool start_object(std::size_t) {
    if (++depth_ > json_depth_max) return too_deep();
    if (skip_depth_ > 0) return ++skip_depth_, true;
    switch (places_.back()) {
      case Place::document:
      case Place::answers:
        return begin_answer();
      case Place::answer:
      case Place::result:
        if (field_ == Field::node) return begin_list() && begin_entry(Form::node);
        if (field_ == Field::result && places_.back() == Place::answer) {
          result_seen_ = 0;
          places_.push_back(Place::result);
          return true;
        }
        break;
      case Place::entries:
        return begin_entry(entries_form_);
      case Place::entry:
        break;
    }
    return skip({.kind = Kind::object});
  }

  bool start_array(std::size_t) {
    if (++depth_ > json_depth_max) return too_deep();
    if (skip_depth_ > 0) return ++skip_depth_, true;
    switch (places_.back()) {
      case Place::document:
        places_.push_back(Place::answers);
        return true;
      case Place::answers:
        return stop("expected an object: one answer of rippled");
      case Place::answer:
      case Place::result:
        if (field_ != Field::channels && field_ != Field::account_objects) break;
        if (!begin_list()) return false;
        entries_form_ = field_ == Field::channels ? Form::listed : Form::object;
        places_.push_back(Place::entries);
        return true;
      case Place::entries:
        return stop("expected an object: one channel");
      case Place::entry:
        break;
    }
    return skip({.kind = Kind::array});
  }

  bool end_object() {
    --depth_;
    if (skip_depth_ > 0) return --skip_depth_, true;
    const Place ended = places_.back();
    places_.pop_back();
    if (ended == Place::entry) return finish_entry();
    if (ended == Place::answer) return finish_answer();
    return true;
  }

  bool end_array() {
    --depth_;
    if (skip_depth_ > 0) return --skip_depth_, true;
    places_.pop_back();
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) {
    if (feed_.ended())
      return stop("the input ends inside a JSON value, as if it had been cut short");
    std::string_view text = error.what();  // "[…] parse error at line 1, column 2: what"
    if (const auto colon = text.find(": "); colon != std::string_view::npos)
      text.remove_prefix(colon + 2);
    return stop("not JSON: " + printable(text));
  }

 private:
  enum class Place : std::uint8_t { document, answers, answer, result, entries, entry };
  enum class Form : std::uint8_t { listed, object, node };

  bool stop(std::string what, std::string remedy = {}) {
    if (!failure_) failure_ = Failure{std::move(what), {}, std::move(remedy)};
    return false;
  }
  bool too_deep() { return stop(fmt::format("nested more than {} deep", json_depth_max)); }

  std::span<const NamedField> entry_fields() const noexcept {
    return form_ == Form::listed ? std::span<const NamedField>(listed_fields)
                                 : std::span<const NamedField>(object_fields);
  }

  bool scalar(const Value& value) {
    if (skip_depth_ > 0) return true;
    switch (places_.back()) {
      case Place::document:
      case Place::answers:
        return stop("expected an object: one answer of rippled");
      case Place::entries:
        return stop("expected an object: one channel");
      case Place::answer:
      case Place::result:
        return answer_field(value);
      case Place::entry:
        entry_field(value);
        return true;
    }
    return true;
  }

  // An object or array where no known structure has one: told to the field, then passed over.
  bool skip(const Value& value) {
    skip_depth_ = 1;
    if (places_.back() != Place::entry) return answer_field(value);
    entry_field(value);
    return true;
  }

  bool begin_answer() {
    answer_ = AnswerInfo{.number = ++totals_.answers};
    answer_seen_ = result_seen_ = 0;
    has_list_ = is_error_ = false;
    error_.clear();
    error_message_.clear();
    answer_id_.reset();
    held_node_.reset();
    places_.push_back(Place::answer);
    return true;
  }

  bool begin_list() {
    if (has_list_) return stop("an answer holds one of channels, account_objects and node");
    has_list_ = true;
    return true;
  }

  bool wrong(std::string_view expected) {
    return stop(
        fmt::format("the answer's \"{}\" must be {}", name_of(answer_fields, field_), expected));
  }

  bool answer_field(const Value& value) {
    switch (field_) {
      case Field::status:
        if (!value.is(Kind::string)) return wrong("a string");
        is_error_ = is_error_ || value.text == "error";
        return true;
      case Field::error:
        is_error_ = true;
        error_ = value.is(Kind::string) ? printable(value.text) : "error";
        return true;
      case Field::error_message:
        if (value.is(Kind::string)) error_message_ = printable(value.text);
        return true;
      case Field::validated:
        if (!value.is(Kind::boolean)) return wrong("true or false");
        answer_.validated = answer_.validated.value_or(true) && value.flag;
        return true;
      case Field::ledger_index:
        return ledger_index_field(value);
      case Field::ledger_current_index:
        if (!as_u32(value)) return wrong("a ledger number");
        answer_.is_current = true;
        return true;
      case Field::marker:
        answer_.has_marker = answer_.has_marker || !value.is(Kind::null);
        return true;
      case Field::answer_index:
        return answer_index_field(value);
      case Field::channels:
      case Field::account_objects:
        return wrong("an array");
      case Field::node:
        return wrong("an object");
      case Field::result:
        return places_.back() == Place::answer ? wrong("an object")
                                               : stop("a \"result\" inside a \"result\"");
      default:
        return true;
    }
  }

  bool ledger_index_field(const Value& value) {
    std::optional<std::uint32_t> index = as_u32(value);
    if (value.is(Kind::string))
      if (const auto number = parse_drops(value.text); number && *number <= 0xFFFF'FFFF)
        index = static_cast<std::uint32_t>(*number);
    if (!index) return wrong("a ledger number");
    if (answer_.ledger_index && answer_.ledger_index != index)
      return stop("the answer gives two different values of \"ledger_index\"");
    answer_.ledger_index = index;
    return true;
  }

  // ledger_entry states the object's id here; elsewhere "index" means nothing to us.
  bool answer_index_field(const Value& value) {
    channel::ChannelId id;
    if (!value.is(Kind::string) || !read_hex(value.text, id.bytes))
      return wrong("64 hexadecimal digits");
    if (answer_id_ && *answer_id_ != id)
      return stop("the answer gives two different values of \"index\"");
    answer_id_ = id;
    return true;
  }

  bool begin_entry(Form form) {
    form_ = form;
    entry_ = RawChannel{};
    entry_.answer = answer_.number;
    entry_.line = feed_.line();
    entry_.offset = feed_.offset() - 1;
    entry_seen_ = 0;
    entry_wrong_.reset();
    is_channel_ = form == Form::listed;
    is_type_wrong_ = false;
    hex_form_ = text_form_ = KeyForm::missing;
    places_.push_back(Place::entry);
    return true;
  }

  // Kept until the entry ends: another type of ledger object may use the same name otherwise.
  void entry_wrong(std::string_view expected) {
    if (!entry_wrong_)
      entry_wrong_ =
          fmt::format("the channel's \"{}\" must be {}", name_of(entry_fields(), field_), expected);
  }

  void entry_field(const Value& value) {
    switch (field_) {
      case Field::id:
        if (!value.is(Kind::string) || !read_hex(value.text, entry_.id.bytes))
          entry_wrong("64 hexadecimal digits");
        return;
      case Field::entry_type:
        is_type_wrong_ = !value.is(Kind::string);
        if (is_type_wrong_) {
          entry_wrong_.reset();
          entry_wrong("a string");
        }
        is_channel_ = value.is(Kind::string) && value.text == "PayChannel";
        return;
      case Field::account:
        return address_field(value, entry_.account, last_account_);
      case Field::destination:
        return address_field(value, entry_.destination, last_destination_);
      case Field::amount:
        return drops_field(value, entry_.amount_drops);
      case Field::balance:
        return drops_field(value, entry_.balance_drops);
      case Field::key_hex:
        return key_hex_field(value);
      case Field::key_text:
        return key_text_field(value);
      case Field::settle_delay:
        if (const auto number = as_u32(value))
          entry_.settle_delay_s = *number;
        else
          entry_wrong("a number of seconds, 0 to 2^32-1");
        return;
      case Field::expiration:
        return number_field(value, entry_.expiration);
      case Field::cancel_after:
        return number_field(value, entry_.cancel_after);
      case Field::sequence:
        return number_field(value, entry_.sequence);
      case Field::source_tag:
        return number_field(value, entry_.source_tag);
      case Field::destination_tag:
        return number_field(value, entry_.destination_tag);
      default:
        return;
    }
  }

  void number_field(const Value& value, std::optional<std::uint32_t>& out) {
    out = as_u32(value);
    if (!out) entry_wrong("a whole number, 0 to 2^32-1");
  }

  // The last good one: a listing names the same two accounts again and again.
  struct Address {
    std::string text;
    AccountId account{};
  };
  void address_field(const Value& value, AccountId& out, Address& last) {
    if (!value.is(Kind::string)) return entry_wrong("a classic address (r…)");
    if (last.text.empty() || value.text != last.text) {
      auto account = parse_address(value.text);
      if (!account) return entry_wrong("a classic address (r…): " + account.error().what);
      last = {std::string(value.text), *account};
    }
    out = last.account;
  }

  void drops_field(const Value& value, std::uint64_t& out) {
    if (value.is(Kind::object)) {
      entry_.is_token = true;
      return;
    }
    const auto drops = value.is(Kind::string) ? parse_drops(value.text) : std::nullopt;
    if (!drops) return entry_wrong("a decimal string of drops");
    out = *drops;
  }

  void key_hex_field(const Value& value) {
    if (!value.is(Kind::string) || !is_hex(value.text)) return entry_wrong("hexadecimal digits");
    hex_form_ = read_hex(value.text, hex_key_) ? KeyForm::present : KeyForm::wrong_length;
  }

  void key_text_field(const Value& value) {
    if (!value.is(Kind::string)) return entry_wrong("a base58 public key (a…)");
    const auto key = parse_key_text(value.text);
    text_form_ = key ? KeyForm::present : KeyForm::bad_text;
    if (key) text_key_ = *key;
  }

  void settle_key() {
    entry_.key_form = hex_form_ != KeyForm::missing ? hex_form_ : text_form_;
    entry_.key = hex_form_ == KeyForm::present ? hex_key_ : text_key_;
    if (hex_form_ != KeyForm::missing && text_form_ != KeyForm::missing &&
        !(hex_form_ == KeyForm::present && text_form_ == KeyForm::present && hex_key_ == text_key_))
      entry_.key_form = KeyForm::conflicting;
    if (entry_.key_form != KeyForm::present) entry_.key = KeyBytes{};
  }

  [[nodiscard]] bool has(Field field) const noexcept {
    return (entry_seen_ & (1U << static_cast<unsigned>(field))) != 0;
  }

  bool finish_entry() {
    if (form_ != Form::listed && !has(Field::entry_type))
      return stop("the ledger object has no \"LedgerEntryType\"",
                  "ask for JSON, not binary, objects");
    if (entry_wrong_ && (is_channel_ || is_type_wrong_)) return stop(std::move(*entry_wrong_));
    if (!is_channel_) {
      ++answer_.skipped;
      return true;
    }
    for (const Field field : {Field::id, Field::account, Field::destination, Field::amount,
                              Field::balance, Field::settle_delay})
      if (!has(field) && !(field == Field::id && form_ == Form::node))
        return stop(fmt::format("the channel has no \"{}\"", name_of(entry_fields(), field)));
    settle_key();
    if (form_ != Form::node) return emit(entry_);
    held_node_ = entry_;
    node_has_id_ = has(Field::id);
    return true;
  }

  bool emit(const RawChannel& raw) {
    ++answer_.channels;
    if (!sink_.on_channel) return true;
    if (auto taken = sink_.on_channel(raw); !taken) return failure_ = taken.error(), false;
    return true;
  }

  // The node's id may stand in the answer, before or after the node, and must then agree.
  bool finish_node() {
    if (!node_has_id_ && !answer_id_) return stop("the channel has no \"index\"");
    if (node_has_id_ && answer_id_ && held_node_->id != *answer_id_)
      return stop("the answer's \"index\" and the node's differ");
    if (answer_id_) held_node_->id = *answer_id_;
    return emit(*held_node_);
  }

  bool finish_answer() {
    if (is_error_)
      return stop(
          fmt::format("rippled answered with an error: {}{}{}", error_.empty() ? "unnamed" : error_,
                      error_message_.empty() ? "" : ": ", error_message_),
          "repeat the request; nothing of this input counts");
    if (!has_list_)
      return stop("the answer has none of \"channels\", \"account_objects\" and \"node\"",
                  "give the answer of account_channels, account_objects or ledger_entry");
    if (held_node_ && !finish_node()) return false;
    totals_.channels += answer_.channels;
    totals_.skipped += answer_.skipped;
    totals_.has_marker = answer_.has_marker;
    if (!sink_.on_answer) return true;
    if (auto taken = sink_.on_answer(answer_); !taken) return failure_ = taken.error(), false;
    return true;
  }

  TextFeed& feed_;
  const ChannelSink& sink_;
  std::optional<Failure> failure_;
  ReadTotals totals_;

  std::vector<Place> places_{Place::document};
  std::size_t depth_ = 0;       // all open containers
  std::size_t skip_depth_ = 0;  // of them, those within an unknown value
  Field field_ = Field::unknown;

  AnswerInfo answer_;
  std::uint32_t answer_seen_ = 0, result_seen_ = 0, entry_seen_ = 0;
  bool has_list_ = false, is_error_ = false, node_has_id_ = false;
  bool is_channel_ = false, is_type_wrong_ = false;
  std::string error_, error_message_;
  std::optional<channel::ChannelId> answer_id_;
  std::optional<RawChannel> held_node_;

  Form entries_form_ = Form::listed, form_ = Form::listed;
  RawChannel entry_;
  std::optional<std::string> entry_wrong_;
  KeyForm hex_form_ = KeyForm::missing, text_form_ = KeyForm::missing;
  KeyBytes hex_key_{}, text_key_{};
  Address last_account_, last_destination_;
};

Expected<ReadTotals> read_all(TextFeed& feed, AnswerFollower& follower) {
  for (feed.skip_space(); !feed.at_end(); feed.skip_space()) {
    // Not strict: one document is read to its last bracket and no further, the next may follow.
    const bool done = nlohmann::json::sax_parse(FeedIterator(feed), FeedIterator(), &follower,
                                                nlohmann::json::input_format_t::json, false);
    if (feed.failure()) return std::unexpected(*feed.failure());
    if (!done) return std::unexpected(follower.failure().value_or(Failure{"not JSON", {}, {}}));
  }
  if (feed.failure()) return std::unexpected(*feed.failure());
  if (follower.totals().answers == 0)
    return fail("the input holds no answer", {},
                "give the answer of account_channels, account_objects or ledger_entry");
  ReadTotals totals = follower.totals();
  totals.bytes = feed.offset();
  return totals;
}

}  // namespace

Expected<ReadTotals> read_channels(const ReadBytes& source, const ChannelSink& sink,
                                   std::string_view name) {
  TextFeed feed(source, sink);
  AnswerFollower follower(feed, sink);
  Expected<ReadTotals> totals = fail("the input could not be read");
  try {
    totals = read_all(feed, follower);
  } catch (const std::exception& error) {
    totals = fail(fmt::format("the input could not be read: {}", error.what()));
  }
  if (!totals && totals.error().where.empty())
    totals.error().where = fmt::format("{}:{} (byte {})", name, feed.line(), feed.offset());
  return totals;
}

Expected<ReadTotals> read_channels(std::istream& input, const ChannelSink& sink,
                                   std::string_view name) {
  const ReadBytes source = [&input](std::span<char> block) -> Expected<std::size_t> {
    input.read(block.data(), static_cast<std::streamsize>(block.size()));
    if (input.bad()) return fail("reading failed");
    return static_cast<std::size_t>(input.gcount());
  };
  return read_channels(source, sink, name);
}

}  // namespace claimgate::xrpl
