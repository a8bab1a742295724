// claimctl: the operator's hand on a running claimd. Verbs, options and exit codes: claimctl(1).
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/claimctl/claims.hpp"
#include "apps/claimctl/command.hpp"
#include "apps/claimctl/state.hpp"
#include "lib/command_line/refusal.hpp"
#include "lib/command_line/standard_streams.hpp"
#include "lib/command_line/words.hpp"

namespace claimgate::claimctl {
namespace {

volatile std::sig_atomic_t interrupt_seen = 0;

void on_interrupt(int) {
  if (interrupt_seen) std::_Exit(static_cast<int>(Exit::trouble));  // asked twice: at once
  interrupt_seen = 1;
}

void set_signals() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a blocked read returns
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_DFL;  // `claimctl … | head` ends quietly, whoever started us
  ::sigaction(SIGPIPE, &action, nullptr);
}

using Verb = std::function<Expected<Exit>()>;

// All of the command line; `chosen` is what it asks for. The options outlive the parse.
struct CommandLine {
  GlobalOptions global;
  ImportOptions import;
  ListOptions list;
  DoctorOptions doctor;
  ExportOptions claims;
  StateOptions state;
  std::string id;
  bool yes = false;
  Verb chosen;
  CLI::App app{
      "Import, list and remove the payment channels of a running claimd, export their claims, "
      "read its counters, look after its state folder, and examine the machine it runs on.",
      "claimctl"};

  CommandLine() {
    app.require_subcommand(1);
    app.fallthrough();
    app.set_version_flag("--version", client_name);
    app.add_option("--socket", global.socket, "claimd's admin socket")
        ->envname("CLAIMGATE_SOCKET")
        ->capture_default_str()
        ->type_name("PATH");
    app.add_flag("--json", global.json, "JSON instead of tables; lists are JSON lines");
    app.footer(
        "Exit codes: 0 done; 1 trouble; 2 wrong usage; 3 some channels were refused, the others "
        "imported.\n\nExample:\n  claimctl channels import account_objects.json\n  claimctl "
        "channels list --state open\n  claimctl stats --json");
    CLI::App* channels = app.add_subcommand("channels", "Import, list, show and remove channels");
    channels->require_subcommand(1);
    channels->fallthrough();
    channels->footer("Example:\n  claimctl channels list --limit 20");
    add_import(*channels);
    add_list(*channels);
    add_one(*channels);
    add_claims_verbs(app, claims,
                     [this] { chosen = [this] { return export_claims(global, claims); }; });
    add_state_verbs(app, global, state, [this](Verb verb) { chosen = std::move(verb); });
    add_doctor();
    CLI::App* status =
        app.add_subcommand("status", "How it stands, on one screen: link, claims, journal, disk");
    status->fallthrough();
    status->footer(
        "Exit codes: 0 the journal is in order; 1 it needs you, and why is said.\n\nExample:\n  "
        "claimctl "
        "status\n  claimctl status --json | jq .journal");
    status->callback([this] { chosen = [this] { return show_status(global); }; });
    CLI::App* stats =
        app.add_subcommand("stats", "Every counter of claimd: verdicts, drops, levels, latencies");
    stats->fallthrough();
    stats->footer("Example:\n  claimctl stats\n  claimctl stats --json | jq .");
    stats->callback([this] { chosen = [this] { return show_stats(global); }; });
    CLI::App* version = app.add_subcommand("version", "The versions of claimctl and of claimd");
    version->fallthrough();
    version->footer("Example:\n  claimctl version --json");
    version->callback([this] { chosen = [this] { return show_version(global); }; });
  }

 private:
  void add_import(CLI::App& channels) {
    CLI::App* verb = channels.add_subcommand(
        "import",
        "Import what rippled answers to account_channels, account_objects or "
        "ledger_entry");
    verb->fallthrough();
    verb->add_option("FILE", import.file, "The answer, or several of them; - reads standard input")
        ->required();
    verb->add_flag("--strict", import.strict,
                   "Import nothing if any channel is refused; exit code 1 then");
    verb->add_flag("--dry-run", import.dry_run, "Judge every channel, import none");
    verb->add_option("--as-of", import.as_of,
                     "When the ledger gave the answer: 2026-01-31T23:59:59Z, or ledger seconds "
                     "(default: when FILE was last changed; now for standard input)")
        ->type_name("TIME");
    verb->footer(
        "Channels refused on their merits are listed with the reason; the others are imported, "
        "exit code 3.\nA broken file imports nothing, exit code 1. A channel that stands twice is "
        "merged: most funds, newest expiry.\n\nExample:\n  curl -s $RIPPLED -d "
        "'{\"method\":\"account_objects\",\"params\":[{\"account\":\"r…\",\n    "
        "\"type\":\"payment_channel\",\"ledger_index\":\"validated\"}]}' > channels.json\n  "
        "claimctl channels import channels.json --dry-run\n  claimctl channels import "
        "channels.json");
    verb->callback([this] { chosen = [this] { return import_channels(global, import); }; });
  }

  void add_doctor() {
    CLI::App* verb = app.add_subcommand(
        "doctor", "Look at this machine: what keeps claimd from running well, and the remedy");
    verb->fallthrough();
    verb->add_option("-c,--config", doctor.config,
                     fmt::format("claimd's configuration (default: {} where it exists, else "
                                 "claimd's defaults)",
                                 default_config))
        ->type_name("FILE");
    verb->add_option("--set", doctor.overrides, "table.key=value over the file's, as for claimd")
        ->allow_extra_args(false)
        ->type_name("KEY=VALUE");
    verb->footer(
        "Changes nothing. The one thing it writes is a block of 4 KiB, to see whether O_DIRECT "
        "works,\nin a file of its own in node.state_dir where that exists. Needs no root; what it "
        "may not\nlook at it says. Exit codes: 0 no problem; 1 at least one; 2 wrong usage.\n\n"
        "Example:\n  claimctl doctor\n  claimctl doctor --config dpdk-config/tap.toml\n  "
        "claimctl doctor --json | jq '.findings[] | select(.state != \"ok\")'");
    verb->callback([this] {
      doctor.socket_given = app.get_option("--socket")->count() > 0;
      chosen = [this] { return examine_machine(global, doctor); };
    });
  }

  void add_list(CLI::App& channels) {
    CLI::App* verb = channels.add_subcommand("list", "List channels in the table's order");
    verb->fallthrough();
    verb->add_option("--limit", list.limit, "At most so many (default: all)")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32))
        ->type_name("N");
    add_word_option(*verb, "--state", list.state,
                    {{"open", admin::StateFilter::open}, {"closed", admin::StateFilter::closed}},
                    "Only these: open (claims are taken) or closed")
        ->type_name("open|closed");
    verb->footer(
        "Example:\n  claimctl channels list --state closed\n  claimctl channels list "
        "--json | jq -r .channel_id");
    verb->callback([this] { chosen = [this] { return list_channels(global, list); }; });
  }

  void add_one(CLI::App& channels) {
    CLI::App* show = channels.add_subcommand("show", "Show one channel and the claim held");
    show->fallthrough();
    show->add_option("ID", id, "Channel id, 64 hexadecimal digits, or its first 16")->required();
    show->footer("Example:\n  claimctl channels show 5054769B65958B0E");
    show->callback([this] { chosen = [this] { return show_channel(global, id); }; });
    CLI::App* remove = channels.add_subcommand(
        "remove", "Remove one channel and the claim held; prints both a last time");
    remove->fallthrough();
    remove->add_option("ID", id, "Channel id, 64 hexadecimal digits, or its first 16")->required();
    remove->add_flag("--yes", yes, "Do not ask");
    remove->footer("Example:\n  claimctl channels remove 5054769B65958B0E --yes");
    remove->callback([this] { chosen = [this] { return remove_channel(global, id, yes); }; });
  }
};

// What a verb came to, where all that it printed was taken: a full disk is trouble, not success.
Expected<Exit> printed(const Verb& verb) {
  int error = 0;
  try {
    auto result = verb();
    if (!result) return result;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return result;
    error = errno;
  } catch (const std::system_error& failed) {  // fmt's
    if (std::ferror(stdout) == 0) throw;
    error = failed.code().value();
  }
  return fail(fmt::format("cannot write: {}; what was printed is not all", std::strerror(error)),
              "standard output");
}

int run(int argc, char** argv) {
  hold_standard_streams();
  set_signals();
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Wherever --json stands: what follows the wrong word was not read.
    const bool json = std::any_of(
        argv, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
    if (const auto refusal = refusal_of(line.app, error); refusal && json) {
      print_failure({refusal->what, "", refusal->remedy}, json);
      return static_cast<int>(Exit::usage);
    }
    return explain_refusal(line.app, error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  const auto result = printed(line.chosen);
  if (result) return static_cast<int>(*result);
  print_failure(result.error(), line.global.json);
  return static_cast<int>(Exit::trouble);
}

}  // namespace

void print_failure(const Failure& failure, bool json) {
  if (json) {
    const nlohmann::ordered_json out{
        {"error", {{"what", failure.what}, {"where", failure.where}, {"remedy", failure.remedy}}}};
    fmt::print(stderr, "{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print(stderr, "claimctl: {}\n", failure.text());
  }
}

bool interrupted() noexcept {
  return interrupt_seen != 0;
}

}  // namespace claimgate::claimctl

int main(int argc, char** argv) {
  try {
    return claimgate::claimctl::run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, or a library's own
    fmt::print(stderr, "claimctl: {}\n", error.what());
    return 1;
  }
}
