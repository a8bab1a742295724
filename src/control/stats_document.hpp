// Everything that is counted, as one JSON document: what `claimctl stats --json` prints.
// Admin thread; reads live counters.
#pragma once

#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "src/pipeline/stats.hpp"

namespace claimgate::control {

struct StatsSources {
  const pipeline::Stats& stats;
  std::uint64_t channels = 0;
  std::uint64_t capacity = 0;
  std::uint64_t table_bytes = 0;
  std::uint64_t pool_mbufs = 0;
  std::uint64_t pool_available = 0;
  bool link_up = false;
  std::string_view driver;
};

// Objects of whole numbers, named as the metrics are without their prefix; latencies in
// nanoseconds.
[[nodiscard]] nlohmann::json stats_document(const StatsSources& sources);

}  // namespace claimgate::control
