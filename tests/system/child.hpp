// Processes that a test starts. Each ends with the test, whatever ends it: the destructor kills by
// pid and reaps, and the kernel kills where the test dies first (PR_SET_PDEATHSIG, so start them
// from the main thread only).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace claimgate::system_test {

struct Command {
  std::vector<std::string> arguments;  // the program's path first
  std::string input;                   // its standard input
  std::optional<uid_t> user;           // runs as this user and group, without supplementary ones
  std::vector<std::pair<std::string, std::string>> environment;  // over the test's own
  int terminal = -1;  // a pty's slave: its controlling terminal, and all three streams
};

// A running process. Output goes to anonymous files, so it can write without limit and be read at
// any time.
class Child {
 public:
  // Throws std::runtime_error where the process cannot be made.
  explicit Child(const Command& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;
  // The exit code, or 128 + the signal that ended it; nothing while it still runs.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds limit);
  [[nodiscard]] bool running() { return !wait(std::chrono::milliseconds(0)); }
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
  int out_ = -1;
  int err_ = -1;
};

struct Finished {
  int code = -1;  // 128 + the signal; 128 + SIGKILL where it ran past its limit
  std::string out, err;
};

[[nodiscard]] Finished run(const Command& command,
                           std::chrono::milliseconds limit = std::chrono::seconds(60));

// One command line out of two parts.
[[nodiscard]] std::vector<std::string> plus(std::vector<std::string> left,
                                            const std::vector<std::string>& right);

// Asks `holds` every few milliseconds until it is true or the time is over; what it said last.
template <class Holds>
[[nodiscard]] bool eventually(Holds&& holds,
                              std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (holds()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace claimgate::system_test
