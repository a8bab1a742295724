// The simplest engine: one lane, examined by the reference as soon as it is asked. What a worker
// does with it depends on nothing but its input, so tests can say what each turn does.
#pragma once

#include <span>
#include <utility>

#include "lib/verify/verifier.hpp"

namespace claimgate::pipeline {

class OneByOne {
 public:
  static constexpr unsigned lanes_max = 1;

  [[nodiscard]] static Expected<OneByOne> create() {
    auto reference = verify::Reference::create();
    if (!reference) return std::unexpected(reference.error());
    return OneByOne(std::move(*reference));
  }
  [[nodiscard]] unsigned free_lanes() const noexcept { return lanes_max - count_; }
  void submit(const verify::Lane& lane) noexcept {
    lane_ = lane;
    ++count_;
  }
  unsigned poll(std::span<bool> results) noexcept {
    if (count_ > 0) results[0] = reference_.verify(lane_);
    return std::exchange(count_, 0);
  }

 private:
  explicit OneByOne(verify::Reference reference) noexcept : reference_(std::move(reference)) {}
  verify::Reference reference_;
  verify::Lane lane_{};
  unsigned count_ = 0;
};

}  // namespace claimgate::pipeline
