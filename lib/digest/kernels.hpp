// Which kernels this machine can run.
#pragma once

#include <span>

#include "lib/digest/kernel.hpp"

namespace claimgate::digest {

// All kernels of this program, the widest first, whether the machine can run them or not.
[[nodiscard]] std::span<const Kernel* const> kernels() noexcept;

// Whether CPU and operating system offer what the kernel was compiled for. True of one that is none
// of ours.
[[nodiscard]] bool runs_here(const Kernel& kernel) noexcept;

}  // namespace claimgate::digest
