// rippled's answers, written out by the tests of the reader and the judge.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "lib/xrpl/channel_reader.hpp"

namespace claimgate::xrpl::test {

inline constexpr std::string_view some_id =
    "5054769B65958B0E7B2C6F8635546F480A28587F5D2E1817675B54BD3B45AAE1";
inline constexpr std::string_view some_key =
    "020C415AA59C84746E047A33B32CEF7AB342720BEF1057ED0583932D4FD1E54447";
inline constexpr std::string_view some_key_text =
    "aB4susgVZCDnP4Dp2JgWH2tvx2xHpo4kLmW7ebuLHWfHJbGEmqF7";
inline constexpr std::string_view some_account = "rQppAYuYPtPpMNuKKZX8pjpojqsaY9NLpo";
inline constexpr std::string_view some_destination = "rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe";
inline constexpr std::uint32_t some_sequence = 1000;

// `more` starts with a comma, or is empty.
inline std::string listed_channel(std::string_view more = "", std::string_view id = some_id) {
  return fmt::format(
      R"({{"account":"{}","amount":"1000000","balance":"7","channel_id":"{}",)"
      R"("destination_account":"{}","public_key":"{}","public_key_hex":"{}","settle_delay":86400{}}})",
      some_account, id, some_destination, some_key_text, some_key, more);
}

// LedgerEntryType stands in the middle, as rippled's alphabetical order has it.
inline std::string object_channel(std::string_view more = "", std::string_view id = some_id) {
  return fmt::format(
      R"({{"Account":"{}","Amount":"1000000","Balance":"7","Destination":"{}","Flags":0,)"
      R"("LedgerEntryType":"PayChannel","OwnerNode":"0","PublicKey":"{}","SettleDelay":86400{},)"
      R"("index":"{}"}})",
      some_account, some_destination, some_key, more, id);
}

inline std::string listed_answer(std::string_view channels, std::string_view more = "") {
  return fmt::format(
      R"({{"result":{{"account":"{}","channels":[{}],"ledger_hash":"AB","ledger_index":99000000,)"
      R"("limit":200,"status":"success","validated":true{}}}}})",
      some_account, channels, more);
}

inline std::string objects_answer(std::string_view objects) {
  return fmt::format(
      R"({{"result":{{"account":"{}","account_objects":[{}],"ledger_index":99000000,)"
      R"("status":"success","validated":true}}}})",
      some_destination, objects);
}

inline std::string node_answer(std::string_view node, std::string_view index = some_id) {
  return fmt::format(
      R"({{"result":{{"index":"{}","ledger_index":99000000,"node":{},"status":"success",)"
      R"("validated":true}}}})",
      index, node);
}

struct Read {
  Expected<ReadTotals> totals;
  std::vector<RawChannel> channels;
  std::vector<AnswerInfo> answers;
};

inline Read read_text(const std::string& text) {
  Read read{fail("not read"), {}, {}};
  const ChannelSink sink{.on_channel = [&](const RawChannel& raw) -> Expected<void> {
                           read.channels.push_back(raw);
                           return {};
                         },
                         .on_answer = [&](const AnswerInfo& answer) -> Expected<void> {
                           read.answers.push_back(answer);
                           return {};
                         },
                         .on_progress = {}};
  std::istringstream input(text);
  read.totals = read_channels(input, sink, "test.json");
  return read;
}

// The failure's text, or "" where there was none.
inline std::string failure_of(const std::string& text) {
  const Read read = read_text(text);
  return read.totals ? std::string() : read.totals.error().text();
}

}  // namespace claimgate::xrpl::test
