// `claimctl claims export`: claimd's list, page by page, becomes transactions, each verified before
// it is printed.
#include "apps/claimctl/claims.hpp"

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/channel_list.hpp"
#include "apps/claimctl/claim_output.hpp"
#include "apps/claimctl/claim_text.hpp"
#include "apps/claimctl/progress.hpp"
#include "lib/admin/record.hpp"
#include "lib/verify/verifier.hpp"
#include "lib/xrpl/claim_transaction.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

using admin::ChannelRecord;
using admin::Client;

// Sums of many channels' drops, each up to 10^17.
__extension__ using Sum = unsigned __int128;

struct Tally {
  std::uint64_t exported = 0;
  Sum drops = 0;            // unredeemed, of those exported
  std::uint64_t below = 0;  // with a claim, but under --min-drops
  std::uint64_t without_claim = 0;
  std::uint64_t expired = 0;       // and therefore passed over
  std::uint64_t no_account = 0;    // passed over: whom they pay is not known
  std::uint64_t bad = 0;           // passed over: the signature does not verify
  std::uint64_t closed = 0;        // exported all the same
  std::uint64_t sure_to_fail = 0;  // exported, though expired, because --state asks for them
};

// What the options say against each other; empty: nothing.
std::string complaint(const ExportOptions& options) {
  const bool has_numbers = options.fee_drops || options.sequence || options.last_ledger_sequence;
  if (options.format == ClaimFormat::csv && has_numbers)
    return "--fee, --sequence and --last-ledger-sequence belong to transactions; csv has none";
  if (options.format == ClaimFormat::blob && !(options.fee_drops && options.sequence))
    return "a blob is signed as it is, so it needs --fee and --sequence. Give both, or export "
           "tx-json and let xrpl.js' autofill find them";
  if (options.sequence && options.account.empty())
    return "--sequence counts the transactions of one account. Name it with --account";
  return {};
}

class Export {
 public:
  Export(const GlobalOptions& global, const ExportOptions& options,
         std::optional<xrpl::AccountId> account, verify::Reference reference, ClaimOutput output)
      : global_(global),
        options_(options),
        account_(account),
        reference_(std::move(reference)),
        output_(std::move(output)),
        now_(xrpl::ledger_from_unix(::time(nullptr))),
        sequence_(options.sequence),
        // Lines on the same terminal would run through the bar.
        progress_(!global.json && (!options.out.empty() || !::isatty(STDOUT_FILENO))) {}

  [[nodiscard]] Expected<Exit> run(Client& client) {
    if (options_.format == ClaimFormat::csv) {
      if (auto written = output_.line(csv_header); !written)
        return std::unexpected(std::move(written.error()));
    }
    if (auto walked = walk(client); !walked) return std::unexpected(ended_early(walked.error()));
    if (auto finished = output_.finish(); !finished) {
      if (options_.out.empty()) return std::unexpected(ended_early(finished.error()));
      return std::unexpected(std::move(finished.error()));  // it says how far the file came
    }
    progress_.clear();
    print_tally();
    return tally_.bad == 0 ? Exit::ok : Exit::trouble;
  }

 private:
  [[nodiscard]] Expected<void> walk(Client& client) {
    if (options_.channels.empty()) {
      const auto state = options_.state == ClaimState::open     ? admin::StateFilter::open
                         : options_.state == ClaimState::closed ? admin::StateFilter::closed
                                                                : admin::StateFilter::all;
      return walk_list(client, state);
    }
    // All are looked up before the first is printed: one that is not here is a slip of the hand.
    std::vector<ChannelRecord> chosen;
    std::set<std::array<std::byte, 32>> seen;
    for (const std::string& id : options_.channels) {
      auto channel = ask_for_channel(client, id);
      if (!channel) return std::unexpected(std::move(channel.error()));
      if (seen.insert(channel->id).second) chosen.push_back(*channel);
    }
    for (const ChannelRecord& channel : chosen) {
      const bool asked_for =
          channel.open ? options_.state != ClaimState::closed : options_.state != ClaimState::open;
      if (!asked_for) continue;
      if (auto taken = take(channel); !taken) return taken;
    }
    return {};
  }

  [[nodiscard]] Expected<void> walk_list(Client& client, admin::StateFilter state) {
    for (std::uint32_t cursor = 0; cursor != admin::no_cursor;) {
      const auto page = ask_for_page(
          client, {.cursor = cursor, .limit = admin::records_per_page_max, .state = state});
      if (!page) return std::unexpected(page.error());
      for (const ChannelRecord& channel : page->channels) {
        if (auto taken = take(channel); !taken) return taken;
      }
      cursor = page->next;
    }
    return {};
  }

  [[nodiscard]] Expected<void> take(const ChannelRecord& channel) {
    if (interrupted()) return fail("interrupted");
    progress_.show("looking at", ++seen_, 0, "channels");
    if (!chosen(channel)) return {};
    auto claim = transaction_of(channel);
    if (auto verified = verify_claim(reference_, claim); !verified) {
      ++tally_.bad;
      progress_.clear();
      print_failure({verified.error().what + "; not exported", xrpl::to_hex(channel.id),
                     "The payer's next claim replaces it; see 'claimctl channels show'"},
                    global_.json);
      return {};
    }
    return print(channel, claim);
  }

  // Whether the options ask for it and the ledger could pay it; counts why not.
  [[nodiscard]] bool chosen(const ChannelRecord& channel) {
    if (account_ && channel.destination != *account_ && channel.destination != xrpl::AccountId{})
      return false;
    if (options_.expiring_within_s && channel.valid_until > now_ &&
        channel.valid_until - now_ >= *options_.expiring_within_s)
      return false;
    if (channel.held_drops == 0) return ++tally_.without_claim, false;
    if (unredeemed_drops(channel) < options_.drops_min) return ++tally_.below, false;
    if (options_.state == ClaimState::redeemable && expires(channel) <= now_)
      return ++tally_.expired, false;
    if (channel.destination == xrpl::AccountId{}) return ++tally_.no_account, false;
    return true;
  }

  [[nodiscard]] Expected<void> print(const ChannelRecord& channel, xrpl::ClaimTransaction& claim) {
    if (options_.sequence && !sequence_)
      return fail("the sequence numbers have run out", {}, "Begin at a lower --sequence");
    if (options_.fee_drops) claim.fee = wire::Drops{*options_.fee_drops};
    claim.sequence = sequence_;
    claim.last_ledger_sequence = options_.last_ledger_sequence;
    if (sequence_ && ++*sequence_ == 0) sequence_.reset();
    ++tally_.exported;
    tally_.drops += unredeemed_drops(channel);
    tally_.closed += !channel.open;
    tally_.sure_to_fail += expires(channel) <= now_;
    switch (options_.format) {
      case ClaimFormat::tx_json:
        return output_.line(xrpl::claim_json(claim));
      case ClaimFormat::blob:
        return output_.line(xrpl::to_hex(xrpl::claim_blob(claim)));
      case ClaimFormat::csv:
        break;
    }
    return output_.line(csv_line(channel));
  }

  [[nodiscard]] Failure ended_early(Failure failure) {
    progress_.clear();
    if (!options_.out.empty()) {
      failure.what += fmt::format("; {} was not written", options_.out);
    } else if (tally_.exported > 0) {
      failure.what += "; what was printed is not all, and its last line may be cut";
    }
    return failure;
  }

  void print_tally() const {
    if (global_.json) {
      const nlohmann::ordered_json line{{"type", "export"},
                                        {"exported", tally_.exported},
                                        {"drops", fmt::format("{}", tally_.drops)},
                                        {"below", tally_.below},
                                        {"without_claim", tally_.without_claim},
                                        {"expired", tally_.expired},
                                        {"no_account", tally_.no_account},
                                        {"bad_signature", tally_.bad},
                                        {"exported_closed", tally_.closed},
                                        {"exported_expired", tally_.sure_to_fail}};
      fmt::print(stderr, "{}\n", line.dump());
      return;
    }
    fmt::print(stderr, "claimctl: {} claim{} exported{}{}, {} drops to redeem; {} below {} drop{}",
               tally_.exported, tally_.exported == 1 ? "" : "s", options_.out.empty() ? "" : " to ",
               options_.out, tally_.drops, tally_.below, options_.drops_min,
               options_.drops_min == 1 ? "" : "s");
    fmt::print(stderr, ", {} without a claim", tally_.without_claim);
    if (tally_.bad > 0) fmt::print(stderr, ", {} WITH A BAD SIGNATURE", tally_.bad);
    fmt::print(stderr, "\n");
    const auto note = [](std::uint64_t count, std::string_view text) {
      if (count > 0) fmt::print(stderr, "claimctl: {} {}\n", count, text);
    };
    note(tally_.expired,
         "passed over, as expired: the ledger would close the channel and pay nothing (--state all "
         "exports them)");
    note(tally_.no_account,
         "passed over, as claimd does not know whom they pay: import them again, then export");
    note(
        tally_.closed - tally_.sure_to_fail,
        "of them no longer take claims: redeem at once. One that has expired since its import pays "
        "nothing");
    note(tally_.sure_to_fail, "of them HAVE EXPIRED: the ledger will pay nothing for these");
  }

  const GlobalOptions& global_;
  const ExportOptions& options_;
  std::optional<xrpl::AccountId> account_;
  verify::Reference reference_;
  ClaimOutput output_;
  channel::LedgerTime now_;
  std::optional<std::uint32_t> sequence_;
  Progress progress_;
  Tally tally_;
  std::uint64_t seen_ = 0;
};

}  // namespace

Expected<Exit> export_claims(const GlobalOptions& global, const ExportOptions& options) {
  std::optional<xrpl::AccountId> account;
  std::string wrong = complaint(options);
  if (wrong.empty() && !options.account.empty()) {
    const auto parsed = xrpl::parse_address(options.account);
    if (parsed)
      account = *parsed;
    else
      wrong = "--account " + options.account + ": " + parsed.error().what;
  }
  if (!wrong.empty()) {
    fmt::print(stderr, "claimctl: {}\n", wrong);
    return Exit::usage;
  }
  auto client = Client::connect(global.socket, client_name);
  if (!client) return std::unexpected(std::move(client.error()));
  client->stop_when(interrupted);
  auto reference = verify::Reference::create();
  if (!reference) return std::unexpected(std::move(reference.error()));
  auto output = ClaimOutput::open(options.out);
  if (!output) return std::unexpected(std::move(output.error()));
  return Export(global, options, account, std::move(*reference), std::move(*output)).run(*client);
}

}  // namespace claimgate::claimctl
