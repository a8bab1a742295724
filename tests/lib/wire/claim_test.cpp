#include "lib/wire/claim.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace claimgate::wire {
namespace {

std::array<std::byte, signature_bytes> counting_signature() {
  std::array<std::byte, signature_bytes> signature;
  for (std::size_t i = 0; i < signature.size(); ++i) signature[i] = std::byte(i + 1);
  return signature;
}

TEST(ClaimFrame, PlacesEveryFieldWhereTheFormatSaysBigEndian) {
  std::array<std::byte, claim_bytes> frame{};
  write_claim(frame.data(), {0x0102030405060708}, 0x0A0B0C0D, {0x1112131415161718},
              counting_signature().data(), 1.0);
  EXPECT_EQ(frame[0], std::byte{0x01});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(frame[1 + i], std::byte(i + 1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(frame[9 + i], std::byte(0x0A + i));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(frame[13 + i], std::byte(0x11 + i));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(frame[21 + i], std::byte(i + 1));
  EXPECT_EQ(frame[85], std::byte{0x3F});  // IEEE-754: 1.0 is 3FF0000000000000
  EXPECT_EQ(frame[86], std::byte{0xF0});
}

TEST(ClaimFrame, IsMalformedByTypeAndByAmountBoundsOnly) {
  std::array<std::byte, claim_bytes> frame{};
  const auto at_amount = [&](std::uint64_t amount) {
    write_claim(frame.data(), {1}, 1, {amount}, counting_signature().data(), 0);
    return ClaimFrame(frame.data()).malformed();
  };
  EXPECT_TRUE(at_amount(0));
  EXPECT_FALSE(at_amount(1));
  EXPECT_FALSE(at_amount(drops_max.value));
  EXPECT_TRUE(at_amount(drops_max.value + 1));
  EXPECT_TRUE(at_amount(std::numeric_limits<std::uint64_t>::max()));
  at_amount(1);
  for (int type = 0; type < 256; ++type) {
    frame[0] = std::byte(type);
    EXPECT_EQ(ClaimFrame(frame.data()).malformed(), type != claim_type) << type;
  }
}

TEST(Verdict, EchoesEveryBitOfTheTimestampWhateverNumberItIs) {
  for (const double stamp :
       {0.0, -0.0, 1.5e12, std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(),
        std::numeric_limits<double>::denorm_min()}) {
    std::array<std::byte, claim_bytes> frame{};
    write_claim(frame.data(), {7}, 9, {11}, counting_signature().data(), stamp);
    std::array<std::byte, verdict_bytes> out{};
    write_verdict(out.data(), frame.data(), Code::stale, 0, 0);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read_verdict(out.data()).timestamp_ms),
              std::bit_cast<std::uint64_t>(stamp));
  }
}

TEST(Verdict, WrittenInPlaceInAscendingOrderHarmsNoClaimYetToBeAnswered) {
  for (unsigned n = 1; n <= claims_per_datagram_max; ++n) {
    std::vector<std::byte> payload(n * claim_bytes);
    for (unsigned j = 0; j < n; ++j) {
      write_claim(payload.data() + j * claim_bytes, {0xA000 + j}, 100 + j, {1000 + j},
                  counting_signature().data(), 0.5 + j);
    }
    for (unsigned j = 0; j < n; ++j) {
      write_verdict(payload.data() + j * verdict_bytes, payload.data() + j * claim_bytes,
                    static_cast<Code>(j % code_count), j & 1, static_cast<std::uint16_t>(j));
    }
    for (unsigned j = 0; j < n; ++j) {
      ASSERT_TRUE(is_verdict(payload.data() + j * verdict_bytes));
      const Verdict verdict = read_verdict(payload.data() + j * verdict_bytes);
      EXPECT_EQ(verdict.handle.value, 0xA000 + j);
      EXPECT_EQ(verdict.sequence, 100 + j);
      EXPECT_EQ(verdict.amount.value, 1000 + j);
      EXPECT_EQ(verdict.code, static_cast<Code>(j % code_count));
      EXPECT_EQ(verdict.flags, j & 1);
      EXPECT_EQ(verdict.retry_after_ms, j);
      EXPECT_EQ(verdict.timestamp_ms, 0.5 + j);
    }
  }
}

TEST(VirtualShard, IsTheHandleModulo64) {
  EXPECT_EQ(ChannelHandle{0}.virtual_shard(), 0u);
  EXPECT_EQ(ChannelHandle{127}.virtual_shard(), 63u);
  EXPECT_EQ(ChannelHandle{~std::uint64_t{0}}.virtual_shard(), 63u);
}

TEST(Code, HasANameForEveryValue) {
  for (std::size_t i = 0; i < code_count; ++i) EXPECT_NE(name(static_cast<Code>(i)), "?");
  EXPECT_EQ(name(static_cast<Code>(code_count)), "?");
}

}  // namespace
}  // namespace claimgate::wire
