// Hexadecimal text as the ledger writes it: upper case out, either case in, two digits per byte.
// Pure functions; any thread; the control path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "lib/failure/failure.hpp"

namespace claimgate::xrpl {

// A table, because an import reads 130 digits a channel.
inline constexpr auto hex_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i) values['0' + i] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<std::int8_t>(10 + i);
  return values;
}();

// -1 for what is no hexadecimal digit.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  return hex_values[static_cast<unsigned char>(c)];
}

[[nodiscard]] inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4];
    text += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

// Fills all of `out` from `text`; false, with `out` in part written, unless `text` is exactly
// 2 × out.size() hexadecimal digits.
[[nodiscard]] constexpr bool read_hex(std::string_view text, std::span<std::byte> out) noexcept {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if ((high | low) < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

[[nodiscard]] constexpr bool is_hex(std::string_view text) noexcept {
  for (const char c : text)
    if (hex_digit(c) < 0) return false;
  return true;
}

template <std::size_t N>
[[nodiscard]] Expected<std::array<std::byte, N>> parse_hex(std::string_view text) {
  std::array<std::byte, N> bytes{};
  if (read_hex(text, bytes)) return bytes;
  if (!is_hex(text)) return fail("expected hexadecimal digits only");
  return fail(fmt::format("expected {} hexadecimal digits, found {}", 2 * N, text.size()));
}

}  // namespace claimgate::xrpl
