#include "lib/xrpl/keys.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/core.h>
#include <nettle/ripemd160.h>
#include <secp256k1.h>
#include <sodium.h>

namespace claimgate::xrpl {
namespace {

constexpr std::byte ed25519_prefix{0xED};

const unsigned char* octets(const std::byte* at) noexcept {
  return reinterpret_cast<const unsigned char*>(at);
}
unsigned char* octets(std::byte* at) noexcept {
  return reinterpret_cast<unsigned char*>(at);
}

// The y coordinate, without the sign bit of x, is below 2^255 - 19 (little-endian).
bool is_canonical_ed25519(const std::byte* point) noexcept {
  if ((point[31] & std::byte{0x7F}) != std::byte{0x7F}) return true;
  for (int i = 30; i > 0; --i)
    if (point[i] != std::byte{0xFF}) return true;
  return std::to_integer<unsigned>(point[0]) < 0xED;
}

// The y coordinates of the eight points whose order divides 8, little-endian: 1 (the identity),
// -1 (order 2), 0 (order 4, both x), and the two of order 8 (both x each). The sign bit of x is
// left out, so the two encodings of x = 0 with that bit set are caught as well.
using Coordinate = std::array<unsigned char, crypto_core_ed25519_BYTES>;
constexpr std::array<Coordinate, 5> small_order_ys{{
    {0x01},
    {0xEC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
    {},
    {0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4,
     0x89, 0xF2, 0xEF, 0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6,
     0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05},
    {0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B,
     0x76, 0x0D, 0x10, 0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39,
     0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A},
}};

bool is_small_order(const std::byte* point) noexcept {
  Coordinate y;
  std::copy_n(octets(point), y.size(), y.begin());
  y[31] &= 0x7F;
  return std::ranges::find(small_order_ys, y) != small_order_ys.end();
}

// crypto_core_ed25519_is_valid_point() would refuse keys of mixed order, which verify signatures;
// crypto_core_ed25519_add() asks for points on the curve and no more.
Expected<void> check_ed25519(const std::byte* point) {
  if (!is_canonical_ed25519(point)) return fail("the Ed25519 key is not canonical (y >= 2^255-19)");
  if (is_small_order(point)) return fail("the Ed25519 key is a point of small order");
  Coordinate doubled;
  if (crypto_core_ed25519_add(doubled.data(), octets(point), octets(point)) != 0)
    return fail("the Ed25519 key is not a point on the curve");
  return {};
}

}  // namespace

Expected<channel::PublicKey> parse_public_key(std::span<const std::byte, key_bytes> key) {
  channel::PublicKey parsed;
  if (key[0] == ed25519_prefix) {
    if (auto done = check_ed25519(key.data() + 1); !done)
      return std::unexpected(std::move(done.error()));
    parsed.type = channel::KeyType::ed25519;
    std::copy(key.begin() + 1, key.end(), parsed.bytes.begin());
    return parsed;
  }
  if (key[0] != std::byte{0x02} && key[0] != std::byte{0x03})
    return fail(fmt::format("the key starts with {:02X}; a key starts with 02, 03 or ED",
                            std::to_integer<unsigned>(key[0])));
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, octets(key.data()), key.size()) !=
      1)
    return fail("the secp256k1 key is not a point on the curve");
  std::array<unsigned char, 65> uncompressed;  // 04 ‖ x ‖ y
  std::size_t size = uncompressed.size();
  secp256k1_ec_pubkey_serialize(secp256k1_context_static, uncompressed.data(), &size, &point,
                                SECP256K1_EC_UNCOMPRESSED);
  parsed.type = channel::KeyType::secp256k1;
  std::memcpy(parsed.bytes.data(), uncompressed.data() + 1, parsed.bytes.size());
  return parsed;
}

KeyBytes key_form(const channel::PublicKey& key) noexcept {
  KeyBytes form;
  std::copy_n(key.bytes.begin(), 32, form.begin() + 1);
  if (key.type == channel::KeyType::ed25519)
    form[0] = ed25519_prefix;
  else
    form[0] = std::byte{0x02} | (key.bytes[63] & std::byte{0x01});
  return form;
}

AccountId account_of(std::span<const std::byte, key_bytes> key) noexcept {
  std::array<unsigned char, crypto_hash_sha256_BYTES> sha256;
  crypto_hash_sha256(sha256.data(), octets(key.data()), key.size());
  ripemd160_ctx state;
  ripemd160_init(&state);
  ripemd160_update(&state, sha256.size(), sha256.data());
  AccountId account;
  ripemd160_digest(&state, account.size(), octets(account.data()));
  return account;
}

}  // namespace claimgate::xrpl
