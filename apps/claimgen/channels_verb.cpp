#include "apps/claimgen/verbs.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* examples =
    "Examples:\n"
    "  claimgen channels --seed 7 --channels 10000 --out channels.json\n"
    "  claimgen channels --seed 7 --print-destination    # for channels.destinations in "
    "claimd.toml\n"
    "  claimgen channels --seed 7 --destination rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH | claimctl "
    "channels import -\n";

}  // namespace

VerbLine add_channels_verb(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "channels", "Write channels as rippled's account_channels answers, for claimctl to import");
  add_channel_options(*verb, options);
  verb->add_option("--settle-delay", options.channels.settle_delay_s, "SettleDelay in seconds")
      ->capture_default_str();
  verb->add_option("--ledger-index", options.channels.ledger_index,
                   "Ledger of the answers: only a newer one renews channels imported before")
      ->capture_default_str();
  verb->add_option("-o,--out", options.out, "File to write, - for standard output")
      ->capture_default_str();
  verb->add_flag("--print-destination", options.print_destination,
                 "Print the payee's address and nothing else");
  verb->footer(examples);
  verb->callback([&options] { options.verb = Verb::channels; });
  return {verb, [] { return Expected<void>{}; }};
}

}  // namespace claimgate::claimgen
