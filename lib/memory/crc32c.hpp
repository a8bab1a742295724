// CRC-32C (Castagnoli, RFC 3720 appendix B.4): what guards every page this project writes to disk.
// By the SSE4.2 instruction where the CPU has it, by table where not; both give the same value.
// Pure functions, any thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace claimgate::memory {

// Continues from `seed`, the value of the bytes before; 0 starts. So
// crc32c(b, crc32c(a)) == crc32c(a followed by b).
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t seed = 0) noexcept;

// The two ways, for tests. Precondition of the first: crc32c_instruction_available().
[[nodiscard]] bool crc32c_instruction_available() noexcept;
[[nodiscard]] std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes,
                                                  std::uint32_t seed) noexcept;
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::byte> bytes,
                                            std::uint32_t seed) noexcept;

}  // namespace claimgate::memory
