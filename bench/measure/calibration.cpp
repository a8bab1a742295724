#include "bench/measure/calibration.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "bench/measure/slices.hpp"

namespace claimgate::bench {
namespace {

constexpr std::size_t walk_bytes = 64 << 20;
constexpr std::size_t line_bytes = 64;
constexpr std::size_t line_words = line_bytes / sizeof(std::uint32_t);
constexpr std::size_t lines = walk_bytes / line_bytes;
constexpr unsigned slices = 10;
constexpr unsigned steps = 5'000;              // a slice
constexpr unsigned multiplications = 500'000;  // a slice
constexpr unsigned cycles_each = 3;

// A slice of the chain; how many cycles of the core it takes.
std::uint64_t multiply() {
  std::uint64_t product = 3;
  for (unsigned i = 0; i < multiplications / 8; ++i) {
    asm volatile(
        "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
        "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
        : "+r"(product));
  }
  return std::uint64_t{multiplications} * cycles_each;
}

}  // namespace

Calibration::Calibration() : next_(lines * line_words) {
  // One cycle through all lines in random order.
  std::vector<std::uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(64));
  for (std::size_t i = 0; i < lines; ++i) {
    next_[order[i] * line_words] = static_cast<std::uint32_t>(order[(i + 1) % lines] * line_words);
  }
}

std::uint64_t Calibration::walk_on() noexcept {
  for (unsigned step = 0; step < steps; ++step) place_ = next_[place_];
  asm volatile("" : : "r"(place_));
  return steps;
}

void Calibration::measure() {
  Slices chain, walk;
  const auto clock_began = std::chrono::steady_clock::now();
  const std::uint64_t began = __rdtsc();
  while (chain.kept() < slices) chain.add(multiply);
  while (walk.kept() < slices) walk.add([this] { return walk_on(); });
  const std::uint64_t cycles = __rdtsc() - began;
  const std::chrono::duration<double, std::nano> took =
      std::chrono::steady_clock::now() - clock_began;
  core_per_tsc_.push_back(1 / chain.cycles_per_unit());
  read_ns_.push_back(walk.cycles_per_unit() * took.count() / static_cast<double>(cycles));
}

void Calibration::report(const Report& report) const {
  struct Quantity {
    const char* name;
    const char* unit;
    const std::vector<double>& measured;
  };
  for (const Quantity& each : {Quantity{"calibration: core clock / TSC", "ratio", core_per_tsc_},
                               Quantity{"calibration: random read", "ns", read_ns_}}) {
    const Summary summary = summarize(each.measured);
    report.row({.name = each.name, .summary = summary, .unit = each.unit});
    if (summary.spread > swing_max) {
      report.warn(
          fmt::format("{} swung by {:.0f} % between rounds: the machine was noisy, and the "
                      "figures beside it are no better than that",
                      each.name, summary.spread * 100));
    }
  }
}

}  // namespace claimgate::bench
