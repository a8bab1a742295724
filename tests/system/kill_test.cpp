// claimd under load is killed with SIGKILL at random instants, over and over on the same state
// folder. The oracle is the generator's account of what was acknowledged to it: all of it, of every
// round so far, must be there after the next start, with signatures that verify.
#include "tests/system/appliance_test.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>

namespace claimgate::system_test {
namespace {

constexpr unsigned channels_a_round = 40;
constexpr unsigned channels_at_once = 15 * channels_a_round;  // then a new state folder

unsigned rounds_wanted() {
  return std::getenv("CLAIMGATE_LONG") != nullptr ? 1000 : 30;
}

class Kill : public ApplianceTest {
 protected:
  std::mt19937_64 random{20'261'121};
  std::uint64_t acknowledged = 0;  // channels with an amount, looked at

  std::uint64_t below(std::uint64_t end) { return random() % end; }

  // Segments and journal bound so small that there are rolls and checkpoints in every run.
  DaemonOptions options() {
    return {.settings = {"durability.journal_max_mib=8", "worker.idle=yield"}};
  }

  // One run under load up to a kill. What was acknowledged is in `file`.
  void run_and_kill(unsigned seed, const std::string& file) {
    start(options());
    import(site.channels(seed, channels_a_round));
    Child sender(
        site.claimgen_command(run_arguments(seed, channels_a_round, 40'000,
                                            {"--mix", "good=80,duplicate=10,stale=10", "--window",
                                             "64", "--retries", "0", "--acknowledged", file})));
    const auto accepted = 20 + below(4'000);
    ASSERT_TRUE(eventually(
        [&] { return daemon().metrics().verdicts("accepted") >= static_cast<double>(accepted); },
        std::chrono::seconds(60)));
    std::this_thread::sleep_for(std::chrono::microseconds(below(5'000)));
    daemon().kill();
    sender.signal(SIGINT);
    ASSERT_TRUE(sender.wait(std::chrono::seconds(30))) << "claimgen hangs";
  }

  void expect_all_there(const std::vector<std::string>& files) {
    const std::string listed = site.file("listed.jsonl", list());
    for (const std::string& file : files) {
      const auto checked =
          site.claimgen({"check-amounts", "--at-least", "--final", file, "--list", listed});
      EXPECT_EQ(checked.code, 0) << file << "\n" << checked.out << checked.err << daemon().log();
      std::ifstream lines(file);
      for (std::string line; std::getline(lines, line);) {
        acknowledged += nlohmann::json::parse(line)["amount"] != "0";
      }
    }
    // It verifies each signature again before it prints it, and fails where one does not.
    const auto exported = site.claimctl({"claims", "export", "--json"});
    EXPECT_EQ(exported.code, 0) << exported.err;
  }
};

TEST_F(Kill, AtRandomInstantsUnderLoadLosesNothingThatWasAcknowledged) {
  std::vector<std::string> files;
  const unsigned rounds = rounds_wanted();
  unsigned tried = 0;
  for (; tried < rounds && !HasFailure(); ++tried) {
    if (files.size() * channels_a_round >= channels_at_once) {
      start(options());
      expect_all_there(files);
      stop();
      for (const std::string& file : files) std::filesystem::remove(file);
      std::filesystem::remove_all(site.state_dir());
      files.clear();
    }
    const std::string file = site.path("acknowledged-" + std::to_string(tried) + ".jsonl");
    run_and_kill(1000 + tried, file);
    if (HasFatalFailure()) return;
    files.push_back(file);
    start(options());
    expect_all_there({file});
    // Every other round goes on from a second crash, right after recovery.
    if (tried % 2 == 0) daemon().kill();
  }
  start(options());
  expect_all_there(files);
  std::printf("SIGKILL: tried %u, lost %s; %llu amounts looked at\n", tried,
              HasFailure() ? "something" : "0", static_cast<unsigned long long>(acknowledged));
  EXPECT_GT(acknowledged, std::uint64_t{rounds} * channels_a_round / 2);
}

// What a claimd is started with in its environment.
class Environment {
 public:
  Environment(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv("LD_PRELOAD", CLAIMGATE_FAILING_DISK, 1);
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv(name_.c_str());
  }

 private:
  std::string name_;
};

TEST_F(Kill, AFailedWriteEndsClaimdWithItsOwnCodeAndNothingAcknowledgedIsLost) {
  unsigned tried = 0;
  std::vector<std::string> files;
  for (const unsigned at : {1U, 2U, 17U, 60U, 150U}) {
    {
      const Environment failing("FAILING_DISK_EIO_AT", std::to_string(at));
      start(options());
    }
    import(site.channels(3000 + at, channels_a_round));
    files.push_back(site.path("acknowledged-eio-" + std::to_string(at) + ".jsonl"));
    Child sender(site.claimgen_command(run_arguments(
        3000 + at, channels_a_round, 20'000,
        {"--mix", "good=1", "--window", "32", "--retries", "0", "--acknowledged", files.back()})));
    const auto code = daemon().wait(std::chrono::seconds(60));
    ASSERT_TRUE(code) << "it runs on:\n" << daemon().log();
    EXPECT_EQ(*code, 4) << daemon().log();
    EXPECT_NE(daemon().log().find("a write to the journal failed"), std::string::npos);
    EXPECT_NE(daemon().log().find("/lane-0/"), std::string::npos) << "it names the file";
    sender.signal(SIGINT);
    ASSERT_TRUE(sender.wait(std::chrono::seconds(30)));
    start(options());
    expect_all_there(files);
    EXPECT_EQ(daemon().stop(), 0);
    ++tried;
  }
  std::printf("EIO: tried %u, lost %s\n", tried, HasFailure() ? "something" : "0");
}

TEST_F(Kill, AStutteringDiskLosesNothing) {
  const Environment stutters("FAILING_DISK_STUTTERS", "1");
  start(options());
  import(site.channels(5, 50));
  const auto sent = site.claimgen(run_arguments(5, 50, 3'000));
  EXPECT_EQ(sent.code, 0) << sent.err;
  const std::string before = list();
  daemon().kill();
  start(options());
  std::istringstream lines(before);
  for (std::string line; std::getline(lines, line);) {
    const auto channel = nlohmann::json::parse(line);
    const auto now = site.claimctl({"channels", "show", channel["channel_id"], "--json"});
    EXPECT_EQ(nlohmann::json::parse(now.out)["held"], channel["held"]);
  }
}

TEST_F(Kill, ADiskThatStandsIsToldOfAndWhatWaitedForItIsAnsweredOnceItGoesOn) {
  const std::string standing = site.path("standing");
  const Environment stands("FAILING_DISK_STANDS", standing);
  start(options());
  import(site.channels(6, 20));
  (void)site.file("standing", "");
  Child sender(site.claimgen_command(run_arguments(6, 20, 400)));
  const auto status = [this] { return site.claimctl({"status"}); };
  EXPECT_TRUE(eventually([&] {
    return status().out.find("behind (durable-ack)") != std::string::npos;
  })) << status().out;
  const auto told = status();
  EXPECT_EQ(told.code, 1) << "an operator is needed";
  EXPECT_NE(told.out.find("lane 0: the disk has not finished a group for "), std::string::npos)
      << told.out;
  EXPECT_NE(told.out.find("look into the kernel's log"), std::string::npos) << told.out;
  EXPECT_EQ(daemon().metrics().at("claimgate_journal_condition{condition=\"behind\"}"), 1);
  EXPECT_TRUE(eventually([&] {
    return daemon().log().find("the disk is late") != std::string::npos;
  })) << daemon().log();
  EXPECT_FALSE(sender.wait(std::chrono::milliseconds(0)))
      << "no answer rests on a disk that stands";
  std::filesystem::remove(standing);
  const auto ended = sender.wait(std::chrono::seconds(60));
  ASSERT_TRUE(ended) << "claimgen hangs";
  EXPECT_EQ(*ended, 0) << sender.out() << sender.err();
  EXPECT_TRUE(eventually([&] { return status().code == 0; })) << status().out;
  EXPECT_TRUE(eventually([&] {
    return daemon().log().find("in order again") != std::string::npos;
  })) << daemon().log();
}

}  // namespace
}  // namespace claimgate::system_test
