// claimgen: payers from a seed. The verbs, each a straight line from its options to its exit code.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "apps/claimgen/amounts.hpp"
#include "apps/claimgen/channels.hpp"
#include "apps/claimgen/client.hpp"
#include "apps/claimgen/latency_text.hpp"
#include "apps/claimgen/options.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/report.hpp"
#include "apps/claimgen/stop.hpp"
#include "apps/claimgen/window.hpp"
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

// A file that is complete or absent: written beside its name, then moved there.
class OutputFile {
 public:
  [[nodiscard]] static Expected<OutputFile> open(const std::string& path) {
    OutputFile file(path);
    if (path == "-") {
      file.stream_ = &std::cout;
      return file;
    }
    file.owned_ = std::make_unique<std::ofstream>(path + ".part", std::ios::trunc);
    file.stream_ = file.owned_.get();
    if (!*file.stream_) {
      return fail("cannot be written", path, "Name a file in a folder that you may write to");
    }
    return file;
  }
  void write(const std::string& text) { *stream_ << text; }
  [[nodiscard]] Expected<void> finish() {
    stream_->flush();
    const bool written = static_cast<bool>(*stream_);
    owned_.reset();
    if (written && (path_ == "-" || std::rename((path_ + ".part").c_str(), path_.c_str()) == 0)) {
      return {};
    }
    return fail("writing it failed", path_, "Is there room on the disk?");
  }

 private:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::unique_ptr<std::ofstream> owned_;
  std::ostream* stream_ = nullptr;
};

int write_channels(const Options& options, const StopFlag& stop) {
  const auto set = ChannelSet::make(options.channels, options.threads, stop, options.quiet);
  if (!set) return give_up(set.error(), exit_usage);
  if (set->size() == 0) return stopped();
  auto out = OutputFile::open(options.out);
  if (!out) return give_up(out.error(), exit_usage);
  set->write_answers([&](const std::string& text) { out->write(text); });
  if (auto done = out->finish(); !done) return give_up(done.error(), exit_usage);
  if (!options.quiet) {
    fmt::print(stderr, "{} channels towards {}\n", set->size(),
               xrpl::address_text(set->destination()));
  }
  return exit_right;
}

int finish_run(const Options& options, const ChannelSet& set, const Plan& plan,
               const Window& window, const Outcome& outcome) {
  fmt::print("{}\n", options.json ? json_report(outcome, window, plan, set)
                                  : text_report(outcome, window, plan, set));
  if (!options.latency_out.empty()) {
    auto out = OutputFile::open(options.latency_out);
    if (!out) return give_up(out.error(), exit_usage);
    const Tally& tally = window.tally();
    out->write(percentile_distribution(
        (window.open_loop() ? tally.latency_ns : tally.service_ns).snapshot()));
    if (auto done = out->finish(); !done) return give_up(done.error(), exit_usage);
  }
  if (outcome.stopped) return exit_stopped;
  if (!options.finals_out.empty()) {
    auto out = OutputFile::open(options.finals_out);
    if (!out) return give_up(out.error(), exit_usage);
    write_finals(set, plan.finals, [&](const std::string& text) { out->write(text); });
    if (auto done = out->finish(); !done) return give_up(done.error(), exit_usage);
  }
  return outcome.right(window.tally()) ? exit_right : exit_wrong;
}

int run(const Options& options, const StopFlag& stop) {
  const auto plan = make_plan(options.plan, options.channels);
  if (!plan) return give_up(plan.error(), exit_usage);
  const auto set = ChannelSet::make(options.channels, options.threads, stop, options.quiet);
  if (!set) return give_up(set.error(), exit_usage);
  if (set->size() == 0) return stopped();
  // Before EAL starts: it pins this thread to one CPU, and threads inherit that.
  const auto frames = sign_plan(*plan, *set, options.threads, stop, options.quiet);
  if (frames.empty()) return stopped();

  auto client = Client::start(options.client, stop);
  if (!client) return stop ? stopped() : give_up(client.error(), exit_port);
  WindowOptions limits = options.window;
  limits.schedule = options.schedule;
  limits.unix_ms =
      std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto window = std::make_unique<Window>(limits, *plan, frames);
  const RunResult result = client->run(*window, plan->claims.size(), stop);
  if (window->done()) window->check_finals();
  return finish_run(options, *set, *plan, *window,
                    {.seconds = result.seconds,
                     .stopped = result.stopped,
                     .cut_short = result.cut_short,
                     .driver = std::string(client->driver()),
                     .peer_mac = result.peer_mac});
}

int check_amounts(const Options& options) {
  std::ifstream finals(options.finals_in);
  if (!finals) {
    return give_up({"cannot be read", options.finals_in, "`claimgen run --final` writes it"},
                   exit_usage);
  }
  const auto wanted = read_amounts(finals, "amount", options.finals_in);
  if (!wanted) return give_up(wanted.error(), exit_usage);
  std::ifstream file;
  if (options.list_in != "-") {
    file.open(options.list_in);
    if (!file) {
      return give_up(
          {"cannot be read", options.list_in, "`claimctl channels list --json` prints it"},
          exit_usage);
    }
  }
  const bool from_file = options.list_in != "-";
  const auto listed = read_amounts(from_file ? static_cast<std::istream&>(file) : std::cin, "held",
                                   from_file ? options.list_in : "standard input");
  if (!listed) return give_up(listed.error(), exit_usage);

  const auto differences = compare(*wanted, *listed);
  for (std::size_t i = 0; i < differences.size() && i < mismatches_listed; ++i) {
    fmt::print(stderr, "WRONG: channel {}: expected {}, listed {}\n", differences[i].channel_id,
               differences[i].wanted, differences[i].listed);
  }
  if (!differences.empty()) {
    fmt::print(stderr, "claimgen: {} of {} channels differ\n", differences.size(), wanted->size());
    return exit_wrong;
  }
  if (!options.quiet) fmt::print("all {} channels hold their exact amount\n", wanted->size());
  return exit_right;
}

int dispatch(int argc, char** argv) {
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
