// The payers: channels and their keys, made from a seed, and the answers in which the XRP Ledger
// would report them.
//
// Both verbs make the same channels from the same options, so that what `channels` wrote and the
// appliance imported is what `run` signs for. Built by the control thread, then only read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/claimgen/stop.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/signing/signing.hpp"
#include "lib/xrpl/base58.hpp"

namespace claimgate::claimgen {

struct ChannelOptions {
  std::uint64_t seed = 1;
  std::uint32_t count = 10'000;
  double ed25519_share = 0.5;                  // of the channels, spread evenly
  std::uint64_t funded_drops = 1'000'000'000;  // each; 1000 XRP
  std::uint32_t settle_delay_s = 86'400;
  std::uint32_t ledger_index = 90'000'000;  // of the answers; only a newer one renews a channel
  std::string destination;                  // classic address; empty: destination_of(seed)
};

struct Channel {
  channel::ChannelId id;
  signing::KeyPair keys;
};

// rippled's default page, and how many channels one payer's account opens: three pages' worth, so
// that markers occur.
inline constexpr std::uint32_t channels_per_page = 400;
inline constexpr std::uint32_t channels_per_source = 1000;
inline constexpr std::uint32_t sequence_first = 1000;

// The account that receives all the channels of a seed unless the options name another.
[[nodiscard]] xrpl::AccountId destination_of(std::uint64_t seed);

class ChannelSet {
 public:
  // Fails on options out of range. An empty set where `stop` ended it early.
  [[nodiscard]] static Expected<ChannelSet> make(const ChannelOptions& options, unsigned threads,
                                                 const StopFlag& stop, bool quiet);

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(channels_.size());
  }
  [[nodiscard]] const Channel& operator[](std::uint32_t at) const noexcept { return channels_[at]; }
  [[nodiscard]] const ChannelOptions& options() const noexcept { return options_; }
  [[nodiscard]] const xrpl::AccountId& destination() const noexcept { return destination_; }
  [[nodiscard]] const xrpl::AccountId& source(std::uint32_t channel) const noexcept {
    return sources_[channel / channels_per_source];
  }
  // Of the PaymentChannelCreate that would have made the channel.
  [[nodiscard]] static std::uint32_t sequence(std::uint32_t channel) noexcept {
    return sequence_first + channel % channels_per_source;
  }

  // Calls write(text) with one complete account_channels answer per page, each ending in a newline.
  void write_answers(const std::function<void(const std::string&)>& write) const;

 private:
  ChannelSet() = default;
  ChannelOptions options_;
  xrpl::AccountId destination_{};
  std::vector<xrpl::AccountId> sources_;
  std::vector<Channel> channels_;
};

// Channel `index` has an Ed25519 key: exactly round(count * share) of them, spread evenly.
[[nodiscard]] bool has_ed25519_key(std::uint32_t index, double share) noexcept;

}  // namespace claimgate::claimgen
