// What a run of the journal has acknowledged, in order, and what of it a recovery owes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/journal/layout.hpp"
#include "tests/lib/channel/make_terms.hpp"

namespace claimgate::power {

using Number = std::uint64_t;  // of a channel: its handle
using Incarnation = std::uint32_t;

// Each amount of each channel has one signature, so that a mixture of two shows.
inline channel::Signature signature_of(Number handle, std::uint64_t amount) {
  return channel::make_signature(amount * 1'000'003 + handle);
}

// An answer that somebody outside has seen.
struct Acknowledgement {
  std::vector<journal::ProvisioningRecord> changes;  // an import or a removal; none: a claim
  Number handle = 0;
  Incarnation incarnation = 0;
  std::uint64_t amount = 0;
};

struct History {
  std::vector<Acknowledgement> acknowledged;
  std::vector<journal::ProvisioningRecord> unanswered;  // an import or a removal at the end
  // The highest amount that a payer has signed, whether or not it was answered.
  std::map<std::pair<Number, Incarnation>, std::uint64_t> signed_for;
};

// What a recovery owes after the first acknowledgements of a history. One thread.
class Owed {
 public:
  explicit Owed(const History& history) : history_(history) {}

  // `acknowledged` never goes back.
  void advance(std::size_t acknowledged);
  // What `recovered` lacks, or has that cannot be; empty: nothing. The one import or removal that
  // was under way has happened wholly or not at all.
  [[nodiscard]] std::string lost(const channel::Table& recovered) const;

 private:
  struct Channel {
    channel::ChannelTerms terms;
    Incarnation incarnation = 0;
    std::uint64_t amount = 0;
  };
  using State = std::map<Number, Channel>;
  static void apply(const std::vector<journal::ProvisioningRecord>& changes, State& state);
  [[nodiscard]] std::string difference(const State& owed, const channel::Table& recovered) const;

  const History& history_;
  std::size_t acknowledged_ = 0;
  State state_;
};

// What counts of a table, to compare two.
[[nodiscard]] std::vector<channel::ChannelView> channels_of(const channel::Table& table);
[[nodiscard]] bool same_channels(const channel::Table& a, const channel::Table& b);

}  // namespace claimgate::power
