#include "lib/admin/message.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lib/wire/endian.hpp"

namespace claimgate::admin {
namespace {

std::vector<std::byte> three_messages() {
  std::vector<std::byte> out;
  append_message(out, Verb::hello, R"({"client":"test"})");
  append_message(out, Verb::import_commit, "");
  append_message(out, Verb::stats_answer, std::string(1000, 'x'));
  return out;
}

TEST(Message, PlacesLengthVerbAndVersionBigEndianBeforeItsBody) {
  std::vector<std::byte> out;
  append_message(out, Verb::list_page, "abc");
  ASSERT_EQ(out.size(), 11U);
  EXPECT_EQ(wire::load_be<std::uint32_t>(out.data()), 3U);
  EXPECT_EQ(wire::load_be<std::uint16_t>(out.data() + 4), 0x8006);
  EXPECT_EQ(wire::load_be<std::uint16_t>(out.data() + 6), protocol_version);
  EXPECT_EQ(out[8], std::byte{'a'});
}

TEST(MessageReader, FindsTheSameMessagesWhereverTheStreamIsCutInTwo) {
  const auto stream = three_messages();
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    MessageReader reader;
    std::vector<Message> found;
    for (const auto part : {std::span(stream).first(cut), std::span(stream).subspan(cut)}) {
      reader.feed(part);
      while (true) {
        auto message = reader.next();
        ASSERT_TRUE(message.has_value()) << cut;
        if (!*message) break;
        found.push_back(std::move(**message));
      }
    }
    ASSERT_EQ(found.size(), 3U) << cut;
    EXPECT_EQ(found[0].verb, Verb::hello);
    EXPECT_EQ(found[0].text(), R"({"client":"test"})");
    EXPECT_EQ(found[1].verb, Verb::import_commit);
    EXPECT_TRUE(found[1].body.empty());
    EXPECT_EQ(found[2].body.size(), 1000U);
    EXPECT_EQ(reader.buffered(), 0U);
  }
}

TEST(MessageReader, HoldsBackEveryTruncationOfAMessage) {
  std::vector<std::byte> stream;
  append_message(stream, Verb::show, R"({"id":"00"})");
  for (std::size_t size = 0; size < stream.size(); ++size) {
    MessageReader reader;
    reader.feed(std::span(stream).first(size));
    const auto message = reader.next();
    ASSERT_TRUE(message.has_value()) << size;
    EXPECT_FALSE(message->has_value()) << size;
  }
}

TEST(MessageReader, RefusesABodyAboveTheLimitFromItsHeaderAloneAndForEver) {
  for (const std::uint32_t length : {std::uint32_t{body_bytes_max + 1}, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    std::array<std::byte, header_bytes> header{};
    wire::store_be(header.data(), length);
    wire::store_be(header.data() + 6, protocol_version);
    MessageReader reader;
    reader.feed(header);
    EXPECT_FALSE(reader.next().has_value()) << length;
    EXPECT_FALSE(reader.next().has_value()) << length;
  }
}

TEST(MessageReader, TakesABodyOfExactlyTheLimit) {
  std::vector<std::byte> stream;
  append_message(stream, Verb::import_channels, std::string(body_bytes_max, 'x'));
  MessageReader reader;
  reader.feed(stream);
  const auto message = reader.next();
  ASSERT_TRUE(message.has_value() && message->has_value());
  EXPECT_EQ((*message)->body.size(), body_bytes_max);
}

TEST(MessageReader, RefusesAnotherProtocolVersionAndNamesBoth) {
  std::vector<std::byte> stream;
  append_message(stream, Verb::hello, "{}");
  for (const std::uint16_t version : {0, protocol_version - 1, protocol_version + 1, 258, 0xFFFF}) {
    wire::store_be(stream.data() + 6, version);
    MessageReader reader;
    reader.feed(stream);
    const auto message = reader.next();
    ASSERT_FALSE(message.has_value());
    EXPECT_NE(message.error().what.find(std::to_string(version)), std::string::npos);
    EXPECT_NE(message.error().remedy.find("same release"), std::string::npos);
  }
}

TEST(MessageReader, KeepsNoMoreThanItWasFedAndForgetsWhatWasTaken) {
  MessageReader reader;
  std::vector<std::byte> stream;
  append_message(stream, Verb::import_channels, std::string(300'000, 'x'));
  append_message(stream, Verb::import_channels, std::string(300'000, 'y'));
  for (int round = 0; round < 50; ++round) {
    reader.feed(std::span(stream).first(450'000));
    ASSERT_TRUE(reader.next()->has_value());
    reader.feed(std::span(stream).subspan(450'000));
    ASSERT_TRUE(reader.next()->has_value());
    ASSERT_EQ(reader.buffered(), 0U);
  }
}

TEST(MessageReader, SurvivesRandomMutationsOfAStreamCutAtRandom) {
  const auto sound = three_messages();
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    auto stream = sound;
    for (unsigned i = 0; i <= seed % 5; ++i)
      stream[random() % stream.size()] = static_cast<std::byte>(random());
    MessageReader reader;
    std::size_t at = 0, taken = 0;
    bool failed = false;
    while (at < stream.size() && !failed) {
      const std::size_t count = std::min<std::size_t>(1 + random() % 97, stream.size() - at);
      reader.feed(std::span(stream).subspan(at, count));
      at += count;
      while (true) {
        const auto message = reader.next();
        failed = !message.has_value();
        if (failed || !*message) break;
        taken += header_bytes + (*message)->body.size();
      }
    }
    EXPECT_LE(taken + (failed ? 0 : reader.buffered()), stream.size()) << seed;
  }
}

TEST(Verb, IsARequestExactlyInTheDocumentedRange) {
  for (unsigned verb = 0; verb <= 0xFFFF; ++verb)
    EXPECT_EQ(is_request(static_cast<std::uint16_t>(verb)), verb >= 1 && verb <= 9) << verb;
}

}  // namespace
}  // namespace claimgate::admin
