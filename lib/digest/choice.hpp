// Whether a kernel is right, and how fast it is, both against ipsec-mb: what create() decides by.
#pragma once

#include "lib/digest/kernel.hpp"
#include "lib/digest/multi_buffer.hpp"

namespace claimgate::digest {

// A digest that is known, and every count of jobs up to two groups of lanes. Some 0.1 ms.
[[nodiscard]] bool answers_right(const Kernel& kernel, MultiBuffer& reference) noexcept;

// How many times as fast as the reference in bursts of 32, each by its best of several. Some 0.3 ms
// on a machine that is quiet.
[[nodiscard]] double speed_beside(const Kernel& kernel, MultiBuffer& reference) noexcept;

}  // namespace claimgate::digest
