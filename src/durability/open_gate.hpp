// The journal's place, while there is no journal: a gate that is always open.
//
// It takes every record, keeps none and lets every reply pass at once; its verdicts say durable =
// 0, because nothing they state would survive power loss. The real journal (lib/journal) has the
// same shape: reserve before verification, append or release at commit, release replies up to the
// durable LSN.
//
// Owner: one worker.
#pragma once

#include <cstdint>
#include <limits>

namespace claimgate::durability {

class OpenGate {
 public:
  // Room for one more record? Asked at admit: "no" is answered BUSY with nothing changed.
  [[nodiscard]] bool reserve() noexcept { return true; }
  // Every reservation ends in exactly one of these two.
  // Takes the record that was reserved for; returns its LSN.
  [[nodiscard]] std::uint64_t append() noexcept { return ++last_; }
  // The claim came to nothing: its record's room is free again.
  void release() noexcept {}
  // Every reply that rests on nothing above this may leave.
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept {
    return std::numeric_limits<std::uint64_t>::max();
  }
  // Whether "durable" may be said of what has passed.
  [[nodiscard]] bool is_durable() const noexcept { return false; }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace claimgate::durability
