#include "lib/xrpl/signature.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/lib/xrpl/vectors.hpp"

namespace claimgate::xrpl {
namespace {

using test::bytes_of;
using test::octets;

using ScalarBytes = std::array<std::byte, 32>;

const ScalarBytes order =
    test::array_of<32>("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141");
const ScalarBytes half =
    test::array_of<32>("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0");

ScalarBytes plus(ScalarBytes scalar, int add) {
  int carry = add;
  for (std::size_t i = 32; i-- > 0 && carry != 0;) {
    const int sum = std::to_integer<int>(scalar[i]) + carry;
    scalar[i] = static_cast<std::byte>(sum & 0xFF);
    carry = sum < 0 ? -1 : sum >> 8;
  }
  return scalar;
}

CompactSignature joined(const ScalarBytes& r, const ScalarBytes& s) {
  CompactSignature compact;
  std::copy(r.begin(), r.end(), compact.begin());
  std::copy(s.begin(), s.end(), compact.begin() + 32);
  return compact;
}

// libsecp256k1's strict DER parser, which reads a scalar out of range as zero.
std::optional<CompactSignature> reference(std::span<const std::byte> der) {
  secp256k1_ecdsa_signature parsed;
  if (secp256k1_ecdsa_signature_parse_der(secp256k1_context_static, &parsed, octets(der.data()),
                                          der.size()) != 1)
    return std::nullopt;
  std::array<unsigned char, 64> out;
  secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, out.data(), &parsed);
  const auto is_zero = [](unsigned char byte) { return byte == 0; };
  if (std::all_of(out.begin(), out.begin() + 32, is_zero) ||
      std::all_of(out.begin() + 32, out.end(), is_zero))
    return std::nullopt;
  CompactSignature compact;
  std::memcpy(compact.data(), out.data(), out.size());
  return compact;
}

void expect_as_reference(std::span<const std::byte> der) {
  const auto ours = compact_from_der(der);
  const auto theirs = reference(der);
  ASSERT_EQ(ours.has_value(), theirs.has_value()) << to_hex(der);
  if (!ours) return;
  EXPECT_EQ(*ours, *theirs);
  EXPECT_EQ(to_hex(der_from_compact(ours->data()).view()), to_hex(der)) << "one form per signature";
}

TEST(CompactSignature, EveryBoundaryOfRAndSDecides) {
  const ScalarBytes zero{}, one = plus(zero, 1);
  ScalarBytes all_ones;
  all_ones.fill(std::byte{0xFF});
  const struct {
    ScalarBytes scalar;
    bool in_range, low;
  } edges[] = {{zero, false, true},          {one, true, true},
               {plus(half, -1), true, true}, {half, true, true},
               {plus(half, 1), true, false}, {plus(order, -1), true, false},
               {order, false, false},        {plus(order, 1), false, false},
               {all_ones, false, false}};
  for (const auto& r : edges)
    for (const auto& s : edges) {
      const auto compact = joined(r.scalar, s.scalar);
      EXPECT_EQ(ranges_valid(compact.data()), r.in_range && s.in_range) << to_hex(compact);
      EXPECT_EQ(is_low_s(compact.data()), s.low) << to_hex(compact);
      EXPECT_EQ(canonical_compact(compact.data()), r.in_range && s.in_range && s.low);
    }
}

TEST(CompactSignature, ComparesWordByWordAsLibsecp256k1Does) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 20000; ++round) {
    // Neighbours of n and n/2 in one random byte: all four words get to decide.
    ScalarBytes r = round % 2 != 0 ? order : half, s = round % 3 != 0 ? half : order;
    r[random() % 32] = static_cast<std::byte>(random());
    s[random() % 32] = static_cast<std::byte>(random());
    const auto compact = joined(r, s);
    secp256k1_ecdsa_signature parsed, low;
    const bool in_range = secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed,
                                                                  octets(compact.data())) == 1;
    EXPECT_EQ(ranges_valid(compact.data()), in_range) << to_hex(compact);
    if (in_range) {
      const bool high =
          secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &low, &parsed) == 1;
      EXPECT_EQ(canonical_compact(compact.data()), !high) << to_hex(compact);
    }
  }
}

TEST(DerSignature, EveryPairOfLengthsGoesThereAndBack) {
  for (std::size_t r_zeros = 0; r_zeros < 32; ++r_zeros)
    for (std::size_t s_zeros = 0; s_zeros < 32; ++s_zeros)
      for (const unsigned lead : {0x01U, 0x7FU, 0x80U, 0xFEU}) {
        CompactSignature compact{};
        std::fill(compact.begin() + static_cast<int>(r_zeros), compact.begin() + 32,
                  std::byte{0x5A});
        std::fill(compact.begin() + 32 + static_cast<int>(s_zeros), compact.end(), std::byte{0xA5});
        compact[r_zeros] = compact[32 + s_zeros] = std::byte(lead);
        const auto der = der_from_compact(compact.data());
        ASSERT_GE(der.size, der_bytes_min);
        ASSERT_LE(der.size, der_bytes_max);
        const auto back = compact_from_der(der.view());
        ASSERT_TRUE(back) << back.error().text();
        EXPECT_EQ(*back, compact);
        expect_as_reference(der.view());
      }
}

TEST(DerSignature, EveryChangeOfOneByteIsReadAsLibsecp256k1ReadsIt) {
  for (const auto& vector : test::good_claims()) {
    if (vector.at("algorithm") != "secp256k1" || vector.at("i").get<int>() > 4) continue;
    auto der = bytes_of(vector.at("signature_hex"));
    for (std::byte& byte : der) {
      const std::byte original = byte;
      for (int value = 0; value < 256; ++value) {
        byte = static_cast<std::byte>(value);
        expect_as_reference(der);
      }
      byte = original;
    }
  }
}

TEST(DerSignature, IsRefusedWhenCutShortOrLengthenedAnywhere) {
  for (const auto& vector : test::good_claims()) {
    if (vector.at("algorithm") != "secp256k1") continue;
    const auto der = bytes_of(vector.at("signature_hex"));
    for (std::size_t size = 0; size < der.size(); ++size)
      EXPECT_FALSE(compact_from_der(std::span(der).first(size)));
    for (std::size_t extra = 1; extra < 8; ++extra) {
      auto longer = der;
      longer.resize(der.size() + extra);
      EXPECT_FALSE(compact_from_der(longer));
    }
    for (std::size_t at = 0; at < der.size(); ++at) {
      auto shorter = der, longer = der;
      shorter.erase(shorter.begin() + static_cast<int>(at));
      longer.insert(longer.begin() + static_cast<int>(at), std::byte{0});
      expect_as_reference(shorter);
      expect_as_reference(longer);
    }
  }
}

TEST(DerSignature, EveryShortFormOfTinyIntegersIsReadAsLibsecp256k1ReadsIt) {
  // 30 len 02 rlen r… 02 slen s…: all headers with lengths 0..3 and edge bytes.
  const std::vector<unsigned> edges = {0x00, 0x01, 0x7F, 0x80, 0xFF};
  for (unsigned r_length = 0; r_length < 4; ++r_length)
    for (unsigned s_length = 0; s_length < 4; ++s_length)
      for (const unsigned a : edges)
        for (const unsigned b : edges)
          for (int lie = -1; lie <= 1; ++lie) {
            std::vector<std::byte> der = {std::byte{0x30}, std::byte{0}, std::byte{2},
                                          std::byte(r_length)};
            der.insert(der.end(), r_length, std::byte(b));
            if (r_length > 0) der[4] = std::byte(a);
            der.insert(der.end(), {std::byte{2}, std::byte(s_length)});
            der.insert(der.end(), s_length, std::byte(a));
            if (s_length > 0) der[6 + r_length] = std::byte(b);
            der[1] = static_cast<std::byte>(static_cast<int>(der.size()) - 2 + lie);
            expect_as_reference(der);
          }
}

}  // namespace
}  // namespace claimgate::xrpl
