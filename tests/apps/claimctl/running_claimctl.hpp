// The claimctl that was built, run against a real admin server, and what it said.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/src/control/admin/rig.hpp"

extern char** environ;

namespace claimgate::control::test {

struct Outcome {
  int code = -1;
  std::string out, err;
};

// One claimctl with its three pipes; killed and reaped whatever happens.
class RunningClaimctl {
 public:
  explicit RunningClaimctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CLAIMCTL);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int in[2], out[2], err[2];
    if (::pipe2(in, O_CLOEXEC) || ::pipe2(out, O_CLOEXEC) || ::pipe2(err, O_CLOEXEC))
      throw std::runtime_error("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    const int error = ::posix_spawn(&pid_, CLAIMCTL, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    for (const int end : {in[0], out[1], err[1]}) ::close(end);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    if (error) throw std::runtime_error(std::string("posix_spawn: ") + std::strerror(error));
  }
  ~RunningClaimctl() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    close_input();
    if (out_ >= 0) ::close(out_);
    ::close(err_);
  }
  void write(const std::string& text) const { (void)!::write(in_, text.data(), text.size()); }
  void close_input() {
    if (in_ >= 0) ::close(in_);
    in_ = -1;
  }
  void close_output() {
    ::close(out_);
    out_ = -1;
  }
  void interrupt() const { ::kill(pid_, SIGINT); }

  // Reads all it says, and waits for its end.
  Outcome finish() {
    close_input();
    Outcome outcome;
    std::array<pollfd, 2> ends{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    std::array<char, 65536> bytes;
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
      if (::poll(ends.data(), ends.size(), 60'000) <= 0) break;
      for (auto& end : ends) {
        if (!end.revents) continue;
        const ssize_t count = ::read(end.fd, bytes.data(), bytes.size());
        auto& to = &end == ends.data() ? outcome.out : outcome.err;
        if (count > 0)
          to.append(bytes.data(), static_cast<std::size_t>(count));
        else
          end.fd = -1;
      }
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
};

inline Outcome claimctl(const Rig& rig, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--socket", rig.socket()});
  return RunningClaimctl(std::move(arguments)).finish();
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace claimgate::control::test
