// Nothing else of the kernels' may come before this: it makes Portable's own form for the checks.
#define CG_INLINE inline
#include "tests/lib/secp/lane_checked.hpp"

#include "lib/secp/kernel/kernel_of.hpp"
#include "tests/lib/secp/tested_kernels.hpp"

namespace claimgate::secp::test {

constinit const Kernel checked_kernel =
    kernel_of<Portable<checked_unit>, checked_unit, 32, 8>("Portable with checks");

}  // namespace claimgate::secp::test
