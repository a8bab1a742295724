// What the doctor says of one thing it looked at. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace claimgate::machine {

enum class State : std::uint8_t {
  ok,
  note,     // worth knowing; claimd runs as it should
  warning,  // claimd runs, but slower, less steadily or with less safety than it could
  problem,  // claimd does not start like this, or loses or misjudges claims
};

[[nodiscard]] constexpr std::string_view name(State state) noexcept {
  switch (state) {
    case State::ok:
      return "ok";
    case State::note:
      return "note";
    case State::warning:
      return "warning";
    case State::problem:
      return "problem";
  }
  return "?";
}

struct Finding {
  std::string area;   // "memory"
  std::string check;  // "huge pages"
  State state = State::ok;
  std::string found;
  std::string remedy;  // a command, a line of configuration, or what to do; empty only where ok
};

}  // namespace claimgate::machine
