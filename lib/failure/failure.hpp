// Failure: what the control path returns when it cannot do what was asked.
//
// It says what went wrong, where, and what the operator can do about it. Hot-path code never makes
// one: there every outcome is a counted verdict or a counted drop.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace claimgate {

struct Failure {
  std::string what;    // "cannot open the state file"
  std::string where;   // "/var/lib/claimgate/table.cgt", "claimd.toml:12", or empty
  std::string remedy;  // "run claimd as a user who may read it", or empty

  // One sentence per part, fit for a terminal or a log line.
  [[nodiscard]] std::string text() const {
    std::string out;
    if (!where.empty()) out = where + ": ";
    out += what;
    if (!remedy.empty()) out += ". " + remedy;
    return out;
  }
};

template <class T>
using Expected = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> fail(std::string what, std::string where = {},
                                                   std::string remedy = {}) {
  return std::unexpected(Failure{std::move(what), std::move(where), std::move(remedy)});
}

}  // namespace claimgate
