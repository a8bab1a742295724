#include "tests/system/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace claimgate::system_test {
namespace {

constexpr auto ready_within = std::chrono::seconds(60);
constexpr auto stop_within = std::chrono::seconds(30);

Command daemon_command(const Site& site, const DaemonOptions& options) {
  Command command;
  command.arguments = {options.program.empty() ? program("claimd") : options.program, "--config",
                       options.config.empty() ? profile(options.profile_name) : options.config};
  auto settings = site.settings();
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  for (const auto& each : settings) {
    command.arguments.insert(command.arguments.end(), {"--set", each});
  }
  command.user = options.user;
  command.environment = {{"RUNTIME_DIRECTORY", site.path("")}};  // where EAL keeps its own files
  return command;
}

}  // namespace

std::string program(const std::string& name) {
  return std::string(CLAIMGATE_BUILD_ROOT) + "/apps/" + name + "/" + name;
}
std::string profile(const std::string& name) {
  return std::string(CLAIMGATE_SOURCE_ROOT) + "/dpdk-config/" + name + ".toml";
}

std::string payee() {
  static const std::string address = [] {
    auto printed =
        run({.arguments = {program("claimgen"), "channels", "--seed", "1", "--print-destination"}});
    if (printed.code != 0) throw std::runtime_error("claimgen names no payee: " + printed.err);
    printed.out.erase(printed.out.find_last_not_of('\n') + 1);
    return printed.out;
  }();
  return address;
}

std::string Site::memif_server() const {
  return "net_memif0,role=server,socket=" + memif_socket() +
         ",socket-abstract=no,id=0,rsize=11,bsize=2048";
}
std::string Site::memif_client(const std::string& more) const {
  return "net_memif0,role=client,socket=" + memif_socket() +
         ",socket-abstract=no,id=0,rsize=11,bsize=2048" + more;
}

std::vector<std::string> Site::settings() const {
  return {"port.device=" + memif_server(), "admin.socket=" + admin_socket(),
          "node.state_dir=" + state_dir(), fmt::format("eal.file_prefix=system{}", ::getpid()),
          "eal.huge_pages=never",          "memory.table_pages=normal",
          "channels.capacity=20000",       "channels.destinations=" + payee(),
          "metrics.listen=127.0.0.1:0",    "durability.segment_mib=4"};
}

Finished Site::claimctl(std::vector<std::string> arguments, std::string input) const {
  Command command{.arguments = {program("claimctl"), "--socket", admin_socket()},
                  .input = std::move(input)};
  std::ranges::move(arguments, std::back_inserter(command.arguments));
  return run(command);
}

Command Site::claimgen_command(std::vector<std::string> arguments) const {
  Command command{.arguments = {program("claimgen")}};
  std::ranges::move(arguments, std::back_inserter(command.arguments));
  command.environment = {{"RUNTIME_DIRECTORY", path("")}};
  return command;
}
Finished Site::claimgen(std::vector<std::string> arguments) const {
  return run(claimgen_command(std::move(arguments)), std::chrono::seconds(120));
}

std::string Site::channels(unsigned seed, unsigned count) const {
  const std::string file = path(fmt::format("channels-{}-{}.json", seed, count));
  const auto written =
      claimgen({"channels", "--quiet", "--seed", std::to_string(seed), "--channels",
                std::to_string(count), "--destination", payee(), "--out", file});
  if (written.code != 0) throw std::runtime_error("claimgen writes no channels: " + written.err);
  return file;
}

Daemon::Daemon(const Site& site, const DaemonOptions& options)
    : child_(daemon_command(site, options)) {}

void Daemon::wait_ready() {
  const bool ready = eventually(
      [this] { return log().find("answering claims\n") != std::string::npos || !running(); },
      ready_within);
  if (!ready || !running()) throw std::runtime_error("claimd is not ready:\n" + log());
  const Samples first = metrics();
  pool_at_start_ = first.at("claimgate_pool_mbufs_available{port=\"0\"}");
}

int Daemon::stop() {
  child_.signal(SIGTERM);
  return child_.wait(stop_within).value_or(-1);
}

void Daemon::kill() {
  child_.signal(SIGKILL);
  (void)child_.wait(stop_within);
}

Samples Daemon::metrics() const {
  if (metrics_port_ == 0) {
    const std::string text = log();
    constexpr std::string_view before = "metrics at http://127.0.0.1:";
    const std::size_t at = text.find(before);
    if (at == text.npos) throw std::runtime_error("claimd names no metrics port:\n" + text);
    metrics_port_ = static_cast<std::uint16_t>(std::stoul(text.substr(at + before.size(), 5)));
  }
  try {
    return scrape(metrics_port_);
  } catch (const std::exception& error) {
    // The one thing worth knowing then: whether claimd is there at all.
    const auto code = child_.wait(std::chrono::milliseconds(500));
    throw std::runtime_error(
        fmt::format("{}; claimd {}:\n{}", error.what(),
                    code ? fmt::format("ended with {}", *code) : std::string("runs"), log()));
  }
}

double Daemon::cpu_s() const {
  std::ifstream file(fmt::format("/proc/{}/stat", child_.pid()));
  std::string line;
  std::getline(file, line);
  unsigned long user = 0, system = 0;
  const auto end = line.rfind(')');
  if (end == line.npos ||
      std::sscanf(line.c_str() + end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                  &user, &system) != 2) {
    throw std::runtime_error("/proc does not tell claimd's CPU time");
  }
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace claimgate::system_test
