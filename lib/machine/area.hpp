// Collects the findings of one area. Internal to the rules.
#pragma once

#include <string>
#include <utility>

#include <fmt/format.h>

#include "lib/machine/facts.hpp"
#include "lib/machine/judge.hpp"
#include "lib/machine/tree.hpp"

namespace claimgate::machine {

class Area {
 public:
  Area(std::string name, Findings& out) : name_(std::move(name)), out_(out) {}

  void ok(std::string check, std::string found) {
    add(State::ok, std::move(check), std::move(found), {});
  }
  void note(std::string check, std::string found, std::string remedy) {
    add(State::note, std::move(check), std::move(found), std::move(remedy));
  }
  void warning(std::string check, std::string found, std::string remedy) {
    add(State::warning, std::move(check), std::move(found), std::move(remedy));
  }
  void problem(std::string check, std::string found, std::string remedy) {
    add(State::problem, std::move(check), std::move(found), std::move(remedy));
  }
  void add(State state, std::string check, std::string found, std::string remedy) {
    out_.push_back({name_, std::move(check), state, std::move(found), std::move(remedy)});
  }

 private:
  std::string name_;
  Findings& out_;
};

// What this user may not do is no problem of a claimd that root or a service unit starts.
[[nodiscard]] inline State hindrance(const Facts& facts) noexcept {
  return facts.rights.user == 0 ? State::problem : State::warning;
}

// Rounded up: a need is not to look smaller than it is.
[[nodiscard]] inline std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{} MiB", (bytes + (1U << 20) - 1) >> 20);
}

}  // namespace claimgate::machine
