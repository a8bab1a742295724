#include "lib/admin/record.hpp"

#include <gtest/gtest.h>

#include <random>

#include "lib/wire/endian.hpp"

namespace claimgate::admin {
namespace {

using ImportBytes = std::span<const std::byte, import_record_bytes>;
using ChannelBytes = std::span<const std::byte, channel_record_bytes>;

template <std::size_t N>
void fill(std::array<std::byte, N>& bytes, std::mt19937_64& random) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
}

ImportRecord random_import(std::mt19937_64& random) {
  ImportRecord record;
  fill(record.id, random);
  fill(record.key, random);
  record.key_form = static_cast<std::uint8_t>(random() % (key_form_max + 1));
  record.is_token = random() & 1;
  fill(record.account, random);
  fill(record.destination, random);
  record.amount_drops = random();
  record.balance_drops = random();
  record.settle_delay_s = static_cast<std::uint32_t>(random());
  const auto maybe = [&](std::optional<std::uint32_t>& value) {
    if (random() & 1) value = static_cast<std::uint32_t>(random());
  };
  maybe(record.expiration);
  maybe(record.cancel_after);
  maybe(record.sequence);
  maybe(record.source_tag);
  record.line = random();
  return record;
}

ChannelRecord random_channel(std::mt19937_64& random) {
  ChannelRecord record;
  fill(record.id, random);
  fill(record.key, random);
  fill(record.source, random);
  fill(record.signature, random);
  fill(record.destination, random);
  record.funded_drops = random();
  record.balance_drops = random();
  record.held_drops = random();
  record.lsn = random();
  for (auto* field :
       {&record.valid_until, &record.expiration, &record.cancel_after, &record.settle_delay_s,
        &record.ledger_index, &record.incarnation, &record.last_activity})
    *field = static_cast<std::uint32_t>(random());
  record.open = random() & 1;
  return record;
}

TEST(ImportRecord, ComesBackAsItWasSent) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const ImportRecord record = random_import(random);
    std::vector<std::byte> bytes;
    append_record(bytes, record);
    ASSERT_EQ(bytes.size(), import_record_bytes);
    const auto read = decode_import_record(ImportBytes(bytes));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, record);
  }
}

TEST(ImportRecord, PlacesItsFieldsWhereTheFormatSays) {
  ImportRecord record;
  record.id.fill(std::byte{0x11});
  record.key.fill(std::byte{0x22});
  record.key_form = 3;
  record.sequence = 0x01020304;
  record.amount_drops = 0x0102030405060708;
  record.line = 77;
  std::vector<std::byte> bytes;
  append_record(bytes, record);
  EXPECT_EQ(bytes[31], std::byte{0x11});
  EXPECT_EQ(bytes[32], std::byte{0x22});
  EXPECT_EQ(bytes[65], std::byte{3});
  EXPECT_EQ(wire::load_be<std::uint16_t>(bytes.data() + 66), 4);
  EXPECT_EQ(wire::load_be<std::uint64_t>(bytes.data() + 108), 0x0102030405060708U);
  EXPECT_EQ(wire::load_be<std::uint32_t>(bytes.data() + 136), 0x01020304U);
  EXPECT_EQ(wire::load_be<std::uint64_t>(bytes.data() + 148), 77U);
}

// Two readings of one byte string could hide what was really sent.
TEST(ImportRecord, WithAnyBitFlippedIsRefusedOrMeansExactlyThoseBytes) {
  std::mt19937_64 random(2);
  std::size_t refused = 0;
  for (int i = 0; i < 20; ++i) {
    std::vector<std::byte> bytes;
    append_record(bytes, random_import(random));
    for (std::size_t bit = 0; bit < import_record_bytes * 8; ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] ^= std::byte(1 << bit % 8);
      const auto read = decode_import_record(ImportBytes(flipped));
      refused += !read;
      if (!read) continue;
      std::vector<std::byte> again;
      append_record(again, *read);
      EXPECT_EQ(again, flipped) << bit;
    }
  }
  EXPECT_GT(refused, 20U * 32);  // the reserved word alone is 32 bits each
}

TEST(ImportRecords, AreOneToTheLimitWholeRecordsPerMessage) {
  std::mt19937_64 random(3);
  std::vector<std::byte> body;
  EXPECT_FALSE(check_import_records(body).has_value());
  for (std::size_t i = 0; i < import_records_max; ++i) append_record(body, random_import(random));
  EXPECT_EQ(check_import_records(body).value_or(0), import_records_max);
  for (const std::size_t size :
       {std::size_t{1}, import_record_bytes - 1, import_record_bytes + 1, body.size() - 1})
    EXPECT_FALSE(check_import_records(std::span(body).first(size)).has_value()) << size;
  append_record(body, random_import(random));
  EXPECT_FALSE(check_import_records(body).has_value());
}

TEST(ChannelRecord, ComesBackAsItWasSentAndEveryTruncationOfItsPageIsRefused) {
  std::mt19937_64 random(4);
  ListPage page{.next = 99, .channels = {}};
  for (int i = 0; i < 3; ++i) page.channels.push_back(random_channel(random));
  const auto body = encode(page);
  const auto read = decode_list_page(body);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->next, 99U);
  EXPECT_EQ(read->channels, page.channels);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const bool whole = size >= 4 && (size - 4) % channel_record_bytes == 0;
    EXPECT_EQ(decode_list_page(std::span(body).first(size)).has_value(), whole) << size;
  }
}

TEST(ChannelRecord, WithAnyBitFlippedIsRefusedOrMeansExactlyThoseBytes) {
  std::mt19937_64 random(5);
  std::vector<std::byte> bytes;
  append_record(bytes, random_channel(random));
  for (std::size_t bit = 0; bit < channel_record_bytes * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte(1 << bit % 8);
    const auto read = decode_channel_record(ChannelBytes(flipped));
    EXPECT_EQ(read.has_value(), bit < 229 * 8 || bit == 229 * 8) << bit;
    if (!read) continue;
    std::vector<std::byte> again;
    append_record(again, *read);
    EXPECT_EQ(again, flipped) << bit;
  }
}

}  // namespace
}  // namespace claimgate::admin
