// The verbs that read a state folder, run as an operator would on folders that a journal wrote.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/apps/claimctl/running_claimctl.hpp"
#include "tests/apps/claimctl/signed_life.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::journal {
namespace {

using control::test::contains;
using control::test::json_lines;
using control::test::Outcome;
using control::test::RunningClaimctl;
using nlohmann::json;

class ClaimctlState : public ::testing::Test {
 protected:
  void live(bool well_signed = true) {
    SignedLife life(folder_);
    for (const std::uint64_t number : {1, 2, 3}) life.import(number);
    life.claim(1, 100);
    life.claim(2, 200);
    life.checkpoint();
    life.claim(1, 150, well_signed);
    life.rest();
  }
  [[nodiscard]] static Outcome claimctl(std::vector<std::string> arguments) {
    return RunningClaimctl(std::move(arguments)).finish();
  }
  void flip(const std::string& file, std::streamoff offset) const {
    std::fstream bytes(folder_ + "/" + file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(offset);
    const auto byte = static_cast<char>(bytes.get() ^ 1);
    bytes.seekp(offset);
    bytes.put(byte);
    ASSERT_TRUE(bytes.good());
  }

  ScratchFolder scratch_;
  const std::string folder_ = scratch_.file("state");
};

TEST_F(ClaimctlState, CheckFindsASoundFolderSoundAndItsSignaturesRight) {
  live();
  const Outcome text = claimctl({"check", folder_, "--signatures"});
  EXPECT_EQ(text.code, 0) << text.out << text.err;
  EXPECT_TRUE(contains(text.out, "\nsound\n")) << text.out;
  const Outcome outcome = claimctl({"check", folder_, "--signatures", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const json found = json::parse(outcome.out);
  EXPECT_EQ(found.at("ok"), true);
  EXPECT_EQ(found.at("starts"), true);
  EXPECT_EQ(found.at("channels"), 3);
  EXPECT_EQ(found.at("claims"), 2);
  EXPECT_EQ(found.at("signatures_verified"), 2);
}

TEST_F(ClaimctlState, CheckNamesAClaimWhoseSignatureDoesNotVerify) {
  live(false);
  EXPECT_EQ(claimctl({"check", folder_}).code, 0);
  const Outcome outcome = claimctl({"check", folder_, "--signatures"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, SignedLife::id_text(1))) << outcome.out;
}

TEST_F(ClaimctlState, CheckNamesTheFileOfEachDamageAndEndsWithOne) {
  live();
  for (const std::string file :
       {"MANIFEST", "checkpoint-2.cgc", "lane-0/seg-1.jnl", "lane-provisioning/seg-1.jnl"}) {
    flip(file, 50);
    const Outcome outcome = claimctl({"check", folder_, "--json"});
    EXPECT_EQ(outcome.code, 1) << file;
    const json found = json::parse(outcome.out);
    EXPECT_EQ(found.at("ok"), false);
    const std::string where = found.at("damages").at(0).at("where");
    EXPECT_TRUE(contains(where, folder_ + "/" + file)) << outcome.out;
    flip(file, 50);
  }
  EXPECT_EQ(claimctl({"check", folder_}).code, 0);
}

TEST_F(ClaimctlState, CheckRefusesWhileAClaimdRunsAndWhereThereIsNoJournal) {
  live();
  const Descriptor lock(::open((folder_ + "/lock").c_str(), O_CREAT | O_RDWR, 0600));
  ASSERT_EQ(::flock(lock.number(), LOCK_EX), 0);
  const Outcome running = claimctl({"check", folder_});
  EXPECT_EQ(running.code, 1);
  EXPECT_TRUE(contains(running.err, "claimd runs")) << running.err;
  EXPECT_TRUE(contains(running.err, "Stop it first")) << running.err;
  ASSERT_EQ(::flock(lock.number(), LOCK_UN), 0);
  EXPECT_EQ(claimctl({"check", folder_}).code, 0);
  EXPECT_EQ(claimctl({"check", folder_ + "/lane-0"}).code, 1);
  EXPECT_EQ(claimctl({"check", folder_ + "/nothing"}).code, 1);
  EXPECT_EQ(claimctl({"check"}).code, 2);
}

TEST_F(ClaimctlState, DumpPrintsEveryRecordOfALaneAndWhatIsNoFrame) {
  live();
  const Outcome outcome = claimctl({"journal", "dump", folder_, "--lane", "0", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<std::string> amounts;
  bool has_heartbeat = false, has_gap = false;
  for (const json& line : json_lines(outcome.out)) {
    if (line.at("type") == "record") amounts.push_back(line.at("amount"));
    has_heartbeat = has_heartbeat || (line.at("type") == "frame" && line.at("records") == 0);
    has_gap = has_gap || line.at("type") == "gap";
  }
  EXPECT_EQ(amounts, (std::vector<std::string>{"100", "200", "150"}));
  EXPECT_TRUE(has_heartbeat);
  EXPECT_TRUE(has_gap);

  const Outcome some = claimctl(
      {"journal", "dump", folder_, "--lane", "0", "--json", "--from", "2", "--limit", "1"});
  ASSERT_EQ(some.code, 0) << some.err;
  std::vector<std::uint64_t> lsns;
  for (const json& line : json_lines(some.out)) {
    if (line.at("type") == "record") lsns.push_back(line.at("lsn"));
  }
  EXPECT_EQ(lsns, (std::vector<std::uint64_t>{2}));
}

TEST_F(ClaimctlState, DumpSaysWhereAFrameIsNotWholeAndGoesOn) {
  live();
  flip("lane-0/seg-1.jnl", 4096 + 70);
  const Outcome outcome = claimctl({"journal", "dump", folder_});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "frame at 4096: 4096 bytes, LSN 1 to 1")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "NOT WHOLE")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "150 drops, before 100")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "add of batch 1")) << outcome.out;
  EXPECT_EQ(claimctl({"journal", "dump", folder_, "--lane", "7"}).code, 1);
  EXPECT_EQ(claimctl({"journal", "dump", folder_, "--lane", "seven"}).code, 2);
}

TEST_F(ClaimctlState, FollowPrintsWhatIsHeldThenEachClaimOnceFromItsPositionOn) {
  const std::string position = scratch_.file("feed.json");
  const std::vector<std::string> arguments{"follow", folder_,  "--from", position,
                                           "--save", position, "--once", "--json"};
  SignedLife life(folder_);
  life.import(1);
  life.claim(1, 100);
  life.rest();
  const auto events = [&](const Outcome& outcome) {
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    std::vector<std::string> out;
    for (const json& line : json_lines(outcome.out)) {
      out.push_back(line.at("event").get<std::string>());
      if (line.at("event") != "claim") continue;
      out.back() += " " + line.at("amount").get<std::string>();
      EXPECT_EQ(line.at("channel_id"), SignedLife::id_text(1));
      EXPECT_EQ(line.at("lane"), 0);
    }
    return out;
  };
  using Events = std::vector<std::string>;
  EXPECT_EQ(events(claimctl(arguments)), (Events{"snapshot_end", "claim 100"}));
  EXPECT_EQ(events(claimctl(arguments)), Events{});
  life.claim(1, 150);
  life.rest();
  EXPECT_EQ(events(claimctl(arguments)), Events{"claim 150"});
  // Two checkpoints later, and the segments used again.
  for (std::uint64_t i = 1; i <= 60; ++i) {
    life.claim(1, 150 + i);
    if (i % 10 == 0) life.checkpoint();
    life.rest();
  }
  const Events late = events(claimctl(arguments));
  ASSERT_GE(late.size(), 3u);
  EXPECT_EQ(late[0], "gap");
  EXPECT_EQ(late[1], "snapshot");
  EXPECT_EQ(late[2], "snapshot_end");
  EXPECT_EQ(events(claimctl(arguments)), Events{});

  std::ofstream(position) << "no position";
  EXPECT_EQ(claimctl(arguments).code, 1);
}

TEST_F(ClaimctlState, FollowEndsWellWhenInterruptedAndQuietlyWithItsReader) {
  live();
  const std::string position = scratch_.file("feed.json");
  RunningClaimctl running({"follow", folder_, "--save", position, "--json"});
  for (unsigned i = 0; i < 1000 && !std::filesystem::exists(position); ++i) ::usleep(10'000);
  running.interrupt();
  const Outcome outcome = running.finish();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(json_lines(outcome.out).empty());
  std::ifstream saved(position);
  EXPECT_EQ(json::parse(saved).at("lanes").at("0"), 3);

  RunningClaimctl unread({"follow", folder_, "--json"});
  unread.close_output();
  EXPECT_EQ(unread.finish().code, 128 + SIGPIPE);
}

TEST_F(ClaimctlState, BackupAndRestoreKeepEveryAmountAndNeverWriteOverAState) {
  live();
  const std::string copy = scratch_.file("copy"), again = scratch_.file("again");
  const Outcome made = claimctl({"backup", folder_, copy, "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(json::parse(made.out).at("channels"), 3);
  EXPECT_EQ(json::parse(made.out).at("claims"), 2);
  EXPECT_EQ(json::parse(made.out).at("lanes").at("0"), 3);
  EXPECT_EQ(claimctl({"check", copy, "--signatures"}).code, 0);
  EXPECT_EQ(claimctl({"backup", folder_, copy}).code, 1) << "it is not empty";

  const Outcome refused = claimctl({"restore", copy, folder_});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(contains(refused.err, "never written over")) << refused.err;
  const Outcome restored = claimctl({"restore", copy, again});
  ASSERT_EQ(restored.code, 0) << restored.err;
  EXPECT_TRUE(contains(restored.out, "amounts of those channels are lower")) << restored.out;
  const Outcome checked = claimctl({"check", again, "--signatures", "--json"});
  EXPECT_EQ(checked.code, 0) << checked.out;
  EXPECT_EQ(json::parse(checked.out).at("signatures_verified"), 2);
  const std::string position = scratch_.file("feed.json");
  ASSERT_EQ(claimctl({"follow", folder_, "--save", position, "--once"}).code, 0);
  const Outcome followed = claimctl({"follow", again, "--from", position, "--once"});
  EXPECT_EQ(followed.code, 1) << followed.out;
  EXPECT_TRUE(contains(followed.err, "before it was restored")) << followed.err;
  EXPECT_TRUE(contains(followed.err, "Begin without a position")) << followed.err;
  SignedLife life(again);
  EXPECT_EQ(life.table().size(), 3u);
  life.claim(1, 160);
}

TEST_F(ClaimctlState, BackupIsMadeBesideARunningClaimd) {
  SignedLife life(folder_);
  life.import(1);
  life.claim(1, 100);
  life.rest();
  const Descriptor lock(::open((folder_ + "/lock").c_str(), O_CREAT | O_RDWR, 0600));
  ASSERT_EQ(::flock(lock.number(), LOCK_EX), 0);
  const Outcome made = claimctl({"backup", folder_, scratch_.file("copy"), "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(json::parse(made.out).at("claims"), 1);
  EXPECT_EQ(claimctl({"restore", folder_, scratch_.file("again")}).code, 1);
}

}  // namespace
}  // namespace claimgate::journal
