#include "lib/secp/kernel/lane_avx2.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations avx2_operations = OperationsOf<Avx2, 22>::all();

}  // namespace claimgate::secp::test
