// The command line of `claimctl claims`.
#include <map>
#include <utility>

#include <CLI/CLI.hpp>

#include "apps/claimctl/claims.hpp"
#include "lib/command_line/words.hpp"

namespace claimgate::claimctl {
namespace {

// xrpl.js refuses to sign with a higher one, unless told otherwise (maxFeeXRP).
constexpr std::uint64_t fee_drops_max = 2'000'000;

constexpr const char* export_notes =
    "One transaction a line, unsigned. Amount is what the payer signed for, Balance what is "
    "redeemed: the same.\nThe account is the channel's destination. tx-json leaves Fee, Sequence "
    "and LastLedgerSequence to xrpl.js'\nautofill unless they are given; blob needs --fee and "
    "--sequence, and is signed as it is.\nA claim on an expired channel pays nothing and still "
    "reports tesSUCCESS: such channels are passed over\nunless --state asks for them. Import the "
    "channels again first: what has been redeemed is known from there.\n"
    "Exit code 1 if a signature does not verify; it is named, and all others are printed.\n\n"
    "Example:\n"
    "  claimctl claims export --min-drops 1000000 --out claims.jsonl\n"
    "  claimctl claims export --expiring-within 6h | jq -r .Channel\n"
    "  claimctl claims export --format csv > claims.csv\n"
    "  claimctl claims export --format blob --account rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe \\\n"
    "    --fee 12 --sequence 7 --last-ledger-sequence 99999999";

void add_choice(CLI::App& verb, ExportOptions& options) {
  verb.add_option("--min-drops", options.drops_min,
                  "Only channels with at least so many drops not yet redeemed (default: 1)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000'000'000'000'000}))
      ->type_name("N");
  add_word_option(verb, "--state", options.state,
                  {{"redeemable", ClaimState::redeemable},
                   {"open", ClaimState::open},
                   {"closed", ClaimState::closed},
                   {"all", ClaimState::all}},
                  "redeemable (default): all but those past a known expiration; open: those that "
                  "take claims; closed: the others, expired or not")
      ->type_name("redeemable|open|closed|all");
  verb.add_option("--channel", options.channels,
                  "Only this channel: 64 hexadecimal digits, or the first 16; may be repeated")
      ->allow_extra_args(false)
      ->type_name("ID");
  verb.add_option("--account", options.account, "Only channels that pay this account")
      ->type_name("ADDRESS");
  const std::map<std::string, std::uint32_t> units{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}};
  verb.add_option("--expiring-within", options.expiring_within_s,
                  "Only channels that take claims for less than this: 90s, 30m, 6h, 2d")
      ->transform(CLI::AsNumberWithUnit(
          units, CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                                CLI::AsNumberWithUnit::UNIT_REQUIRED)))
      ->type_name("DURATION");
}

void add_form(CLI::App& verb, ExportOptions& options) {
  add_word_option(
      verb, "--format", options.format,
      {{"tx-json", ClaimFormat::tx_json}, {"blob", ClaimFormat::blob}, {"csv", ClaimFormat::csv}},
      "tx-json (default): a JSON object; blob: the ledger's binary form in "
      "hexadecimal; csv: a table with a header")
      ->type_name("tx-json|blob|csv");
  verb.add_option("--fee", options.fee_drops, "Fee of every transaction, in drops")
      ->check(CLI::Range(std::uint64_t{1}, fee_drops_max))
      ->type_name("DROPS");
  verb.add_option("--sequence", options.sequence,
                  "Sequence of the first transaction, counted on by one; needs --account")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{0xFFFF'FFFF}))
      ->type_name("N");
  verb.add_option("--last-ledger-sequence", options.last_ledger_sequence,
                  "LastLedgerSequence of every transaction")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{0xFFFF'FFFF}))
      ->type_name("N");
  verb.add_option("--out", options.out,
                  "Write this file, whole or not at all (default: standard output)")
      ->type_name("FILE");
}

}  // namespace

void add_claims_verbs(CLI::App& app, ExportOptions& options, std::function<void()> choose) {
  CLI::App* claims = app.add_subcommand("claims", "Export the claims held, to redeem them");
  claims->require_subcommand(1);
  claims->fallthrough();
  claims->footer("Example:\n  claimctl claims export --min-drops 1000000 --out claims.jsonl");
  CLI::App* verb = claims->add_subcommand(
      "export", "Print the PaymentChannelClaim of each channel, its signature verified again");
  verb->fallthrough();
  add_choice(*verb, options);
  add_form(*verb, options);
  verb->footer(export_notes);
  verb->callback(std::move(choose));
}

}  // namespace claimgate::claimctl
