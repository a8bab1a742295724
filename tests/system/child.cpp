#include "tests/system/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace claimgate::system_test {
namespace {

int anonymous_file(const char* name) {
  const int file = ::memfd_create(name, MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error(std::string("memfd_create: ") + std::strerror(errno));
  return file;
}

std::string contents(int file) {
  std::string text;
  std::array<char, 65'536> part;
  off_t at = 0;
  for (ssize_t got = 0; (got = ::pread(file, part.data(), part.size(), at)) > 0; at += got) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

constexpr int cannot_run = 127;

// In the child, between fork and exec. Whatever fails here ends it with 127 and a word on stderr.
[[noreturn]] void become(const Command& command, char* const* argv, int in, int out, int err,
                         pid_t parent) {
  const auto give_up = [](const char* step) {
    ::dprintf(STDERR_FILENO, "child: %s: %s\n", step, std::strerror(errno));
    ::_exit(cannot_run);
  };
  if (command.terminal >= 0) {
    ::setsid();
    if (::ioctl(command.terminal, TIOCSCTTY, 0) != 0) give_up("TIOCSCTTY");
    in = out = err = command.terminal;
  }
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const auto& [name, value] : command.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (command.user) {
    if (::setgroups(0, nullptr) != 0) give_up("setgroups");
    if (::setgid(static_cast<gid_t>(*command.user)) != 0) give_up("setgid");
    if (::setuid(*command.user) != 0) give_up("setuid");
  }
  // After the change of user, which clears it. The parent may have died before.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up("prctl");
  if (::getppid() != parent) ::_exit(cannot_run);
  ::execvp(argv[0], argv);
  give_up(argv[0]);
  ::_exit(cannot_run);
}

}  // namespace

Child::Child(const Command& command)
    : out_(anonymous_file("stdout")), err_(anonymous_file("stderr")) {
  const int in = anonymous_file("stdin");
  if (::write(in, command.input.data(), command.input.size()) !=
      static_cast<ssize_t>(command.input.size())) {
    throw std::runtime_error("the input does not fit in memory");
  }
  ::lseek(in, 0, SEEK_SET);
  std::vector<char*> argv;
  for (const auto& argument : command.arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(command, argv.data(), in, out_, err_, parent);
  const int error = errno;
  ::close(in);
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(error));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      code_(other.code_),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)) {}

Child::~Child() {
  if (pid_ > 0 && !code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

void Child::signal(int number) const {
  if (pid_ > 0 && !code_) ::kill(pid_, number);
}

std::optional<int> Child::wait(std::chrono::milliseconds limit) {
  if (code_) return code_;
  (void)eventually(
      [this] {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
      },
      limit);
  return code_;
}

std::string Child::out() const {
  return contents(out_);
}
std::string Child::err() const {
  return contents(err_);
}

Finished run(const Command& command, std::chrono::milliseconds limit) {
  Child child(command);
  if (!child.wait(limit)) {
    child.signal(SIGKILL);
    (void)child.wait(std::chrono::seconds(5));
  }
  return {.code = child.wait(std::chrono::milliseconds(0)).value_or(-1),
          .out = child.out(),
          .err = child.err()};
}

std::vector<std::string> plus(std::vector<std::string> left,
                              const std::vector<std::string>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace claimgate::system_test
