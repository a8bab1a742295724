// The stream of claims: which kind, on which channel, over which amount, in which datagram.
//
// A plan follows from its options alone, and knows for each claim the one code that an appliance
// gives it which receives every claim once and in order, and for each channel its final amount.
// Signing turns a plan into ready-made frames. Built by the control thread, then only read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "apps/claimgen/channel_choice.hpp"
#include "apps/claimgen/channels.hpp"
#include "lib/failure/failure.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

enum class Kind : std::uint8_t {
  good,           // higher than all before, within the funds, signed: ACCEPTED
  duplicate,      // the held amount again, the same signature or another valid one: DUPLICATE
  stale,          // less than held, validly signed: STALE
  bad_signature,  // a flipped bit, another amount's, another channel's, or zeros: BAD_SIGNATURE
  high_s,         // valid but for secp256k1 s > n/2, Ed25519 S >= L: BAD_SIGNATURE
  over_funds,     // validly signed over more than funded: OVER_FUNDS
  unknown,        // validly signed for a channel that nobody has: UNKNOWN_CHANNEL
  malformed,      // another type, amount 0 or above 10^17: MALFORMED
};
inline constexpr std::size_t kind_count = 8;
inline constexpr std::array<std::string_view, kind_count> kind_names = {
    "good", "duplicate", "stale", "bad-signature", "high-s", "over-funds", "unknown", "malformed"};
[[nodiscard]] constexpr std::string_view name(Kind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

// Whether the ledger would take the signature over this amount: such a claim can advance a channel,
// whatever arrives before it.
[[nodiscard]] constexpr bool can_advance(Kind kind) noexcept {
  return kind == Kind::good || kind == Kind::duplicate || kind == Kind::stale;
}

// Shares of the kinds, relative to each other.
struct Mix {
  std::array<std::uint32_t, kind_count> weights{};
  // "good=80,duplicate=4": kinds left out have no share. Fails on unknown or repeated names, on
  // weights that are no numbers up to 10^6, and where good has none (nothing could be held).
  [[nodiscard]] static Expected<Mix> parse(std::string_view text);
};
inline constexpr std::string_view default_mix =
    "good=80,duplicate=4,stale=4,bad-signature=4,high-s=2,over-funds=2,unknown=2,malformed=2";

struct PlannedClaim {
  std::uint64_t amount = 0;   // drops, as the frame says
  std::uint32_t channel = 0;  // of unknown: whose key signs
  Kind kind = Kind::good;
  std::uint8_t variant = 0;  // of the kind: see sign_claim()
  wire::Code expected = wire::Code::accepted;
  std::uint8_t type = wire::claim_type;
};
static_assert(sizeof(PlannedClaim) == 16, "a million of them are kept");

inline constexpr unsigned mixed_sizes = 0;
inline constexpr std::uint32_t claims_max = std::uint32_t{1} << 31;

struct PlanOptions {
  std::uint64_t seed = 1;
  std::uint32_t claims = 200'000;              // up to claims_max
  unsigned claims_per_datagram = mixed_sizes;  // 1..15; mixed: half singles, half 2..15
  Mix mix;
  ChoiceOptions channel_choice;
};

struct Plan {
  std::vector<PlannedClaim> claims;     // in the order of sending; claim i has sequence i
  std::vector<std::uint8_t> datagrams;  // claims of each; they sum up to claims.size()
  std::vector<std::uint64_t> finals;    // by channel: drops held after all of it
  std::array<std::uint64_t, kind_count> of_kind{};
  ChoiceOptions channel_choice;
};

// Fails on options out of range, and where the channels' funds do not last for the claims: where
// channels are chosen by Zipf's law, as soon as one's are used up, since another in its place would
// bend the law.
[[nodiscard]] Expected<Plan> make_plan(const PlanOptions& options, const ChannelOptions& channels);

// The frame of claim `index`, its timestamp 0. Precondition: 93 writable bytes at `frame`; `set`
// was made from the options that the plan was made for. Any thread.
void sign_claim(std::byte* frame, const Plan& plan, std::uint32_t index, const ChannelSet& set);

// All frames, one behind the other, signed on `threads` threads. Empty where `stop` ended it early.
[[nodiscard]] std::vector<std::byte> sign_plan(const Plan& plan, const ChannelSet& set,
                                               unsigned threads, const StopFlag& stop, bool quiet);

}  // namespace claimgate::claimgen
