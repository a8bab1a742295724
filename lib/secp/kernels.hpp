// Which kernels this machine can run, and the one to take.
#pragma once

#include <span>
#include <string_view>

#include "lib/failure/failure.hpp"
#include "lib/secp/kernel.hpp"

namespace claimgate::secp {

// All kernels of this program, the best first, whether the machine can run them or not.
[[nodiscard]] std::span<const Kernel* const> kernels() noexcept;

// Whether CPU and operating system offer what the kernel was compiled for.
[[nodiscard]] bool runs_here(const Kernel& kernel) noexcept;

// The short name by which a kernel is asked for: "ifma", "avx2", "portable".
[[nodiscard]] std::string_view word(const Kernel& kernel) noexcept;

}  // namespace claimgate::secp
