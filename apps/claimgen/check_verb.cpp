#include "apps/claimgen/verbs.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* examples =
    "Example, after claimgen run --final finals.jsonl:\n"
    "  claimctl channels list --json | claimgen check-amounts --final finals.jsonl --list -\n"
    "After claimgen run --acknowledged acknowledged.jsonl and a crash of claimd's:\n"
    "  claimctl channels list --json |\n"
    "    claimgen check-amounts --at-least --final acknowledged.jsonl --list -\n";

}  // namespace

VerbLine add_check_verb(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("check-amounts", "Compare a run's final amounts with what claimctl lists");
  verb->add_option("--final", options.finals_in,
                   "What `claimgen run --final` or `--acknowledged` wrote")
      ->required();
  verb->add_option("--list", options.list_in,
                   "What `claimctl channels list --json` printed, - for standard input")
      ->capture_default_str();
  verb->add_flag("--at-least", options.at_least,
                 "The channels may hold more, and there may be others");
  verb->add_flag("-q,--quiet", options.quiet, "Say nothing where all is right");
  verb->footer(examples);
  verb->callback([&options] { options.verb = Verb::check_amounts; });
  return {verb, [] { return Expected<void>{}; }};
}

}  // namespace claimgate::claimgen
