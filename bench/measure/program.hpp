// What every benchmark is as a program: its command line, its facts first, its failures last.
//
//   bench_NAME [--quick] [--repeats N] [--channels N] [--folder PATH] [--keys N] [--kernel WORD]
//              [--json]
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
  unsigned keys = 0;
  std::string kernel;
};

struct Program {
  std::string name;   // "pipeline"
  std::string about;  // what it measures, for --help
  Options defaults;   // 0 or empty, but for repeats: it has no such option
  unsigned quick_repeats = 0;
  unsigned quick_keys = 0;  // at most so many keys; 0: it has no such option
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
