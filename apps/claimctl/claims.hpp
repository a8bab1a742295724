// `claimctl claims …`: the claims held, as the transactions that redeem them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/claimctl/command.hpp"
#include "lib/failure/failure.hpp"

namespace CLI {
class App;
}

namespace claimgate::claimctl {

enum class ClaimFormat : std::uint8_t { tx_json, blob, csv };

// Which channels, by what is known of their end.
enum class ClaimState : std::uint8_t {
  redeemable,  // open or closed, but not past an expiration known
  open,        // claims are taken
  closed,      // not open, expired or not
  all,
};

struct ExportOptions {
  ClaimFormat format = ClaimFormat::tx_json;
  ClaimState state = ClaimState::redeemable;
  std::uint64_t drops_min = 1;        // unredeemed at least
  std::vector<std::string> channels;  // empty: all
  std::string account;                // only those that pay it; empty: all
  std::optional<std::uint32_t> expiring_within_s;
  std::string out;  // empty: standard output

  // Of the transactions; without a value the field is left out.
  std::optional<std::uint64_t> fee_drops;
  std::optional<std::uint32_t> sequence;  // of the first; each further one has the next
  std::optional<std::uint32_t> last_ledger_sequence;
};

// Adds the verbs to the command line; `choose` is called where export is asked for. `options` and
// what `choose` refers to must outlive the parse.
void add_claims_verbs(CLI::App& app, ExportOptions& options, std::function<void()> choose);

// Every claim chosen goes to standard output or a file, its signature verified again. Exit::trouble
// where one did not verify: it is named on standard error, and all the others are there.
[[nodiscard]] Expected<Exit> export_claims(const GlobalOptions& global,
                                           const ExportOptions& options);

}  // namespace claimgate::claimctl
