// claimgen: payers from a seed. The verbs, each a straight line from its options to its exit code.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "apps/claimgen/amounts.hpp"
#include "apps/claimgen/capture.hpp"
#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/client.hpp"
#include "apps/claimgen/endpoints.hpp"
#include "apps/claimgen/latency_text.hpp"
#include "apps/claimgen/options.hpp"
#include "apps/claimgen/output_file.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/report.hpp"
#include "apps/claimgen/stop.hpp"
#include "apps/claimgen/window.hpp"
#include "lib/command_line/standard_streams.hpp"
#include "lib/xrpl/base58.hpp"

namespace claimgate::claimgen {
namespace {

int give_up(const Failure& failure, int exit) {
  fmt::print(stderr, "claimgen: {}\n", failure.text());
  return exit;
}
int stopped() {
  fmt::print(stderr, "claimgen: stopped\n");
  return exit_stopped;
}

int print_destination(const ChannelOptions& options) {
  const std::string address = options.destination.empty()
                                  ? xrpl::address_text(destination_of(options.seed))
                                  : options.destination;
  if (auto parsed = xrpl::parse_address(address); !parsed) {
    return give_up(parsed.error(), exit_usage);
  }
  fmt::print("{}\n", address);
  return exit_right;
}

int write_channels(const Options& options, const StopFlag& stop) {
  auto out = OutputFile::open(options.out);
  if (!out) return give_up(out.error(), exit_usage);
  const auto set = ChannelSet::make(options.channels, options.threads, stop, options.quiet);
  if (!set) return give_up(set.error(), exit_usage);
  if (set->size() == 0) return stopped();
  set->write_answers([&](const std::string& text) { out->stream() << text; });
  if (auto done = out->finish(); !done) return give_up(done.error(), exit_usage);
  if (!options.quiet) {
    fmt::print(stderr, "{} channels towards {}\n", set->size(),
               xrpl::address_text(set->destination()));
  }
  return exit_right;
}

// The files that a verb writes beside its work: opened before the work begins, so that a folder
// that is not there costs no minutes, and put in place by finish() alone.
struct Outputs {
  std::optional<OutputFile> finals;
  std::optional<OutputFile> latency;
  std::optional<OutputFile> acknowledged;
};

Expected<Outputs> open_outputs(const Options& options) {
  const std::string& finals = options.finals_out;
  const std::string& other = options.verb == Verb::pcap ? options.out : options.latency_out;
  const std::string& acknowledged = options.acknowledged_out;
  const auto same = [](const std::string& a, const std::string& b) { return !a.empty() && a == b; };
  if (same(finals, other) || same(acknowledged, finals) || same(acknowledged, other)) {
    return fail("two outputs, and one file for both", finals.empty() ? acknowledged : finals,
                "Name another file for one of them");
  }
  Outputs outputs;
  const auto open = [](const std::string& path, std::optional<OutputFile>& out) -> Expected<void> {
    if (path.empty()) return {};
    auto file = OutputFile::open(path);
    if (!file) return std::unexpected(file.error());
    out.emplace(std::move(*file));
    return {};
  };
  if (auto done = open(options.finals_out, outputs.finals); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = open(options.latency_out, outputs.latency); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = open(options.acknowledged_out, outputs.acknowledged); !done) {
    return std::unexpected(done.error());
  }
  return outputs;
}

Expected<void> write_finals_file(Outputs& outputs, const ChannelSet& set, const Plan& plan) {
  if (!outputs.finals) return {};
  std::ostream& out = outputs.finals->stream();
  write_finals(set, plan.finals, [&out](const std::string& text) { out << text; });
  return outputs.finals->finish();
}

Expected<void> write_acknowledged_file(Outputs& outputs, const ChannelSet& set,
                                       const Window& window) {
  if (!outputs.acknowledged) return {};
  std::vector<std::uint64_t> amounts;
  for (std::uint32_t i = 0; i < set.size(); ++i) {
    amounts.push_back(window.oracle().confirmed(i));
  }
  std::ostream& out = outputs.acknowledged->stream();
  write_finals(set, amounts, [&out](const std::string& text) { out << text; });
  return outputs.acknowledged->finish();
}

Expected<void> write_latency_file(Outputs& outputs, const Window& window) {
  if (!outputs.latency) return {};
  const Tally& tally = window.tally();
  outputs.latency->stream() << percentile_distribution(
      (window.open_loop() ? tally.latency_ns : tally.service_ns).snapshot());
  return outputs.latency->finish();
}

int finish_run(const Options& options, Outputs& outputs, const ChannelSet& set, const Plan& plan,
               const Window& window, const Outcome& outcome) {
  fmt::print("{}\n", options.json ? json_report(outcome, window, plan, set)
                                  : text_report(outcome, window, plan, set));
  if (auto done = write_latency_file(outputs, window); !done) {
    return give_up(done.error(), exit_usage);
  }
  if (auto done = write_acknowledged_file(outputs, set, window); !done) {
    return give_up(done.error(), exit_usage);
  }
  if (outcome.stopped) return exit_stopped;
  if (auto done = write_finals_file(outputs, set, plan); !done) {
    return give_up(done.error(), exit_usage);
  }
  return outcome.right(window.tally()) ? exit_right : exit_wrong;
}

// What can fail at once does so before the long work: the files, then the port, then the signing.
int run(const Options& options, const StopFlag& stop) {
  const auto plan = make_plan(options.plan, options.channels);
  if (!plan) return give_up(plan.error(), exit_usage);
  auto outputs = open_outputs(options);
  if (!outputs) return give_up(outputs.error(), exit_usage);
  auto client = Client::start(options.client, stop);
  if (!client) return stop ? stopped() : give_up(client.error(), exit_port);
  const auto set = ChannelSet::make(options.channels, options.threads, stop, options.quiet);
  if (!set) return give_up(set.error(), exit_usage);
  if (set->size() == 0) return stopped();
  const auto frames = sign_plan(*plan, *set, options.threads, stop, options.quiet);
  if (frames.empty()) return stopped();

  WindowOptions limits = options.window;
  limits.schedule = options.schedule;
  limits.unix_ms =
      std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto window = std::make_unique<Window>(limits, *plan, frames);
  const RunResult result = client->run(*window, plan->claims.size(), stop);
  if (window->done()) window->check_finals();
  return finish_run(options, *outputs, *set, *plan, *window,
                    {.seconds = result.seconds,
                     .stopped = result.stopped,
                     .cut_short = result.cut_short,
                     .driver = std::string(client->driver()),
                     .peer_mac = result.peer_mac});
}

// Frames are no text: a terminal would choke on them.
Expected<void> fit_for_capture(const std::string& path) {
  if (path != "-" || isatty(STDOUT_FILENO) == 0) return {};
  return fail("a capture is not for a terminal", "--out -",
              "Name a file, or pass it on: claimgen pcap | tcpreplay -i veth0 -");
}

int write_pcap(const Options& options, const StopFlag& stop) {
  const auto plan = make_plan(options.plan, options.channels);
  if (!plan) return give_up(plan.error(), exit_usage);
  const auto endpoints = make_endpoints(options.client.endpoints);
  if (!endpoints) return give_up(endpoints.error(), exit_usage);
  if (auto fit = fit_for_capture(options.out); !fit) return give_up(fit.error(), exit_usage);
  auto out = OutputFile::open(options.out);
  if (!out) return give_up(out.error(), exit_usage);
  auto outputs = open_outputs(options);
  if (!outputs) return give_up(outputs.error(), exit_usage);
  const auto set = ChannelSet::make(options.channels, options.threads, stop, options.quiet);
  if (!set) return give_up(set.error(), exit_usage);
  if (set->size() == 0) return stopped();
  const auto summary = write_capture(out->stream(), options.capture, *endpoints, *plan, *set,
                                     options.threads, stop, options.quiet);
  if (!summary) {  // finish() knows which file it is
    const auto done = out->finish();
    return give_up(done ? summary.error() : done.error(), exit_usage);
  }
  if (summary->stopped) return stopped();
  if (auto done = write_finals_file(*outputs, *set, *plan); !done) {
    return give_up(done.error(), exit_usage);
  }
  if (auto done = out->finish(); !done) return give_up(done.error(), exit_usage);
  const std::string text = options.json
                               ? json_summary(*summary, options.capture, *plan, *endpoints)
                               : text_summary(*summary, options.capture, *plan, *endpoints);
  if (options.json || !options.quiet) {
    fmt::print(options.out == "-" ? stderr : stdout, "{}\n", text);
  }
  return exit_right;
}

int check_amounts(const Options& options) {
  std::ifstream finals(options.finals_in);
  if (!finals || std::filesystem::is_directory(options.finals_in)) {
    return give_up({"cannot be read", options.finals_in, "`claimgen run --final` writes it"},
                   exit_usage);
  }
  const auto wanted = read_amounts(finals, "amount", options.finals_in);
  if (!wanted) return give_up(wanted.error(), exit_usage);
  std::ifstream file;
  if (options.list_in != "-") {
    file.open(options.list_in);
    if (!file || std::filesystem::is_directory(options.list_in)) {
      return give_up(
          {"cannot be read", options.list_in, "`claimctl channels list --json` prints it"},
          exit_usage);
    }
  }
  const bool from_file = options.list_in != "-";
  const auto listed = read_amounts(from_file ? static_cast<std::istream&>(file) : std::cin, "held",
                                   from_file ? options.list_in : "standard input");
  if (!listed) return give_up(listed.error(), exit_usage);

  const auto differences =
      options.at_least ? shortfalls(*wanted, *listed) : compare(*wanted, *listed);
  for (std::size_t i = 0; i < differences.size() && i < mismatches_listed; ++i) {
    fmt::print(stderr, "WRONG: channel {}: expected {}, listed {}\n", differences[i].channel_id,
               differences[i].wanted, differences[i].listed);
  }
  if (!differences.empty()) {
    fmt::print(stderr, "claimgen: {} of {} channels differ\n", differences.size(), wanted->size());
    return exit_wrong;
  }
  if (!options.quiet)
    fmt::print("all {} channels hold their {}\n", wanted->size(),
               options.at_least ? "amount, or more" : "exact amount");
  return exit_right;
}

int dispatch(int argc, char** argv) {
  hold_standard_streams();
  const ParsedLine line = parse_line(argc, argv);
  if (line.exit >= 0) return line.exit;
  const Options& options = line.options;
  if (options.print_destination) return print_destination(options.channels);
  StopFlag& stop = stop_on_signals();
  switch (options.verb) {
    case Verb::channels:
      return write_channels(options, stop);
    case Verb::run:
      return run(options, stop);
    case Verb::pcap:
      return write_pcap(options, stop);
    case Verb::check_amounts:
      return check_amounts(options);
    case Verb::none:
      break;
  }
  return exit_usage;
}

}  // namespace
}  // namespace claimgate::claimgen

int main(int argc, char** argv) {
  try {
    return claimgate::claimgen::dispatch(argc, argv);
  } catch (const std::exception& error) {  // no memory, no thread
    fmt::print(stderr, "claimgen: {}\n", error.what());
    return claimgate::claimgen::exit_port;
  }
}
