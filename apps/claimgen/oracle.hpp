// The oracle: which verdicts a claim may get, and what each channel must end with.
//
// As long as claims arrive once and in the order of sending, each has exactly one permitted code,
// the plan's (and COVERED beside it where a higher amount of the channel has been sent, which
// coalescing allows where no amount as high was called accepted or held). Once a claim was sent
// twice, answered BUSY or overtaken, order is lost for its channel: then a claim may get what any
// order allows of the channel's claims that were under way at the same time, and no more, until all
// of those are decided. Claims form a max-semilattice, so the final amount is exact in any case.
//
// For "what any order allows", the amount held when the appliance looked lies between
//   lowest   highest amount whose success was known when the claim was first sent, and
//   highest  highest validly signed amount of the channel sent so far.
//
// One thread, the client's. No allocation after construction.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "apps/claimgen/plan.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

class CodeSet {
 public:
  constexpr CodeSet() = default;
  constexpr CodeSet(std::initializer_list<wire::Code> codes) {
    for (const wire::Code code : codes) add(code);
  }
  constexpr void add(wire::Code code) { bits_ |= std::uint16_t(1u << static_cast<unsigned>(code)); }
  [[nodiscard]] constexpr bool has(wire::Code code) const {
    return (bits_ >> static_cast<unsigned>(code) & 1) != 0;
  }
  friend constexpr bool operator==(CodeSet, CodeSet) = default;
  [[nodiscard]] std::string text() const;  // "ACCEPTED or COVERED"

 private:
  std::uint16_t bits_ = 0;
};
static_assert(wire::code_count <= 16);

enum class Judgement : std::uint8_t {
  permitted,  // decided
  busy,       // not examined: still to be decided, send it again
  wrong,      // decided, but not as it may be
};

class Oracle {
 public:
  // `claims` must outlive the oracle; their channels are below `channels`.
  Oracle(std::span<const PlannedClaim> claims, std::uint32_t channels);

  // The next claim in order goes out for the first time. Precondition: claim == sent_count().
  void sent(std::uint32_t claim) noexcept;
  // An undecided claim goes out again.
  void resent(std::uint32_t claim) noexcept;
  // What an undecided claim that was sent may get now, besides BUSY.
  [[nodiscard]] CodeSet permitted(std::uint32_t claim) const noexcept;
  // Takes the verdict of an undecided claim that was sent.
  Judgement judge(std::uint32_t claim, wire::Code code) noexcept;

  [[nodiscard]] bool undecided(std::uint32_t claim) const noexcept {
    return claim < sent_ && !claims_[claim].decided;
  }
  [[nodiscard]] bool was_resent(std::uint32_t claim) const noexcept {
    return claims_[claim].repeated;
  }
  [[nodiscard]] std::uint32_t sent_count() const noexcept { return sent_; }
  [[nodiscard]] std::uint32_t decided_count() const noexcept { return decided_; }
  // The highest amount of the channel that a verdict called accepted or held, in drops.
  [[nodiscard]] std::uint64_t confirmed(std::uint32_t channel) const noexcept {
    return channels_[channel].confirmed;
  }

 private:
  struct ClaimState {
    std::uint64_t lowest = 0;       // confirmed() when it was first sent
    std::uint32_t next = no_claim;  // of the same channel
    bool decided = false;
    bool repeated = false;  // sent more than once, or answered BUSY
  };
  struct ChannelState {
    std::uint64_t confirmed = 0;
    std::uint64_t highest = 0;            // can-advance amounts sent
    std::uint32_t first_open = no_claim;  // the oldest undecided claim, of any kind
    std::uint32_t last_sent = no_claim;   // end of the chain that begins at first_open
    std::uint32_t disordered_before = 0;  // claims below: their order is not known
  };
  static constexpr std::uint32_t no_claim = 0xFFFF'FFFF;

  [[nodiscard]] CodeSet in_any_order(std::uint32_t claim) const noexcept;
  void settle(std::uint32_t claim, ChannelState& channel) noexcept;

  std::span<const PlannedClaim> plan_;
  std::vector<ClaimState> claims_;
  std::vector<ChannelState> channels_;
  std::uint32_t sent_ = 0;
  std::uint32_t decided_ = 0;
};

}  // namespace claimgate::claimgen
