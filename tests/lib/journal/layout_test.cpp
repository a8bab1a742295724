// The bytes of headers, frames and records: what is written is read again, and nothing else is.
#include "lib/journal/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "lib/memory/crc32c.hpp"
#include "tests/lib/channel/make_terms.hpp"

namespace claimgate::journal {
namespace {

using Bytes = std::vector<std::byte>;

class Seeded {
 public:
  explicit Seeded(std::uint64_t seed) : random_(seed) {}
  template <class T>
  T any() {
    return static_cast<T>(random_());
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  template <std::size_t n>
  std::array<std::byte, n> bytes() {
    std::array<std::byte, n> out;
    for (std::byte& each : out) each = any<std::byte>();
    return out;
  }

 private:
  std::mt19937_64 random_;
};

// One bit after the other the wrong way round; `accepts` must take none of them.
void expect_every_flipped_bit_refused(Bytes& bytes, const std::function<bool()>& accepts) {
  ASSERT_TRUE(accepts());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    ASSERT_FALSE(accepts()) << "byte " << bit / 8 << ", bit " << bit % 8;
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
  ASSERT_TRUE(accepts());
}

// ---- segment header -----------------------------------------------------------------------

SegmentHeader any_segment_header(Seeded& seeded) {
  return {.node_uuid = seeded.bytes<16>(),
          .lane = seeded.any<std::uint32_t>(),
          .record_bytes = seeded.any<std::uint32_t>(),
          .segment = seeded.any<std::uint64_t>(),
          .bytes = seeded.any<std::uint64_t>(),
          .first_lsn = seeded.any<std::uint64_t>(),
          .term = seeded.any<std::uint32_t>()};
}

TEST(SegmentHeaderLayout, IsReadAsItWasWritten) {
  Bytes page(page_bytes);
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Seeded seeded(seed);
    const SegmentHeader header = any_segment_header(seeded);
    std::ranges::fill(page, std::byte{0xA5});
    write_segment_header(page.data(), header);
    SegmentHeader read;
    ASSERT_EQ(read_segment_header(page.data(), read), HeaderFault::none);
    ASSERT_EQ(read.node_uuid, header.node_uuid);
    ASSERT_EQ(read.lane, header.lane);
    ASSERT_EQ(read.record_bytes, header.record_bytes);
    ASSERT_EQ(read.segment, header.segment);
    ASSERT_EQ(read.bytes, header.bytes);
    ASSERT_EQ(read.first_lsn, header.first_lsn);
    ASSERT_EQ(read.term, header.term);
  }
}

TEST(SegmentHeaderLayout, WithAnyFlippedBitIsDamaged) {
  Seeded seeded(1);
  Bytes page(page_bytes);
  write_segment_header(page.data(), any_segment_header(seeded));
  expect_every_flipped_bit_refused(page, [&page] {
    SegmentHeader read;
    return read_segment_header(page.data(), read) != HeaderFault::damaged;
  });
}

TEST(SegmentHeaderLayout, OfAnotherVersionIsToldFromDamageAndMinorOnesAreRead) {
  struct Known {
    std::size_t at;
    HeaderFault fault;
  };
  for (const Known known :
       {Known{12, HeaderFault::newer_major}, Known{13, HeaderFault::newer_major},
        Known{14, HeaderFault::none}, Known{16, HeaderFault::features},
        Known{23, HeaderFault::features}, Known{24, HeaderFault::none}}) {
    Seeded seeded(2);
    Bytes page(page_bytes);
    write_segment_header(page.data(), any_segment_header(seeded));
    page[known.at] ^= std::byte{0x80};
    wire::store_raw(page.data() + 8, memory::crc32c(std::span(page).subspan(12)));
    SegmentHeader read;
    EXPECT_EQ(read_segment_header(page.data(), read), known.fault) << known.at;
  }
}

// ---- frame --------------------------------------------------------------------------------

struct Sealed {
  FrameHeader header;
  Bytes bytes;
};

Sealed any_frame(Seeded& seeded, std::size_t record_bytes, std::uint16_t count) {
  const std::uint64_t durable = seeded.any<std::uint64_t>() >> 1;
  Sealed frame{.header = {.stamp = seeded.any<std::uint32_t>(),
                          .term = seeded.any<std::uint32_t>(),
                          .segment = seeded.any<std::uint64_t>(),
                          .first_lsn = durable + 1 + seeded.below(1000),
                          .durable_lsn = durable,
                          .time = seeded.any<std::uint32_t>(),
                          .count = count,
                          .bytes = static_cast<std::uint32_t>(frame_bytes(count, record_bytes))},
               .bytes = Bytes(frame_bytes(count, record_bytes))};
  for (std::size_t i = 0; i < count * record_bytes; ++i) {
    frame.bytes[frame_header_bytes + i] = seeded.any<std::byte>();
  }
  seal_frame(frame.bytes.data(), frame.header);
  return frame;
}

bool frame_is_whole(const Bytes& bytes, std::size_t record_bytes) {
  const auto header = read_frame_header(bytes.data(), record_bytes);
  return header && header->bytes == bytes.size() && body_is_whole(bytes.data(), *header);
}

TEST(FrameLayout, OfEveryCountIsReadAsItWasSealed) {
  for (const std::size_t record_bytes : {claim_record_bytes, provisioning_record_bytes}) {
    for (std::uint16_t count = 0; count <= records_per_frame(record_bytes); ++count) {
      Seeded seeded(count);
      const Sealed frame = any_frame(seeded, record_bytes, count);
      ASSERT_LE(frame.bytes.size(), frame_bytes_max);
      const auto read = read_frame_header(frame.bytes.data(), record_bytes);
      ASSERT_TRUE(read) << count;
      ASSERT_TRUE(body_is_whole(frame.bytes.data(), *read)) << count;
      ASSERT_EQ(read->stamp, frame.header.stamp);
      ASSERT_EQ(read->term, frame.header.term);
      ASSERT_EQ(read->segment, frame.header.segment);
      ASSERT_EQ(read->first_lsn, frame.header.first_lsn);
      ASSERT_EQ(read->durable_lsn, frame.header.durable_lsn);
      ASSERT_EQ(read->time, frame.header.time);
      ASSERT_EQ(read->count, frame.header.count);
      ASSERT_EQ(read->bytes, frame.header.bytes);
    }
  }
}

TEST(FrameLayout, WithAnyFlippedBitIsNotWhole) {
  for (const std::uint16_t count : {0, 20, 40}) {  // none, within a page, and over its end
    Seeded seeded(count);
    Sealed frame = any_frame(seeded, claim_record_bytes, count);
    expect_every_flipped_bit_refused(
        frame.bytes, [&frame] { return frame_is_whole(frame.bytes, claim_record_bytes); });
  }
}

TEST(FrameLayout, WhoseNumbersCannotBeIsNone) {
  using Change = std::function<void(FrameHeader&)>;
  for (const Change& change : {
           Change([](FrameHeader& header) { header.count = 256; }),
           Change([](FrameHeader& header) { header.count = 32; }),  // one page too few for it
           Change([](FrameHeader& header) { header.bytes = 2 * page_bytes; }),
           Change([](FrameHeader& header) { header.bytes = page_bytes - 1; }),
           Change([](FrameHeader& header) { header.durable_lsn = header.first_lsn; }),
       }) {
    Seeded seeded(3);
    Sealed frame = any_frame(seeded, claim_record_bytes, 20);
    frame.bytes.resize(2 * page_bytes);
    change(frame.header);
    seal_frame(frame.bytes.data(), frame.header);
    EXPECT_FALSE(read_frame_header(frame.bytes.data(), claim_record_bytes));
  }
}

TEST(FrameLayout, OfAnotherVersionIsNone) {
  Seeded seeded(4);
  Sealed frame = any_frame(seeded, claim_record_bytes, 1);
  frame.bytes[4] = std::byte{2};
  wire::store_raw(frame.bytes.data() + 60, memory::crc32c(std::span(frame.bytes).first(60)));
  EXPECT_FALSE(read_frame_header(frame.bytes.data(), claim_record_bytes));
}

TEST(FrameLayout, BelongsToItsNodeAndItsLane) {
  Seeded seeded(5);
  const Uuid one = seeded.bytes<16>(), other = seeded.bytes<16>();
  EXPECT_EQ(lane_stamp(one, 3), lane_stamp(one, 3));
  EXPECT_NE(lane_stamp(one, 3), lane_stamp(one, 4));
  EXPECT_NE(lane_stamp(one, 3), lane_stamp(one, provisioning_lane));
  EXPECT_NE(lane_stamp(one, 3), lane_stamp(other, 3));
}

// ---- records ------------------------------------------------------------------------------

struct AnyClaim {
  std::array<std::byte, wire::signature_bytes> signature;
  ClaimRecord record;
};

AnyClaim any_claim(Seeded& seeded) {
  AnyClaim claim{.signature = seeded.bytes<wire::signature_bytes>()};
  const std::uint64_t previous = seeded.any<std::uint64_t>() >> 1;
  claim.record = {.lsn = seeded.any<std::uint64_t>(),
                  .channel = {seeded.any<std::uint64_t>()},
                  .amount = {previous + 1 + seeded.below(1000)},
                  .previous = {previous},
                  .incarnation = seeded.any<std::uint32_t>() | 1,
                  .slot = seeded.any<std::uint32_t>(),
                  .time = seeded.any<std::uint32_t>()};
  return claim;
}

Bytes bytes_of(AnyClaim claim) {
  claim.record.signature = claim.signature.data();
  Bytes bytes(claim_record_bytes, std::byte{0xA5});
  write_claim_record(bytes.data(), claim.record);
  return bytes;
}

ProvisioningRecord any_change(Seeded& seeded, Change change) {
  ProvisioningRecord record{.lsn = seeded.any<std::uint64_t>(),
                            .change = change,
                            .incarnation = seeded.any<std::uint32_t>() | 1,
                            .batch = seeded.any<std::uint64_t>(),
                            .changes = seeded.any<std::uint64_t>()};
  channel::ChannelTerms& terms = record.terms;
  terms.id.bytes = seeded.bytes<32>();
  terms.key.bytes = seeded.bytes<64>();
  terms.key.type = seeded.below(2) ? channel::KeyType::ed25519 : channel::KeyType::secp256k1;
  terms.source = seeded.bytes<20>();
  terms.destination = seeded.bytes<20>();
  terms.funded = {seeded.any<std::uint64_t>()};
  terms.balance = {seeded.any<std::uint64_t>()};
  terms.expiration = seeded.any<std::uint32_t>();
  terms.cancel_after = seeded.any<std::uint32_t>();
  terms.valid_until = seeded.any<std::uint32_t>();
  terms.settle_delay_s = seeded.any<std::uint32_t>();
  terms.ledger_index = seeded.any<std::uint32_t>();
  terms.source_tag = seeded.any<std::uint16_t>();
  terms.service_class = seeded.any<std::uint8_t>();
  return record;
}

Bytes bytes_of(const ProvisioningRecord& record) {
  Bytes bytes(provisioning_record_bytes, std::byte{0xA5});
  write_provisioning_record(bytes.data(), record);
  return bytes;
}

TEST(ClaimRecordLayout, IsReadAsItWasWritten) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Seeded seeded(seed);
    const AnyClaim claim = any_claim(seeded);
    const Bytes bytes = bytes_of(claim);
    const auto read = read_claim_record(bytes.data());
    ASSERT_TRUE(read);
    ASSERT_EQ(read->lsn, claim.record.lsn);
    ASSERT_EQ(read->channel, claim.record.channel);
    ASSERT_EQ(read->amount, claim.record.amount);
    ASSERT_EQ(read->previous, claim.record.previous);
    ASSERT_EQ(read->incarnation, claim.record.incarnation);
    ASSERT_EQ(read->slot, claim.record.slot);
    ASSERT_EQ(read->time, claim.record.time);
    ASSERT_TRUE(
        std::ranges::equal(std::span(read->signature, wire::signature_bytes), claim.signature));
    ASSERT_EQ(wire::load_raw<std::uint64_t>(bytes.data() + record_lsn_offset), claim.record.lsn);
  }
}

TEST(ClaimRecordLayout, WithAnyFlippedBitIsNone) {
  Seeded seeded(1);
  Bytes bytes = bytes_of(any_claim(seeded));
  expect_every_flipped_bit_refused(
      bytes, [&bytes] { return read_claim_record(bytes.data()).has_value(); });
}

TEST(ClaimRecordLayout, OfNoIncarnationOrOfNoHigherAmountIsNone) {
  Seeded seeded(2);
  const AnyClaim good = any_claim(seeded);
  AnyClaim bad = good;
  bad.record.incarnation = 0;
  EXPECT_FALSE(read_claim_record(bytes_of(bad).data()));
  bad = good;
  bad.record.amount = bad.record.previous;
  EXPECT_FALSE(read_claim_record(bytes_of(bad).data()));
  EXPECT_TRUE(read_claim_record(bytes_of(good).data()));
}

TEST(ProvisioningRecordLayout, IsReadAsItWasWrittenAsFarAsItsChangeUsesIt) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    for (const Change change : {Change::add, Change::update, Change::remove, Change::commit}) {
      Seeded seeded(seed);
      const ProvisioningRecord record = any_change(seeded, change);
      const auto read = read_provisioning_record(bytes_of(record).data());
      ASSERT_TRUE(read);
      ASSERT_EQ(read->lsn, record.lsn);
      ASSERT_EQ(read->change, record.change);
      ASSERT_EQ(read->incarnation, record.incarnation);
      ASSERT_EQ(read->batch, record.batch);
      ASSERT_EQ(read->changes, record.changes);
      channel::ChannelTerms expected;
      if (change == Change::add || change == Change::update) expected = record.terms;
      if (change == Change::remove) expected.id = record.terms.id;
      ASSERT_TRUE(same_terms(read->terms, expected));
    }
  }
}

TEST(ProvisioningRecordLayout, WithAnyFlippedBitIsNone) {
  Seeded seeded(1);
  for (const Change change : {Change::add, Change::remove, Change::commit}) {
    Bytes bytes = bytes_of(any_change(seeded, change));
    expect_every_flipped_bit_refused(
        bytes, [&bytes] { return read_provisioning_record(bytes.data()).has_value(); });
  }
}

TEST(ProvisioningRecordLayout, ThatCannotBeIsNone) {
  Seeded seeded(2);
  for (const int change : {0, 5, 255}) {
    EXPECT_FALSE(
        read_provisioning_record(bytes_of(any_change(seeded, static_cast<Change>(change))).data()));
  }
  for (const Change change : {Change::add, Change::update, Change::remove, Change::commit}) {
    ProvisioningRecord record = any_change(seeded, change);
    record.incarnation = 0;
    EXPECT_EQ(read_provisioning_record(bytes_of(record).data()).has_value(),
              change == Change::commit);
    record = any_change(seeded, change);
    record.terms.key.type = static_cast<channel::KeyType>(3);
    EXPECT_EQ(read_provisioning_record(bytes_of(record).data()).has_value(),
              change == Change::remove || change == Change::commit);
  }
}

// Whole records of the same frame change places: each is right in itself, and the frame is not.
template <class Make>
void expect_swaps_noticed(std::size_t record_bytes, const Make& make) {
  constexpr std::uint16_t count = 6;
  Seeded seeded(3);
  Sealed frame = any_frame(seeded, record_bytes, count);
  for (std::size_t i = 0; i < count; ++i) {
    std::ranges::copy(
        make(seeded),
        frame.bytes.begin() + static_cast<std::ptrdiff_t>(frame_header_bytes + i * record_bytes));
  }
  seal_frame(frame.bytes.data(), frame.header);
  ASSERT_TRUE(frame_is_whole(frame.bytes, record_bytes));
  for (std::size_t i = 0; i < count; ++i) {
    Bytes replaced = frame.bytes;
    std::byte* const at = replaced.data() + frame_header_bytes + i * record_bytes;
    std::ranges::copy(make(seeded), at);
    EXPECT_FALSE(frame_is_whole(replaced, record_bytes)) << "a stale record in place " << i;
    for (std::size_t j = 0; j < i; ++j) {
      Bytes swapped = frame.bytes;
      std::byte* const first = swapped.data() + frame_header_bytes + j * record_bytes;
      std::swap_ranges(first, first + record_bytes,
                       swapped.data() + frame_header_bytes + i * record_bytes);
      EXPECT_FALSE(frame_is_whole(swapped, record_bytes)) << i << " and " << j;
    }
  }
}

TEST(FrameLayout, NoticesAWholeRecordInAnothersPlace) {
  expect_swaps_noticed(claim_record_bytes,
                       [](Seeded& seeded) { return bytes_of(any_claim(seeded)); });
  expect_swaps_noticed(provisioning_record_bytes,
                       [](Seeded& seeded) { return bytes_of(any_change(seeded, Change::add)); });
}

}  // namespace
}  // namespace claimgate::journal
