#include "lib/machine/features.hpp"

#include <cpuid.h>

namespace claimgate::machine {
namespace {

constexpr bool bit(std::uint32_t word, unsigned number) noexcept {
  return (word >> number & 1) != 0;
}

constexpr unsigned leaf1_ecx_sse42 = 20;
constexpr unsigned leaf1_ecx_osxsave = 27;
constexpr unsigned leaf7_ebx_avx2 = 5;
constexpr unsigned leaf7_ebx_bmi2 = 8;
constexpr unsigned leaf7_ebx_avx512f = 16;
constexpr unsigned leaf7_ebx_avx512_ifma = 21;
constexpr std::uint64_t xcr0_ymm = 0x06;  // SSE and AVX state
constexpr std::uint64_t xcr0_zmm = 0xE6;  // opmask and both halves of ZMM beside them

}  // namespace

Cpuid cpuid() noexcept {
  Cpuid out;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) out.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) out.leaf7_ebx = ebx;
  if (bit(out.leaf1_ecx, leaf1_ecx_osxsave)) {
    std::uint32_t low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    out.xcr0 = std::uint64_t{high} << 32 | low;
  }
  return out;
}

Features features_of(const Cpuid& cpuid) noexcept {
  const bool ymm = (cpuid.xcr0 & xcr0_ymm) == xcr0_ymm;
  const bool zmm = (cpuid.xcr0 & xcr0_zmm) == xcr0_zmm;
  return {.sse42 = {bit(cpuid.leaf1_ecx, leaf1_ecx_sse42), true},
          .bmi2 = {bit(cpuid.leaf7_ebx, leaf7_ebx_bmi2), true},
          .avx2 = {bit(cpuid.leaf7_ebx, leaf7_ebx_avx2), ymm},
          .avx512f = {bit(cpuid.leaf7_ebx, leaf7_ebx_avx512f), zmm},
          .avx512_ifma = {bit(cpuid.leaf7_ebx, leaf7_ebx_avx512_ifma), zmm}};
}

}  // namespace claimgate::machine
