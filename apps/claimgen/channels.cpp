#include "apps/claimgen/channels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "apps/claimgen/parallel.hpp"
#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"

namespace claimgate::claimgen {
namespace {

// Indices of account keys, far from those of channels.
constexpr std::uint64_t source_index_first = std::uint64_t{1} << 62;
constexpr std::uint64_t destination_index = std::uint64_t{1} << 63;

xrpl::AccountId account(std::uint64_t seed, std::uint64_t index) {
  return xrpl::account_of(
      signing::KeyPair::derive(seed, index, channel::KeyType::secp256k1).ledger_key());
}

Expected<void> check(const ChannelOptions& options) {
  if (options.count == 0) return fail("a set of no channels", "--channels", "Ask for at least 1");
  if (!(options.ed25519_share >= 0 && options.ed25519_share <= 1)) {
    return fail("not a share", "--ed25519-share", "Give a number from 0 to 1");
  }
  if (options.funded_drops == 0 || options.funded_drops > wire::drops_max.value) {
    return fail("not an amount a channel can hold", "--funded",
                fmt::format("Give 1 to {} drops", wire::drops_max.value));
  }
  return {};
}

}  // namespace

xrpl::AccountId destination_of(std::uint64_t seed) {
  return account(seed, destination_index);
}

bool has_ed25519_key(std::uint32_t index, double share) noexcept {
  return std::floor((index + 1) * share + 0.5) != std::floor(index * share + 0.5);
}

Expected<ChannelSet> ChannelSet::make(const ChannelOptions& options, unsigned threads,
                                      const StopFlag& stop, bool quiet) {
  if (auto valid = check(options); !valid) return std::unexpected(valid.error());
  ChannelSet set;
  set.options_ = options;
  if (options.destination.empty()) {
    set.destination_ = destination_of(options.seed);
  } else {
    const auto parsed = xrpl::parse_address(options.destination);
    if (!parsed) {
      return fail(parsed.error().what, "--destination " + options.destination,
                  "Give a classic address, r…, or leave the option out");
    }
    set.destination_ = *parsed;
  }
  const std::uint32_t sources = (options.count + channels_per_source - 1) / channels_per_source;
  for (std::uint32_t i = 0; i < sources; ++i) {
    set.sources_.push_back(account(options.seed, source_index_first + i));
  }
  set.channels_.resize(options.count);
  Progress progress("making channels", options.count, quiet);
  const bool complete =
      for_each_parallel(options.count, threads, stop, progress, [&](std::size_t i) {
        const auto index = static_cast<std::uint32_t>(i);
        const auto type = has_ed25519_key(index, options.ed25519_share)
                              ? channel::KeyType::ed25519
                              : channel::KeyType::secp256k1;
        set.channels_[i].keys = signing::KeyPair::derive(options.seed, i, type);
        set.channels_[i].id =
            xrpl::channel_id(set.source(index), set.destination_, sequence(index));
      });
  if (!complete) set.channels_.clear();
  return set;
}

void ChannelSet::write_answers(const std::function<void(const std::string&)>& write) const {
  const std::string destination = xrpl::address_text(destination_);
  std::string page;
  for (std::uint32_t first = 0; first < size();) {
    const std::uint32_t source_end =
        std::min(size(), (first / channels_per_source + 1) * channels_per_source);
    const std::uint32_t end = std::min(source_end, first + channels_per_page);
    const std::string source_text = xrpl::address_text(source(first));
    page.clear();
    auto out = std::back_inserter(page);
    fmt::format_to(out, "{{\"result\":{{\"account\":\"{}\",\"channels\":[", source_text);
    for (std::uint32_t i = first; i < end; ++i) {
      const Channel& each = channels_[i];
      fmt::format_to(out,
                     "{}\n{{\"account\":\"{}\",\"amount\":\"{}\",\"balance\":\"0\","
                     "\"channel_id\":\"{}\",\"destination_account\":\"{}\","
                     "\"public_key\":\"{}\",\"public_key_hex\":\"{}\",\"settle_delay\":{}}}",
                     i == first ? "" : ",", source_text, options_.funded_drops,
                     xrpl::to_hex(each.id.bytes), destination,
                     xrpl::key_text(each.keys.ledger_key()), xrpl::to_hex(each.keys.ledger_key()),
                     options_.settle_delay_s);
    }
    fmt::format_to(out, "],\n\"ledger_index\":{},\"limit\":{},", options_.ledger_index,
                   channels_per_page);
    if (end < source_end) {
      fmt::format_to(out, "\"marker\":\"{},0\",", xrpl::to_hex(channels_[end - 1].id.bytes));
    }
    fmt::format_to(out, "\"status\":\"success\",\"validated\":true}}}}\n");
    write(page);
    first = end;
  }
}

}  // namespace claimgate::claimgen
