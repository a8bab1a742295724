#include "apps/claimgen/oracle.hpp"

#include <algorithm>
#include <cassert>

namespace claimgate::claimgen {
namespace {

using wire::Code;

// Decided before the appliance looks at what the channel holds.
constexpr bool ignores_state(Kind kind) noexcept {
  return kind == Kind::malformed || kind == Kind::unknown || kind == Kind::over_funds;
}

}  // namespace

std::string CodeSet::text() const {
  std::string out;
  for (std::size_t i = 0; i < wire::code_count; ++i) {
    const auto code = static_cast<Code>(i);
    if (has(code)) (out += out.empty() ? "" : " or ") += wire::name(code);
  }
  return out;
}

Oracle::Oracle(std::span<const PlannedClaim> claims, std::uint32_t channels)
    : plan_(claims), claims_(claims.size()), channels_(channels) {}

void Oracle::sent(std::uint32_t claim) noexcept {
  assert(claim == sent_);
  const PlannedClaim& planned = plan_[claim];
  ChannelState& channel = channels_[planned.channel];
  claims_[claim].lowest = channel.confirmed;
  if (can_advance(planned.kind)) channel.highest = std::max(channel.highest, planned.amount);
  if (channel.first_open == no_claim) {
    channel.first_open = claim;
  } else {
    claims_[channel.last_sent].next = claim;
  }
  channel.last_sent = claim;
  ++sent_;
}

void Oracle::resent(std::uint32_t claim) noexcept {
  assert(undecided(claim));
  claims_[claim].repeated = true;
  channels_[plan_[claim].channel].disordered_before = sent_;
}

CodeSet Oracle::permitted(std::uint32_t claim) const noexcept {
  const PlannedClaim& planned = plan_[claim];
  if (ignores_state(planned.kind)) return {planned.expected};
  const ChannelState& channel = channels_[planned.channel];
  const bool in_order = channel.first_open == claim && claim >= channel.disordered_before;
  if (!in_order) return in_any_order(claim);
  CodeSet codes{planned.expected};
  // What rests on a claim that was covered unexamined is covered as well (FORMAT.md).
  const bool may_be_covered = planned.expected == Code::accepted ||
                              planned.expected == Code::bad_signature ||
                              channel.confirmed < planned.amount;
  if (may_be_covered && channel.highest > planned.amount) codes.add(Code::covered);
  return codes;
}

CodeSet Oracle::in_any_order(std::uint32_t claim) const noexcept {
  const PlannedClaim& planned = plan_[claim];
  const std::uint64_t lowest = claims_[claim].lowest;
  const std::uint64_t highest = channels_[planned.channel].highest;
  const bool valid = can_advance(planned.kind);
  CodeSet codes;
  if (highest > planned.amount) codes.add(Code::stale);
  if (lowest < planned.amount) codes.add(valid ? Code::accepted : Code::bad_signature);
  // Covering replaces ACCEPTED, and BAD_SIGNATURE of the held amount too.
  const bool may_be_covered = lowest < planned.amount || (lowest == planned.amount && !valid);
  if (may_be_covered && highest > planned.amount) codes.add(Code::covered);
  if (lowest <= planned.amount && highest >= planned.amount) {
    codes.add(valid ? Code::duplicate : Code::bad_signature);
  }
  return codes;
}

Judgement Oracle::judge(std::uint32_t claim, Code code) noexcept {
  assert(undecided(claim));
  const PlannedClaim& planned = plan_[claim];
  ChannelState& channel = channels_[planned.channel];
  if (code == Code::busy) {
    resent(claim);
    return Judgement::busy;
  }
  const bool right = permitted(claim).has(code);
  // Verdicts out of order: the older claims that are still open may have been decided after this.
  const bool overtakes = channel.first_open != claim;
  if (overtakes || claims_[claim].repeated) channel.disordered_before = sent_;
  if ((code == Code::accepted || code == Code::duplicate) && !ignores_state(planned.kind)) {
    channel.confirmed = std::max(channel.confirmed, planned.amount);
  }
  settle(claim, channel);
  return right ? Judgement::permitted : Judgement::wrong;
}

void Oracle::settle(std::uint32_t claim, ChannelState& channel) noexcept {
  claims_[claim].decided = true;
  ++decided_;
  while (channel.first_open != no_claim && claims_[channel.first_open].decided) {
    channel.first_open = claims_[channel.first_open].next;
  }
}

}  // namespace claimgate::claimgen
