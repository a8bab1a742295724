// Which channel the next claim is of: any with the same chance, or few of them often and most of
// them seldom, by Zipf's law.
//
// Under Zipf's law with exponent s the channel of rank k is drawn with a chance proportional to
// 1/k^s. Which channel has which rank follows from the seed, so that the hot ones lie anywhere:
// on any virtual shard, of any payer, of either key type. Everything is the same on every machine.
// Built by the control thread, then only read. 12 bytes per channel under Zipf's law, none
// otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/claimgen/random.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

struct ChoiceOptions {
  std::optional<double> zipf_exponent;  // above 0, up to 10; none: uniform
  // "uniform", "zipf" (exponent 1) or "zipf:1.2".
  [[nodiscard]] static Expected<ChoiceOptions> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};
inline constexpr double zipf_exponent_max = 10;

class ChannelChoice {
 public:
  // Precondition: channels > 0.
  ChannelChoice(const ChoiceOptions& options, std::uint32_t channels, std::uint64_t seed);

  [[nodiscard]] bool uniform() const noexcept { return upto_.empty(); }
  // O(1), under Zipf's law O(log channels).
  [[nodiscard]] std::uint32_t draw(Random& random) const noexcept;
  // The channel of a rank, 0 the hottest. Precondition: not uniform, rank < channels.
  [[nodiscard]] std::uint32_t channel_of(std::uint32_t rank) const noexcept {
    return channel_of_[rank];
  }

 private:
  std::uint32_t channels_;
  std::vector<std::uint64_t> upto_;  // by rank: the sum of the weights up to and with it
  std::vector<std::uint32_t> channel_of_;
};

}  // namespace claimgate::claimgen
