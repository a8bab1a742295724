// What a run says at its end: a table for people, one JSON object for programs.
// Control thread, after the run.
#pragma once

#include <string>

#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/window.hpp"

namespace claimgate::claimgen {

struct Outcome {
  double seconds = 0;
  bool stopped = false;
  std::string cut_short;
  std::string driver;
  std::string peer_mac;
  // Every claim decided as it may be, every channel at its exact final amount.
  [[nodiscard]] bool right(const Tally& tally) const noexcept {
    return !stopped && cut_short.empty() && tally.mismatches == 0;
  }
};

[[nodiscard]] std::string text_report(const Outcome& outcome, const Window& window,
                                      const Plan& plan, const ChannelSet& set);
[[nodiscard]] std::string json_report(const Outcome& outcome, const Window& window,
                                      const Plan& plan, const ChannelSet& set);

}  // namespace claimgate::claimgen
