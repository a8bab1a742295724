#include "lib/digest/kernel/kernel_of.hpp"
#include "lib/digest/kernel/lane_avx2.hpp"

namespace claimgate::digest {

constinit const Kernel avx2_kernel = {
    .name = "AVX2", .word = "avx2", .digest = digest_jobs<Avx2, 2>};

}  // namespace claimgate::digest
