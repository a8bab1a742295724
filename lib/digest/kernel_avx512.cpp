#include "lib/digest/kernel/kernel_of.hpp"
#include "lib/digest/kernel/lane_avx512.hpp"

namespace claimgate::digest {

constinit const Kernel avx512_kernel = {
    .name = "AVX-512", .word = "avx512", .digest = digest_jobs<Avx512, 3>};

}  // namespace claimgate::digest
