#include "bench/measure/program.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/measure/machine.hpp"

namespace claimgate::bench {

int run(int argc, char** argv, const Program& program) {
  const std::string file = "bench_" + program.name;
  CLI::App app(program.about, file);
  Options options = program.defaults;
  bool quick = false, json = false;
  app.add_option("--repeats", options.repeats, "How often everything is measured")
      ->check(CLI::Range(1u, 1000u))
      ->capture_default_str();
  app.add_flag(
      "--quick", quick,
      fmt::format("Only {} times{}: a first look, with wide intervals", program.quick_repeats,
                  program.quick_keys > 0 ? fmt::format(", {} keys", program.quick_keys) : ""));
  if (program.defaults.channels > 0) {
    app.add_option("--channels", options.channels, "How many channels there are")
        ->check(CLI::Range(1000u, 100'000'000u))
        ->capture_default_str();
  }
  if (!program.defaults.folder.empty()) {
    app.add_option("--folder", options.folder,
                   "On the disk to measure: a folder in which it makes one of its own")
        ->check(CLI::ExistingDirectory)
        ->capture_default_str();
  }
  if (program.defaults.keys > 0) {
    app.add_option("--keys", options.keys, "How many keys there are at most")
        ->check(CLI::Range(1000u, 100'000u))
        ->capture_default_str();
  }
  if (!program.defaults.kernel.empty()) {
    app.add_option("--kernel", options.kernel, "ifma, avx2, portable, or all that run here")
        ->capture_default_str();
  }
  app.add_flag("--json", json, "Nothing else is printed; taken for the sake of ./dev bench");
  app.footer(fmt::format("Examples:\n  ./dev bench {0}\n  build/release/bench/{1} --repeats 51",
                         program.name, file));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (quick) {
    options.repeats = program.quick_repeats;
    options.keys = std::min(options.keys, program.quick_keys);
  }
  const Report report(program.name);
  try {
    report_machine(report);
    if (options.repeats < repeats_min) {
      report.warn(fmt::format(
          "{} repeats: an interval is all they span, and holds the median with "
          "a probability of {:.0f} % only",
          options.repeats, interval_level(options.repeats, interval_rank(options.repeats)) * 100));
    }
    program.measure(options, report);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", file, error.what());
    return 1;
  }
}

}  // namespace claimgate::bench
