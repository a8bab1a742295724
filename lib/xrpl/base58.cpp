#include "lib/xrpl/base58.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <vector>

#include <fmt/core.h>
#include <sodium.h>

namespace claimgate::xrpl {
namespace {

constexpr std::string_view alphabet = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
static_assert(alphabet.size() == 58);

constexpr std::size_t checksum_bytes = 4;

// Decoding works in limbs of 32 bits, into which five digits go at once.
constexpr std::size_t digits_at_once = 5;
static_assert(58ULL * 58 * 58 * 58 * 58 < 1ULL << 32);
constexpr std::size_t limbs_max = base58_text_bytes_max * 6 / 32 + 1;  // 58 < 2^6

constexpr auto digit_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}();

using Checksum = std::array<std::byte, checksum_bytes>;

Checksum checksum(std::span<const std::byte> bytes) noexcept {
  std::array<unsigned char, crypto_hash_sha256_BYTES> once, twice;
  crypto_hash_sha256(once.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  crypto_hash_sha256(twice.data(), once.data(), once.size());
  Checksum sum;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = std::byte{twice[i]};
  return sum;
}

}  // namespace

std::string base58_encode(std::uint8_t prefix, std::span<const std::byte> payload) {
  assert(payload.size() <= base58_payload_bytes_max);
  std::vector<std::byte> bytes{std::byte{prefix}};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  const Checksum sum = checksum(bytes);
  bytes.insert(bytes.end(), sum.begin(), sum.end());

  std::string digits;  // least significant first, as values 0..57
  for (const std::byte byte : bytes) {
    unsigned carry = std::to_integer<unsigned>(byte);
    for (char& digit : digits) {
      carry += static_cast<unsigned>(digit) * 256;
      digit = static_cast<char>(carry % 58);
      carry /= 58;
    }
    for (; carry != 0; carry /= 58) digits += static_cast<char>(carry % 58);
  }
  const auto zeros =
      std::find_if(bytes.begin(), bytes.end(), [](std::byte byte) { return byte != std::byte{0}; });
  digits.append(static_cast<std::size_t>(zeros - bytes.begin()), '\0');
  std::reverse(digits.begin(), digits.end());
  for (char& digit : digits) digit = alphabet[static_cast<unsigned char>(digit)];
  return digits;
}

Expected<void> base58_decode(std::string_view text, std::uint8_t prefix,
                             std::span<std::byte> payload) {
  assert(payload.size() <= base58_payload_bytes_max);
  if (text.size() > base58_text_bytes_max)
    return fail(fmt::format("base58 text of {} characters is too long", text.size()));
  std::array<std::uint32_t, limbs_max> limbs;  // least significant first
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t carry = 0;
    std::uint32_t scale = 1;
    for (const std::size_t end = std::min(i + digits_at_once, text.size()); i < end; ++i) {
      const int digit = digit_values[static_cast<unsigned char>(text[i])];
      if (digit < 0)
        return fail(fmt::format("character {} is not one of the ledger's base58 alphabet", i + 1));
      carry = carry * 58 + static_cast<unsigned>(digit);
      scale *= 58;
    }
    for (std::size_t k = 0; k < used; ++k) {
      carry += std::uint64_t{limbs[k]} * scale;
      limbs[k] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs[used++] = static_cast<std::uint32_t>(carry);
  }
  // Each leading zero digit is a zero byte; the number itself has none in front.
  std::vector<std::byte> bytes(std::min(text.find_first_not_of(alphabet[0]), text.size()));
  std::size_t at = 4 * used;
  if (used > 0) at -= static_cast<std::size_t>(std::countl_zero(limbs[used - 1])) / 8;
  while (at-- > 0) bytes.push_back(static_cast<std::byte>(limbs[at / 4] >> (at % 4 * 8)));

  const std::size_t expected = 1 + payload.size() + checksum_bytes;
  if (bytes.size() != expected)
    return fail(fmt::format("base58 text holds {} bytes, expected {}", bytes.size(), expected));
  const std::span<const std::byte> body(bytes.data(), 1 + payload.size());
  const Checksum sum = checksum(body);
  if (!std::equal(sum.begin(), sum.end(), bytes.end() - checksum_bytes))
    return fail("the base58 checksum does not match: a typing error?");
  if (body[0] != std::byte{prefix})
    return fail(fmt::format("base58 type prefix is 0x{:02X}, expected 0x{:02X}",
                            std::to_integer<unsigned>(body[0]), prefix));
  std::copy(body.begin() + 1, body.end(), payload.begin());
  return {};
}

std::string address_text(const AccountId& account) {
  return base58_encode(account_prefix, account);
}

Expected<AccountId> parse_address(std::string_view text) {
  AccountId account{};
  if (auto done = base58_decode(text, account_prefix, account); !done)
    return std::unexpected(std::move(done.error()));
  return account;
}

std::string key_text(const KeyBytes& key) {
  return base58_encode(public_key_prefix, key);
}

Expected<KeyBytes> parse_key_text(std::string_view text) {
  KeyBytes key{};
  if (auto done = base58_decode(text, public_key_prefix, key); !done)
    return std::unexpected(std::move(done.error()));
  return key;
}

}  // namespace claimgate::xrpl
