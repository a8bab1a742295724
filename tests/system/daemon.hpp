// The real claimd as a test drives it, and the other two programs beside it.
//
// A Site is one run's folder: state, sockets and files of its own, gone with it. Nothing here knows
// of a test framework, so that benchmarks use it too: what cannot be done throws
// std::runtime_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/src/control/scratch_dir.hpp"
#include "tests/system/child.hpp"
#include "tests/system/metrics.hpp"

namespace claimgate::system_test {

[[nodiscard]] std::string program(const std::string& name);  // of this build: "claimd"
[[nodiscard]] std::string profile(const std::string& name);  // dpdk-config/NAME.toml

class Site {
 public:
  [[nodiscard]] std::string path(std::string_view name) const { return dir_.path(name); }
  [[nodiscard]] std::string file(std::string_view name, std::string_view text) const {
    return dir_.file(name, text);
  }
  [[nodiscard]] std::string state_dir() const { return path("state"); }
  [[nodiscard]] std::string admin_socket() const { return path("admin.sock"); }
  [[nodiscard]] std::string memif_socket() const { return path("memif.sock"); }
  [[nodiscard]] std::string memif_server() const;
  [[nodiscard]] std::string memif_client(const std::string& more = "") const;
  // --set values that keep a claimd within this folder, on a memif port, without huge pages, which
  // others may be using.
  [[nodiscard]] std::vector<std::string> settings() const;

  [[nodiscard]] Finished claimctl(std::vector<std::string> arguments, std::string input = "") const;
  [[nodiscard]] Finished claimgen(std::vector<std::string> arguments) const;
  [[nodiscard]] Command claimgen_command(std::vector<std::string> arguments) const;
  // Channels of a seed towards `payee()` in a file that claimctl imports; returns its path.
  [[nodiscard]] std::string channels(unsigned seed, unsigned count) const;

 private:
  control::test::ScratchDir dir_;
};

// The account that all tests' channels pay.
[[nodiscard]] std::string payee();

struct DaemonOptions {
  std::string profile_name = "memif";
  std::string config;                 // instead of the profile: a file
  std::string program;                // instead of this build's
  std::vector<std::string> settings;  // over the site's
  std::optional<uid_t> user;
};

class Daemon {
 public:
  // Starts claimd and returns at once.
  Daemon(const Site& site, const DaemonOptions& options = {});

  // Waits until it answers; throws with its log where it ends or hangs instead.
  void wait_ready();
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds limit) {
    return child_.wait(limit);
  }
  [[nodiscard]] bool running() { return child_.running(); }
  // SIGTERM; the exit code, -1 where it does not end.
  [[nodiscard]] int stop();
  void kill();
  [[nodiscard]] pid_t pid() const noexcept { return child_.pid(); }
  [[nodiscard]] std::string log() const { return child_.out() + child_.err(); }
  // Precondition: ready.
  [[nodiscard]] Samples metrics() const;
  // Packet buffers that were free when it was ready and no peer was connected.
  [[nodiscard]] double pool_available_at_start() const noexcept { return pool_at_start_; }
  // CPU seconds used so far, from /proc.
  [[nodiscard]] double cpu_s() const;

 private:
  mutable Child child_;
  mutable std::uint16_t metrics_port_ = 0;
  double pool_at_start_ = 0;
};

}  // namespace claimgate::system_test
