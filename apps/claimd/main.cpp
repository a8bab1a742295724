// claimd: the appliance's daemon. Reads its configuration and runs until SIGINT or SIGTERM. Exit
// codes: 0 a clean stop, 1 trouble, 2 wrong usage or configuration, 4 a write to the journal
// failed.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include "lib/command_line/refusal.hpp"
#include "lib/command_line/standard_streams.hpp"
#include "src/config/config.hpp"
#include "src/control/appliance.hpp"
#include "src/control/build_info.hpp"
#include "src/control/log.hpp"
#include "src/control/notify.hpp"

namespace {

using namespace claimgate;

constexpr int exit_trouble = 1;
constexpr int exit_usage = 2;
constexpr int exit_journal_failed = 4;

constexpr const char* description =
    "claimd answers payment-channel claims on a DPDK port.\n\n"
    "Every key of the configuration has a default; dpdk-config/claimd.toml names them all, and "
    "the\n"
    "profiles beside it suit memif, vhost, tap, af_packet, packet generators, pcap replay and "
    "bare\n"
    "metal.\n\n"
    "What it has acknowledged is in the journal of its state folder and survives any crash. Stop "
    "it\n"
    "with SIGTERM or Ctrl-C: what is in flight is answered. Talk to it with claimctl.\n\n"
    "CLAIMGATE_VERIFY_KERNEL in the environment stands for --set verify.kernel, and gives way to "
    "it.";

constexpr const char* examples =
    "Examples:\n"
    "  claimd --config dpdk-config/memif.toml\n"
    "  claimd --config /etc/claimgate/claimd.toml --set worker.idle=yield --set log.level=debug\n"
    "  claimd --config my.toml --check        # judge the configuration and leave";

std::string version_text() {
  const auto build = control::build_info();
  return fmt::format("claimd {} ({}, {})", build.version, build.revision, build.compiler);
}

// Blocked in every thread that is started from here on; taken by wait_for_stop() alone.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is a failed write, not the end
  return signals;
}

// `--config "$FILE"` with FILE unset is no wish for the defaults.
std::string not_empty(const std::string& name) {
  return name.empty() ? "the name of a file is missing" : "";
}

// True where it was asked to stop; false where the journal has failed.
bool wait_for_stop(const sigset_t& signals, control::Appliance& appliance) {
  for (;;) {
    const timespec moment{.tv_sec = 0, .tv_nsec = 200'000'000};
    const int got = sigtimedwait(&signals, nullptr, &moment);
    if (got == SIGINT || got == SIGTERM) return true;
    if (got == SIGHUP) spdlog::info("SIGHUP is ignored: a new configuration needs a restart");
    if (!appliance.watch()) return false;
  }
}

void tell_service_manager(std::string_view state) {
  if (auto told = control::notify_service_manager(state); !told) {
    spdlog::warn("{}", told.error().text());
  }
}

int serve(const config::Config& config) {
  control::start_log(config.log.level);
  const sigset_t signals = block_signals();
  if (auto forwarded = control::forward_dpdk_log(); !forwarded) {
    spdlog::warn("{}", forwarded.error().text());
  }
  spdlog::info("{}", version_text());
  auto appliance = control::Appliance::start(config);
  if (!appliance) {
    spdlog::error("{}", appliance.error().text());
    return exit_trouble;
  }
  spdlog::info("answering claims");
  tell_service_manager("READY=1\nSTATUS=answering claims");
  const bool asked = wait_for_stop(signals, *appliance);
  spdlog::info("stopping");
  tell_service_manager("STOPPING=1");
  const auto stopped = appliance->stop();
  if (!asked) return exit_journal_failed;
  if (!stopped) {
    spdlog::error("{}", stopped.error().text());
    return appliance->watch() ? exit_trouble : exit_journal_failed;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  CLI::App app(description, "claimd");
  std::string config_file;
  std::vector<std::string> overrides;
  bool check = false;
  app.add_option("-c,--config", config_file, "the TOML file; without one all keys have defaults")
      ->check(not_empty);
  app.add_option("--set", overrides, "table.key=value, over the file's; may be given repeatedly")
      ->allow_extra_args(false);
  app.add_flag("--check", check, "judge the configuration, say what is wrong, and leave");
  app.footer(examples);
  app.set_version_flag("--version", version_text());
  app.get_formatter()->column_width(28);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain_refusal(app, error) == 0 ? 0 : exit_usage;
  }
  // Over the file's; nothing where the command line has its own.
  const auto is_kernel = [](const std::string& set) { return set.starts_with("verify.kernel="); };
  if (const char* kernel = std::getenv("CLAIMGATE_VERIFY_KERNEL");
      kernel != nullptr && std::ranges::none_of(overrides, is_kernel)) {
    overrides.push_back(std::string("verify.kernel=") + kernel);
  }
  const auto config = config::load(config_file, overrides);
  if (!config) {
    fmt::print(stderr, "claimd: {}\n", config.error().text());
    return exit_usage;
  }
  if (check) {
    fmt::print("{}: the configuration is in order\n",
               config_file.empty() ? "defaults" : config_file);
    return 0;
  }
  return serve(*config);
}
