// The kernels' algorithm in plain C++, to be run on any CPU.
#pragma once

#include "lib/digest/kernel.hpp"

namespace claimgate::digest {

extern const Kernel plain_model;   // eight lanes of plain numbers, by the standard's own formulas
extern const Kernel avx512_model;  // AVX-512's lane type itself, on intrinsics in plain C++

}  // namespace claimgate::digest
