#include "lib/xrpl/signature.hpp"

#include <string>

#include <fmt/core.h>

namespace claimgate::xrpl {
namespace {

constexpr std::byte integer_tag{0x02}, sequence_tag{0x30};

// Takes one positive minimal integer off the front of `rest`, right-aligned into `out`.
// Returns nullptr, or what is wrong.
const char* take_integer(std::span<const std::byte>& rest, std::byte* out) noexcept {
  if (rest.size() < 3 || rest[0] != integer_tag) return "expected an integer";
  const auto length = std::to_integer<std::size_t>(rest[1]);
  rest = rest.subspan(2);
  if (length < 1 || length > 33 || length > rest.size())
    return "an integer of 1..33 bytes expected";
  std::span<const std::byte> digits = rest.first(length);
  rest = rest.subspan(length);
  if ((digits[0] & std::byte{0x80}) != std::byte{0}) return "a negative integer";
  if (digits[0] == std::byte{0}) {
    if (length == 1) return "zero";
    if ((digits[1] & std::byte{0x80}) == std::byte{0}) return "a padded integer";
    digits = digits.subspan(1);
  }
  if (digits.size() > 32) return "an integer above the group order";
  std::memset(out, 0, 32);
  std::memcpy(out + 32 - digits.size(), digits.data(), digits.size());
  return nullptr;
}

// Appends one integer; returns the bytes written. A leading zero keeps it positive.
std::size_t put_integer(std::byte* out, const std::byte* scalar) noexcept {
  std::size_t skip = 0;
  while (skip < 31 && scalar[skip] == std::byte{0}) ++skip;
  const bool pad = (scalar[skip] & std::byte{0x80}) != std::byte{0};
  const std::size_t length = 32 - skip + (pad ? 1 : 0);
  out[0] = integer_tag;
  out[1] = static_cast<std::byte>(length);
  if (pad) out[2] = std::byte{0};
  std::memcpy(out + 2 + (pad ? 1 : 0), scalar + skip, 32 - skip);
  return 2 + length;
}

}  // namespace

Expected<CompactSignature> compact_from_der(std::span<const std::byte> der) {
  if (der.size() < der_bytes_min || der.size() > der_bytes_max)
    return fail(fmt::format("a DER signature has 8..72 bytes, this one {}", der.size()));
  if (der[0] != sequence_tag || std::to_integer<std::size_t>(der[1]) != der.size() - 2)
    return fail("a DER signature starts with 30 and its exact length");
  CompactSignature compact{};
  std::span<const std::byte> rest = der.subspan(2);
  for (std::size_t part = 0; part < 2; ++part)
    if (const char* wrong = take_integer(rest, compact.data() + 32 * part))
      return fail(fmt::format("DER signature: {} at {}", wrong, part == 0 ? "r" : "s"));
  if (!rest.empty()) return fail("DER signature: bytes after s");
  if (!ranges_valid(compact.data())) return fail("DER signature: r or s is not in 1..n-1");
  return compact;
}

DerSignature der_from_compact(const std::byte* compact) noexcept {
  assert(ranges_valid(compact));
  DerSignature der;
  std::size_t size = 2;
  size += put_integer(der.bytes.data() + size, compact);
  size += put_integer(der.bytes.data() + size, compact + 32);
  der.bytes[0] = sequence_tag;
  der.bytes[1] = static_cast<std::byte>(size - 2);
  der.size = size;
  return der;
}

}  // namespace claimgate::xrpl
