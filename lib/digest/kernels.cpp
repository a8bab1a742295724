#include "lib/digest/kernels.hpp"

#include <array>

namespace claimgate::digest {

std::span<const Kernel* const> kernels() noexcept {
  static constexpr std::array<const Kernel*, 2> all = {&avx512_kernel, &avx2_kernel};
  return all;
}

// __builtin_cpu_supports() asks the operating system's part (XCR0) as well as the CPU's.
bool runs_here(const Kernel& kernel) noexcept {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  if (&kernel == &avx512_kernel) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  }
  return &kernel != &avx2_kernel || avx2;
}

}  // namespace claimgate::digest
