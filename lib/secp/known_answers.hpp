// The test that a kernel passes before it is used, and what its paths cost here.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/secp/kernel.hpp"
#include "lib/secp/key_pool.hpp"

namespace claimgate::secp {

// The curve's generator: x, y as words, least significant first (SEC 2, 2.4.1).
inline constexpr std::uint64_t generator_point[8] = {
    0x59F2815B16F81798, 0x029BFCDB2DCE28D9, 0x55A06295CE870B07, 0x79BE667EF9DCBBAC,
    0x9C47D08FFB10D4B8, 0xFD17B448A6855419, 0x5DA4FBFC0E1108A8, 0x483ADA7726A3C465};

// Builds a table, start to end.
void build(const Kernel& kernel, void* work, const std::uint64_t point[8], unsigned width,
           unsigned windows, std::uint64_t* table) noexcept;
// A key of 64 bytes as words.
void words_of_key(std::uint64_t out[8], const std::byte* key) noexcept;

// Where a kernel's functions keep what they are at; each 64-byte aligned, of the kernel's sizes.
struct Workplace {
  const Kernel& kernel;
  const std::uint64_t* generator;
  void* batch;  // for the largest of its batches
  void* build;
  std::uint64_t* small;  // room for three tables of each size
  std::uint64_t* large;
};
inline constexpr unsigned known_keys = 3;

// Empty where every path gives every known answer; else the path that does not.
[[nodiscard]] std::string_view fault_of(const Workplace& at) noexcept;

// Cycles of the time stamp counter. After fault_of().
struct Measured {
  Costs costs;
  std::uint32_t reference;  // one claim with libsecp256k1
  // Up to so many claims are cheaper one by one than as a batch.
  unsigned one_small_max, one_large_max, cold_reference_max;
};
class Reference;
[[nodiscard]] Measured measure(const Workplace& at, const Reference& reference) noexcept;

}  // namespace claimgate::secp
