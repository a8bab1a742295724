// secp256k1 signatures in their two forms: compact r‖s (the claim frame) and DER (the ledger).
//
//   DER, 8..72 bytes: 30 len  02 rlen r…  02 slen s…      integers minimal and positive
//   compact, 64 bytes: r (32, big-endian) ‖ s (32, big-endian)
//
// For 0 < r,s < n the two map one to one. The rules are those of rippled's ecdsaCanonicality
// (src/libxrpl/protocol/PublicKey.cpp): "canonical" is a well-formed encoding in range, "fully
// canonical" adds s <= n/2. A claim must be fully canonical or it cannot be redeemed.
//
// Pure functions of bytes; any thread. Those marked noexcept are fit for the hot path.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "lib/failure/failure.hpp"
#include "lib/wire/claim.hpp"
#include "lib/wire/endian.hpp"

namespace claimgate::xrpl {

using CompactSignature = std::array<std::byte, wire::signature_bytes>;

inline constexpr std::size_t der_bytes_min = 8;
inline constexpr std::size_t der_bytes_max = 72;

struct DerSignature {
  std::array<std::byte, der_bytes_max> bytes{};
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return {bytes.data(), size}; }
};

// 256-bit integers as four 64-bit words, most significant first: they compare word by word.
using Scalar = std::array<std::uint64_t, 4>;
// Order of the secp256k1 group (SEC 2, 2.4.1), and its half rounded down.
inline constexpr Scalar group_order = {0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFE, 0xBAAEDCE6AF48A03B,
                                       0xBFD25E8CD0364141};
inline constexpr Scalar half_order = {0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0x5D576E7357A4501D,
                                      0xDFE92F46681B20A0};

[[nodiscard]] inline Scalar load_scalar(const std::byte* at) noexcept {
  return {wire::load_be<std::uint64_t>(at), wire::load_be<std::uint64_t>(at + 8),
          wire::load_be<std::uint64_t>(at + 16), wire::load_be<std::uint64_t>(at + 24)};
}

[[nodiscard]] constexpr bool is_zero(const Scalar& a) noexcept {
  return (a[0] | a[1] | a[2] | a[3]) == 0;
}

// a < b. The first word decides in all but 2^-64 of honest cases.
[[nodiscard]] constexpr bool is_below(const Scalar& a, const Scalar& b) noexcept {
  for (std::size_t i = 0; i < 3; ++i)
    if (a[i] != b[i]) return a[i] < b[i];
  return a[3] < b[3];
}

// 0 < r,s < n. Precondition, here and below: 64 readable bytes.
[[nodiscard]] inline bool ranges_valid(const std::byte* compact) noexcept {
  const Scalar r = load_scalar(compact), s = load_scalar(compact + 32);
  return !is_zero(r) && is_below(r, group_order) && !is_zero(s) && is_below(s, group_order);
}

// s <= n/2, whatever r is.
[[nodiscard]] inline bool is_low_s(const std::byte* compact) noexcept {
  return !is_below(half_order, load_scalar(compact + 32));
}

// What a claim's secp256k1 signature must be before it is worth verifying:
// 0 < r < n and 0 < s <= n/2.
[[nodiscard]] inline bool canonical_compact(const std::byte* compact) noexcept {
  const Scalar r = load_scalar(compact), s = load_scalar(compact + 32);
  return !is_zero(r) && is_below(r, group_order) && !is_zero(s) && !is_below(half_order, s);
}

// Reads DER by rippled's rules and refuses r or s outside 1..n-1. High s is accepted: ask is_low_s.
[[nodiscard]] Expected<CompactSignature> compact_from_der(std::span<const std::byte> der);

// Precondition: ranges_valid(compact).
[[nodiscard]] DerSignature der_from_compact(const std::byte* compact) noexcept;

}  // namespace claimgate::xrpl
