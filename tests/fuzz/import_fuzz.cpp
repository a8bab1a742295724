// libFuzzer target of the import: any text in the place of rippled's answer, read by
// lib/xrpl/channel_reader and judged by lib/xrpl/judge.
//
// Input: the text as it is, so that a seed is an answer one can read. What holds for each:
//   · however the text is cut into pieces, the same channels, answers, totals or failure come out;
//   · what was accepted says the same as nlohmann's DOM of the whole text, and is accepted with the
//     same content after the DOM was written anew, its fields in another order;
//   · judge() takes on exactly what the rules of judge.hpp, written down here once more, permit;
//   · every message is fit for a terminal.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/channel_reader.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/judge.hpp"
#include "lib/xrpl/keys.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using namespace claimgate::xrpl;
using fuzz::require;
using fuzz::require_printable;
using nlohmann::json;

struct Outcome {
  Expected<ReadTotals> totals = fail("not read");
  std::vector<RawChannel> channels;
  std::vector<AnswerInfo> answers;
};

// Reads `text` in pieces of at most `piece_bytes`.
Outcome read(std::string_view text, std::size_t piece_bytes) {
  Outcome out;
  std::uint64_t progress = 0;
  const ReadBytes source = [&](std::span<char> block) -> Expected<std::size_t> {
    const std::size_t count = std::min({piece_bytes, block.size(), text.size()});
    std::copy_n(text.data(), count, block.data());
    text.remove_prefix(count);
    return count;
  };
  const ChannelSink sink{.on_channel = [&](const RawChannel& raw) -> Expected<void> {
                           out.channels.push_back(raw);
                           return {};
                         },
                         .on_answer = [&](const AnswerInfo& answer) -> Expected<void> {
                           out.answers.push_back(answer);
                           return {};
                         },
                         .on_progress =
                             [&](std::uint64_t bytes) {
                               require(bytes > progress, "progress goes forward");
                               progress = bytes;
                             }};
  out.totals = read_channels(source, sink, "fuzz.json");
  if (out.totals) require(out.totals->bytes == progress, "all of an accepted input is taken");
  return out;
}

bool same(const Outcome& a, const Outcome& b) {
  if (a.totals.has_value() != b.totals.has_value()) return false;
  if (a.channels != b.channels || a.answers != b.answers) return false;
  if (a.totals) return *a.totals == *b.totals;
  const Failure &x = a.totals.error(), &y = b.totals.error();
  return x.what == y.what && x.where == y.where && x.remedy == y.remedy;
}

// Line and offset change when the text is written anew; what it says must not.
std::vector<RawChannel> without_places(std::vector<RawChannel> channels) {
  for (RawChannel& raw : channels) raw.line = raw.offset = 0;
  return channels;
}

// ---- against the DOM ------------------------------------------------------------------------

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void require_drops(const json& said, std::uint64_t drops, const RawChannel& raw) {
  if (said.is_object()) return require(raw.is_token, "an amount that is an object is a token");
  const auto& digits = said.get_ref<const std::string&>();
  require(digits.size() > 19 || std::to_string(drops) == digits, "drops are the digits given");
  require(digits.size() < 20 || drops > 999'999'999'999'999'999, "many digits are much");
}

void require_number(const json& entry, const char* field, std::optional<std::uint32_t> number) {
  require(entry.contains(field) == number.has_value(), "a number is there where it was given");
  if (number) require(entry[field] == *number, "a number is the one given");
}

struct Names {
  const char *id, *account, *destination, *amount, *balance, *key_hex, *settle_delay, *expiration,
      *cancel_after, *sequence, *source_tag, *destination_tag;
};
constexpr Names listed_names = {"channel_id",   "account",    "destination_account",
                                "amount",       "balance",    "public_key_hex",
                                "settle_delay", "expiration", "cancel_after",
                                "sequence",     "source_tag", "destination_tag"};
constexpr Names object_names = {"index",       "Account",   "Destination", "Amount",
                                "Balance",     "PublicKey", "SettleDelay", "Expiration",
                                "CancelAfter", "Sequence",  "SourceTag",   "DestinationTag"};

void require_entry(const json& entry, const Names& names, const RawChannel& raw) {
  if (entry.contains(names.id))
    require(upper(entry[names.id]) == to_hex(raw.id.bytes), "the id is the one given");
  require(entry[names.account] == address_text(raw.account), "the account is the one given");
  require(entry[names.destination] == address_text(raw.destination), "so is the destination");
  require_drops(entry[names.amount], raw.amount_drops, raw);
  require_drops(entry[names.balance], raw.balance_drops, raw);
  require(raw.is_token == (entry[names.amount].is_object() || entry[names.balance].is_object()),
          "only objects are tokens");
  require(entry[names.settle_delay] == raw.settle_delay_s, "the settle delay is the one given");
  require_number(entry, names.expiration, raw.expiration);
  require_number(entry, names.cancel_after, raw.cancel_after);
  require_number(entry, names.sequence, raw.sequence);
  require_number(entry, names.source_tag, raw.source_tag);
  require_number(entry, names.destination_tag, raw.destination_tag);
  const bool has_text = &names == &listed_names && entry.contains("public_key");
  if (raw.key_form != KeyForm::present) {
    require(raw.key == KeyBytes{}, "what is no key leaves no bytes");
    require((raw.key_form == KeyForm::missing) == (!has_text && !entry.contains(names.key_hex)),
            "a key is missing where none was given");
    return;
  }
  require(has_text || entry.contains(names.key_hex), "a key comes from the answer");
  if (has_text) require(entry["public_key"] == key_text(raw.key), "the key is the text's");
  if (entry.contains(names.key_hex))
    require(upper(entry[names.key_hex]) == to_hex(raw.key), "the key is the digits'");
}

// Takes the channels of one answer off the front of `channels`.
void require_answer(const json& answer, const AnswerInfo& info,
                    std::span<const RawChannel>& channels) {
  std::vector<const json*> levels{&answer};
  if (answer.contains("result")) levels.push_back(&answer["result"]);
  std::uint64_t found = 0, skipped = 0;
  const auto take = [&](const json& entry, const Names& names) {
    if (&names == &object_names && entry.at("LedgerEntryType") != "PayChannel") {
      ++skipped;
      return;
    }
    require(found < channels.size(), "every channel of the answer comes out");
    require(channels[found].answer == info.number, "a channel knows its answer");
    require_entry(entry, names, channels[found++]);
  };
  bool validated = true, has_validated = false;
  for (const json* level : levels) {
    if (level->contains("channels"))
      for (const json& entry : (*level)["channels"]) take(entry, listed_names);
    if (level->contains("account_objects"))
      for (const json& entry : (*level)["account_objects"]) take(entry, object_names);
    if (level->contains("node")) take((*level)["node"], object_names);
    if (!level->contains("validated")) continue;
    has_validated = true;
    validated = validated && (*level)["validated"].get<bool>();
  }
  require(info.channels == found && info.skipped == skipped, "an answer's channels are counted");
  require(info.validated.has_value() == has_validated, "validated is what was said");
  require(!has_validated || *info.validated == validated, "validated is said by every level");
  channels = channels.subspan(found);
}

// `document`: the whole text as one JSON value, which read_channels has accepted.
void require_as_document(const json& document, const Outcome& outcome) {
  std::span<const RawChannel> channels(outcome.channels);
  std::size_t at = 0;
  const auto next = [&](const json& answer) {
    require(at < outcome.answers.size(), "every answer comes out");
    require(outcome.answers[at].number == at + 1, "answers are numbered from 1");
    require_answer(answer, outcome.answers[at++], channels);
  };
  if (document.is_array())
    std::ranges::for_each(document, next);
  else
    next(document);
  require(at == outcome.answers.size() && channels.empty(), "nothing comes out that is not there");
}

// Whether some object of `text`, sound JSON, gives one field twice: the DOM keeps the last of them.
bool gives_a_field_twice(std::string_view text) {
  std::vector<std::set<std::string>> objects;
  bool twice = false;
  const auto look = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) objects.emplace_back();
    if (event == json::parse_event_t::object_end) objects.pop_back();
    if (event == json::parse_event_t::key)
      twice = !objects.back().insert(parsed.get<std::string>()).second || twice;
    return true;
  };
  return !json::parse(text, look, false).is_discarded() && twice;
}

// A DOM written anew has its fields sorted and each of them once.
void require_same_in_another_order(std::string_view text, const json& document,
                                   const Outcome& outcome) {
  const Outcome again = read(document.dump(1), 4096);
  if (outcome.totals) {
    require(again.totals.has_value(), "the order of fields does not make an answer wrong");
    require(without_places(again.channels) == without_places(outcome.channels),
            "the order of fields does not change a channel");
    require(again.answers == outcome.answers, "nor an answer");
    return;
  }
  // What was wrong may be gone from the DOM: in the first of two fields of one name, or nested in
  // an unknown one.
  const std::string& what = outcome.totals.error().what;
  if (what.find("nested") != what.npos || gives_a_field_twice(text)) return;
  require(!again.totals, "the order of fields does not make a wrong answer right: " + what);
}

// ---- the judge ------------------------------------------------------------------------------

std::optional<Reason> expected_refusal(const RawChannel& raw, const AnswerInfo& answer,
                                       const Policy& policy, std::int64_t until) {
  if (policy.require_validated && (answer.is_current || answer.validated != true))
    return Reason::not_validated;
  if (raw.is_token) return Reason::unsupported_token;
  if (raw.key_form != KeyForm::present || !parse_public_key(raw.key)) return Reason::bad_key;
  if (raw.amount_drops == 0) return Reason::zero_amount;
  if (raw.amount_drops > 100'000'000'000'000'000) return Reason::oversized_amount;
  if (raw.balance_drops > raw.amount_drops) return Reason::balance_above_amount;
  if (policy.destinations.empty()) return Reason::no_destination_configured;
  if (!policy.destinations.contains(raw.destination)) return Reason::destination_not_ours;
  if (raw.sequence && channel_id(raw.account, raw.destination, *raw.sequence) != raw.id)
    return Reason::id_mismatch;
  if (raw.settle_delay_s < policy.settle_delay_min_s) return Reason::settle_delay_too_short;
  if (until <= std::int64_t{policy.now}) return Reason::closing;
  return std::nullopt;
}

// In 64 bits, where nothing of it saturates before the end.
std::int64_t expected_until(const RawChannel& raw, const Policy& policy) {
  std::int64_t closes = channel::never;
  if (raw.expiration) closes = std::min<std::int64_t>(closes, *raw.expiration);
  if (raw.cancel_after) closes = std::min<std::int64_t>(closes, *raw.cancel_after);
  closes = std::min(closes, std::int64_t{std::min(policy.as_of, policy.now)} + raw.settle_delay_s);
  return std::max<std::int64_t>(closes - policy.margin_s, 0);
}

void require_judged(const RawChannel& raw, const AnswerInfo& answer, const Policy& policy) {
  const auto terms = judge(raw, answer, policy);
  const std::int64_t until = expected_until(raw, policy);
  const auto expected = expected_refusal(raw, answer, policy, until);
  require(terms.has_value() == !expected, "a channel is taken on by the rules");
  if (!terms) {
    require(terms.error().reason == *expected, "the first rule that is broken is the reason");
    return require_printable(terms.error().text);
  }
  require(terms->id == raw.id, "terms are the channel's");
  require(terms->source == raw.account && terms->destination == raw.destination,
          "so are both ends");
  require(key_form(terms->key) == raw.key, "so is the key");
  require(terms->funded.value == raw.amount_drops && terms->balance.value == raw.balance_drops,
          "so are the funds");
  require(terms->valid_until == until, "valid until is what the formula says");
}

// Policies that depend on the channel, so that inputs reach all of their sides.
void require_judged(const RawChannel& raw, const AnswerInfo& answer) {
  const auto bits = std::to_integer<unsigned>(raw.id.bytes[0] ^ raw.id.bytes[31]);
  Policy policy;
  policy.destinations = {raw.destination};
  policy.require_validated = false;
  policy.as_of = policy.now = 800'000'000;
  policy.settle_delay_min_s = policy.margin_s = 0;
  require_judged(raw, answer, policy);
  policy.require_validated = (bits & 1) != 0;
  policy.settle_delay_min_s = (bits & 2) != 0 ? settle_delay_default_min_s : 0;
  policy.margin_s = (bits & 4) != 0 ? margin_default_s : 0xFFFF'FFFF;
  policy.as_of = (bits & 8) != 0 ? 800'000'000 : 0xFFFF'FFFF;
  policy.now = (bits & 16) != 0 ? 799'999'000 : 0xFFFF'FFF0;
  if ((bits & 32) != 0) policy.destinations = {raw.account};
  if ((bits & 192) == 192) policy.destinations.clear();
  require_judged(raw, answer, policy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(input), size);
  const Outcome outcome = read(text, 65'536);
  require(same(outcome, read(text, 1)), "byte by byte the same comes out");
  require(same(outcome, read(text, 2 + size % 61)), "and however else it is cut");
  if (outcome.totals) {
    require(outcome.totals->channels == outcome.channels.size(), "channels are counted");
    require(outcome.totals->answers == outcome.answers.size(), "answers are counted");
    for (const RawChannel& raw : outcome.channels)
      require_judged(raw, outcome.answers.at(raw.answer - 1));
  } else {
    require_printable(outcome.totals.error().text());
  }
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return 0;  // several answers in a row, or no JSON
  if (outcome.totals) require_as_document(document, outcome);
  require_same_in_another_order(text, document, outcome);
  return 0;
}
