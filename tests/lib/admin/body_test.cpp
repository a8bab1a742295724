#include "lib/admin/body.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include <nlohmann/json.hpp>

namespace claimgate::admin {
namespace {

// Every body with a value in each field, and its decoder reduced to "does it read".
struct Sample {
  std::string name, text;
  std::function<bool(std::string_view)> reads;
};

template <class T, class Decode>
Sample sample(std::string name, const T& body, Decode decode) {
  return {std::move(name), encode(body),
          [decode](std::string_view text) { return decode(text).has_value(); }};
}

std::vector<Sample> samples() {
  return {
      sample("hello", Hello{.client = "claimctl 1"}, decode_hello),
      sample("hello answer",
             HelloAnswer{.version = "1", .build = "b", .pid = 7, .may_change = true},
             decode_hello_answer),
      sample("import begin",
             ImportBegin{.source = "f", .as_of = 9, .strict = true, .dry_run = false},
             decode_import_begin),
      sample("import answer",
             ImportAnswer{.ledger_index = 5, .validated = true, .is_current = false, .channels = 3},
             decode_import_answer),
      sample("import progress", ImportProgress{.done = 1, .total = 2}, decode_import_progress),
      sample(
          "import done",
          ImportDone{
              .added = 1, .updated = 2, .unchanged = 3, .refused = 4, .older = 5, .applied = true},
          decode_import_done),
      sample("refused",
             std::vector{Refused{.channel_id = "AB", .reason = "r", .text = "t", .line = 4}},
             decode_refused),
      sample("list", List{.cursor = 1, .limit = 2, .state = StateFilter::closed}, decode_list),
      sample("show", ShowOrRemove{.id = "00"}, decode_show_or_remove),
      sample("removed", RemoveAnswer{.removed = true, .channel_id = "AB"}, decode_remove_answer),
      sample("failure", Failure{.what = "w", .where = "x", .remedy = "y"}, decode_failure),
  };
}

TEST(Body, ComesBackWithEveryFieldAsItWasSent) {
  const auto begin = decode_import_begin(encode(
      ImportBegin{.source = "a \"b\" \n", .as_of = 0xFFFFFFFF, .strict = true, .dry_run = true}));
  ASSERT_TRUE(begin.has_value());
  EXPECT_EQ(begin->source, "a \"b\" \n");
  EXPECT_EQ(begin->as_of, 0xFFFFFFFFU);
  EXPECT_TRUE(begin->strict && begin->dry_run);

  const auto answer = decode_import_answer(encode(ImportAnswer{.channels = 12}));
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->ledger_index || answer->validated);
  EXPECT_EQ(answer->channels, 12U);

  const auto done = decode_import_done(encode(ImportDone{
      .added = 1, .updated = 2, .unchanged = 3, .refused = 4, .older = 5, .applied = true}));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->added, 1U);
  EXPECT_EQ(done->updated, 2U);
  EXPECT_EQ(done->unchanged, 3U);
  EXPECT_EQ(done->refused, 4U);
  EXPECT_EQ(done->older, 5U);
  EXPECT_TRUE(done->applied);

  for (const auto state : {StateFilter::all, StateFilter::open, StateFilter::closed})
    EXPECT_EQ(decode_list(encode(List{.cursor = 3, .limit = 4, .state = state}))->state, state);
}

TEST(Body, CarriesTextThatIsNoUtf8WithoutThrowing) {
  EXPECT_TRUE(decode_hello(encode(Hello{.client = "\xFF\xFE name"})).has_value());
}

TEST(Body, WithoutARequiredFieldOrWithAnotherTypeIsRefusedByName) {
  for (const Sample& one : samples()) {
    ASSERT_TRUE(one.reads(one.text)) << one.name;
    auto sound = nlohmann::json::parse(one.text);
    auto& object = one.name == "refused" ? sound["refused"][0] : sound;
    const auto fields = object;
    for (const auto& [field, value] : fields.items()) {
      const bool optional =
          one.name == "import answer" && (field == "validated" || field == "ledger_index");
      object = fields;
      object.erase(field);
      EXPECT_EQ(one.reads(sound.dump()), optional) << one.name << "." << field;
      for (const nlohmann::json& wrong : {nlohmann::json(nullptr), nlohmann::json::array(),
                                          nlohmann::json::object(), nlohmann::json(1.5)}) {
        object = fields;
        object[field] = wrong;
        EXPECT_FALSE(one.reads(sound.dump())) << one.name << "." << field;
      }
    }
  }
}

TEST(Body, TruncatedAnywhereIsRefused) {
  for (const Sample& one : samples())
    for (std::size_t size = 0; size < one.text.size(); ++size)
      EXPECT_FALSE(one.reads(std::string_view(one.text).substr(0, size))) << one.name << size;
}

TEST(Body, RefusesNumbersOutOfRangeAndTextsTooLong) {
  EXPECT_FALSE(decode_list(R"({"cursor":4294967296,"limit":1,"state":"all"})").has_value());
  EXPECT_FALSE(decode_list(R"({"cursor":-1,"limit":1,"state":"all"})").has_value());
  EXPECT_FALSE(decode_list(R"({"cursor":0,"limit":1,"state":"both"})").has_value());
  EXPECT_TRUE(decode_list(R"({"cursor":4294967295,"limit":1,"state":"all"})").has_value());
  const auto pid = [](const char* number) {
    return decode_hello_answer(
        std::string(R"({"version":"1","build":"b","may_change":true,"pid":)") + number + "}");
  };
  EXPECT_EQ(pid("9223372036854775807")->pid, std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(pid("9223372036854775808").has_value()) << "not a negative one";
  EXPECT_FALSE(pid("18446744073709551615").has_value());
  EXPECT_TRUE(decode_hello(encode(Hello{std::string(name_bytes_max, 'x')})).has_value());
  EXPECT_FALSE(decode_hello(encode(Hello{std::string(name_bytes_max + 1, 'x')})).has_value());
}

TEST(Body, SurvivesDeepNestingAndRandomMutations) {
  EXPECT_FALSE(decode_hello(std::string(60'000, '[')).has_value());
  EXPECT_FALSE(decode_hello(std::string(30'000, '[') + std::string(30'000, ']')).has_value());
  const auto all = samples();
  for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    const Sample& one = all[seed % all.size()];
    std::string text = one.text;
    for (unsigned i = 0; i <= random() % 3; ++i)
      text[random() % text.size()] = static_cast<char>(random());
    (void)one.reads(text);
  }
}

}  // namespace
}  // namespace claimgate::admin
