#include "lib/secp/kernel/kernel_of.hpp"
#include "lib/secp/kernel/lane_avx2.hpp"

namespace claimgate::secp {

constinit const Kernel avx2_kernel = kernel_of<Avx2, 1, 32, 16>("AVX2 and FMA");

}  // namespace claimgate::secp
