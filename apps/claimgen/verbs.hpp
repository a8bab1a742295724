// The verbs of the command line, one file each, and the groups of options that several share.
//
// A verb adds itself to the application, a group adds its options to a verb. Both return what
// remains to be done once the line is parsed: what CLI11's own checks cannot say, with the failure
// to print. Control thread.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "apps/claimgen/endpoints.hpp"
#include "apps/claimgen/options.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

using Completion = std::function<Expected<void>()>;

struct VerbLine {
  CLI::App* verb = nullptr;
  Completion complete;  // call it where the verb was given
};

// `options` must outlive what they return.
[[nodiscard]] VerbLine add_channels_verb(CLI::App& app, Options& options);
[[nodiscard]] VerbLine add_run_verb(CLI::App& app, Options& options);
[[nodiscard]] VerbLine add_pcap_verb(CLI::App& app, Options& options);
[[nodiscard]] VerbLine add_check_verb(CLI::App& app, Options& options);

// A check for options of 64 bits, of which CLI11 would take -1 as the highest number.
[[nodiscard]] std::string not_negative(const std::string& text);

// Which channels there are: --seed, --channels, …
void add_channel_options(CLI::App& verb, Options& options);
// Which claims go out on them, and in which datagrams: --claims, --mix, …
[[nodiscard]] Completion add_stream_options(CLI::App& verb, Options& options);
// When they are due: --rate, --duration, --arrivals, --burst, into `schedule`. After the stream's
// options, as --duration takes the place of --claims.
struct RateOption {
  const char* by_default;  // "": no rate
  const char* meaning;
};
[[nodiscard]] Completion add_schedule_options(CLI::App& verb, Options& options,
                                              ScheduleOptions& schedule, const RateOption& about);
// To which of claimd's ports: --udp-port.
[[nodiscard]] Completion add_udp_port_option(CLI::App& verb, bool& shard_ports);
// From where to where: --local-ip, --vlan, …
[[nodiscard]] Completion add_endpoint_options(CLI::App& verb, EndpointOptions& endpoints);

}  // namespace claimgate::claimgen
