// The command line of the verbs that read a state folder.
#include <charconv>
#include <utility>

#include <CLI/CLI.hpp>

#include "apps/claimctl/state.hpp"
#include "lib/journal/layout.hpp"

namespace claimgate::claimctl {
namespace {

using Choose = std::function<void(std::function<Expected<Exit>()>)>;

constexpr const char* check_notes =
    "Needs no claimd and no configuration, writes nothing, and refuses while a claimd runs on the "
    "folder:\nstop it first, or check a backup. What was torn when a claimd ended was never "
    "acknowledged and is\nno damage; it is counted. Takes memory for every channel, 300 bytes "
    "each.\nExit codes: 0 sound; 1 damaged, or it cannot be judged; 2 wrong usage.\n\n"
    "Example:\n"
    "  claimctl check /var/lib/claimgate\n"
    "  claimctl check /var/lib/claimgate --signatures --json";

constexpr const char* dump_notes =
    "Prints what lies there, believed or not: segments, frames, records, and what is none of "
    "these.\n'claimctl check' judges it. May be used while claimd runs; the last frames may then "
    "be half\nwritten.\n\n"
    "Example:\n"
    "  claimctl journal dump /var/lib/claimgate --lane 0 --limit 20\n"
    "  claimctl journal dump /var/lib/claimgate --lane provisioning --json | jq -c "
    "'select(.type == \"record\")'";

CLI::Option* add_folder(CLI::App& verb, std::string& folder, const char* about) {
  return verb.add_option("STATE_DIR", folder, about)->required();
}

void add_lane(CLI::App& verb, std::optional<std::uint32_t>& lane) {
  const auto take = [&lane](const CLI::results_t& given) {
    const std::string& text = given.back();
    if (text == "provisioning") {
      lane = journal::provisioning_lane;
      return true;
    }
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    lane = number;
    return error == std::errc{} && end == text.data() + text.size();
  };
  verb.add_option("--lane", take, "Only this lane: a worker's number, or provisioning")
      ->type_name("N|provisioning");
}

void add_check(CLI::App& app, const GlobalOptions& global, CheckOptions& options,
               const Choose& choose) {
  CLI::App* verb = app.add_subcommand(
      "check", "Verify a state folder: every page, frame and record that a start would rest on");
  verb->fallthrough();
  add_folder(*verb, options.folder, "claimd's node.state_dir, or a backup of it");
  verb->add_flag("--signatures", options.signatures,
                 "Verify the signature of every claim held, too (some 20,000 a second)");
  verb->footer(check_notes);
  verb->callback([&global, &options, choose] {
    choose([&global, &options] { return check_state(global, options); });
  });
}

void add_dump(CLI::App& app, const GlobalOptions& global, DumpOptions& options,
              const Choose& choose) {
  CLI::App* journal = app.add_subcommand("journal", "Print the journal of a state folder");
  journal->require_subcommand(1);
  journal->fallthrough();
  journal->footer("Example:\n  claimctl journal dump /var/lib/claimgate --limit 20");
  CLI::App* verb = journal->add_subcommand("dump", "Print segments, frames and records");
  verb->fallthrough();
  add_folder(*verb, options.folder, "claimd's node.state_dir, or a backup of it");
  add_lane(*verb, options.lane);
  verb->add_option("--from", options.from_lsn, "Only frames and records from this LSN on")
      ->type_name("LSN");
  verb->add_option("--limit", options.limit, "At most so many records (default: all)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62))
      ->type_name("N");
  verb->footer(dump_notes);
  verb->callback([&global, &options, choose] {
    choose([&global, &options] { return dump_journal(global, options); });
  });
}

}  // namespace

void add_state_verbs(CLI::App& app, const GlobalOptions& global, StateOptions& options,
                     const Choose& choose) {
  add_check(app, global, options.check, choose);
  add_dump(app, global, options.dump, choose);
}

}  // namespace claimgate::claimctl
