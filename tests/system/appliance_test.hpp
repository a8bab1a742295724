// A test with a claimd of its own. What must hold of every claimd that answered is asserted where
// one is stopped, which every test does at its end.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/system/daemon.hpp"

namespace claimgate::system_test {

class ApplianceTest : public ::testing::Test {
 protected:
  // Starts claimd, in the place of one that ended, and waits until it answers.
  Daemon& start(const DaemonOptions& options = {}) {
    daemon_.reset();
    daemon_ = std::make_unique<Daemon>(site, options);
    daemon_->wait_ready();
    return *daemon_;
  }
  [[nodiscard]] Daemon& daemon() { return *daemon_; }

  // Waits until nothing is in flight; then the accounting equations hold and every packet buffer is
  // back in its pool.
  Samples settle() {
    Samples now;
    std::vector<std::string> errors;
    double missing = 0;
    const bool settled = eventually([&] {
      now = daemon_->metrics();
      errors = accounting_errors(now);
      missing =
          daemon_->pool_available_at_start() - now.at("claimgate_pool_mbufs_available{port=\"0\"}");
      return errors.empty() && missing == 0 && now.worker("claimgate_datagrams_held") == 0 &&
             now.worker("claimgate_claims_in_flight") == 0;
    });
    for (const auto& error : errors) ADD_FAILURE() << error;
    EXPECT_EQ(missing, 0) << "packet buffers did not come back";
    EXPECT_TRUE(settled) << now.text;
    return now;
  }

  // A clean stop of a claimd whose books are in order.
  void stop() {
    settle();
    EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
    daemon_.reset();
  }

  void import(const std::string& file) {
    const auto imported = site.claimctl({"channels", "import", file});
    ASSERT_EQ(imported.code, 0) << imported.out << imported.err;
  }
  [[nodiscard]] std::string list() const {
    const auto listed = site.claimctl({"channels", "list", "--json"});
    EXPECT_EQ(listed.code, 0) << listed.err;
    return listed.out;
  }
  [[nodiscard]] std::vector<nlohmann::json> channels_listed() const {
    std::vector<nlohmann::json> found;
    std::istringstream lines(list());
    for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line));
    return found;
  }

  // `claimgen run` over this site's memif; more arguments may be given.
  [[nodiscard]] std::vector<std::string> run_arguments(unsigned seed, unsigned channels,
                                                       unsigned claims,
                                                       std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run",
                                       "--quiet",
                                       "--json",
                                       "--seed",
                                       std::to_string(seed),
                                       "--channels",
                                       std::to_string(channels),
                                       "--claims",
                                       std::to_string(claims),
                                       "--destination",
                                       payee(),
                                       "--device",
                                       site.memif_client(",zero-copy=yes"),
                                       "--timeout-ms",
                                       "3000"};
    if (std::ranges::find(more, "--huge-pages") == more.end()) {
      arguments.insert(arguments.end(), {"--huge-pages", "never"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  void TearDown() override {
    if (daemon_ && daemon_->running()) stop();
  }

  Site site;

 private:
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace claimgate::system_test
