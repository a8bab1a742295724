#include "lib/signing/signing.hpp"

#include <gtest/gtest.h>
#include <secp256k1.h>
#include <sodium.h>

#include <cstring>
#include <set>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/keys.hpp"
#include "lib/xrpl/message.hpp"
#include "lib/xrpl/signature.hpp"

namespace claimgate::signing {
namespace {

using channel::KeyType;

channel::ChannelId channel_id(std::uint8_t fill) {
  channel::ChannelId id;
  id.bytes.fill(std::byte{fill});
  return id;
}
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

TEST(KeyPair, IsTheSameForTheSameSeedIndexAndTypeAndDifferentForEveryOther) {
  std::set<xrpl::KeyBytes> seen;
  for (const std::uint64_t seed : {0, 1, 2}) {
    for (std::uint64_t index = 0; index < 20; ++index) {
      for (const KeyType type : {KeyType::secp256k1, KeyType::ed25519}) {
        const auto pair = KeyPair::derive(seed, index, type);
        EXPECT_EQ(pair.type(), type);
        EXPECT_EQ(pair.ledger_key(), KeyPair::derive(seed, index, type).ledger_key());
        EXPECT_TRUE(seen.insert(pair.ledger_key()).second);
      }
    }
  }
}

TEST(KeyPair, IsTiedToItsSeedForEver) {
  // Channels made from a seed yesterday must still be those of today: recorded finals rest on it.
  const auto secp = KeyPair::derive(1, 0, KeyType::secp256k1);
  const auto ed = KeyPair::derive(1, 0, KeyType::ed25519);
  EXPECT_EQ(xrpl::key_text(secp.ledger_key()),
            "aB4uB1CAc2xNdjZNEC4twZP39uktfBzwxFB9XkfMrKpE4bqwckF9");
  EXPECT_EQ(xrpl::key_text(ed.ledger_key()),
            "aKGWuGbzRUc7ceeLAmauJ63bVYMxFYbGZ9SAHS6Pw1d7Q3jjG3Gk");
}

TEST(KeyPair, HasTheKeyThatTheLedgerFormParsesTo) {
  for (const KeyType type : {KeyType::secp256k1, KeyType::ed25519}) {
    const auto pair = KeyPair::derive(7, 3, type);
    const auto parsed = xrpl::parse_public_key(pair.ledger_key());
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(*parsed, pair.public_key());
  }
}

TEST(Sign, MakesLowSSignaturesThatLibsecp256k1Verifies) {
  secp256k1_context* secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  for (std::uint64_t index = 0; index < 64; ++index) {
    const auto pair = KeyPair::derive(5, index, KeyType::secp256k1);
    const wire::Drops amount{index * 1'000'003 + 1};
    const auto id = channel_id(static_cast<std::uint8_t>(index));
    const Signature signature = pair.sign(id, amount);
    EXPECT_TRUE(xrpl::canonical_compact(signature.data()));
    secp256k1_pubkey key;
    ASSERT_EQ(secp256k1_ec_pubkey_parse(secp, &key, raw(pair.ledger_key().data()), 33), 1);
    secp256k1_ecdsa_signature parsed;
    ASSERT_EQ(secp256k1_ecdsa_signature_parse_compact(secp, &parsed, raw(signature.data())), 1);
    const auto digest = xrpl::sha512_half(xrpl::claim_message(id, amount));
    EXPECT_EQ(secp256k1_ecdsa_verify(secp, &parsed, raw(digest.data()), &key), 1);
  }
  secp256k1_context_destroy(secp);
}

TEST(Sign, MakesPureEd25519SignaturesOverTheFortyFourBytes) {
  ASSERT_GE(sodium_init(), 0);
  for (std::uint64_t index = 0; index < 64; ++index) {
    const auto pair = KeyPair::derive(5, index, KeyType::ed25519);
    const wire::Drops amount{index * 1'000'003 + 1};
    const auto id = channel_id(static_cast<std::uint8_t>(index));
    const Signature signature = pair.sign(id, amount);
    const auto message = xrpl::claim_message(id, amount);
    EXPECT_EQ(crypto_sign_verify_detached(raw(signature.data()), raw(message.data()),
                                          message.size(), raw(pair.ledger_key().data() + 1)),
              0);
  }
}

TEST(Sign, GivesOtherValidBytesForAnotherNonceWithSecp256k1Only) {
  const auto id = channel_id(9);
  const auto secp = KeyPair::derive(5, 1, KeyType::secp256k1);
  std::set<Signature> seen;
  for (std::uint32_t nonce = 0; nonce < 8; ++nonce) {
    const Signature signature = secp.sign(id, {77}, nonce);
    EXPECT_TRUE(verifies(secp.public_key(), id, {77}, signature.data()));
    EXPECT_EQ(signature, secp.sign(id, {77}, nonce));
    EXPECT_TRUE(seen.insert(signature).second);
  }
  const auto ed = KeyPair::derive(5, 1, KeyType::ed25519);
  EXPECT_EQ(ed.sign(id, {77}, 0), ed.sign(id, {77}, 1));
}

TEST(Verifies, RefusesAnotherAmountAnotherChannelAnotherKeyAndEveryFlippedBit) {
  for (const KeyType type : {KeyType::secp256k1, KeyType::ed25519}) {
    const auto pair = KeyPair::derive(5, 2, type);
    const auto other = KeyPair::derive(5, 3, type);
    const auto id = channel_id(1);
    Signature signature = pair.sign(id, {1000});
    EXPECT_TRUE(verifies(pair.public_key(), id, {1000}, signature.data()));
    EXPECT_FALSE(verifies(pair.public_key(), id, {1001}, signature.data()));
    EXPECT_FALSE(verifies(pair.public_key(), channel_id(2), {1000}, signature.data()));
    EXPECT_FALSE(verifies(other.public_key(), id, {1000}, signature.data()));
    for (std::size_t bit = 0; bit < 512; ++bit) {
      const std::byte mask{static_cast<std::uint8_t>(1u << (bit % 8))};
      signature[bit / 8] ^= mask;
      EXPECT_FALSE(verifies(pair.public_key(), id, {1000}, signature.data())) << bit;
      signature[bit / 8] ^= mask;
    }
  }
}

TEST(NonCanonical, IsValidEcdsaWithHighSWhichNobodyMayAccept) {
  secp256k1_context* secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  for (std::uint64_t index = 0; index < 64; ++index) {
    const auto pair = KeyPair::derive(8, index, KeyType::secp256k1);
    const auto id = channel_id(4);
    const Signature low = pair.sign(id, {index + 1});
    const Signature high = non_canonical(low, KeyType::secp256k1);
    EXPECT_TRUE(xrpl::ranges_valid(high.data()));
    EXPECT_FALSE(xrpl::is_low_s(high.data()));
    EXPECT_FALSE(verifies(pair.public_key(), id, {index + 1}, high.data()));
    secp256k1_ecdsa_signature parsed;
    ASSERT_EQ(secp256k1_ecdsa_signature_parse_compact(secp, &parsed, raw(high.data())), 1);
    EXPECT_EQ(secp256k1_ecdsa_signature_normalize(secp, &parsed, &parsed), 1);
    Signature back;
    secp256k1_ecdsa_signature_serialize_compact(secp, reinterpret_cast<unsigned char*>(back.data()),
                                                &parsed);
    EXPECT_EQ(back, low);
  }
  secp256k1_context_destroy(secp);
}

TEST(NonCanonical, IsTheSameScalarPlusTheGroupOrderForEd25519) {
  ASSERT_GE(sodium_init(), 0);
  for (std::uint64_t index = 0; index < 64; ++index) {
    const auto pair = KeyPair::derive(8, index, KeyType::ed25519);
    const auto id = channel_id(4);
    const Signature canonical = pair.sign(id, {index + 1});
    const Signature shifted = non_canonical(canonical, KeyType::ed25519);
    EXPECT_NE(shifted, canonical);
    EXPECT_FALSE(verifies(pair.public_key(), id, {index + 1}, shifted.data()));
    std::array<unsigned char, 64> wide{};  // S + L reduced modulo L is S again
    std::memcpy(wide.data(), shifted.data() + 32, 32);
    std::array<unsigned char, 32> reduced;
    crypto_core_ed25519_scalar_reduce(reduced.data(), wide.data());
    EXPECT_EQ(std::memcmp(reduced.data(), canonical.data() + 32, 32), 0);
  }
}

}  // namespace
}  // namespace claimgate::signing
