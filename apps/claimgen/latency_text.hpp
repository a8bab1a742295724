// Percentiles of latencies as text that others' tools read.
//
// The form is HdrHistogram's percentile distribution (as its outputPercentileDistribution and wrk2
// write it), which HdrHistogram's plotter takes. Control thread, after the run.
#pragma once

#include <string>

#include "lib/counter/histogram.hpp"

namespace claimgate::claimgen {

// Five lines for every halving of the distance to 100 %, then the maximum; nanoseconds are written
// as microseconds.
[[nodiscard]] std::string percentile_distribution(const counter::FineHistogramSnapshot& seen);

// 0 where nothing was recorded.
[[nodiscard]] double mean(const counter::FineHistogramSnapshot& seen) noexcept;

}  // namespace claimgate::claimgen
