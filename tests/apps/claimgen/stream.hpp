// A small set of channels and a plan over them, for the tests of claimgen.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/plan.hpp"

namespace claimgate::claimgen {

inline StopFlag never_stop{false};

struct Stream {
  ChannelOptions channels;
  PlanOptions options;
  Plan plan;
  ChannelSet set;
  std::vector<std::byte> frames;
};

inline ChannelSet make_set(const ChannelOptions& options) {
  auto set = ChannelSet::make(options, 2, never_stop, true);
  if (!set) throw std::runtime_error(set.error().text());
  return std::move(*set);
}

inline Plan make(const PlanOptions& options, const ChannelOptions& channels) {
  auto plan = make_plan(options, channels);
  if (!plan) throw std::runtime_error(plan.error().text());
  return std::move(*plan);
}

inline std::unique_ptr<Stream> make_stream(std::uint64_t seed, std::uint32_t channels,
                                           std::uint32_t claims, std::string_view mix = default_mix,
                                           const ChoiceOptions& choice = {}) {
  const ChannelOptions channel_options{.seed = seed, .count = channels};
  const PlanOptions options{
      .seed = seed, .claims = claims, .mix = Mix::parse(mix).value(), .channel_choice = choice};
  auto stream = std::make_unique<Stream>(Stream{
      channel_options, options, make(options, channel_options), make_set(channel_options), {}});
  stream->frames = sign_plan(stream->plan, stream->set, 2, never_stop, true);
  return stream;
}

}  // namespace claimgate::claimgen
