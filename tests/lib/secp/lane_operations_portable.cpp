#include "lib/secp/kernel/lane_portable.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations portable_operations = OperationsOf<Portable<20>, 20>::all();

}  // namespace claimgate::secp::test
