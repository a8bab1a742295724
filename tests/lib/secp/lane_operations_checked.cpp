#include "tests/lib/secp/lane_checked.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations checked_operations =
    OperationsOf<Portable<checked_unit>, checked_unit>::all();

}  // namespace claimgate::secp::test
