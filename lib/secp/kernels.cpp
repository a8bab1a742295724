#include "lib/secp/kernels.hpp"

#include <array>

namespace claimgate::secp {

std::span<const Kernel* const> kernels() noexcept {
  static constexpr std::array<const Kernel*, 3> all = {&ifma_kernel, &avx2_kernel,
                                                       &portable_kernel};
  return all;
}

// __builtin_cpu_supports() asks the operating system's part (XCR0) as well as the CPU's.
bool runs_here(const Kernel& kernel) noexcept {
  __builtin_cpu_init();
  if (&kernel == &ifma_kernel) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
  }
  if (&kernel == &avx2_kernel) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
  }
  return true;
}

std::string_view word(const Kernel& kernel) noexcept {
  if (&kernel == &ifma_kernel) return "ifma";
  return &kernel == &avx2_kernel ? "avx2" : "portable";
}

}  // namespace claimgate::secp
