// A verifier of several lanes that works elsewhere: its answers come some polls later, in the order
// of submission, and are found out only then. So what a lane points to must still be what it was.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>

#include "lib/verify/verifier.hpp"

namespace claimgate::pipeline {

class SlowEngine {
 public:
  static constexpr unsigned lanes_max = 5;

  [[nodiscard]] static Expected<SlowEngine> create() {
    auto reference = verify::Reference::create();
    if (!reference) return std::unexpected(std::move(reference.error()));
    return SlowEngine(std::move(*reference));
  }
  [[nodiscard]] unsigned free_lanes() const noexcept {
    return lanes_max - static_cast<unsigned>(lanes_.size());
  }
  void submit(const verify::Lane& lane) noexcept { lanes_.push_back(lane); }
  // None, one, or all that are there, by turns that repeat late.
  unsigned poll(std::span<bool> results) noexcept {
    constexpr std::array<unsigned, 7> at_most = {0, 1, 0, lanes_max, 2, 0, 1};
    unsigned answered = 0;
    for (const unsigned most = at_most[polls_++ % at_most.size()];
         answered < most && !lanes_.empty(); lanes_.pop_front()) {
      results[answered++] = reference_.verify(lanes_.front());
    }
    return answered;
  }

 private:
  explicit SlowEngine(verify::Reference reference) noexcept : reference_(std::move(reference)) {}
  verify::Reference reference_;
  std::deque<verify::Lane> lanes_;
  std::uint64_t polls_ = 0;
};

}  // namespace claimgate::pipeline
