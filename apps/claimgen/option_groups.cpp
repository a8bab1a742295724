#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <memory>

#include "apps/claimgen/verbs.hpp"
#include "lib/command_line/words.hpp"

namespace claimgate::claimgen {
namespace {

Expected<unsigned> parse_size(const std::string& text) {
  if (text == "mixed") return mixed_sizes;
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n == 0 ||
      n > wire::claims_per_datagram_max) {
    return fail("not a number of claims", "--claims-per-datagram " + text,
                "Give 1 to 15, or mixed");
  }
  return n;
}

}  // namespace

std::string not_negative(const std::string& text) {
  return text.starts_with('-') ? fmt::format("{} is below 0", text) : std::string();
}

void add_channel_options(CLI::App& verb, Options& options) {
  ChannelOptions& channels = options.channels;
  constexpr const char* group = "Channels";
  verb.add_option("--seed", channels.seed, "All keys, channels and claims follow from it")
      ->check(not_negative)
      ->capture_default_str()
      ->group(group);
  verb.add_option("--channels,--count", channels.count, "Number of channels")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{1} << 30))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--ed25519-share", channels.ed25519_share,
                  "Share of the channels with an Ed25519 key; the others have secp256k1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--funded", channels.funded_drops, "Drops that each channel is funded with")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--destination", channels.destination,
                  "Classic address of the payee (default: an account that follows from the seed)")
      ->group(group);
  verb.add_option("--threads", options.threads,
                  "Threads that make keys and sign (default: one per CPU)");
  verb.add_flag("-q,--quiet", options.quiet, "No progress on standard error");
}

Completion add_stream_options(CLI::App& verb, Options& options) {
  struct Text {
    std::string mix{default_mix}, size = "mixed", choice = "uniform";
  };
  const auto text = std::make_shared<Text>();
  constexpr const char* group = "Claims";
  verb.add_option("--claims", options.plan.claims, "Number of claims")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--mix", text->mix,
                  "Shares of the kinds: good, duplicate, stale, bad-signature, high-s, over-funds, "
                  "unknown, malformed")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--claims-per-datagram", text->size,
                  "1 to 15, or mixed: half single, half 2 to 15")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--channel-choice", text->choice,
                  "Which channel a claim is of: uniform, or zipf:S for the k-th hottest one with a "
                  "chance of 1/k^S (zipf: S = 1)")
      ->capture_default_str()
      ->group(group);
  return [text, &options]() -> Expected<void> {
    const auto choice = ChoiceOptions::parse(text->choice);
    if (!choice) return std::unexpected(choice.error());
    options.plan.channel_choice = *choice;
    const auto mix = Mix::parse(text->mix);
    if (!mix) return std::unexpected(mix.error());
    options.plan.mix = *mix;
    const auto size = parse_size(text->size);
    if (!size) return std::unexpected(size.error());
    options.plan.claims_per_datagram = *size;
    options.plan.seed = options.channels.seed;
    return {};
  };
}

Completion add_schedule_options(CLI::App& verb, Options& options, ScheduleOptions& schedule,
                                const RateOption& about) {
  struct Text {
    std::string rate;
    double duration_s = 0;
  };
  const auto text = std::make_shared<Text>(Text{.rate = about.by_default});
  constexpr const char* group = "Rate";
  CLI::Option* rate = verb.add_option("--rate", text->rate, about.meaning)
                          ->type_name("CLAIMS_PER_S")
                          ->capture_default_str()
                          ->group(group);
  CLI::Option* duration =
      verb.add_option("--duration", text->duration_s, "Seconds of --rate, instead of --claims")
          ->excludes(verb.get_option("--claims"))
          ->type_name("S")
          ->group(group);
  CLI::Option* arrivals =
      add_word_option(verb, "--arrivals", schedule.arrivals,
                      {{std::string(name(Arrivals::fixed)), Arrivals::fixed},
                       {std::string(name(Arrivals::poisson)), Arrivals::poisson}},
                      "Intervals of --rate: fixed, or poisson: random from the seed [fixed]")
          ->type_name("ARRIVALS")
          ->group(group);
  if (text->rate.empty()) {
    duration->needs(rate);
    arrivals->needs(rate);
  }
  verb.add_option("--burst", schedule.burst,
                  "Datagrams that leave back to back; the mean rate is kept")
      ->check(CLI::Range(1u, schedule_burst_max))
      ->capture_default_str()
      ->group(group);
  return [text, duration, &options, &schedule]() -> Expected<void> {
    schedule.seed = options.channels.seed;
    if (text->rate.empty()) return {};
    const auto rate = parse_rate(text->rate);
    if (!rate) return std::unexpected(rate.error());
    schedule.claims_per_s = *rate;
    if (duration->count() == 0) return {};
    const double claims = std::round(text->duration_s * static_cast<double>(*rate));
    if (!(claims >= 1 && claims <= claims_max)) {
      return fail(fmt::format("not a duration for {} claims per second", *rate),
                  fmt::format("--duration {}", text->duration_s),
                  fmt::format("Give seconds that make 1 to {} claims", claims_max));
    }
    options.plan.claims = static_cast<std::uint32_t>(claims);
    return {};
  };
}

Completion add_udp_port_option(CLI::App& verb, bool& shard_ports) {
  const auto port = std::make_shared<std::string>("9300");
  verb.add_option("--udp-port", *port,
                  "9300, or shards: 9301 + virtual shard where a datagram holds one shard only")
      ->check(CLI::IsMember({"9300", "shards"}))
      ->capture_default_str()
      ->group("Addresses");
  return [port, &shard_ports]() -> Expected<void> {
    shard_ports = *port == "shards";
    return {};
  };
}

Completion add_endpoint_options(CLI::App& verb, EndpointOptions& endpoints) {
  constexpr const char* group = "Addresses";
  verb.add_option("--local-ip", endpoints.local_ip, "Our address, IPv4 or IPv6")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--peer-ip", endpoints.peer_ip, "claimd's address")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--local-mac", endpoints.local_mac, "Our MAC (default: the port's)")
      ->group(group);
  verb.add_option("--peer-mac", endpoints.peer_mac,
                  "claimd's MAC (default: asked for by ARP or neighbour solicitation)")
      ->group(group);
  verb.add_option("--vlan", endpoints.vlan, "802.1Q id to tag with (default: no tag)")
      ->check(CLI::Range(0, 4094))  // 4095 is reserved (IEEE 802.1Q)
      ->group(group);
  verb.add_option("--source-port", endpoints.source_port, "Our UDP port")
      ->capture_default_str()
      ->group(group);
  return [&endpoints]() -> Expected<void> {
    const std::uint16_t source = endpoints.source_port;
    if (source == 0 || (source >= wire::port_any && source <= wire::port_last)) {
      return fail("a port from which claimd takes no claims",
                  fmt::format("--source-port {}", source), "Give one outside of 0 and 9300..9364");
    }
    if (auto ends = make_endpoints(endpoints); !ends) return std::unexpected(ends.error());
    return {};
  };
}

}  // namespace claimgate::claimgen
