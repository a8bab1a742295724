#include "lib/secp/kernel/lane_ifma.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations ifma_operations = OperationsOf<Ifma, 23>::all();

}  // namespace claimgate::secp::test
