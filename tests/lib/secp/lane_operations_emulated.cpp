// lane_ifma.hpp itself, over intrinsics in plain C++ (emulated/immintrin.h).
#define Ifma EmulatedIfma
#include "lib/secp/kernel/lane_ifma.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations emulated_operations = OperationsOf<EmulatedIfma, 24>::all();

}  // namespace claimgate::secp::test
