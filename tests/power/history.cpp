#include "tests/power/history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace claimgate::power {

using journal::Change;
using journal::ProvisioningRecord;

void Owed::apply(const std::vector<ProvisioningRecord>& changes, State& state) {
  for (const ProvisioningRecord& change : changes) {
    const Number handle = change.terms.id.handle().value;
    if (change.change == Change::remove) {
      state.erase(handle);
    } else if (const auto there = state.find(handle); there != state.end()) {
      (void)channel::merge(there->second.terms, change.terms);
    } else {
      state[handle] = {.terms = change.terms, .incarnation = change.incarnation};
    }
  }
}

void Owed::advance(std::size_t acknowledged) {
  for (; acknowledged_ < acknowledged; ++acknowledged_) {
    const Acknowledgement& each = history_.acknowledged[acknowledged_];
    apply(each.changes, state_);
    const auto there = state_.find(each.handle);
    if (!each.changes.empty() || there == state_.end()) continue;
    // A claim may be answered after its channel was removed: then nothing is owed for it.
    if (there->second.incarnation != each.incarnation) continue;
    there->second.amount = std::max(there->second.amount, each.amount);
  }
}

std::string Owed::difference(const State& owed, const channel::Table& recovered) const {
  std::size_t found = 0;
  for (const channel::ChannelView& view : channels_of(recovered)) {
    const Number handle = view.terms.id.handle().value;
    const auto there = owed.find(handle);
    if (there == owed.end()) return fmt::format("channel {} is there and should not be", handle);
    const Channel& channel = there->second;
    ++found;
    if (view.incarnation != channel.incarnation) {
      return fmt::format("channel {} is of incarnation {}, not {}", handle, view.incarnation,
                         channel.incarnation);
    }
    if (view.terms != channel.terms) {
      return fmt::format("channel {} has other terms: funded {} in ledger {}, not {} in {}", handle,
                         view.terms.funded.value, view.terms.ledger_index,
                         channel.terms.funded.value, channel.terms.ledger_index);
    }
    if (view.held.value < channel.amount) {
      return fmt::format("channel {} holds {}, and {} was acknowledged", handle, view.held.value,
                         channel.amount);
    }
    if (view.held.value == 0) continue;
    const auto claimed = history_.signed_for.find({handle, view.incarnation});
    if (claimed == history_.signed_for.end() || claimed->second < view.held.value ||
        view.signature != signature_of(handle, view.held.value)) {
      return fmt::format("channel {} holds {}, which nobody signed", handle, view.held.value);
    }
  }
  if (found == owed.size()) return {};
  return fmt::format("{} channels, and {} were acknowledged", found, owed.size());
}

std::string Owed::lost(const channel::Table& recovered) const {
  const std::string without = difference(state_, recovered);
  if (without.empty()) return {};
  const auto next =
      std::find_if(history_.acknowledged.begin() + static_cast<std::ptrdiff_t>(acknowledged_),
                   history_.acknowledged.end(),
                   [](const Acknowledgement& each) { return !each.changes.empty(); });
  State state = state_;
  apply(next != history_.acknowledged.end() ? next->changes : history_.unanswered, state);
  const std::string with = difference(state, recovered);
  if (with.empty()) return {};
  return fmt::format("{}; nor with what was under way: {}", without, with);
}

std::vector<channel::ChannelView> channels_of(const channel::Table& table) {
  std::vector<channel::ChannelView> channels;
  for (channel::SlotIndex at = 0; at < table.slots_used(); ++at) {
    if (const auto view = table.view(at)) channels.push_back(*view);
  }
  std::ranges::sort(channels, {}, [](const auto& view) { return view.terms.id.handle().value; });
  return channels;
}

bool same_channels(const channel::Table& a, const channel::Table& b) {
  return std::ranges::equal(channels_of(a), channels_of(b), [](const auto& one, const auto& other) {
    return one.terms == other.terms && one.incarnation == other.incarnation &&
           one.held == other.held && one.signature == other.signature;
  });
}

}  // namespace claimgate::power
