// What every benchmark is as a program: its command line, its facts first, its failures last.
//
//   bench_NAME [--quick] [--repeats N] [--channels N] [--folder PATH] [--json]
//
// Exit codes: 0 measured, 1 something failed (its text on stderr), 2 wrong usage.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "bench/measure/report.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::bench {

struct Options {
  unsigned repeats = 0;
  unsigned channels = 0;
  std::string folder;
};

struct Program {
  std::string name;   // "pipeline"
  std::string about;  // what it measures, for --help
  Options defaults;   // channels = 0, an empty folder: it has no such option
  unsigned quick_repeats = 0;
  void (*measure)(const Options&, const Report&) = nullptr;  // throws what cannot be done
};

[[nodiscard]] int run(int argc, char** argv, const Program& program);

// The value, or its failure thrown.
template <class T>
[[nodiscard]] T need(Expected<T> got) {
  if (!got) throw std::runtime_error(got.error().text());
  return std::move(*got);
}

}  // namespace claimgate::bench
