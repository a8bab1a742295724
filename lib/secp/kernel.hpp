// What an engine asks of a kernel, and which kernels there are. (draft)
#pragma once
#include <cstdint>
namespace claimgate::secp {
inline constexpr unsigned generator_width = 13, generator_windows = 10;
struct HotClaim {
  const unsigned char* signature;  // 64: r, s
  const unsigned char* digest;     // 32
  const std::uint64_t* table;
};
enum Verdict : std::uint8_t { refused, accepted, undecided };
}
