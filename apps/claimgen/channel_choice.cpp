#include "apps/claimgen/channel_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <numeric>

#include "apps/claimgen/portable_log.hpp"

namespace claimgate::claimgen {
namespace {

constexpr std::string_view zipf = "zipf";
constexpr std::uint64_t rank_stream = 3;  // of the seed's random numbers
constexpr std::uint64_t weight_sum_max = std::uint64_t{1} << 62;

}  // namespace

Expected<ChoiceOptions> ChoiceOptions::parse(std::string_view text) {
  if (text == "uniform") return ChoiceOptions{};
  if (text == zipf) return ChoiceOptions{.zipf_exponent = 1};
  double exponent = 0;
  if (text.starts_with("zipf:")) {
    const std::string_view number = text.substr(zipf.size() + 1);
    const char* const end = number.data() + number.size();
    const auto [stopped, error] = std::from_chars(number.data(), end, exponent);
    if (error == std::errc{} && stopped == end && exponent > 0 && exponent <= zipf_exponent_max) {
      return ChoiceOptions{.zipf_exponent = exponent};
    }
  }
  return fail("not a way to choose channels", fmt::format("--channel-choice {}", text),
              fmt::format("Give uniform, zipf, or zipf:S with an exponent S above 0 and up to {}",
                          zipf_exponent_max));
}

std::string ChoiceOptions::text() const {
  return zipf_exponent ? fmt::format("zipf:{}", *zipf_exponent) : "uniform";
}

ChannelChoice::ChannelChoice(const ChoiceOptions& options, std::uint32_t channels,
                             std::uint64_t seed)
    : channels_(channels) {
  assert(channels > 0);
  if (!options.zipf_exponent) return;
  // Whole weights, so that their sum is exact: rank 1 has the share of one in a uniform choice, and
  // a rank whose chance is below 1 in 2^62 may get none.
  const auto first = static_cast<double>(weight_sum_max / channels);
  std::uint64_t sum = 0;
  upto_.reserve(channels);
  for (std::uint32_t rank = 0; rank < channels; ++rank) {
    const double power = *options.zipf_exponent * natural_log(rank + 1.0);
    sum += static_cast<std::uint64_t>(first * exponential(-power));
    upto_.push_back(sum);
  }
  channel_of_.resize(channels);
  std::iota(channel_of_.begin(), channel_of_.end(), 0u);
  Random random(seed, rank_stream);
  for (std::uint32_t left = channels; left > 1; --left) {  // Fisher and Yates
    std::swap(channel_of_[left - 1], channel_of_[random.below(left)]);
  }
}

std::uint32_t ChannelChoice::draw(Random& random) const noexcept {
  if (uniform()) return static_cast<std::uint32_t>(random.below(channels_));
  const std::uint64_t at = random.below(upto_.back());
  const auto rank = std::ranges::upper_bound(upto_, at) - upto_.begin();
  return channel_of_[static_cast<std::size_t>(rank)];
}

}  // namespace claimgate::claimgen
