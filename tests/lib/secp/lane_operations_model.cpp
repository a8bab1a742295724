#include "tests/lib/secp/lane_model.hpp"

#include "tests/lib/secp/lane_operations.hpp"

namespace claimgate::secp::test {

constinit const LaneOperations model_operations = OperationsOf<Model, 21>::all();

}  // namespace claimgate::secp::test
