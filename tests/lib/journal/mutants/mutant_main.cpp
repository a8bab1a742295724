// Runs the simulation over a journal with a mistake in it. Exit code 0: the mistake was caught, or,
// where the name begins with "harmless", nothing was lost.
#include <cstdio>
#include <string_view>

#include "tests/lib/journal/simulation.hpp"

int main(int argc, char** argv) {
  using namespace claimgate::journal;
  if (argc != 2) return 2;
  const std::string_view name = argv[1];
  const bool harmless = name.starts_with("harmless");
  const std::uint64_t crashes_max = harmless ? 4'000 : 40'000;
  SimulationCounts all;
  for (std::uint64_t seed = 1; all.crashes < crashes_max && all.lost.empty(); ++seed) {
    all += simulate({.seed = seed, .rot = seed % 2 == 0});
  }
  const auto crashes = static_cast<unsigned long long>(all.crashes);
  if (all.lost.empty()) {
    std::printf("%s %s: tried %llu, lost 0\n", harmless ? "harmless" : "NOT CAUGHT", argv[1],
                crashes);
  } else {
    std::printf("%s %s after %llu crashes: %s\n", harmless ? "NOT HARMLESS" : "caught", argv[1],
                crashes, all.lost.c_str());
  }
  return all.lost.empty() == harmless ? 0 : 1;
}
