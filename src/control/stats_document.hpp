// Everything that is counted, as one JSON document: what `claimctl stats --json` prints.
// Admin thread; reads live counters.
#pragma once

#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "lib/secp/engine.hpp"
#include "src/durability/keeper.hpp"
#include "src/pipeline/stats.hpp"

namespace claimgate::control {

struct StatsSources {
  const pipeline::Stats& stats;
  const durability::Keeper& keeper;
  std::uint64_t channels = 0;
  std::uint64_t capacity = 0;
  std::uint64_t table_bytes = 0;
  std::uint64_t pool_mbufs = 0;
  std::uint64_t pool_available = 0;
  bool link_up = false;
  std::string_view driver;
  // How it runs, chosen at start.
  unsigned worker_cpu = 0;
  std::string_view idle;
  std::string_view digest_kernel;
  const secp::Engine& engine;
  std::string_view table_pages;
  bool port_huge_pages = false;
};

// Objects of whole numbers, named as the metrics are without their prefix, latencies in
// nanoseconds; and how it runs: CPU, kernels, pages, driver.
[[nodiscard]] nlohmann::json stats_document(const StatsSources& sources);

}  // namespace claimgate::control
