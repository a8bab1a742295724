#include "src/control/log.hpp"

#include <gtest/gtest.h>
#include <rte_log.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "src/control/notify.hpp"
#include "tests/src/control/scratch_dir.hpp"

namespace claimgate::control {
namespace {

// What `act` writes to standard error, which is a pipe meanwhile; with `journal`, one that
// JOURNAL_STREAM names.
std::string standard_error_of(bool journal, const std::function<void()>& act) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  std::fflush(stderr);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  struct stat file {};
  fstat(STDERR_FILENO, &file);
  const std::string stream =
      std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino + (journal ? 0 : 1));
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  act();
  std::fflush(stderr);
  unsetenv("JOURNAL_STREAM");
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::string out;
  char chunk[4096];
  for (ssize_t got; (got = read(ends[0], chunk, sizeof chunk)) > 0;) {
    out.append(chunk, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  return out;
}

TEST(Log, lines_in_the_journal_carry_a_priority_and_no_time) {
  const std::string out = standard_error_of(true, [] {
    start_log(config::LogLevel::debug);
    spdlog::debug("a");
    spdlog::info("b");
    spdlog::warn("c");
    spdlog::error("d");
    spdlog::critical("e");
  });
  EXPECT_EQ(out, "<7>a\n<6>b\n<4>c\n<3>d\n<2>e\n");
}

TEST(Log, lines_elsewhere_carry_time_and_level_even_where_a_parent_logs_to_the_journal) {
  const std::string out = standard_error_of(false, [] {
    start_log(config::LogLevel::info);
    spdlog::warn("port is up");
  });
  EXPECT_EQ(out.size(), std::strlen("07:38:41.123 warning port is up\n")) << out;
  EXPECT_NE(out.find(" warning port is up\n"), out.npos) << out;
}

TEST(Log, lines_below_the_level_are_left_out) {
  const std::string out = standard_error_of(true, [] {
    start_log(config::LogLevel::warning);
    spdlog::info("not this");
    spdlog::warn("but this");
  });
  EXPECT_EQ(out, "<4>but this\n");
}

TEST(Log, what_dpdk_prints_comes_out_as_lines_of_ours_at_its_level) {
  const std::string out = standard_error_of(true, [] {
    start_log(config::LogLevel::debug);
    ASSERT_TRUE(forward_dpdk_log());
    ASSERT_TRUE(forward_dpdk_log()) << "a second call changes nothing";
    rte_log(RTE_LOG_WARNING, RTE_LOGTYPE_USER1, "ring %d is full\n", 3);
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "two\n\nlines\n");
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "in ");
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "parts\n");
  });
  EXPECT_EQ(out, "<4>dpdk: ring 3 is full\n<3>dpdk: two\n<3>dpdk: lines\n<3>dpdk: in parts\n");
}

// A service manager's end of NOTIFY_SOCKET.
class Receiver {
 public:
  explicit Receiver(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
  }
  std::string receive() const {
    char text[256];
    const ssize_t got = recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return got < 0 ? std::string("nothing") : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  int fd_;
};

TEST(Notify, nobody_is_told_where_nobody_asked) {
  unsetenv("NOTIFY_SOCKET");
  const auto told = notify_service_manager("READY=1");
  ASSERT_TRUE(told);
  EXPECT_FALSE(*told);
}

TEST(Notify, the_state_arrives_at_a_socket_with_a_path) {
  test::ScratchDir dir;
  const Receiver manager(dir.path("notify"));
  const auto told = notify_service_manager("READY=1\nSTATUS=answering");
  ASSERT_TRUE(told) << told.error().text();
  EXPECT_TRUE(*told);
  EXPECT_EQ(manager.receive(), "READY=1\nSTATUS=answering");
}

TEST(Notify, the_state_arrives_at_an_abstract_socket) {
  const Receiver manager("@claimgate-notify-test-" + std::to_string(getpid()));
  const auto told = notify_service_manager("STOPPING=1");
  ASSERT_TRUE(told) << told.error().text();
  EXPECT_EQ(manager.receive(), "STOPPING=1");
}

TEST(Notify, a_socket_that_is_not_there_is_a_failure_that_names_it) {
  for (const std::string& name :
       {std::string("/nonexistent/notify"), std::string("relative"), "/" + std::string(200, 'x')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    const auto told = notify_service_manager("READY=1");
    ASSERT_FALSE(told);
    EXPECT_NE(told.error().where.find(name), std::string::npos);
  }
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace claimgate::control
