// The command line: four verbs and what each of them takes.
#pragma once

#include <cstdint>
#include <string>

#include "apps/claimgen/capture.hpp"
#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/client.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/window.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

// Exit codes, the same for every verb.
enum Exit : int {
  exit_right = 0,
  exit_wrong = 1,  // a mismatch, or claims without an answer
  exit_usage = 2,  // the command line, or a file it names
  exit_port = 3,   // EAL, the port, the link or the peer
  exit_stopped = 130,
};

enum class Verb : std::uint8_t { none, channels, run, pcap, check_amounts };

struct Options {
  Verb verb = Verb::none;
  ChannelOptions channels;
  bool print_destination = false;
  bool quiet = false;
  unsigned threads = 0;   // 0: as many as CPUs are allowed
  std::string out = "-";  // channels, pcap: where the answers or the frames go
  // run, pcap
  PlanOptions plan;
  ScheduleOptions schedule;
  WindowOptions window;    // run
  ClientOptions client;    // pcap: its ends
  CaptureOptions capture;  // pcap
  bool json = false;
  std::string finals_out;        // where the final amounts go
  std::string latency_out;       // run: where the percentiles go
  std::string acknowledged_out;  // run: where the highest amounts that were acknowledged go
  // check-amounts
  std::string finals_in;
  bool at_least = false;  // check-amounts: more may be listed
  std::string list_in = "-";
};

struct ParsedLine {
  Options options;
  int exit = -1;  // >= 0: everything is said, end with this code
};

// Reads the command line; prints help, the version or what is wrong with it.
[[nodiscard]] ParsedLine parse_line(int argc, char** argv);

}  // namespace claimgate::claimgen
