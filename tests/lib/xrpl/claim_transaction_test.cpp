// The redeeming transaction against what ripple-binary-codec made of the same claims.
#include "lib/xrpl/claim_transaction.hpp"

#include <gtest/gtest.h>

#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using nlohmann::json;
using test::array_of;

// Every vector's transaction has the same of what the appliance cannot know.
constexpr wire::Drops vector_fee{12};
constexpr std::uint32_t vector_sequence = 7;
constexpr std::uint32_t vector_last_ledger = 99'999'999;

ClaimTransaction claim_of(const json& vector) {
  const wire::Drops drops{std::stoull(vector.at("amount_drops").get<std::string>())};
  return {.account = *parse_address(vector.at("destination").get<std::string>()),
          .channel = {array_of<32>(vector.at("channel_id"))},
          .amount = drops,
          .balance = drops,
          .key = array_of<key_bytes>(vector.at("public_key_hex")),
          .signature = array_of<64>(vector.at("compact_rs_hex"))};
}

ClaimTransaction whole_claim_of(const json& vector) {
  auto claim = claim_of(vector);
  claim.fee = vector_fee;
  claim.sequence = vector_sequence;
  claim.last_ledger_sequence = vector_last_ledger;
  return claim;
}

// `hex` with the bytes of `part` taken out, which must stand there once.
std::string without(std::string hex, const std::string& part) {
  const auto at = hex.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  EXPECT_EQ(hex.find(part, at + 1), std::string::npos) << part;
  return hex.erase(at, part.size());
}

TEST(ClaimTransaction, IsByteForByteTheBlobOfRippleBinaryCodec) {
  for (const auto& vector : test::good_claims()) {
    EXPECT_EQ(to_hex(claim_blob(whole_claim_of(vector))), vector.at("redeem_tx_unsigned_blob"));
  }
}

TEST(ClaimTransaction, LeavesOutOfTheBlobWhatIsNotKnownAndNothingElse) {
  for (const auto& vector : test::good_claims()) {
    std::string expected = vector.at("redeem_tx_unsigned_blob");
    expected = without(expected, "2400000007");
    expected = without(expected, "201B05F5E0FF");
    expected = without(expected, "68400000000000000C");
    EXPECT_EQ(to_hex(claim_blob(claim_of(vector))), expected);
  }
}

TEST(ClaimTransaction, PutsFlagsAndASmallerBalanceInTheirPlaces) {
  const auto vectors = test::good_claims();
  auto claim = whole_claim_of(vectors.at(4));  // a million drops
  claim.flags = 0x0002'0000;
  claim.balance = {999'999};
  std::string expected = vectors.at(4).at("redeem_tx_unsigned_blob");
  expected.replace(expected.find("2200000000"), 10, "2200020000");
  expected.replace(expected.find("6240000000000F4240"), 18, "6240000000000F423F");
  EXPECT_EQ(to_hex(claim_blob(claim)), expected);
  const json text = json::parse(claim_json(claim));
  EXPECT_EQ(text.at("Flags"), 0x0002'0000);
  EXPECT_EQ(text.at("Balance"), "999999");
  EXPECT_EQ(text.at("Amount"), "1000000");
}

TEST(ClaimTransaction, SaysInJsonWhatTheLedgerSaysAndOnOneLine) {
  for (const auto& vector : test::good_claims()) {
    json expected{
        {"TransactionType", "PaymentChannelClaim"}, {"Account", vector.at("destination")},
        {"Channel", vector.at("channel_id")},       {"Balance", vector.at("amount_drops")},
        {"Amount", vector.at("amount_drops")},      {"PublicKey", vector.at("public_key_hex")},
        {"Signature", vector.at("signature_hex")},  {"Flags", 0}};
    const std::string text = claim_json(claim_of(vector));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(json::parse(text), expected);
    auto numbered = claim_of(vector);
    numbered.sequence = vector_sequence;
    expected["Sequence"] = vector_sequence;
    EXPECT_EQ(json::parse(claim_json(numbered)), expected);
    expected["Fee"] = "12";
    expected["LastLedgerSequence"] = vector_last_ledger;
    expected["SigningPubKey"] = "";  // nothing but the signature is missing
    EXPECT_EQ(json::parse(claim_json(whole_claim_of(vector))), expected);
  }
}

TEST(ClaimTransaction, HoldsDerOfEveryLengthThatSignaturesHave) {
  auto claim = claim_of(test::good_claims().at(0));
  // r and s of one byte each are 8 bytes of DER, high r and full s 71 (s is low by the ledger's
  // rule): a frame's signature may be any of these.
  for (std::size_t zeros = 0; zeros < 32; ++zeros) {
    claim.signature.fill(std::byte{0x7F});
    for (std::size_t i = 0; i < zeros; ++i) {
      claim.signature[i] = claim.signature[32 + i] = std::byte{0};
    }
    const auto der = ledger_signature(claim.key, claim.signature);
    EXPECT_EQ(der.size(), 6 + 2 * (32 - zeros));
    const auto back = compact_from_der(der);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, claim.signature);
    const std::string blob = to_hex(claim_blob(claim));
    EXPECT_NE(blob.find(fmt::format("730076{:02X}{}8114", der.size(), to_hex(der))),
              std::string::npos);
  }
}

}  // namespace
}  // namespace claimgate::xrpl
