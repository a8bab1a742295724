#include "lib/xrpl/base58.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include <fmt/core.h>
#include <sodium.h>

namespace claimgate::xrpl {
namespace {

constexpr std::string_view alphabet = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
static_assert(alphabet.size() == 58);

constexpr std::size_t checksum_bytes = 4;

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
  std::vector<std::byte> bytes;  // least significant first
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = digit_values[static_cast<unsigned char>(text[i])];
    if (digit < 0)
      return fail(fmt::format("character {} is not one of the ledger's base58 alphabet", i + 1));
    auto carry = static_cast<unsigned>(digit);
    for (std::byte& byte : bytes) {
      carry += std::to_integer<unsigned>(byte) * 58;
      byte = static_cast<std::byte>(carry & 0xFF);
      carry >>= 8;
    }
    if (carry != 0) bytes.push_back(static_cast<std::byte>(carry));
  }
  const std::size_t zeros = std::min(text.find_first_not_of(alphabet[0]), text.size());
  bytes.insert(bytes.end(), zeros, std::byte{0});
  std::reverse(bytes.begin(), bytes.end());

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
