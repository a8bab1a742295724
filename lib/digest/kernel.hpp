// What the digester asks of a kernel: digests of claim messages by one instruction set.
//
// Each kernel is one translation unit, compiled for its instruction set and sharing no inline
// function with any other (lib/secp/DESIGN.md, "One unit, one CPU"), so this header names nothing
// of the standard library but integers. A kernel keeps nothing between calls.
#pragma once

#include <cstddef>
#include <cstdint>

namespace claimgate::digest {

inline constexpr std::size_t message_bytes = 44;  // "CLM\0" ‖ channel id ‖ amount
inline constexpr std::size_t digest_bytes = 32;

// One message and the room for its digest, which must outlive the call that hashes it.
struct Job {
  const std::byte* message;  // 44 bytes
  std::byte* digest;         // 32 bytes
};

struct Kernel {
  const char* name;  // "AVX2"
  const char* word;  // by which it is asked for: "avx2"
  void (*digest)(const Job* jobs, std::size_t count) noexcept;
};

extern const Kernel avx2_kernel;
extern const Kernel avx512_kernel;

}  // namespace claimgate::digest
