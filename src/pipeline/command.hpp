// What the control plane asks of a worker: bounded, executed between two bursts.
//
// A command is owned by the control plane; its pointer travels to the worker over one SPSC ring and
// back over another, answered. While it is under way only the worker touches it.
#pragma once

#include <cstdint>

#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"

namespace claimgate::pipeline {

struct Command {
  enum class Verb : std::uint8_t { apply, remove, find };
  Verb verb = Verb::find;
  channel::ChannelTerms terms;  // apply: all of it · remove: the id · find: the id's handle part
  std::uint32_t incarnation = 0;  // apply: for a channel that is new here

  // The worker's answer.
  channel::ApplyResult result = channel::ApplyResult::unchanged;  // apply
  channel::SlotIndex slot = channel::no_slot;                     // apply, find
  bool removed = false;                                           // remove
};

}  // namespace claimgate::pipeline
