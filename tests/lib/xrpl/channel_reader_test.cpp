#include "lib/xrpl/channel_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "lib/xrpl/judge.hpp"
#include "tests/lib/xrpl/answers.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using namespace test;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

void expect_some_channel(const RawChannel& raw) {
  EXPECT_EQ(to_hex(raw.id.bytes), some_id);
  EXPECT_EQ(raw.key_form, KeyForm::present);
  EXPECT_EQ(to_hex(raw.key), some_key);
  EXPECT_EQ(address_text(raw.account), some_account);
  EXPECT_EQ(address_text(raw.destination), some_destination);
  EXPECT_EQ(raw.amount_drops, 1'000'000U);
  EXPECT_EQ(raw.balance_drops, 7U);
  EXPECT_EQ(raw.settle_delay_s, 86400U);
  EXPECT_FALSE(raw.is_token);
}

TEST(ChannelReader, ReadsTheTwentyChannelsThatXrplJsMade) {
  const auto read =
      read_text(text_of(std::string(CLAIMGATE_TEST_VECTORS) + "/account_channels.json"));
  ASSERT_TRUE(read.totals) << read.totals.error().text();
  ASSERT_EQ(read.channels.size(), 20U);
  ASSERT_EQ(read.answers.size(), 1U);
  EXPECT_TRUE(read.answers[0].is_validated());
  EXPECT_EQ(read.answers[0].ledger_index, 99'000'000U);
  const auto vectors = claim_vectors();
  for (std::size_t i = 0; i < 20; ++i) {
    const auto& vector = vectors.at("vectors").at(i);
    EXPECT_EQ(to_hex(read.channels[i].id.bytes), vector.at("channel_id"));
    EXPECT_EQ(to_hex(read.channels[i].key), vector.at("public_key_hex"));
    EXPECT_EQ(address_text(read.channels[i].account), vector.at("account"));
    EXPECT_EQ(address_text(read.channels[i].destination), vector.at("destination"));
  }
}

TEST(ChannelReader, ReadsTheSameChannelFromEveryShape) {
  const std::string flat = fmt::format(
      R"({{"channels":[{}],"validated":true,"ledger_index":"99000000"}})", listed_channel());
  const std::string socket = fmt::format(
      R"({{"id":{{"channels":[1,{{"validated":false}}]}},"result":{{"channels":[{}],"ledger_index":99000000,)"
      R"("validated":true}},"status":"success","type":"response","warnings":[{{"id":2001}}]}})",
      listed_channel());
  for (const std::string& text :
       {listed_answer(listed_channel()), flat, socket, objects_answer(object_channel()),
        node_answer(object_channel()), "[" + flat + "]", "\xEF\xBB\xBF" + flat,
        "\n\t " + node_answer(object_channel()) + "\r\n"}) {
    const auto read = read_text(text);
    ASSERT_TRUE(read.totals) << read.totals.error().text();
    ASSERT_EQ(read.channels.size(), 1U);
    expect_some_channel(read.channels[0]);
    ASSERT_EQ(read.answers.size(), 1U);
    EXPECT_EQ(read.answers[0].ledger_index, 99'000'000U);
    EXPECT_TRUE(read.answers[0].is_validated());
    EXPECT_EQ(read.answers[0].channels, 1U);
    EXPECT_EQ(read.totals->bytes, text.size());
  }
}

TEST(ChannelReader, CarriesEveryOptionalFieldOfBothSpellings) {
  for (const std::string& text :
       {listed_answer(listed_channel(R"(,"expiration":1,"cancel_after":2,"sequence":3,)"
                                     R"("source_tag":4294967295,"destination_tag":0)")),
        objects_answer(object_channel(R"(,"Expiration":1,"CancelAfter":2,"Sequence":3,)"
                                      R"("SourceTag":4294967295,"DestinationTag":0)"))}) {
    const auto read = read_text(text);
    ASSERT_TRUE(read.totals) << read.totals.error().text();
    const RawChannel& raw = read.channels.at(0);
    EXPECT_EQ(raw.expiration, 1U);
    EXPECT_EQ(raw.cancel_after, 2U);
    EXPECT_EQ(raw.sequence, 3U);
    EXPECT_EQ(raw.source_tag, 0xFFFF'FFFFU);
    EXPECT_EQ(raw.destination_tag, 0U);
  }
  const auto bare = read_text(objects_answer(object_channel())).channels.at(0);
  EXPECT_FALSE(bare.expiration || bare.cancel_after || bare.sequence || bare.source_tag ||
               bare.destination_tag);
}

TEST(ChannelReader, PagesFollowEachOtherInAnyWayAndKeepTheirNumbers) {
  const std::string first = listed_answer(listed_channel(), R"(,"marker":"AB,0")");
  const std::string second = objects_answer(object_channel() + "," + object_channel());
  for (const std::string& text :
       {first + second, first + "\n" + second + "\n", "[" + first + "," + second + "]",
        "[" + first + "]\n[]" + second}) {
    const auto read = read_text(text);
    ASSERT_TRUE(read.totals) << read.totals.error().text();
    ASSERT_EQ(read.answers.size(), 2U);
    EXPECT_TRUE(read.answers[0].has_marker);
    EXPECT_FALSE(read.answers[1].has_marker);
    EXPECT_FALSE(read.totals->has_marker);
    ASSERT_EQ(read.channels.size(), 3U);
    EXPECT_EQ(read.channels[0].answer, 1U);
    EXPECT_EQ(read.channels[1].answer, 2U);
    EXPECT_EQ(read.channels[2].answer, 2U);
    EXPECT_EQ(read.totals->channels, 3U);
  }
  EXPECT_TRUE(read_text(second + first).totals->has_marker);
}

TEST(ChannelReader, ValidatedCountsWhereverItStandsAndFalseWins) {
  const auto answer_of = [](const std::string& text) {
    const auto read = read_text(text);
    EXPECT_TRUE(read.totals) << failure_of(text);
    return read.answers.at(0);
  };
  EXPECT_TRUE(answer_of(R"({"validated":true,"channels":[]})").is_validated());
  EXPECT_TRUE(answer_of(R"({"channels":[],"validated":true})").is_validated());
  EXPECT_FALSE(answer_of(R"({"channels":[],"validated":false})").is_validated());
  EXPECT_EQ(answer_of(R"({"channels":[]})").validated, std::nullopt);
  EXPECT_FALSE(answer_of(R"({"channels":[]})").is_validated());
  EXPECT_FALSE(
      answer_of(R"({"result":{"channels":[],"validated":true},"validated":false})").is_validated());
  EXPECT_FALSE(
      answer_of(R"({"validated":false,"result":{"channels":[],"validated":true}})").is_validated());
  const auto open = answer_of(R"({"channels":[],"ledger_current_index":5,"validated":true})");
  EXPECT_TRUE(open.is_current);
  EXPECT_FALSE(open.is_validated());
  EXPECT_FALSE(open.ledger_index);
}

TEST(ChannelReader, OtherLedgerObjectsAreSkippedAndCountedWhateverTheirFieldsHold) {
  const std::string trust_line =
      R"({"Balance":{"currency":"USD","value":"-1"},"Flags":1,"index":"xyz","Account":7,)"
      R"("LedgerEntryType":"RippleState","Expiration":"soon"})";
  const std::string offer = R"({"LedgerEntryType":"Offer","TakerPays":{"a":[{"b":{}}]}})";
  const auto read = read_text(objects_answer(trust_line + "," + object_channel() + "," + offer));
  ASSERT_TRUE(read.totals) << read.totals.error().text();
  EXPECT_EQ(read.channels.size(), 1U);
  EXPECT_EQ(read.answers[0].skipped, 2U);
  EXPECT_EQ(read.totals->skipped, 2U);
  const auto node = read_text(node_answer(offer));
  ASSERT_TRUE(node.totals);
  EXPECT_EQ(node.answers[0].skipped, 1U);
}

TEST(ChannelReader, UnknownFieldsOfAnyShapeAreIgnoredAtEveryLevel) {
  const std::string odd =
      R"("odd":[[],{},[{"channels":[{"channel_id":1}],"validated":false,"error":"x"}],null,-1.5e3])";
  const std::string channel = listed_channel("," + odd);
  const auto read = read_text(
      fmt::format(R"({{{0},"result":{{{0},"channels":[{1}],"validated":true}}}})", odd, channel));
  ASSERT_TRUE(read.totals) << read.totals.error().text();
  expect_some_channel(read.channels.at(0));
  EXPECT_TRUE(read.answers[0].is_validated());
}

TEST(ChannelReader, TheLedgerEntrysIdMayStandInTheAnswerOrTheNodeOrBoth) {
  std::string bare = object_channel();
  bare.replace(bare.find(R"(,"index")"), std::string::npos, "}");
  for (const std::string& text : {fmt::format(R"({{"node":{},"index":"{}"}})", bare, some_id),
                                  fmt::format(R"({{"index":"{}","node":{}}})", some_id, bare),
                                  fmt::format(R"({{"node":{}}})", object_channel())}) {
    const auto read = read_text(text);
    ASSERT_TRUE(read.totals) << read.totals.error().text();
    expect_some_channel(read.channels.at(0));
  }
  EXPECT_SAYS(failure_of(fmt::format(R"({{"node":{}}})", bare)), R"(no "index")");
  EXPECT_SAYS(failure_of(node_answer(object_channel(), std::string(64, 'A'))), "differ");
}

TEST(ChannelReader, WhatIsWrongOnMeritIsCarriedToTheJudge) {
  const auto form_of = [](std::string_view keys) {
    const std::string text = fmt::format(
        R"({{"channels":[{{"account":"{}","amount":"0","balance":"0","channel_id":"{}",)"
        R"("destination_account":"{}","settle_delay":0{}}}]}})",
        some_account, some_id, some_destination, keys);
    const auto read = read_text(text);
    EXPECT_TRUE(read.totals) << failure_of(text);
    return read.channels.at(0).key_form;
  };
  EXPECT_EQ(form_of(""), KeyForm::missing);
  EXPECT_EQ(form_of(fmt::format(R"(,"public_key":"{}")", some_key_text)), KeyForm::present);
  EXPECT_EQ(form_of(fmt::format(R"(,"public_key_hex":"{}")", some_key)), KeyForm::present);
  EXPECT_EQ(form_of(R"(,"public_key_hex":"02AB")"), KeyForm::wrong_length);
  EXPECT_EQ(form_of(R"(,"public_key":"aB44")"), KeyForm::bad_text);
  EXPECT_EQ(form_of(fmt::format(R"(,"public_key":"{}","public_key_hex":"03{}")", some_key_text,
                                some_key.substr(2))),
            KeyForm::conflicting);

  const auto amount_of = [](std::string_view amount) {
    std::string channel = listed_channel();
    channel.replace(channel.find(R"("1000000")"), 9, amount);
    const auto read = read_text(listed_answer(channel));
    EXPECT_TRUE(read.totals) << failure_of(listed_answer(channel));
    return read.channels.at(0);
  };
  EXPECT_EQ(amount_of(R"("0")").amount_drops, 0U);
  EXPECT_EQ(amount_of(R"("100000000000000001")").amount_drops, 100'000'000'000'000'001U);
  EXPECT_EQ(amount_of(R"("18446744073709551615")").amount_drops, UINT64_MAX);
  EXPECT_EQ(amount_of(R"("18446744073709551616")").amount_drops, UINT64_MAX);
  EXPECT_EQ(amount_of(R"("99999999999999999999999999")").amount_drops, UINT64_MAX);
  EXPECT_TRUE(amount_of(R"({"currency":"USD","issuer":"r","value":"1"})").is_token);
}

TEST(ChannelReader, AWrongFieldOfAChannelNamesTheFieldThePlaceAndWhatWasExpected) {
  const struct {
    std::string_view from, to, says;
  } cases[] = {
      {R"("1000000")", "1000000", R"("amount" must be a decimal string of drops)"},
      {R"("1000000")", R"("-1")", "decimal string of drops"},
      {R"("1000000")", R"("1.5")", "decimal string of drops"},
      {R"("1000000")", R"("01")", "decimal string of drops"},
      {R"("1000000")", R"("")", "decimal string of drops"},
      {R"("1000000")", R"(["1"])", "decimal string of drops"},
      {R"("1000000")", "null", "decimal string of drops"},
      {R"("7")", "true", R"("balance" must be a decimal)"},
      {"86400", "-1", R"("settle_delay" must be a number of seconds)"},
      {"86400", "4294967296", "settle_delay"},
      {"86400", "1.5", "settle_delay"},
      {"86400", R"("86400")", "settle_delay"},
      {R"("5054)", R"("054)", R"("channel_id" must be 64 hexadecimal digits)"},
      {R"("5054)", R"("G054)", "64 hexadecimal digits"},
      {R"("02)", R"("0Z)", R"("public_key_hex" must be hexadecimal digits)"},
      {R"("rQpp)", R"("rQpq)", "checksum"},
      {R"("rPT1)", R"("rPT0)", R"("destination_account" must be a classic address)"},
      {R"("channel_id")", R"("channel_Id")", R"(no "channel_id")"},
      {R"("amount")", R"("amounts")", R"(no "amount")"},
      {R"("balance")", R"("amount")", R"("amount" is given twice)"},
      {R"("settle_delay")", R"("x")", R"(no "settle_delay")"},
  };
  for (const auto& wrong : cases) {
    std::string channel = listed_channel();
    channel.replace(channel.find(wrong.from), wrong.from.size(), wrong.to);
    const std::string text = "\n" + listed_answer("\n" + listed_channel() + ",\n" + channel);
    EXPECT_SAYS(failure_of(text), wrong.says);
    EXPECT_SAYS(failure_of(text), "test.json:4 (byte ");
  }
  EXPECT_SAYS(failure_of(listed_answer(listed_channel(R"(,"expiration":-5)"))), "expiration");
  EXPECT_SAYS(failure_of(objects_answer(object_channel(R"(,"CancelAfter":{})"))), "CancelAfter");
  EXPECT_SAYS(failure_of(objects_answer(R"({"index":"AB"})")), "LedgerEntryType");
  EXPECT_SAYS(failure_of(objects_answer(R"({"LedgerEntryType":3})")), "LedgerEntryType");
}

TEST(ChannelReader, AWrongAnswerSaysWhatWasExpectedOfIt) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "no answer"},
      {" \n ", "no answer"},
      {"[]", "no answer"},
      {"{}", "none of"},
      {"null", "expected an object"},
      {"7", "expected an object"},
      {"[7]", "expected an object"},
      {"[[]]", "expected an object"},
      {R"({"result":{}})", "none of"},
      {R"({"result":7})", R"("result" must be an object)"},
      {R"({"result":{"result":{}}})", "inside"},
      {R"({"channels":{}})", R"("channels" must be an array)"},
      {R"({"channels":null})", R"("channels" must be an array)"},
      {R"({"channels":[7]})", "one channel"},
      {R"({"channels":[[]]})", "one channel"},
      {R"({"account_objects":"x"})", "must be an array"},
      {R"({"node":[]})", R"("node" must be an object)"},
      {R"({"channels":[],"account_objects":[]})", "holds one of"},
      {R"({"channels":[],"validated":"true"})", "true or false"},
      {R"({"channels":[],"validated":true,"validated":true})", "given twice"},
      {R"({"channels":[],"ledger_index":-1})", "ledger number"},
      {R"({"channels":[],"ledger_index":"validated"})", "ledger number"},
      {R"({"channels":[],"ledger_index":4294967296})", "ledger number"},
      {R"({"result":{"channels":[],"ledger_index":1},"ledger_index":2})", "two different"},
      {fmt::format(R"({{"result":{{"index":"{}","node":{}}},"index":"{}"}})", some_id,
                   object_channel(), std::string(64, 'A')),
       "two different"},
      {R"({"channels":[]} x)", "not JSON"},
      {R"({"channels":[],})", "not JSON"},
      {R"({"channels":[]}})", "not JSON"},
      {"{'channels':[]}", "not JSON"},
      {"{\"channels\":[\"\xC3\x28\"]}", "not JSON"},
  };
  for (const auto& [text, says] : cases) EXPECT_SAYS(failure_of(text) + " of " + text, says);
  const auto nested = [](int depth) {
    return R"({"x":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + R"(,"channels":[]})";
  };
  EXPECT_EQ(failure_of(nested(63)), "");
  EXPECT_SAYS(failure_of(nested(64)), "64 deep");
}

TEST(ChannelReader, AnErrorOfRippledIsNamedInRippledsWordsWithoutControlCharacters) {
  for (const std::string& text :
       {std::string(R"({"result":{"error":"actNotFound","error_code":19,"error_message":"Account)"
                    R"( not\u001b[31m found.","request":{"channels":[]},"status":"error"}})"),
        std::string(R"({"error":"actNotFound","error_message":"Account not\u001b[31m found.",)"
                    R"("id":1,"status":"error","type":"response"})")}) {
    EXPECT_SAYS(failure_of(text), "actNotFound: Account not?[31m found.");
  }
  EXPECT_SAYS(failure_of(R"({"channels":[],"status":"error"})"), "error");
  EXPECT_SAYS(failure_of(R"({"channels":[],"error":{}})"), "error");
}

TEST(ChannelReader, ASinkThatFailsEndsTheReadingWithItsFailure) {
  std::istringstream input(listed_answer(listed_channel() + "," + listed_channel()));
  int seen = 0;
  const ChannelSink sink{.on_channel = [&](const RawChannel&) -> Expected<void> {
                           ++seen;
                           return fail("the table is full", "here");
                         },
                         .on_answer = {},
                         .on_progress = {}};
  const auto totals = read_channels(input, sink, "x");
  ASSERT_FALSE(totals);
  EXPECT_EQ(totals.error().text(), "here: the table is full");
  EXPECT_EQ(seen, 1);

  const ReadBytes broken = [](std::span<char>) -> Expected<std::size_t> {
    return fail("the disk is gone");
  };
  EXPECT_SAYS(read_channels(broken, {}, "x").error().text(), "the disk is gone");
}

TEST(ChannelReader, AnInputCutShortAtAnyByteFails) {
  for (const std::string& text :
       {listed_answer(listed_channel() + "," + listed_channel()), objects_answer(object_channel()),
        node_answer(object_channel()),
        "[" + listed_answer(listed_channel()) + ", " + node_answer(object_channel()) + "]"}) {
    ASSERT_EQ(failure_of(text), "");
    for (std::size_t size = 0; size < text.size(); ++size)
      ASSERT_NE(failure_of(text.substr(0, size)), "") << size;
  }
  // Between two whole answers the cut cannot be seen.
  const std::string one = listed_answer(listed_channel(), R"(,"marker":"x")");
  const std::string two = one + "\n" + listed_answer(listed_channel());
  for (std::size_t size = 0; size < two.size(); ++size)
    ASSERT_EQ(failure_of(two.substr(0, size)).empty(),
              size == one.size() || size == one.size() + 1);
}

TEST(ChannelReader, RefillsInPiecesOfAnySizeReadTheSame) {
  const std::string text = listed_answer(listed_channel() + "," + listed_channel());
  for (std::size_t piece = 1; piece < 40; ++piece) {
    std::size_t at = 0, channels = 0;
    const ReadBytes source = [&](std::span<char> block) -> Expected<std::size_t> {
      const std::size_t count = std::min({piece, block.size(), text.size() - at});
      std::copy_n(text.data() + at, count, block.data());
      at += count;
      return count;
    };
    const ChannelSink sink{.on_channel = [&](const RawChannel& raw) -> Expected<void> {
                             expect_some_channel(raw);
                             ++channels;
                             return {};
                           },
                           .on_answer = {},
                           .on_progress = {}};
    ASSERT_TRUE(read_channels(source, sink, "x"));
    EXPECT_EQ(channels, 2U);
  }
}

TEST(ChannelReader, MutatedInputNeverCrashesAndWhateverItReadsCanBeJudged) {
  std::mt19937_64 random(424242);
  const std::string texts[] = {
      listed_answer(listed_channel() + "," + listed_channel(R"(,"expiration":5)")),
      objects_answer(object_channel() + R"(,{"LedgerEntryType":"Offer","Balance":{}})"),
      node_answer(object_channel(R"(,"Sequence":1000)")) + listed_answer("")};
  const std::string_view alphabet = "{}[]\",:0123456789eE+-.\\utrfn \n\xFF";
  Policy policy;
  policy.now = policy.as_of = 800'000'000;
  policy.destinations.insert(parse_address(some_destination).value());
  int read_well = 0, taken = 0;
  for (int round = 0; round < 30000; ++round) {
    std::string text = texts[round % 3];
    const auto changes = 1 + random() % 4;
    for (std::uint64_t i = 0; i < changes; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text[at] = static_cast<char>(random());
          break;
        case 2:
          text.erase(at, 1 + random() % 8);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
      }
      if (text.empty()) text = "{";
    }
    const auto read = read_text(text);
    if (!read.totals) {
      EXPECT_FALSE(read.totals.error().what.empty());
      continue;
    }
    ++read_well;
    EXPECT_EQ(read.channels.size(), read.totals->channels);
    EXPECT_EQ(read.answers.size(), read.totals->answers);
    for (const RawChannel& raw : read.channels)
      taken += judge(raw, read.answers.at(raw.answer - 1), policy).has_value();
  }
  EXPECT_GT(read_well, 300);
  EXPECT_GT(taken, 100);
}

}  // namespace
}  // namespace claimgate::xrpl
