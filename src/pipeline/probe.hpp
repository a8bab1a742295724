// Where in its turn a worker is, for whoever measures it: the worker names each stage as it leaves
// it, and its Probe decides what becomes of that.
//
// Owner: the worker. In the appliance the probe is NoProbe, which compiles to nothing; a benchmark
// hands the same worker one that reads the clock, so what it times is the true loop.
#pragma once

#include <cstdint>

namespace claimgate::pipeline {

enum class Stage : std::uint8_t {
  rx,  // the turn's clock, the port's receive
  parse,
  admit,
  digest,
  verify,
  commit,
  reply,  // sorting out what is decided, writing verdicts, discarding
  tx,     // the port's transmit
  rest,   // commands of the control plane, the turn's own accounts
};
inline constexpr unsigned stages = 9;

struct NoProbe {
  void turn_begins() const noexcept {}
  // The time since the last call of either belongs to `stage`.
  void passed(Stage) const noexcept {}
};

}  // namespace claimgate::pipeline
