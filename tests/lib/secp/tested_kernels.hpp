// The kernels that every test of kernels goes through.
#pragma once

#include <vector>

#include "lib/secp/kernels.hpp"

namespace claimgate::secp::test {

// A kernel of the tests' own: IFMA's algorithm over eight lanes in plain C++ (lane_model.hpp),
// which ends the program where a number does not fit what it is used for.
extern const Kernel model_kernel;

// The kernels that run here and the tests' own; says once which do not run.
std::vector<const Kernel*> tested_kernels(const char* test);

}  // namespace claimgate::secp::test
