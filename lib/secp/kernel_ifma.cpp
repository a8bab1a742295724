#include "lib/secp/kernel/kernel_of.hpp"
#include "lib/secp/kernel/lane_ifma.hpp"

namespace claimgate::secp {

constinit const Kernel ifma_kernel = kernel_of<Ifma, 2, 64, 32>("AVX-512 IFMA");

}  // namespace claimgate::secp
