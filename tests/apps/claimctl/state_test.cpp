// The verbs that read a state folder, run as an operator would on folders that a journal wrote.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <cstdint>
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

}  // namespace
}  // namespace claimgate::journal
