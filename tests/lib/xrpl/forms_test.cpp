// Text forms, keys and times: base58.hpp, hex.hpp, keys.hpp, time.hpp, message.hpp.
#include <gtest/gtest.h>

#include <random>

#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/time.hpp"
#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

TEST(Base58, KnowsTheLedgersSpecialAccounts) {
  // ACCOUNT_ZERO and ACCOUNT_ONE of the ledger's documentation ("special addresses").
  AccountId account{};
  EXPECT_EQ(address_text(account), "rrrrrrrrrrrrrrrrrrrrrhoLvTp");
  account[19] = std::byte{1};
  EXPECT_EQ(address_text(account), "rrrrrrrrrrrrrrrrrrrrBZbvji");
  EXPECT_EQ(parse_address("rrrrrrrrrrrrrrrrrrrrBZbvji").value(), account);
}

TEST(Base58, GoesThereAndBackForAnyBytes) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    AccountId account;
    KeyBytes key;
    for (auto& byte : account) byte = static_cast<std::byte>(random());
    for (auto& byte : key) byte = static_cast<std::byte>(random());
    for (std::size_t i = 0; i < random() % 21; ++i) account[i] = std::byte{0};
    EXPECT_EQ(parse_address(address_text(account)).value(), account);
    EXPECT_EQ(parse_key_text(key_text(key)).value(), key);
  }
}

TEST(Base58, NoOneCharacterOfAnAddressMayChangeVanishOrAppear) {
  const std::string address = "rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe";
  ASSERT_TRUE(parse_address(address));
  for (std::size_t at = 0; at < address.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = address;
      changed[at] = static_cast<char>(c);
      EXPECT_EQ(parse_address(changed).has_value(), changed == address) << changed;
    }
    std::string shorter = address, longer = address;
    shorter.erase(at, 1);
    longer.insert(at, 1, address[at]);
    EXPECT_FALSE(parse_address(shorter));
    EXPECT_FALSE(parse_address(longer));
  }
}

TEST(Base58, SaysWhatIsWrong) {
  EXPECT_NE(parse_address("rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAY0").error().what.find("character 34"),
            std::string::npos);
  EXPECT_NE(parse_address("rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYr").error().what.find("checksum"),
            std::string::npos);
  EXPECT_NE(parse_address("rPT1").error().what.find("expected 25"), std::string::npos);
  EXPECT_NE(parse_address(std::string(100'000, 'z')).error().what.find("too long"),
            std::string::npos);
  AccountId account{};
  EXPECT_NE(base58_decode(base58_encode(0x05, account), account_prefix, account)
                .error()
                .what.find("prefix is 0x05"),
            std::string::npos);
  EXPECT_FALSE(parse_address(""));
  EXPECT_FALSE(parse_key_text("rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe"));
}

TEST(Hex, WritesUpperCaseReadsEitherAndNothingElse) {
  const auto bytes = parse_hex<2>("aBfF");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes), "ABFF");
  EXPECT_NE(parse_hex<2>("ABF").error().what.find("expected 4"), std::string::npos);
  EXPECT_NE(parse_hex<2>("ABFG").error().what.find("digits only"), std::string::npos);
  for (int c = 0; c < 256; ++c) {
    const std::string text = {static_cast<char>(c), '0'};
    const auto parsed = parse_hex<1>(text);
    EXPECT_EQ(parsed.has_value(),
              std::string("0123456789abcdefABCDEF").find(text[0]) != std::string::npos);
  }
}

TEST(LedgerClock, CountsFromTheYear2000AndSaturates) {
  EXPECT_EQ(time_text(0), "2000-01-01T00:00:00Z");
  EXPECT_EQ(time_text(533171558), "2016-11-22T23:12:38Z");  // the documentation's CancelAfter
  EXPECT_EQ(time_text(channel::never - 1), "2136-02-07T06:28:14Z");
  EXPECT_EQ(time_text(channel::never), "never");
  EXPECT_EQ(ledger_from_unix(946'684'800), 0U);
  EXPECT_EQ(ledger_from_unix(946'684'799), 0U);
  EXPECT_EQ(ledger_from_unix(-1), 0U);
  EXPECT_EQ(ledger_from_unix(946'684'800 + 5), 5U);
  EXPECT_EQ(ledger_from_unix(946'684'800LL + 0xFFFF'FFFF), channel::never);
  EXPECT_EQ(ledger_from_unix(INT64_MAX), channel::never);
  EXPECT_EQ(unix_from_ledger(ledger_from_unix(1'700'000'000)), 1'700'000'000);
}

// ---- keys

KeyBytes ed_key(const std::array<unsigned char, 32>& point) {
  KeyBytes key;
  key[0] = std::byte{0xED};
  std::memcpy(key.data() + 1, point.data(), point.size());
  return key;
}

using Point = std::array<unsigned char, 32>;

Point point_of(const std::string& hex) {
  Point point;
  std::memcpy(point.data(), test::array_of<32>(hex).data(), 32);
  return point;
}

// A generator of the eight points whose order divides 8.
const Point torsion = point_of("C7176A703D4DD84FBA3C0B760D10670F2A2053FA2C39CCC64EC7FD7792AC037A");

TEST(PublicKey, RefusesAnyTypePrefixButThree) {
  auto key = test::array_of<key_bytes>(
      "020C415AA59C84746E047A33B32CEF7AB342720BEF1057ED0583932D4FD1E54447");
  for (int prefix = 0; prefix < 256; ++prefix) {
    key[0] = static_cast<std::byte>(prefix);
    const auto parsed = parse_public_key(key);
    if (prefix == 2 || prefix == 3) {
      ASSERT_TRUE(parsed);
      EXPECT_EQ(key_form(*parsed), key);
    } else if (prefix != 0xED) {
      ASSERT_FALSE(parsed);
      EXPECT_NE(parsed.error().what.find("starts with"), std::string::npos);
    }
  }
}

TEST(PublicKey, DecompressesSecp256k1ToTheCurvesOtherCoordinate) {
  // The generator, SEC 2 2.4.1.
  const auto key = parse_public_key(test::array_of<key_bytes>(
      "0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"));
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->bytes),
            "79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"
            "483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8");
  // x = 5 is on no point; x >= p is no field element.
  EXPECT_FALSE(parse_public_key(test::array_of<key_bytes>(
      "020000000000000000000000000000000000000000000000000000000000000005")));
  EXPECT_FALSE(parse_public_key(test::array_of<key_bytes>(
      "02FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC30")));
}

TEST(PublicKey, RefusesAllEightEd25519PointsOfSmallOrder) {
  Point point = torsion;
  for (int i = 0; i < 8; ++i) {
    const auto parsed = parse_public_key(ed_key(point));
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().what.find("small order"), std::string::npos);
    Point next;
    ASSERT_EQ(crypto_core_ed25519_add(next.data(), point.data(), torsion.data()), 0);
    point = next;
  }
  EXPECT_EQ(point, torsion);
}

// What small order means: three doublings lead to the identity.
bool eight_times_is_the_identity(Point point) {
  for (int i = 0; i < 3; ++i) {
    Point doubled;
    EXPECT_EQ(crypto_core_ed25519_add(doubled.data(), point.data(), point.data()), 0);
    point = doubled;
  }
  return point == Point{1};
}

TEST(PublicKey, CallsExactlyThoseEd25519PointsSmallThatThreeDoublingsDo) {
  std::mt19937_64 random(12);
  Point small = torsion;
  int small_seen = 0;
  for (int round = 0; round < 64; ++round) {
    Point main, mixed, next;
    for (auto& byte : main) byte = static_cast<unsigned char>(random());
    crypto_core_ed25519_from_uniform(main.data(), main.data());
    ASSERT_EQ(crypto_core_ed25519_add(mixed.data(), main.data(), small.data()), 0);
    std::vector<Point> points{small, main, mixed};
    for (const std::size_t i : {0u, 2u}) {  // with the other sign of x, also where x is 0
      points.push_back(points[i]);
      points.back()[31] ^= 0x80;
    }
    for (const Point& point : points) {
      const auto parsed = parse_public_key(ed_key(point));
      const bool expected = eight_times_is_the_identity(point);
      small_seen += expected;
      ASSERT_EQ(parsed.has_value(), !expected) << round;
      if (!parsed) {
        EXPECT_NE(parsed.error().what.find("small order"), std::string::npos);
      }
    }
    ASSERT_EQ(crypto_core_ed25519_add(next.data(), small.data(), torsion.data()), 0);
    small = next;
  }
  EXPECT_EQ(small_seen, 128);
}

TEST(PublicKey, RefusesAllNonCanonicalEd25519Points) {
  for (int low = 0xED; low <= 0xFF; ++low)
    for (const int top : {0x7F, 0xFF}) {
      Point point;
      point.fill(0xFF);
      point[0] = static_cast<unsigned char>(low);
      point[31] = static_cast<unsigned char>(top);
      const auto parsed = parse_public_key(ed_key(point));
      ASSERT_FALSE(parsed);
      EXPECT_NE(parsed.error().what.find("canonical"), std::string::npos);
    }
  // The largest canonical y, p - 1, is the point of order two.
  Point point;
  point.fill(0xFF);
  point[0] = 0xEC;
  point[31] = 0x7F;
  EXPECT_NE(parse_public_key(ed_key(point)).error().what.find("small order"), std::string::npos);
}

TEST(PublicKey, RefusesEd25519BytesOffTheCurveAndAcceptsEveryPrimeOrderPoint) {
  std::mt19937_64 random(11);
  int on_curve = 0;
  for (int round = 0; round < 400; ++round) {
    Point point;
    for (auto& byte : point) byte = static_cast<unsigned char>(random());
    on_curve += parse_public_key(ed_key(point)).has_value();
    crypto_core_ed25519_from_uniform(point.data(), point.data());
    EXPECT_TRUE(parse_public_key(ed_key(point)));
  }
  EXPECT_GT(on_curve, 120);  // about half of all y are on the curve
  EXPECT_LT(on_curve, 280);
}

// Key a·B plus a point of order 2: a signature verifies whenever H(R,A,M) is even.
TEST(PublicKey, AcceptsAMixedOrderEd25519KeyBecauseLibsodiumVerifiesUnderIt) {
  Point two, four, order_two, base_multiple, mixed;
  crypto_core_ed25519_add(two.data(), torsion.data(), torsion.data());
  crypto_core_ed25519_add(four.data(), two.data(), two.data());
  order_two = four;
  Point a{}, r{};
  a.fill(0x11);
  a[31] = 0x01;
  r.fill(0x23);
  r[31] = 0x01;
  crypto_scalarmult_ed25519_base_noclamp(base_multiple.data(), a.data());
  ASSERT_EQ(crypto_core_ed25519_add(mixed.data(), base_multiple.data(), order_two.data()), 0);
  EXPECT_EQ(crypto_core_ed25519_is_valid_point(mixed.data()), 0);
  const auto key = parse_public_key(ed_key(mixed));
  ASSERT_TRUE(key) << key.error().text();

  int verified = 0;
  for (unsigned char message = 0; message < 32; ++message) {
    std::array<unsigned char, 64> signature, hash;
    crypto_scalarmult_ed25519_base_noclamp(signature.data(), r.data());
    std::array<unsigned char, 65> hashed;
    std::copy_n(signature.begin(), 32, hashed.begin());
    std::copy_n(mixed.begin(), 32, hashed.begin() + 32);
    hashed[64] = message;
    crypto_hash_sha512(hash.data(), hashed.data(), hashed.size());
    Point h, ha;
    crypto_core_ed25519_scalar_reduce(h.data(), hash.data());
    crypto_core_ed25519_scalar_mul(ha.data(), h.data(), a.data());
    crypto_core_ed25519_scalar_add(signature.data() + 32, r.data(), ha.data());
    const auto* bytes = reinterpret_cast<const std::byte*>(&message);
    verified += test::ed25519_verifies(*key, std::span(bytes, 1),
                                       reinterpret_cast<const std::byte*>(signature.data()));
  }
  EXPECT_GT(verified, 4);
  EXPECT_LT(verified, 28);
}

}  // namespace
}  // namespace claimgate::xrpl
