#define CG_INLINE inline
#include "lib/secp/kernel/kernel_of.hpp"
#include "tests/lib/secp/lane_model.hpp"
#include "tests/lib/secp/tested_kernels.hpp"

namespace claimgate::secp::test {

// As kernel_ifma.cpp has it.
constinit const Kernel model_kernel = kernel_of<Model, 10, 64, 32>("a model of AVX-512 IFMA");

}  // namespace claimgate::secp::test
