// The kernels that every test of kernels goes through.
#pragma once

#include <vector>

#include "lib/secp/kernels.hpp"

namespace claimgate::secp::test {

// Kernels of the tests' own: IFMA's algorithm over eight lanes in plain C++, which checks that no
// operand is cut (lane_model.hpp), and Portable's with every sum and product checked
// (lane_checked.hpp). Either ends the program where a check fails.
extern const Kernel model_kernel;
extern const Kernel checked_kernel;

// The kernels that run here and the tests' own; says once which do not run.
std::vector<const Kernel*> tested_kernels(const char* test);

}  // namespace claimgate::secp::test
