// The wish to stop (Ctrl-C, SIGTERM): set by the signal handler, read by every loop.
//
// The first signal asks; a second one ends the program the hard way. Any thread may read.
#pragma once

#include <atomic>

namespace claimgate::claimgen {

using StopFlag = std::atomic<bool>;

// Installs the signal dispositions and returns the flag they set. Call once, before threads start.
[[nodiscard]] StopFlag& stop_on_signals();

}  // namespace claimgate::claimgen
