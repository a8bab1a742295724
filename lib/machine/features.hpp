// Which instruction sets can be used: those that the CPU has and whose registers the operating
// system keeps. Pure functions but cpuid(); any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace claimgate::machine {

// Intel SDM volume 2, CPUID: leaf 1 ECX, leaf 7 EBX; XCR0 by XGETBV, 0 where the system has not
// switched XSAVE on.
struct Cpuid {
  std::uint32_t leaf1_ecx = 0;
  std::uint32_t leaf7_ebx = 0;
  std::uint64_t xcr0 = 0;
};
[[nodiscard]] Cpuid cpuid() noexcept;  // of the CPU this runs on

struct Feature {
  bool cpu = false;
  bool system = false;  // keeps the registers it needs
  [[nodiscard]] bool usable() const noexcept { return cpu && system; }
};
struct Features {
  Feature sse42, bmi2, avx2, avx512f, avx512_ifma;
};
[[nodiscard]] Features features_of(const Cpuid& cpuid) noexcept;

}  // namespace claimgate::machine
