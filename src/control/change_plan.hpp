// What an import will make of the channels, worked out before anything happens: by the rule that
// the table follows (channel::merge), so that a plan foresees what carrying it out will do.
//
// A plan holds one change per channel, however often the import names it: terms as they will be.
// It stands while nobody else changes channels. Owner: one import, on the admin thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::control {

// What becomes of one channel.
struct PlannedChange {
  channel::ChannelTerms terms;    // merged with what is known
  std::uint32_t incarnation = 0;  // of a new channel: given to it when the change is recorded
  std::uint32_t record = 0;       // the first one of the import that named it
  bool is_new = false;
  bool is_change = false;  // else it is only remembered as known
};

class ChangePlan {
 public:
  // The channel of this handle as it is, or nothing.
  using Known =
      std::function<Expected<std::optional<channel::ChannelView>>(wire::ChannelHandle handle)>;

  // `room`: new channels that the table can take. `records`: of the import.
  ChangePlan(std::uint64_t room, std::uint64_t records) : room_(room) {
    changes_.reserve(records);
    at_.reserve(records);
  }

  // Takes one record's terms in; tells what the table will say to them. Fails where `known` does.
  [[nodiscard]] Expected<channel::ApplyResult> add(const channel::ChannelTerms& told,
                                                   std::uint32_t record, const Known& known);
  // In the order in which the import named the channels first.
  [[nodiscard]] std::vector<PlannedChange>& changes() noexcept { return changes_; }

 private:
  std::uint64_t room_;
  std::vector<PlannedChange> changes_;
  std::unordered_map<std::uint64_t, std::uint32_t> at_;  // by handle: in changes_
};

}  // namespace claimgate::control
