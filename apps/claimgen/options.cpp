#include "apps/claimgen/options.hpp"

#include <fmt/format.h>

#include <array>

#include "apps/claimgen/verbs.hpp"
#include "lib/command_line/refusal.hpp"
#include "src/nic/eal.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* about =
    "claimgen makes payment channels and signed claims from a seed, sends the claims to claimd\n"
    "through a DPDK port, and checks every verdict against an oracle.\n";

constexpr const char* examples =
    "Exit codes: 0 all is right, 1 a wrong verdict or none, 2 usage, 3 port, 130 stopped.\n"
    "\n"
    "Example, a whole session:\n"
    "  claimd --config dpdk-config/memif.toml \\\n"
    "    --set channels.destinations=$(claimgen channels --seed 7 --print-destination) &\n"
    "  # once it says \"answering claims\":\n"
    "  claimgen channels --seed 7 --channels 10000 --out channels.json\n"
    "  claimctl channels import channels.json\n"
    "  claimgen run --seed 7 --channels 10000 --claims 200000 --final finals.jsonl \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimctl channels list --json | claimgen check-amounts --final finals.jsonl --list -\n";

}  // namespace

ParsedLine parse_line(int argc, char** argv) {
  ParsedLine line;
  Options& options = line.options;
  CLI::App app(about, "claimgen");
  app.set_version_flag("--version", "claimgen " CLAIMGATE_VERSION);
  app.require_subcommand(1);
  app.footer(examples);
  const std::array verbs = {add_channels_verb(app, options), add_run_verb(app, options),
                            add_pcap_verb(app, options), add_check_verb(app, options)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = explain_refusal(app, error);
    line.exit = code == 0 ? exit_right : exit_usage;
    return line;
  }
  for (const auto& [verb, complete] : verbs) {
    if (!verb->parsed()) continue;
    if (auto done = complete(); !done) {
      fmt::print(stderr, "claimgen: {}\n", done.error().text());
      line.exit = exit_usage;
    }
  }
  if (options.threads == 0) {
    options.threads = static_cast<unsigned>(nic::allowed_cpus().size());
  }
  return line;
}

}  // namespace claimgate::claimgen
