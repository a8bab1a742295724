// Large imports, as an operator at a terminal makes them.
#include "tests/system/appliance_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace claimgate::system_test {
namespace {

// A pseudo terminal: what a program writes to its slave is read here, what is typed here signals
// it.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
    if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) {
      throw std::runtime_error("no pseudo terminal");
    }
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave_ < 0) throw std::runtime_error("no pseudo terminal");
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    ::close(slave_);
    ::close(master_);
  }
  [[nodiscard]] int slave() const noexcept { return slave_; }
  void type(char key) const { ASSERT_EQ(::write(master_, &key, 1), 1); }
  // All that was shown so far. To be called often: a terminal nobody reads stops its program.
  const std::string& shown() {
    std::array<char, 4096> part;
    for (ssize_t got = 0; (got = ::read(master_, part.data(), part.size())) > 0;) {
      shown_.append(part.data(), static_cast<std::size_t>(got));
    }
    return shown_;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
  std::string shown_;
};

class Import : public ApplianceTest {
 protected:
  [[nodiscard]] Command at(const Terminal& terminal, std::vector<std::string> arguments) const {
    Command command{.arguments = {program("claimctl"), "--socket", site.admin_socket()},
                    .terminal = terminal.slave()};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return command;
  }
};

TEST_F(Import, OfAHundredThousandChannelsShowsABarAndImportsThemAll) {
  const std::string file = site.channels(21, 100'000);
  start({.settings = {"channels.capacity=150000"}});
  Terminal terminal;
  Child importing(at(terminal, {"channels", "import", file}));
  ASSERT_TRUE(eventually(
      [&] {
        terminal.shown();
        return !importing.running();
      },
      std::chrono::seconds(120)));
  const std::string shown = terminal.shown();
  EXPECT_EQ(importing.wait(std::chrono::seconds(10)), 0) << shown;
  EXPECT_NE(shown.find("100000 added"), shown.npos) << shown;
  EXPECT_NE(shown.find("["), shown.npos);
  EXPECT_NE(shown.find("##"), shown.npos) << "no bar on a terminal: " << shown;
  EXPECT_NE(shown.find('%'), shown.npos);
  EXPECT_EQ(daemon().metrics().at("claimgate_channels"), 100'000);

  // The same again changes nothing, and without a terminal there is no bar.
  const auto again = site.claimctl({"channels", "import", file});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("100000 unchanged"), again.out.npos) << again.out;
  EXPECT_EQ(again.err.find('#'), again.err.npos) << again.err;

  stop();
  start({.settings = {"channels.capacity=150000"}});
  EXPECT_EQ(daemon().metrics().at("claimgate_channels"), 100'000);
}

// A pipe whose writer stops half way holds the import where it is: then Ctrl-C comes.
TEST_F(Import, StoppedByCtrlCLeavesNothingImported) {
  start();
  const std::string file = site.channels(21, 5000);
  const std::string pipe = site.path("half");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Terminal terminal;
  Child importing(at(terminal, {"channels", "import", pipe}));
  const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.resize(text.size() * 3 / 4);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put =
        ::write(writer, text.data() + at, std::min<std::size_t>(4096, text.size() - at));
    ASSERT_GT(put, 0);
    at += static_cast<std::size_t>(put);
    terminal.shown();
  }
  EXPECT_TRUE(importing.running());
  terminal.type('\x03');
  ASSERT_TRUE(eventually([&] {
    terminal.shown();
    return !importing.running();
  }));
  ::close(writer);
  EXPECT_EQ(importing.wait(std::chrono::seconds(10)), 1) << terminal.shown();
  EXPECT_NE(terminal.shown().find("nothing was imported"), std::string::npos) << terminal.shown();
  EXPECT_EQ(daemon().metrics().at("claimgate_channels"), 0);
  EXPECT_TRUE(channels_listed().empty());
  import(file);
  EXPECT_EQ(daemon().metrics().at("claimgate_channels"), 5000);
}

TEST_F(Import, KilledHalfWayLeavesNothingImported) {
  start();
  const std::string file = site.channels(21, 15'000);
  for (const int after_ms : {1, 5, 20}) {
    Child importing({.arguments = {program("claimctl"), "--socket", site.admin_socket(), "channels",
                                   "import", file, "--strict"}});
    (void)importing.wait(std::chrono::milliseconds(after_ms));
    importing.signal(SIGKILL);
    (void)importing.wait(std::chrono::seconds(5));
  }
  // Either all of a file was handed over, or none of it counts.
  double known = -1;
  ASSERT_TRUE(eventually([&] {
    const double now = daemon().metrics().at("claimgate_channels");
    return std::exchange(known, now) == now && (now == 0 || now == 15'000);
  }));
  EXPECT_EQ(site.claimctl({"channels", "import", file}).code, 0);
  EXPECT_EQ(daemon().metrics().at("claimgate_channels"), 15'000);
}

TEST_F(Import, WithoutAClaimdSaysWhereItLooked) {
  const auto ended = site.claimctl({"channels", "list"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find(site.admin_socket()), ended.err.npos) << ended.err;
  EXPECT_NE(ended.err.find("claimd"), ended.err.npos) << ended.err;
}

}  // namespace
}  // namespace claimgate::system_test
