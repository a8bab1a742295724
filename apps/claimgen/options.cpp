#include "apps/claimgen/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "src/nic/eal.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* about =
    "claimgen makes payment channels and signed claims from a seed, sends the claims to claimd\n"
    "through a DPDK port, and checks every verdict against an oracle.\n";

constexpr const char* examples =
    "Exit codes: 0 all is right, 1 a wrong verdict or none, 2 usage, 3 port, 130 stopped.\n"
    "\n"
    "Example, a whole session:\n"
    "  claimd --config dpdk-config/memif.toml \\\n"
    "    --set channels.destinations=$(claimgen channels --seed 7 --print-destination) &\n"
    "  # once it says \"answering claims\":\n"
    "  claimgen channels --seed 7 --channels 10000 --out channels.json\n"
    "  claimctl channels import channels.json\n"
    "  claimgen run --seed 7 --channels 10000 --claims 200000 --final finals.jsonl \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimctl channels list --json | claimgen check-amounts --final finals.jsonl --list -\n";

constexpr const char* channels_examples =
    "Examples:\n"
    "  claimgen channels --seed 7 --channels 10000 --out channels.json\n"
    "  claimgen channels --seed 7 --print-destination    # for channels.destinations in "
    "claimd.toml\n"
    "  claimgen channels --seed 7 --destination rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH | claimctl "
    "channels import -\n";

constexpr const char* run_examples =
    "Examples, each with the channels of its seed imported:\n"
    "  claimgen run --seed 7 --channels 10000 --claims 200000 \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 8 --channels 10 --claims 1000 --claims-per-datagram 15 --mix good=1 \\\n"
    "    --window 8 --json \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 9 --channels 100 --claims 50000 --udp-port shards \\\n"
    "    --local-ip fd00:93::2 --peer-ip fd00:93::1 --vlan 7 \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n";

constexpr const char* check_examples =
    "Example, after claimgen run --final finals.jsonl:\n"
    "  claimctl channels list --json | claimgen check-amounts --final finals.jsonl --list -\n";

void add_channel_options(CLI::App& verb, Options& options) {
  ChannelOptions& channels = options.channels;
  verb.add_option("--seed", channels.seed, "All keys, channels and claims follow from it")
      ->capture_default_str();
  verb.add_option("--channels,--count", channels.count, "Number of channels")
      ->check(CLI::Range(std::uint32_t{1}, std::uint32_t{1} << 30))
      ->capture_default_str();
  verb.add_option("--ed25519-share", channels.ed25519_share,
                  "Share of the channels with an Ed25519 key; the others have secp256k1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--funded", channels.funded_drops, "Drops that each channel is funded with")
      ->capture_default_str();
  verb.add_option("--destination", channels.destination,
                  "Classic address of the payee (default: an account that follows from the seed)");
  verb.add_option("--threads", options.threads,
                  "Threads that make keys and sign (default: one per CPU)");
  verb.add_flag("-q,--quiet", options.quiet, "No progress on standard error");
}

void add_channels_verb(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "channels", "Write channels as rippled's account_channels answers, for claimctl to import");
  add_channel_options(*verb, options);
  verb->add_option("--settle-delay", options.channels.settle_delay_s, "SettleDelay in seconds")
      ->capture_default_str();
  verb->add_option("--ledger-index", options.channels.ledger_index,
                   "Ledger of the answers: only a newer one renews channels imported before")
      ->capture_default_str();
  verb->add_option("-o,--out", options.out, "File to write, - for standard output")
      ->capture_default_str();
  verb->add_flag("--print-destination", options.print_destination,
                 "Print the payee's address and nothing else");
  verb->footer(channels_examples);
  verb->callback([&options] { options.verb = Verb::channels; });
}

void add_stream_options(CLI::App& verb, Options& options, std::string& mix, std::string& size,
                        std::string& port) {
  verb.add_option("--claims", options.plan.claims, "Number of claims")->capture_default_str();
  verb.add_option("--mix", mix,
                  "Shares of the kinds: good, duplicate, stale, bad-signature, high-s, over-funds, "
                  "unknown, malformed")
      ->capture_default_str();
  verb.add_option("--claims-per-datagram", size, "1 to 15, or mixed: half single, half 2 to 15")
      ->capture_default_str();
  verb.add_option("--window", options.window.datagrams, "Datagrams under way at once")
      ->check(CLI::Range(1u, 65'536u))
      ->capture_default_str();
  verb.add_option("--udp-port", port,
                  "9300, or shards: 9301 + virtual shard where a datagram holds one shard only")
      ->check(CLI::IsMember({"9300", "shards"}))
      ->capture_default_str();
  verb.add_option(
          "--timeout-ms",
          [&options](const CLI::results_t& text) {
            std::uint32_t ms = 0;
            if (!CLI::detail::lexical_cast(text[0], ms) || ms == 0) return false;
            options.window.timeout_ns = std::uint64_t{ms} * 1'000'000;
            return true;
          },
          "Silence after which a datagram is sent again [500]")
      ->type_name("MS");
  verb.add_option("--retries", options.window.retries, "How often it is, before it counts as lost")
      ->check(CLI::Range(0u, 255u))
      ->capture_default_str();
}

void add_port_options(CLI::App& verb, Options& options) {
  ClientOptions& client = options.client;
  verb.add_option("--device", client.device,
                  "DPDK port: virtual device arguments or a PCI address (see dpdk-config/)")
      ->required();
  verb.add_option("--lcore", client.lcore_cpu,
                  "CPU to run on (default: the first one allowed; claimd works on the last)");
  verb.add_option(
          "--huge-pages",
          [&client](const CLI::results_t& text) {
            if (text[0] == "auto")
              client.huge_pages = nic::HugePages::automatic;
            else if (text[0] == "never")
              client.huge_pages = nic::HugePages::never;
            else if (text[0] == "require")
              client.huge_pages = nic::HugePages::require;
            else
              return false;
            return true;
          },
          "auto, never or require [auto]")
      ->type_name("WHEN");
  verb.add_option("--memory-mib", client.memory_mib, "Memory for DPDK")
      ->check(CLI::Range(32u, 1u << 20))
      ->capture_default_str();
  verb.add_option("--local-ip", client.local_ip, "Our address, IPv4 or IPv6")
      ->capture_default_str();
  verb.add_option("--peer-ip", client.peer_ip, "claimd's address")->capture_default_str();
  verb.add_option("--local-mac", client.local_mac, "Our MAC (default: the port's)");
  verb.add_option("--peer-mac", client.peer_mac,
                  "claimd's MAC (default: asked for by ARP or neighbour solicitation)");
  verb.add_option("--vlan", client.vlan, "802.1Q id to tag with (default: no tag)")
      ->check(CLI::Range(0, 4095));
  verb.add_option("--source-port", client.source_port, "Our UDP port")->capture_default_str();
  verb.add_option("--link-timeout-ms", client.link_timeout_ms,
                  "How long to wait for the link, and then for the peer's MAC")
      ->capture_default_str();
  verb.add_flag("--spin", client.spin, "Never give the CPU up to others while waiting");
}

void add_check_verb(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("check-amounts", "Compare a run's final amounts with what claimctl lists");
  verb->add_option("--final", options.finals_in, "What `claimgen run --final` wrote")->required();
  verb->add_option("--list", options.list_in,
                   "What `claimctl channels list --json` printed, - for standard input")
      ->capture_default_str();
  verb->add_flag("-q,--quiet", options.quiet, "Say nothing where all is equal");
  verb->footer(check_examples);
  verb->callback([&options] { options.verb = Verb::check_amounts; });
}

// What CLI11's own checks cannot say.
Expected<void> complete(Options& options, const std::string& mix, const std::string& size,
                        const std::string& port, bool lcore_given) {
  const auto parsed = Mix::parse(mix);
  if (!parsed) return std::unexpected(parsed.error());
  options.plan.mix = *parsed;
  options.plan.seed = options.channels.seed;
  if (size == "mixed") {
    options.plan.claims_per_datagram = mixed_sizes;
  } else {
    unsigned n = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), n);
    if (error != std::errc{} || end != size.data() + size.size() || n == 0 ||
        n > wire::claims_per_datagram_max) {
      return fail("not a number of claims", "--claims-per-datagram " + size,
                  "Give 1 to 15, or mixed");
    }
    options.plan.claims_per_datagram = n;
  }
  options.window.shard_ports = port == "shards";
  options.client.quiet = options.quiet;
  const auto cpus = nic::allowed_cpus();
  if (!lcore_given) options.client.lcore_cpu = cpus.front();
  if (std::ranges::find(cpus, options.client.lcore_cpu) == cpus.end()) {
    std::string list;
    for (const unsigned cpu : cpus) list += " " + std::to_string(cpu);
    return fail("this process may not run on that CPU",
                fmt::format("--lcore {}", options.client.lcore_cpu), "Give one of" + list);
  }
  const std::uint16_t source = options.client.source_port;
  if (source == 0 || (source >= wire::port_any && source <= wire::port_last)) {
    return fail("a port from which claimd takes no claims", fmt::format("--source-port {}", source),
                "Give one outside of 0 and 9300..9364");
  }
  return {};
}

}  // namespace

ParsedLine parse_line(int argc, char** argv) {
  ParsedLine line;
  Options& options = line.options;
  CLI::App app(about, "claimgen");
  app.set_version_flag("--version", "claimgen " CLAIMGATE_VERSION);
  app.require_subcommand(1);
  app.footer(examples);
  add_channels_verb(app, options);

  std::string mix(default_mix), size = "mixed", port = "9300";
  CLI::App* run =
      app.add_subcommand("run", "Send a signed stream to claimd and check every verdict");
  add_channel_options(*run, options);
  add_stream_options(*run, options, mix, size, port);
  add_port_options(*run, options);
  run->add_option("--final", options.finals_out,
                  "Write each channel's exact final amount to this file, as JSON lines");
  run->add_flag("--json", options.json, "Report as one JSON object");
  run->footer(run_examples);
  run->callback([&options] { options.verb = Verb::run; });
  add_check_verb(app, options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    line.exit = code == 0 ? exit_right : exit_usage;
    return line;
  }
  if (options.verb == Verb::run) {
    if (auto done = complete(options, mix, size, port, run->count("--lcore") > 0); !done) {
      fmt::print(stderr, "claimgen: {}\n", done.error().text());
      line.exit = exit_usage;
    }
  }
  if (options.threads == 0) {
    options.threads = static_cast<unsigned>(nic::allowed_cpus().size());
  }
  return line;
}

}  // namespace claimgate::claimgen
