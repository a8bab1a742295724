#include "apps/claimgen/amounts.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/apps/claimgen/stream.hpp"

namespace claimgate::claimgen {
namespace {

const std::string id_a(64, 'A'), id_b(64, 'B');

Expected<Amounts> read(const std::string& text) {
  std::istringstream input(text);
  return read_amounts(input, "held", "list");
}

TEST(Amounts, ReadBackAsTheyWereWritten) {
  const ChannelSet set = make_set({.count = 20});
  std::vector<std::uint64_t> finals(20);
  for (std::size_t i = 0; i < finals.size(); ++i) finals[i] = i * 1'000'000'007;
  std::string text;
  write_finals(set, finals, [&](const std::string& line) { text += line; });
  std::istringstream input(text);
  const auto amounts = read_amounts(input, "amount", "finals");
  ASSERT_TRUE(amounts) << amounts.error().text();
  EXPECT_EQ(amounts->size(), 20u);
  EXPECT_TRUE(compare(*amounts, *amounts).empty());
}

TEST(Amounts, AreFoundInLinesArraysAndNestedObjectsInEitherCase) {
  const Amounts wanted{{id_a, 5}, {id_b, 0}};
  for (const std::string& text :
       {fmt::format(R"({{"channel_id":"{}","held":"5"}}
{{"held":0,"channel_id":"{}","key":"x","nested":{{"held":"9"}}}})",
                    id_a, id_b),
        fmt::format(R"([{{"channel_id":"{}","held":5}},{{"channel_id":"{}","held":null}}])",
                    std::string(64, 'a'), id_b),
        fmt::format(R"({{"channels":[{{"channel_id":"{}","held":"5","funded":7,"flag":true}},
                    {{"channel_id":"{}","held":"0"}}]}})",
                    id_a, id_b)}) {
    const auto amounts = read(text);
    ASSERT_TRUE(amounts) << amounts.error().text();
    EXPECT_EQ(*amounts, wanted) << text;
  }
}

TEST(Amounts, RefuseWhatIsNoList) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("no json"),
        fmt::format(R"({{"channel_id":"{}"}})", id_a),
        fmt::format(R"({{"channel_id":"{}","held":"-1"}})", id_a),
        fmt::format(R"({{"channel_id":"{}","held":"1.5"}})", id_a),
        fmt::format(R"({{"channel_id":"12","held":"1"}})"),
        fmt::format(R"([{{"channel_id":"{}","held":"1"}})", id_a),
        fmt::format(R"({{"channel_id":"{0}","held":"1"}}{{"channel_id":"{0}","held":"1"}})",
                    id_a)}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

TEST(Amounts, DifferWhereOneIsOtherMissingOrExtra) {
  const Amounts wanted{{id_a, 5}, {id_b, 6}};
  EXPECT_EQ(compare(wanted, {{id_a, 5}, {id_b, 7}}).size(), 1u);
  EXPECT_EQ(compare(wanted, {{id_a, 5}}).size(), 1u);
  EXPECT_EQ(compare({{id_a, 5}}, wanted).size(), 1u);
}

}  // namespace
}  // namespace claimgate::claimgen
