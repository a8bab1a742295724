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

constexpr const char* follow_notes =
    "Prints each claim accepted, once its amount is durable: for the service that is being paid. "
    "Reads\nfiles only, beside a claimd that runs or of one that does not. Begun without a "
    "position it prints\nevery amount held first; begun at one, what came since, each claim once, "
    "or "
    "again after a crash of\nits own, and never a gap that is not told of: who lags behind two "
    "checkpoints gets a gap event and\nevery amount held anew. Amounts are cumulative, so a later "
    "one tells all of an earlier one.\nA position is saved behind the lines before it. Ctrl-C ends "
    "it, exit code 0.\n\n"
    "Example:\n"
    "  claimctl follow /var/lib/claimgate --from feed.json --save feed.json --json\n"
    "  claimctl follow /var/lib/claimgate --once --json | jq -r 'select(.event == \"claim\") | "
    ".amount'";

constexpr const char* backup_notes =
    "Runs beside claimd, which does nothing for it and is not held up. All that was acknowledged "
    "before it\nbegan is in the copy. The copy is read back as a start would and counted before "
    "this ends.\nBesides checkpoints and journal there is nothing to keep; the configuration is a "
    "file of yours.\n\n"
    "Example:\n  claimctl backup /var/lib/claimgate /var/backups/claimgate";

constexpr const char* restore_notes =
    "Checks the backup as 'claimctl check' does, copies it, and checks the copy. Never writes over "
    "a "
    "state.\nWhat was accepted after the backup is not in it, so amounts go back to what they "
    "were: "
    "payers were\ntold more. Import the channels again before the first claim. Run it as claimd's "
    "user.\n\n"
    "Example:\n  claimctl restore /var/backups/claimgate /var/lib/claimgate";

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

void add_follow(CLI::App& app, const GlobalOptions& global, FollowOptions& options,
                const Choose& choose) {
  CLI::App* verb =
      app.add_subcommand("follow", "Print every claim accepted, as soon as it is durable");
  verb->fallthrough();
  add_folder(*verb, options.folder, "claimd's node.state_dir");
  CLI::Option* from = verb->add_option("--from", options.from,
                                       "Begin at the position in this file; where it is not there "
                                       "yet, with every amount held")
                          ->type_name("FILE");
  verb->add_option("--position", options.position,
                   "Begin at this position: the line that such a file holds")
      ->type_name("JSON")
      ->excludes(from);
  verb->add_option("--save", options.save, "Keep the position in this file, always whole")
      ->type_name("FILE");
  verb->add_flag("--once", options.once, "End where nothing more is known to be durable");
  verb->footer(follow_notes);
  verb->callback([&global, &options, choose] {
    choose([&global, &options] { return follow_claims(global, options); });
  });
}

void add_copies(CLI::App& app, const GlobalOptions& global, StateOptions& options,
                const Choose& choose) {
  CLI::App* backup = app.add_subcommand("backup", "Copy a state folder, also while claimd runs");
  backup->fallthrough();
  add_folder(*backup, options.backup.folder, "claimd's node.state_dir");
  backup->add_option("DIR", options.backup.copy, "The copy: a new folder, or an empty one")
      ->required();
  backup->footer(backup_notes);
  backup->callback([&global, &options, choose] {
    choose([&global, &options] { return back_up_state(global, options.backup); });
  });
  CLI::App* restore = app.add_subcommand("restore", "Make a state folder from a backup");
  restore->fallthrough();
  restore->add_option("DIR", options.restore.copy, "What 'claimctl backup' made")->required();
  add_folder(*restore, options.restore.folder, "The state folder to be: a new one, or empty");
  restore->footer(restore_notes);
  restore->callback([&global, &options, choose] {
    choose([&global, &options] { return restore_state(global, options.restore); });
  });
}

}  // namespace

void add_state_verbs(CLI::App& app, const GlobalOptions& global, StateOptions& options,
                     const Choose& choose) {
  add_check(app, global, options.check, choose);
  add_dump(app, global, options.dump, choose);
  add_follow(app, global, options.follow, choose);
  add_copies(app, global, options, choose);
}

}  // namespace claimgate::claimctl
