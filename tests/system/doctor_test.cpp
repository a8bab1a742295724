// `claimctl doctor` as an operator runs it: before claimd, beside it, as root and not, with
// configurations that do not suit the machine.
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/system/appliance_test.hpp"

namespace claimgate::system_test {
namespace {

using nlohmann::json;

class Doctor : public ApplianceTest {
 protected:
  // The site's own settings, `more` over them, and the profile of a memif port.
  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> out{"doctor", "--json", "--config", profile("memif")};
    for (const auto& list : {site.settings(), more}) {
      for (const std::string& each : list) out.insert(out.end(), {"--set", each});
    }
    return out;
  }
  Finished doctor(const std::vector<std::string>& more = {}) const {
    return site.claimctl(arguments(more));
  }
  static json finding(const Finished& finished, std::string_view area, std::string_view check) {
    const json said = json::parse(finished.out);
    for (const json& each : said["findings"]) {
      if (each["area"] == area && each["check"] == check) return each;
    }
    return {};
  }
  // A test's folder may lie in the kernel's memory, which the doctor is right to object to.
  static bool on_disk(const Finished& finished) {
    return state(finished, "disk", "file system") != "problem";
  }
  // Of the finding; "" where there is none.
  static std::string state(const Finished& finished, std::string_view area,
                           std::string_view check) {
    const json found = finding(finished, area, check);
    return found.is_null() ? std::string() : found["state"].get<std::string>();
  }
};

TEST_F(Doctor, FindsNoProblemWhereClaimdThenStarts) {
  const auto before = doctor();
  EXPECT_EQ(before.code, on_disk(before) ? 0 : 1) << before.out << before.err;
  const json said = json::parse(before.out);
  EXPECT_EQ(said["ok"], on_disk(before));
  EXPECT_EQ(said.size(), 2U);
  for (const json& each : said["findings"]) {
    EXPECT_EQ(each.size(), 5U) << each;
    const std::string state = each["state"];
    if (each["check"] != "file system") {
      EXPECT_TRUE(state == "ok" || state == "note" || state == "warning") << each;
    }
    EXPECT_EQ(state == "ok", each["remedy"].get<std::string>().empty()) << each;
  }
  EXPECT_EQ(state(before, "claimd", "configuration"), "ok");
  EXPECT_EQ(state(before, "claimd", "answers"), "note");
  EXPECT_EQ(state(before, "port", "driver"), "ok");
  EXPECT_EQ(state(before, "port", "socket"), "ok");
  EXPECT_EQ(state(before, "disk", "O_DIRECT"), "note") << "the state folder is not there yet";
  EXPECT_FALSE(std::filesystem::exists(site.state_dir()));
  start();
}

TEST_F(Doctor, AsksTheClaimdThatRunsWhatItGot) {
  start();
  const auto beside = doctor({"worker.idle=spin"});  // claimd itself runs with the profile's
  EXPECT_EQ(beside.code, on_disk(beside) ? 0 : 1) << beside.out << beside.err;
  EXPECT_EQ(state(beside, "claimd", "answers"), "");
  const std::string version = finding(beside, "claimd", "version")["found"];
  EXPECT_NE(version.find(fmt::format("pid {}", daemon().pid())), version.npos) << version;
  EXPECT_NE(finding(beside, "claimd", "worker")["found"].get<std::string>().find("idle: "),
            std::string::npos);
  const json port = finding(beside, "claimd", "port");
  EXPECT_EQ(port["state"], "warning") << "nobody is at the other end";
  EXPECT_NE(port["found"].get<std::string>().find("net_memif"), std::string::npos) << port;
  EXPECT_EQ(state(beside, "port", "socket"), "ok") << "it is claimd that serves it";
  EXPECT_NE(state(beside, "cores", "worker"), "problem");
  const std::string digests = finding(beside, "cpu", "digest kernel")["found"];
  EXPECT_TRUE(digests.starts_with("ipsec-mb (") || digests.ends_with(" kernel")) << digests;
  EXPECT_EQ(state(beside, "memory", "available"), "ok");
  unsigned strangers = 0;
  for (const auto& each : std::filesystem::directory_iterator(site.state_dir())) {
    if (each.path().filename().string().find("doctor") != std::string::npos) ++strangers;
  }
  EXPECT_EQ(strangers, 0U);

  const auto without_huge_pages = doctor({"eal.huge_pages=require"});
  EXPECT_EQ(state(without_huge_pages, "huge pages", "enough"), "warning")
      << "claimd has normal pages";
}

TEST_F(Doctor, NamesWhatKeepsClaimdFromStarting) {
  struct Case {
    const char* setting;
    const char* area;
    const char* check;
    const char* remedy;
  };
  const std::vector<Case> cases = {
      {"port.device=0000:ff:1f.7", "port", "device", "lspci -D"},
      {"port.device=net_nosuch0", "port", "driver", "apt install librte-net-nosuch23"},
      {"port.device=net_af_packet0,iface=nosuch0", "port", "interface", "iface="},
      {"port.device=net_pcap0,rx_pcap=/nosuch.pcap", "port", "capture", "rx_pcap="},
      {"port.device=net_memif0,role=client,socket=/nosuch/memif.sock,socket-abstract=no", "port",
       "socket", "before claimd"},
      {"worker.cpu=1023", "cores", "worker", "auto"},
      {"node.state_dir=/proc/version", "disk", "state folder", "node.state_dir"},
      {"channels.capacity=1073741824", "memory", "available", "channels.capacity"},
  };
  for (const Case& each : cases) {
    const auto found = doctor({each.setting});
    EXPECT_EQ(found.code, 1) << each.setting << "\n" << found.out << found.err;
    EXPECT_EQ(json::parse(found.out)["ok"], false);
    const json finding = Doctor::finding(found, each.area, each.check);
    ASSERT_FALSE(finding.is_null()) << each.setting << "\n" << found.out;
    EXPECT_EQ(finding["state"], "problem") << finding;
    EXPECT_NE(finding["remedy"].get<std::string>().find(each.remedy), std::string::npos) << finding;
  }
  const auto pages = doctor({"eal.huge_pages=require", "eal.memory_mib=1048576"});
  EXPECT_EQ(state(pages, "huge pages", "enough"), "problem") << pages.out;
}

TEST_F(Doctor, NamesAConfigurationThatClaimdWouldRefuse) {
  const auto file = site.file("claimd.toml", "[worker]\nidel = \"spin\"\n");
  const auto found = site.claimctl({"doctor", "--json", "--config", file});
  EXPECT_EQ(found.code, 1);
  const json finding = Doctor::finding(found, "claimd", "configuration");
  EXPECT_EQ(finding["state"], "problem");
  EXPECT_NE(finding["found"].get<std::string>().find("did you mean worker.idle"), std::string::npos)
      << finding;
  const auto missing = site.claimctl({"doctor", "--json", "--config", "/nosuch.toml"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(Doctor::finding(missing, "claimd", "configuration")["state"], "problem");
  EXPECT_EQ(site.claimctl({"doctor", "--nosuch"}).code, 2);
  EXPECT_EQ(site.claimctl({"doctor", "stray"}).code, 2);
}

TEST_F(Doctor, PrintsATableWithoutColourIntoAPipe) {
  auto words = arguments();
  std::erase(words, "--json");
  const auto table = site.claimctl(words);
  EXPECT_EQ(table.err, "");
  EXPECT_EQ(table.out.find('\033'), std::string::npos);
  EXPECT_NE(table.out.find("\nhuge pages\n"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find(table.code == 0 ? "\n0 problems, " : "\n1 problem, "), std::string::npos)
      << table.out;
  EXPECT_NE(table.out.find("  -> "), std::string::npos) << table.out;
}

TEST_F(Doctor, FollowsTheConfigurationToItsAdminSocketUnlessOneIsNamed) {
  start();
  auto words = arguments();
  words.insert(words.begin(), program("claimctl"));
  const auto followed = run({.arguments = words});
  EXPECT_EQ(state(followed, "claimd", "version"), "ok") << followed.out;
  words.insert(words.begin() + 1, {"--socket", site.path("nobody.sock")});
  const auto named = run({.arguments = words});
  EXPECT_EQ(state(named, "claimd", "answers"), "note") << named.out;
}

TEST_F(Doctor, TellsAnOrdinaryUserWhatItMayNotLookAt) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr) {
    std::puts(
        "NOT RUN: Doctor.TellsAnOrdinaryUserWhatItMayNotLookAt: becoming another user needs "
        "root");
    GTEST_SKIP();
  }
  start();  // as root: a state folder and a socket that are closed to others
  const std::string copy = site.path("claimctl");
  const std::string config = site.path("memif.toml");
  std::filesystem::copy_file(program("claimctl"), copy);
  std::filesystem::copy_file(profile("memif"), config);
  for (const std::string& each : {copy, config}) ASSERT_EQ(::chmod(each.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(site.path("").c_str(), 0755), 0);
  auto words = arguments();
  words[3] = config;
  words.insert(words.begin(), copy);
  const auto seen = run({.arguments = words, .user = nobody->pw_uid});
  const json answers = finding(seen, "claimd", "answers");
  ASSERT_FALSE(answers.is_null()) << seen.out << seen.err;
  EXPECT_EQ(answers["state"], "note");
  EXPECT_EQ(state(seen, "disk", "state folder"), "warning") << seen.out;
  EXPECT_EQ(state(seen, "disk", "O_DIRECT"), "note");
}

}  // namespace
}  // namespace claimgate::system_test
