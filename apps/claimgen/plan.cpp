#include "apps/claimgen/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "apps/claimgen/parallel.hpp"
#include "apps/claimgen/random.hpp"
#include "lib/xrpl/channel_id.hpp"

namespace claimgate::claimgen {
namespace {

constexpr std::uint32_t weight_max = 1'000'000;
constexpr std::uint64_t step_drops_min = 2;  // leaves room for a lower amount from the first on
constexpr std::uint64_t step_drops_max = 1000;
constexpr std::uint64_t over_funds_drops_max = 1000;
constexpr unsigned attempts_max = 64;  // at a channel that will do

namespace malformed {
constexpr std::array<std::uint8_t, 4> types = {0x00, 0x02, 0x81, 0xFF};
constexpr std::array<std::uint64_t, 3> amounts = {0, wire::drops_max.value + 1,
                                                  std::numeric_limits<std::uint64_t>::max()};
}  // namespace malformed

namespace bad_signature {
enum Variant : std::uint8_t { flipped_bit, other_amount, other_channel, zeros, count };
}  // namespace bad_signature

wire::Code expected_code(Kind kind) {
  switch (kind) {
    case Kind::good:
      return wire::Code::accepted;
    case Kind::duplicate:
      return wire::Code::duplicate;
    case Kind::stale:
      return wire::Code::stale;
    case Kind::bad_signature:
    case Kind::high_s:
      return wire::Code::bad_signature;
    case Kind::over_funds:
      return wire::Code::over_funds;
    case Kind::unknown:
      return wire::Code::unknown_channel;
    case Kind::malformed:
      return wire::Code::malformed;
  }
  return wire::Code::malformed;
}

// Draws the claims in order and keeps what an appliance would hold.
class Drawing {
 public:
  Drawing(const PlanOptions& options, const ChannelOptions& channels)
      : mix_(options.mix),
        funded_(channels.funded_drops),
        choice_(options.channel_choice, channels.count, options.seed),
        random_(options.seed, 1),
        held_(channels.count),
        before_(channels.count) {
    weight_sum_ = std::accumulate(mix_.weights.begin(), mix_.weights.end(), std::uint64_t{0});
  }

  // Nothing where the funds are used up.
  [[nodiscard]] std::optional<PlannedClaim> draw() {
    PlannedClaim claim;
    claim.kind = draw_kind();
    const bool needs_held = claim.kind == Kind::duplicate || claim.kind == Kind::stale;
    if (needs_held && advanced_.empty()) claim.kind = Kind::good;
    claim.expected = expected_code(claim.kind);
    claim.variant = static_cast<std::uint8_t>(random_.next() >> 56);
    switch (claim.kind) {
      case Kind::good:
      case Kind::bad_signature:
      case Kind::high_s:
        if (!draw_higher(claim)) return std::nullopt;
        break;
      case Kind::duplicate:
        claim.channel = any_advanced();
        claim.amount = held_[claim.channel];
        break;
      case Kind::stale:
        draw_lower(claim);
        break;
      case Kind::over_funds:
        claim.channel = any_channel();
        claim.amount = funded_ + random_.between(1, over_funds_drops_max);
        break;
      case Kind::unknown:
        claim.channel = any_channel();
        claim.amount = random_.between(1, funded_);
        break;
      case Kind::malformed:
        if (!draw_malformed(claim)) return std::nullopt;
        break;
    }
    if (claim.kind == Kind::good) advance(claim);
    return claim;
  }

  [[nodiscard]] std::vector<std::uint64_t> finals() && { return std::move(held_); }

 private:
  Kind draw_kind() {
    std::uint64_t at = random_.below(weight_sum_);
    std::size_t kind = 0;
    while (at >= mix_.weights[kind]) at -= mix_.weights[kind++];
    return static_cast<Kind>(kind);
  }
  std::uint32_t any_channel() { return choice_.draw(random_); }
  // As often as any_channel() gives it, among those that hold something.
  std::uint32_t any_advanced() {
    for (unsigned attempt = 0; attempt < attempts_max && !choice_.uniform(); ++attempt) {
      const std::uint32_t channel = any_channel();
      if (held_[channel] != 0) return channel;
    }
    return advanced_[random_.below(advanced_.size())];
  }

  // An amount that the channel would take if the signature were right. One refused claim in eight
  // repeats the held amount instead: then the appliance must not call it a duplicate.
  bool draw_higher(PlannedClaim& claim) {
    if (claim.kind != Kind::good && !advanced_.empty() && random_.below(8) == 0) {
      claim.channel = any_advanced();
      claim.amount = held_[claim.channel];
      return true;
    }
    const unsigned attempts = choice_.uniform() ? attempts_max : 1;
    for (unsigned attempt = 0; attempt < attempts; ++attempt) {
      claim.channel = any_channel();
      const std::uint64_t left = funded_ - held_[claim.channel];
      if (left < step_drops_min) continue;
      claim.amount =
          held_[claim.channel] + random_.between(step_drops_min, std::min(left, step_drops_max));
      return true;
    }
    return false;
  }

  // Half of them repeat an older claim to the letter, the others were never sent before.
  void draw_lower(PlannedClaim& claim) {
    claim.channel = any_advanced();
    const std::uint64_t before = before_[claim.channel];
    const std::uint64_t held = held_[claim.channel];
    claim.amount = before != 0 && random_.below(2) == 0 ? before : random_.between(1, held - 1);
  }

  bool draw_malformed(PlannedClaim& claim) {
    if (!draw_higher(claim)) return false;
    claim.variant %= malformed::types.size() + malformed::amounts.size();
    if (claim.variant < malformed::types.size()) {
      claim.type = malformed::types[claim.variant];
    } else {
      claim.amount = malformed::amounts[claim.variant - malformed::types.size()];
    }
    return true;
  }

  void advance(const PlannedClaim& claim) {
    if (held_[claim.channel] == 0) advanced_.push_back(claim.channel);
    before_[claim.channel] = held_[claim.channel];
    held_[claim.channel] = claim.amount;
  }

  Mix mix_;
  std::uint64_t funded_;
  ChannelChoice choice_;
  std::uint64_t weight_sum_ = 0;
  Random random_;
  std::vector<std::uint64_t> held_, before_;  // by channel: now, and one accepted claim earlier
  std::vector<std::uint32_t> advanced_;       // channels with something held
};

unsigned draw_size(unsigned wanted, Random& random) {
  if (wanted != mixed_sizes) return wanted;
  if (random.below(2) == 0) return 1;
  return static_cast<unsigned>(random.between(2, wire::claims_per_datagram_max));
}

Expected<void> check(const PlanOptions& options, const ChannelOptions& channels) {
  if (options.claims == 0 || options.claims > claims_max) {
    return fail("not a number of claims", "--claims", fmt::format("Give 1 to {}", claims_max));
  }
  if (options.claims_per_datagram > wire::claims_per_datagram_max) {
    return fail("a datagram holds at most 15 claims", "--claims-per-datagram",
                "Give 1 to 15, or mixed");
  }
  if (channels.funded_drops < step_drops_min ||
      channels.funded_drops > wire::drops_max.value - over_funds_drops_max) {
    return fail("no room below or above the funded amount for claims of every kind", "--funded",
                fmt::format("Give {} to {} drops", step_drops_min,
                            wire::drops_max.value - over_funds_drops_max));
  }
  return {};
}

channel::ChannelId unknown_id(std::uint64_t seed, std::uint32_t index) {
  constexpr std::string_view domain = "claimgate unknown channel";
  std::array<std::byte, domain.size() + 12> bytes;
  std::memcpy(bytes.data(), domain.data(), domain.size());
  wire::store_be(bytes.data() + domain.size(), seed);
  wire::store_be(bytes.data() + domain.size() + 8, index);
  return {xrpl::sha512_half(bytes)};
}

signing::Signature bad(const PlannedClaim& claim, std::uint32_t index, const Channel& channel) {
  switch (claim.variant % bad_signature::count) {
    case bad_signature::other_amount:
      return channel.keys.sign(channel.id, {claim.amount - 1});
    case bad_signature::other_channel: {
      channel::ChannelId other = channel.id;
      other.bytes.back() ^= std::byte{1};
      return channel.keys.sign(other, {claim.amount});
    }
    case bad_signature::zeros:
      return {};
    default:
      break;
  }
  signing::Signature signature = channel.keys.sign(channel.id, {claim.amount});
  const std::uint64_t bit = Random(index, claim.amount).below(signature.size() * 8);
  signature[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  return signature;
}

}  // namespace

Expected<Mix> Mix::parse(std::string_view text) {
  const auto wrong = [&](std::string what) {
    return fail(std::move(what), fmt::format("--mix \"{}\"", text),
                fmt::format("Give shares like \"{}\"", default_mix));
  };
  Mix mix;
  std::array<bool, kind_count> seen{};
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = part.find('=');
    if (equals == part.npos) return wrong(fmt::format("\"{}\" is not name=share", part));
    const auto kind = std::ranges::find(kind_names, part.substr(0, equals));
    if (kind == kind_names.end()) {
      return wrong(fmt::format("no kind is called \"{}\"", part.substr(0, equals)));
    }
    const auto at = static_cast<std::size_t>(kind - kind_names.begin());
    if (seen[at]) return wrong(fmt::format("{} is given twice", *kind));
    seen[at] = true;
    const std::string_view number = part.substr(equals + 1);
    const char* const end = number.data() + number.size();
    const auto [stopped, error] = std::from_chars(number.data(), end, mix.weights[at]);
    if (error != std::errc{} || stopped != end || mix.weights[at] > weight_max) {
      return wrong(fmt::format("\"{}\" is not a share from 0 to {}", number, weight_max));
    }
  }
  if (mix.weights[0] == 0) return wrong("good has no share, so nothing would ever be held");
  return mix;
}

Expected<Plan> make_plan(const PlanOptions& options, const ChannelOptions& channels) {
  if (auto valid = check(options, channels); !valid) return std::unexpected(valid.error());
  Plan plan;
  plan.channel_choice = options.channel_choice;
  plan.claims.reserve(options.claims);
  Drawing drawing(options, channels);
  for (std::uint32_t i = 0; i < options.claims; ++i) {
    const auto claim = drawing.draw();
    if (!claim) {
      const bool uniform = !options.channel_choice.zipf_exponent;
      return fail(fmt::format("{} funds are used up after {} of {} claims",
                              uniform ? "the channels'" : "a hot channel's", i, options.claims),
                  "--funded",
                  uniform ? "Raise --funded or --channels, or lower --claims"
                          : "Raise --funded, or lower --claims or zipf's exponent");
    }
    plan.claims.push_back(*claim);
    ++plan.of_kind[static_cast<std::size_t>(claim->kind)];
  }
  plan.finals = std::move(drawing).finals();
  Random random(options.seed, 2);
  for (std::uint32_t left = options.claims; left > 0;) {
    const unsigned n = std::min(left, draw_size(options.claims_per_datagram, random));
    plan.datagrams.push_back(static_cast<std::uint8_t>(n));
    left -= n;
  }
  return plan;
}

void sign_claim(std::byte* frame, const Plan& plan, std::uint32_t index, const ChannelSet& set) {
  const PlannedClaim& claim = plan.claims[index];
  const Channel& channel = set[claim.channel];
  const wire::Drops amount{claim.amount};
  channel::ChannelId id = channel.id;
  signing::Signature signature;
  switch (claim.kind) {
    case Kind::duplicate:  // every other one with another nonce: other bytes where the key has them
      signature = channel.keys.sign(id, amount, claim.variant % 2 == 0 ? 0 : index + 1);
      break;
    case Kind::bad_signature:
      signature = bad(claim, index, channel);
      break;
    case Kind::high_s:
      signature = signing::non_canonical(channel.keys.sign(id, amount), channel.keys.type());
      break;
    case Kind::unknown:
      id = unknown_id(set.options().seed, index);
      signature = channel.keys.sign(id, amount);
      break;
    default:
      signature = channel.keys.sign(id, amount);
      break;
  }
  wire::write_claim(frame, id.handle(), index, amount, signature.data(), 0);
  frame[wire::offset::type] = std::byte{claim.type};
}

std::vector<std::byte> sign_plan(const Plan& plan, const ChannelSet& set, unsigned threads,
                                 const StopFlag& stop, bool quiet) {
  std::vector<std::byte> frames(plan.claims.size() * wire::claim_bytes);
  Progress progress("signing claims", plan.claims.size(), quiet);
  const bool complete =
      for_each_parallel(plan.claims.size(), threads, stop, progress, [&](std::size_t i) {
        sign_claim(frames.data() + i * wire::claim_bytes, plan, static_cast<std::uint32_t>(i), set);
      });
  if (!complete) frames.clear();
  return frames;
}

}  // namespace claimgate::claimgen
