// How a fuzz target says that something does not hold: it names it and aborts, which libFuzzer and
// the replay both report with the input. Any thread.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace claimgate::fuzz {

inline void require(bool holds, std::string_view what) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// Text that goes to a terminal or a log: not empty, and nothing in it that moves a cursor.
inline void require_printable(const std::string& text) {
  require(!text.empty(), "a message says something");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      require(false, "a message is printable: " + text);
}

}  // namespace claimgate::fuzz
