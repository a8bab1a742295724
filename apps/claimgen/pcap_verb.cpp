#include <fmt/format.h>

#include <array>
#include <map>

#include "apps/claimgen/verbs.hpp"
#include "lib/command_line/words.hpp"

namespace claimgate::claimgen {
namespace {

constexpr const char* examples =
    "Examples:\n"
    "  claimgen pcap --seed 7 --channels 100 --claims 2000 --out claims.pcap\n"
    "  claimgen pcap --seed 7 --channels 100 --claims 2000 --rate 5k --final finals.jsonl -o "
    "f.pcap\n"
    "  claimgen pcap --seed 7 --channel-choice zipf:1.1 --rate 20k --arrivals poisson \\\n"
    "    --duration 1 --out second.pcap\n"
    "  claimgen pcap --seed 7 --verdicts 250us --timestamps ns --out both.pcap    # for Wireshark\n"
    "  claimgen pcap --seed 7 --mix good=1 --claims-per-datagram 15 --udp-port shards \\\n"
    "    --local-ip fd00:93::2 --peer-ip fd00:93::1 --peer-mac 02:00:00:00:00:07 -o v6.pcap\n";

// A capture is made without a port and without a peer to ask.
[[nodiscard]] Completion add_capture_endpoints(CLI::App& verb, EndpointOptions& endpoints) {
  Completion complete = add_endpoint_options(verb, endpoints);
  for (const auto& [name, whose, mac] : {std::tuple{"--local-mac", "Our MAC", capture_local_mac},
                                         {"--peer-mac", "claimd's MAC", capture_peer_mac}}) {
    verb.get_option(name)->description(std::string(whose) + " (default: " + mac + ")");
  }
  return [complete, &endpoints]() -> Expected<void> {
    if (endpoints.local_mac.empty()) endpoints.local_mac = capture_local_mac;
    if (endpoints.peer_mac.empty()) endpoints.peer_mac = capture_peer_mac;
    return complete();
  };
}

constexpr RateOption frame_times = {
    .by_default = "10k",
    .meaning = "Claims per second, like 20000, 50k or 1.5M: the frames' times"};

void add_file_options(CLI::App& verb, Options& options) {
  CaptureOptions& wanted = options.capture;
  constexpr const char* group = "Capture";
  verb.add_option("-o,--out", options.out, "File to write, - for standard output")
      ->capture_default_str()
      ->group(group);
  verb.add_option(
          "--start", wanted.start_unix_s,
          "When the capture begins, in seconds since 1970; fixed, so that equal options give "
          "equal files")
      ->check(not_negative)
      ->capture_default_str()
      ->group(group);
  CLI::AsNumberWithUnit delay(
      std::map<std::string, std::uint64_t>{
          {"ns", 1}, {"us", 1000}, {"ms", 1'000'000}, {"s", capture::second_ns}},
      CLI::AsNumberWithUnit::UNIT_REQUIRED);
  delay.description("");  // the type's name says it
  verb.add_option("--verdicts", wanted.verdict_delay_ns,
                  "Also write claimd's replies, each so long after its request: 250us, 1ms")
      ->transform(delay)
      ->type_name("DELAY")
      ->group(group);
  add_word_option(
      verb, "--timestamps", wanted.resolution,
      {{"us", capture::Resolution::microseconds}, {"ns", capture::Resolution::nanoseconds}},
      "us, which every program reads, or ns, which Pktgen refuses [us]")
      ->type_name("UNIT")
      ->group(group);
  verb.add_option("--final", options.finals_out,
                  "Write each channel's exact final amount to this file, as JSON lines")
      ->group(group);
}

}  // namespace

VerbLine add_pcap_verb(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "pcap", "Write the stream as a capture file, for Pktgen, testpmd, tcpreplay, Wireshark");
  add_channel_options(*verb, options);
  const std::array groups = {
      add_stream_options(*verb, options),
      add_schedule_options(*verb, options, options.capture.schedule, frame_times),
      add_udp_port_option(*verb, options.capture.shard_ports),
      add_capture_endpoints(*verb, options.client.endpoints)};
  add_file_options(*verb, options);
  verb->add_flag("--json", options.json,
                 "Summary as one JSON object, on standard error where the frames go to standard "
                 "output");
  verb->footer(examples);
  verb->callback([&options] { options.verb = Verb::pcap; });
  return {verb, [groups]() -> Expected<void> {
            for (const Completion& complete : groups) {
              if (auto done = complete(); !done) return done;
            }
            return {};
          }};
}

}  // namespace claimgate::claimgen
