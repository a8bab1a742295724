#include "src/control/change_plan.hpp"

namespace claimgate::control {

using channel::ApplyResult;

Expected<ApplyResult> ChangePlan::add(const channel::ChannelTerms& told, std::uint32_t record,
                                      const Known& known) {
  const wire::ChannelHandle handle = told.id.handle();
  auto seen = at_.find(handle.value);
  if (seen == at_.end()) {
    const auto view = known(handle);
    if (!view) return std::unexpected(view.error());
    if (!*view && room_ == 0) return ApplyResult::table_full;
    seen = at_.emplace(handle.value, static_cast<std::uint32_t>(changes_.size())).first;
    if (!*view) {
      --room_;
      changes_.push_back({.terms = told, .record = record, .is_new = true, .is_change = true});
      return ApplyResult::added;
    }
    changes_.push_back(
        {.terms = (*view)->terms, .incarnation = (*view)->incarnation, .record = record});
  }
  PlannedChange& change = changes_[seen->second];
  const channel::ChannelTerms before = change.terms;
  const ApplyResult result = merge(change.terms, told);
  change.is_change = change.is_change || change.terms != before;
  return result;
}

}  // namespace claimgate::control
