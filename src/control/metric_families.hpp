// The metric families of claimd: counters and levels turned into what prometheus-cpp writes out.
// Internal to src/control. Pure reading; any thread.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "src/control/exposition.hpp"

namespace claimgate::control {

// A reading of everything, each family with all its series, also those that are 0.
[[nodiscard]] std::vector<prometheus::MetricFamily> read_families(const Observed& observed);

}  // namespace claimgate::control
