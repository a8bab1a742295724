#include "lib/secp/kernel/kernel_of.hpp"

namespace claimgate::secp {

constinit const Kernel portable_kernel = kernel_of<Portable<0>, 0, 32, 8>("portable");

}  // namespace claimgate::secp
