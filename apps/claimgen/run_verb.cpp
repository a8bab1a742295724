#include <fmt/format.h>

#include <algorithm>

#include "apps/claimgen/verbs.hpp"
#include "lib/command_line/words.hpp"
#include "src/nic/eal.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* examples =
    "Without --rate the loop is closed: a datagram leaves when the window has room, so a stall of\n"
    "claimd's hides the claims that it kept from leaving. With --rate it is open: claims are due\n"
    "by the rate, and their latency counts from then on, however late they left.\n"
    "\n"
    "Examples, each with the channels of its seed imported:\n"
    "  claimgen run --seed 7 --channels 10000 --claims 200000 \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 8 --channels 10 --claims 1000 --claims-per-datagram 15 --mix good=1 \\\n"
    "    --window 8 --json \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 9 --channels 10000 --rate 15k --arrivals poisson --duration 4 \\\n"
    "    --latency-out latency.hgrm \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 10 --channels 10000 --channel-choice zipf:1.1 --claims 20000 \\\n"
    "    --rate 10k --burst 32 \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n"
    "  claimgen run --seed 11 --channels 100 --claims 50000 --udp-port shards \\\n"
    "    --local-ip fd00:93::2 --peer-ip fd00:93::1 --vlan 7 \\\n"
    "    --device net_memif0,role=client,socket=/run/claimgate/memif.sock,socket-abstract=no\n";

constexpr RateOption open_loop = {
    .by_default = "",
    .meaning =
        "Open loop: claims per second, like 20000, 50k or 1.5M, however fast the answers come"};

Completion add_load_options(CLI::App& verb, Options& options) {
  constexpr const char* group = "Load";
  const CLI::Option* window =
      verb.add_option("--window", options.window.datagrams,
                      fmt::format("Datagrams under way at once [{}; with --rate {}]",
                                  options.window.datagrams, window_max))
          ->check(CLI::Range(1u, window_max))
          ->group(group);
  verb.add_option(
          "--timeout-ms",
          [&options](const CLI::results_t& text) {
            std::uint32_t ms = 0;
            if (!CLI::detail::lexical_cast(text[0], ms) || ms == 0) return false;
            options.window.timeout_ns = std::uint64_t{ms} * 1'000'000;
            return true;
          },
          "Silence after which a datagram is sent again [500]")
      ->type_name("MS")
      ->group(group);
  verb.add_option("--retries", options.window.retries, "How often it is, before it counts as lost")
      ->check(CLI::Range(0u, 255u))
      ->capture_default_str()
      ->group(group);
  return [window, &options]() -> Expected<void> {
    if (options.schedule.claims_per_s > 0) {
      if (window->count() == 0) options.window.datagrams = window_max;
    } else if (options.schedule.burst > options.window.datagrams) {
      return fail(
          "a burst that the window has no room for",
          fmt::format("--burst {} --window {}", options.schedule.burst, options.window.datagrams),
          "Give a larger window, or a --rate");
    }
    return {};
  };
}

Completion add_port_options(CLI::App& verb, ClientOptions& client) {
  constexpr const char* group = "Port";
  verb.add_option("--device", client.device,
                  "DPDK port: virtual device arguments or a PCI address (see dpdk-config/)")
      ->required()
      ->group(group);
  const CLI::Option* lcore =
      verb.add_option("--lcore", client.lcore_cpu,
                      "CPU to run on (default: the first one allowed; claimd works on the last)")
          ->group(group);
  add_word_option(verb, "--huge-pages", client.huge_pages,
                  {{"auto", nic::HugePages::automatic},
                   {"never", nic::HugePages::never},
                   {"require", nic::HugePages::require}},
                  "auto, never or require [auto]")
      ->type_name("WHEN")
      ->group(group);
  verb.add_option("--memory-mib", client.memory_mib, "Memory for DPDK")
      ->check(CLI::Range(32u, 1u << 20))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--link-timeout-ms", client.link_timeout_ms,
                  "How long to wait for the link, and then for the peer's MAC")
      ->capture_default_str()
      ->group(group);
  verb.add_flag("--spin", client.spin, "Never give the CPU up to others while waiting")
      ->group(group);
  return [lcore, &client]() -> Expected<void> {
    const auto cpus = nic::allowed_cpus();
    if (lcore->count() == 0) client.lcore_cpu = cpus.front();
    if (std::ranges::find(cpus, client.lcore_cpu) != cpus.end()) return {};
    std::string list;
    for (const unsigned cpu : cpus) list += " " + std::to_string(cpu);
    return fail("this process may not run on that CPU", fmt::format("--lcore {}", client.lcore_cpu),
                "Give one of" + list);
  };
}

}  // namespace

VerbLine add_run_verb(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("run", "Send a signed stream to claimd and check every verdict");
  add_channel_options(*verb, options);
  const std::array groups = {add_stream_options(*verb, options),
                             add_schedule_options(*verb, options, options.schedule, open_loop),
                             add_load_options(*verb, options),
                             add_udp_port_option(*verb, options.window.shard_ports),
                             add_port_options(*verb, options.client),
                             add_endpoint_options(*verb, options.client.endpoints)};
  constexpr const char* group = "Report";
  verb->add_option("--final", options.finals_out,
                   "Write each channel's exact final amount to this file, as JSON lines")
      ->group(group);
  verb->add_option(
          "--acknowledged", options.acknowledged_out,
          "Write the highest amount of each channel that was acknowledged to this file, as "
          "JSON lines; also where the run is stopped or loses datagrams")
      ->group(group);
  verb->add_option("--latency-out", options.latency_out,
                   "Write the latencies' percentiles to this file, as HdrHistogram's plotter reads "
                   "them (in microseconds)")
      ->group(group);
  verb->add_flag("--json", options.json, "Report as one JSON object")->group(group);
  verb->footer(examples);
  verb->callback([&options] { options.verb = Verb::run; });
  return {verb, [groups, &options]() -> Expected<void> {
            options.client.quiet = options.quiet;
            for (const Completion& complete : groups) {
              if (auto done = complete(); !done) return done;
            }
            return {};
          }};
}

}  // namespace claimgate::claimgen
