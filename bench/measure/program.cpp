#include "bench/measure/program.hpp"

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
      fmt::format("Only {} times: a first look, with wide intervals", program.quick_repeats));
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
  app.add_flag("--json", json, "Nothing else is printed; taken for the sake of ./dev bench");
  app.footer(fmt::format("Examples:\n  ./dev bench {0}\n  build/release/bench/{1} --repeats 51",
                         program.name, file));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (quick) options.repeats = program.quick_repeats;
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
