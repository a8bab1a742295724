// A peer that shares our buffers (memif, vhost) and rewrites them while its claims are in flight:
// with copy_payloads nothing it does after parse changes what is verified, committed or echoed.
#include <random>

#include "tests/src/pipeline/stand.hpp"

namespace claimgate::pipeline {
namespace {

using wire::Code;

std::span<std::byte> payload_of(SimulatedPort::Frame& frame) {
  return frame.view().subspan(42);
}

class HostilePeer : public testing::TestWithParam<KeyType> {
 protected:
  Stand<> stand{{.rules = {.copy_payloads = true}}};
  Payer first = stand.open_channel(1, GetParam());
  Payer second = stand.open_channel(2, GetParam());

  // Delivers one claim of each channel and runs the turn that decides only the first.
  SimulatedPort::Frame& two_in_flight(const ClaimBytes& late) {
    auto& frame = stand.deliver({good_claim(first, 5), late});
    stand.turn();
    EXPECT_EQ(stand.stats.claims_in_flight.value(), 1U);
    return frame;
  }
};
INSTANTIATE_TEST_SUITE_P(EachKeyType, HostilePeer,
                         testing::Values(KeyType::secp256k1, KeyType::ed25519), [](const auto& p) {
                           return p.param == KeyType::secp256k1 ? "secp256k1" : "ed25519";
                         });

TEST_P(HostilePeer, CannotRaiseAnAmountAfterParse) {
  auto& frame = two_in_flight(good_claim(second, 5));
  wire::store_be(payload_of(frame).data() + wire::claim_bytes + wire::offset::amount,
                 std::uint64_t{999});
  stand.settle();
  const auto got = stand.verdicts_of(frame);
  EXPECT_EQ(got.at(1).code, Code::accepted);
  EXPECT_EQ(got.at(1).amount.value, 5U) << "echoed from the copy";
  EXPECT_EQ(stand.held(second), 5U);
}

TEST_P(HostilePeer, CannotSwapTheSignatureBetweenVerificationAndCommit) {
  const auto claim = good_claim(second, 5);
  auto& frame = two_in_flight(claim);
  std::ranges::fill(payload_of(frame).subspan(wire::claim_bytes), std::byte{0x66});
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(frame).at(1).code, Code::accepted);
  EXPECT_TRUE(
      std::equal(claim.begin() + 21, claim.begin() + 85, stand.view(second)->signature.begin()));
}

TEST_P(HostilePeer, CannotMakeAForgedClaimGood) {
  auto& frame = two_in_flight(forged_claim(second, 5));
  std::ranges::copy(good_claim(second, 5), payload_of(frame).begin() + wire::claim_bytes);
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(frame).at(1).code, Code::bad_signature);
  EXPECT_EQ(stand.held(second), 0U);
}

TEST_P(HostilePeer, WhoScribblesOverWholeFramesAtRandomSpoilsOnlyItsOwnReplies) {
  std::mt19937_64 random(5);
  std::vector<Payer> payers;
  for (unsigned i = 0; i < 8; ++i) payers.push_back(stand.open_channel(10 + i, GetParam()));
  for (std::uint64_t amount = 1; amount <= 40; ++amount) {
    std::vector<ClaimBytes> claims;
    for (const auto& payer : payers) claims.push_back(good_claim(payer, amount));
    stand.deliver(claims);
    stand.turn();
    for (const auto& frame : stand.port.frames()) {
      if (frame->place != SimulatedPort::Place::with_worker) continue;
      for (auto& byte : frame->view()) byte = static_cast<std::byte>(random());
    }
  }
  stand.settle();
  EXPECT_EQ(stand.counted(Code::bad_signature), 0U);
  EXPECT_EQ(stand.counted(Code::malformed), 0U);
  for (const auto& payer : payers) EXPECT_EQ(stand.held(payer), 40U);
}

TEST(TrustedPeer, ItsPayloadIsNotCopied) {
  Stand<> stand({.rules = {.copy_payloads = false}});
  const Payer first = stand.open_channel(1), second = stand.open_channel(2);
  auto& frame = stand.deliver({good_claim(first, 5), good_claim(second, 5)});
  stand.turn();
  EXPECT_EQ(frame.copy, no_copy);
  EXPECT_EQ(frame.claims, frame.frame + 42);
  // It reads the frame itself: a change is seen, which is what trusting means.
  payload_of(frame)[wire::claim_bytes + wire::offset::claim_signature] ^= std::byte{1};
  stand.settle();
  EXPECT_EQ(stand.verdicts_of(frame).at(1).code, Code::bad_signature);
}

TEST(CopiedPayload, CellsAreGivenBackSoThatThereIsAlwaysOne) {
  Stand<> stand({.rules = {.copy_payloads = true, .answer_unknown = false, .held_max = 2}});
  const Payer payer = stand.open_channel(1);
  // Far more datagrams than cells (34), answered, silenced and refused by the ring.
  for (std::uint64_t i = 1; i <= 300; ++i) {
    stand.port.accept_only(i % 3 == 0 ? 0 : 99);
    stand.deliver({good_claim(payer, i)});
    stand.deliver({good_claim(make_payer(77), i)});
    stand.settle();
  }
  EXPECT_EQ(stand.counted(Code::accepted), 300U);
  EXPECT_EQ(stand.counted(Code::unknown_channel), 300U);
}

}  // namespace
}  // namespace claimgate::pipeline
