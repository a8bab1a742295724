#include "lib/machine/features.hpp"

#include <gtest/gtest.h>

#include <array>

namespace claimgate::machine {
namespace {

constexpr std::uint32_t osxsave = 1U << 27;
constexpr std::uint32_t sse42 = 1U << 20;
constexpr std::uint32_t avx2 = 1U << 5;
constexpr std::uint32_t bmi2 = 1U << 8;
constexpr std::uint32_t avx512f = 1U << 16;
constexpr std::uint32_t ifma = 1U << 21;

TEST(Features, CountOnlyWhereTheSystemKeepsTheirRegisters) {
  const Cpuid all{sse42 | osxsave, avx2 | bmi2 | avx512f | ifma, 0xE7};
  EXPECT_TRUE(features_of(all).sse42.usable());
  EXPECT_TRUE(features_of(all).bmi2.usable());
  EXPECT_TRUE(features_of(all).avx2.usable());
  EXPECT_TRUE(features_of(all).avx512f.usable());
  EXPECT_TRUE(features_of(all).avx512_ifma.usable());

  Cpuid without_zmm = all;
  without_zmm.xcr0 = 0x07;
  EXPECT_TRUE(features_of(without_zmm).avx2.usable());
  EXPECT_TRUE(features_of(without_zmm).avx512f.cpu);
  EXPECT_FALSE(features_of(without_zmm).avx512f.usable());
  EXPECT_FALSE(features_of(without_zmm).avx512_ifma.usable());

  Cpuid half_of_zmm = all;
  half_of_zmm.xcr0 = 0x67;  // without the upper sixteen
  EXPECT_FALSE(features_of(half_of_zmm).avx512f.usable());

  Cpuid without_ymm = all;
  without_ymm.xcr0 = 0;
  EXPECT_TRUE(features_of(without_ymm).sse42.usable());
  EXPECT_FALSE(features_of(without_ymm).avx2.usable());
}

TEST(Features, AreEachReadFromTheirOwnBit) {
  const auto only = [](std::uint32_t leaf7) {
    const Features has = features_of({osxsave, leaf7, 0xE7});
    return std::array{has.sse42.usable(), has.bmi2.usable(), has.avx2.usable(),
                      has.avx512f.usable(), has.avx512_ifma.usable()};
  };
  EXPECT_EQ(only(0), (std::array{false, false, false, false, false}));
  EXPECT_EQ(only(bmi2), (std::array{false, true, false, false, false}));
  EXPECT_EQ(only(avx2), (std::array{false, false, true, false, false}));
  EXPECT_EQ(only(avx512f), (std::array{false, false, false, true, false}));
  EXPECT_EQ(only(ifma), (std::array{false, false, false, false, true}));
}

TEST(Features, OfThisCpuAreWhatTheCompilersRuntimeSays) {
  __builtin_cpu_init();
  const Features has = features_of(cpuid());
  EXPECT_EQ(has.sse42.usable(), __builtin_cpu_supports("sse4.2") != 0);
  EXPECT_EQ(has.bmi2.usable(), __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ(has.avx2.usable(), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(has.avx512f.usable(), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(has.avx512_ifma.usable(), __builtin_cpu_supports("avx512ifma") != 0);
}

}  // namespace
}  // namespace claimgate::machine
