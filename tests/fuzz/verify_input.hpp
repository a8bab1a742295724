// The language in which an input of verify_fuzz names claims. A claim:
//
//   key, Recipe, two numbers, how many changes (modulo 4), the changes, lanes less one (modulo 16)
//
// A byte each, but for what follows a Form or a Change. Any byte is one of those that are there,
// modulo their number; what is missing at the end is 0, so that every input says something.
#pragma once

#include <cstdint>

namespace claimgate::fuzz {

// Its two numbers are a and b. Signatures get the lower s of both.
enum class Recipe : std::uint8_t {
  sign,      // digest a, nonce b
  choose_s,  // s = a, nonce b, and the digest that they sign
  scalars,   // the verification computes a·G + b·Q; where that is infinity, an r of chance
  as_is,     // r = a, s = b, and one more number, the digest
  count
};

enum class Form : std::uint8_t {
  chance,      // of a seed of two bytes
  written,     // 32 bytes, big endian
  near,        // a Place, and how far from it, signed
  power,       // of two: exponent, and how far from it, signed
  by_halves,   // i + j·lambda: i, j, signed
  in_lattice,  // 2·(i·(a1, b1) + j·(a2, b2)), where halves meet: i, j, signed; which coordinate
  related,     // to the number before it: how (Related)
  count
};

// Places that Form::near is near to.
enum class Place : std::uint8_t { zero, order, half_order, between, field, lambda, count };

// Bits of what Form::related multiplies with; bits 1 and 2 are the exponent of lambda, modulo 3.
enum Related : std::uint8_t { minus = 1, lambda_exponent = 2, secret = 0x80 };

// The keys, by their secrets: two of chance, 1, 2, n - 1, lambda, n - lambda; and one that nobody
// knows the secret of, where G + Q is a point whose x is n or more.
inline constexpr unsigned key_of_large_x = 7, keys_count = 8;

enum class Change : std::uint8_t {
  flip,       // of r‖s‖digest: which byte, what to xor
  put,        // which byte, its value
  other_key,  // which
  negate_s,
  add_order,  // to r, s or the digest, where it fits
  exchange,   // r and s
  replace,    // r, s or the digest: which, a number
  count
};

}  // namespace claimgate::fuzz
