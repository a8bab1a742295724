// Final amounts per channel: written by a run, read back, and compared with what claimctl lists.
// Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/claimgen/channels.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

// One JSON object per line: {"channel_id":"…","amount":"…"}, of every channel, amount 0 included.
// `finals` by channel.
void write_finals(const ChannelSet& set, std::span<const std::uint64_t> finals,
                  const std::function<void(const std::string&)>& write);

using Amounts = std::unordered_map<std::string, std::uint64_t>;  // by channel id, upper-case hex

// Reads JSON lines, or arrays and objects around them: every object that has "channel_id" and the
// member called `member` (decimal text or a number; null counts as 0) is one channel. Fails on what
// is no JSON, on an object with only one of the two, and on a channel that stands there twice.
[[nodiscard]] Expected<Amounts> read_amounts(std::istream& input, std::string_view member,
                                             const std::string& name);

struct Difference {
  std::string channel_id;
  std::string wanted;
  std::string listed;
};
// Channels that differ, are missing, or are listed without being wanted; by channel id.
[[nodiscard]] std::vector<Difference> compare(const Amounts& wanted, const Amounts& listed);
// Where more may be listed: those that are missing, or have less.
[[nodiscard]] std::vector<Difference> shortfalls(const Amounts& wanted, const Amounts& listed);

}  // namespace claimgate::claimgen
