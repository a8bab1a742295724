// Wrong usage and missing parts: claimd says where and what to do, and ends with the right code.
#include "tests/system/appliance_test.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <nlohmann/json.hpp>

namespace claimgate::system_test {
namespace {

bool says(const std::string& text, std::string_view words) {
  return text.find(words) != text.npos;
}

class Refusal : public ApplianceTest {
 protected:
  // Runs claimd on a configuration file of this text, or with more settings; to its end.
  Finished claimd(const DaemonOptions& options) {
    Daemon daemon(site, options);
    const auto code = daemon.wait(std::chrono::seconds(60));
    EXPECT_TRUE(code) << "it runs:\n" << daemon.log();
    return {.code = code.value_or(-1), .out = daemon.log(), .err = {}};
  }
};

struct Wrong {
  const char* text;
  int line;
  const char* words;
};

TEST_F(Refusal, OfAWrongConfigurationNamesFileAndLineAndIsExitCode2) {
  const std::vector<Wrong> wrong = {
      {"[worker]\nidel = \"spin\"\n", 2, "idel"},
      {"[node]\nstate_dir = 7\n", 2, "state_dir"},
      {"\n\n[port]\nrx_descriptors = \"many\"\n", 4, "rx_descriptors"},
      {"[port]\nrx_descriptors = 1000\n", 2, "power of two"},
      {"[worker]\nidle = \"lazy\"\n", 2, "yield"},
      {"[port]\naddresses = [\"10.93.0.300/24\"]\n", 2, "addresses"},
      {"[channels]\ndestinations = [\"rNotAnAddress\"]\n", 2, "destinations"},
      {"[nodes]\n", 1, "nodes"},
      {"[worker\n", 1, ""},
  };
  for (const Wrong& each : wrong) {
    const std::string file = site.file("wrong.toml", each.text);
    for (const bool check : {false, true}) {
      Command command{.arguments = {program("claimd"), "--config", file}};
      if (check) command.arguments.push_back("--check");
      const auto ended = run(command);
      EXPECT_EQ(ended.code, 2) << each.text;
      EXPECT_TRUE(says(ended.err, file + ":" + std::to_string(each.line))) << ended.err;
      EXPECT_TRUE(says(ended.err, each.words)) << ended.err;
    }
  }
}

TEST_F(Refusal, OfAMissingFileAWrongOptionOrAWrongSettingIsExitCode2) {
  const auto missing = run({.arguments = {program("claimd"), "--config", site.path("no.toml")}});
  EXPECT_EQ(missing.code, 2);
  EXPECT_TRUE(says(missing.err, site.path("no.toml"))) << missing.err;
  EXPECT_EQ(run({.arguments = {program("claimd"), "--bogus"}}).code, 2);
  EXPECT_EQ(run({.arguments = {program("claimd"), "surplus"}}).code, 2);
  for (const char* setting : {"worker.idle", "nothing=1", "worker.idle=lazy", "worker.bogus=1"}) {
    const auto ended = run({.arguments = {program("claimd"), "--set", setting}});
    EXPECT_EQ(ended.code, 2) << setting;
    EXPECT_TRUE(says(ended.err, std::string(setting).substr(0, 7))) << ended.err;
  }
}

TEST_F(Refusal, OfAWrongKernelInTheEnvironmentUnlessTheCommandLineSaysBetter) {
  Command command{.arguments = {program("claimd"), "--check"},
                  .environment = {{"CLAIMGATE_VERIFY_KERNEL", "abacus"}}};
  const auto refused = run(command);
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(says(refused.err, "verify.kernel")) << refused.err;
  EXPECT_TRUE(says(refused.err, "portable")) << refused.err;
  command.arguments.insert(command.arguments.end(), {"--set", "verify.kernel=portable"});
  EXPECT_EQ(run(command).code, 0);
}

TEST_F(Refusal, CheckFindsEveryProfileInOrderAndStartsNothing) {
  for (const char* name :
       {"claimd", "memif", "generator", "tap", "af_packet", "pcap", "vhost", "bare-metal"}) {
    const auto ended = run({.arguments = {program("claimd"), "--check", "--config", profile(name),
                                          "--set", "node.state_dir=" + site.state_dir()}});
    EXPECT_EQ(ended.code, 0) << name << ": " << ended.err;
    EXPECT_TRUE(says(ended.out, "in order")) << ended.out;
  }
  EXPECT_FALSE(std::filesystem::exists(site.state_dir()));
}

TEST_F(Refusal, OfADeviceNamesItAndTheWayOut) {
  struct Bad {
    const char* device;
    const char* words;
    bool seen_by_doctor = true;  // not what only the driver's own reading of its arguments finds
  };
  const std::vector<Bad> bad = {
      {"net_nosuch0", "net_nosuch0"},
      {"net_af_packet0,iface=nosuchif0", "nosuchif0"},
      {"net_memif0,role=server,socket=/proc/nonexistent/memif.sock,socket-abstract=no",
       "/proc/nonexistent", false},  // a folder that nobody can make
      {"net_memif0,role=prince", "net_memif0", false},
      {"0000:ff:1f.7", "0000:ff:1f.7"},
  };
  for (const Bad& each : bad) {
    const auto ended = claimd({.settings = {std::string("port.device=") + each.device}});
    EXPECT_EQ(ended.code, 1) << each.device << "\n" << ended.out;
    EXPECT_TRUE(says(ended.out, each.words)) << ended.out;
    EXPECT_TRUE(says(ended.out, "claimctl doctor --set") || says(ended.out, "install -d"))
        << ended.out;
    const auto asked = run({.arguments = {program("claimctl"), "doctor", "--set",
                                          std::string("port.device=") + each.device}});
    EXPECT_EQ(asked.code, each.seen_by_doctor ? 1 : 0) << each.device << "\n" << asked.out;
  }
}

// With as many channels and claims to make as would take minutes, had it begun with them.
TEST_F(Refusal, OfWhatClaimgenCannotDoComesBeforeTheLongWork) {
  const std::vector<std::string> run_long = {"run",      "--seed",  "7",
                                             "--claims", "2000000", "--device"};
  const std::string memif = "net_memif0,role=client,socket-abstract=no,socket=";
  const std::vector<std::vector<std::string>> lines = {
      {"channels", "--seed", "7", "--channels", "1000000", "--out", "/nonexistent/channels.json"},
      plus(run_long, {memif + site.path("nobody.sock"), "--link-timeout-ms", "50"}),
      plus(run_long, {memif + site.path("nobody.sock"), "--peer-ip", "10.93.0", "--link-timeout-ms",
                      "600000"}),
      {"channels", "--seed", "-1", "--channels", "1000000"},
      plus(run_long, {"net_af_packet0,iface=nosuchif0"}),
      plus(run_long, {"net_null0", "--final", "/nonexistent/finals"}),
      plus(run_long, {"net_null0", "--latency-out", "/nonexistent/latency"}),
      plus(run_long, {"net_null0", "--final", "same", "--latency-out", "same"}),
      {"pcap", "--seed", "7", "--claims", "2000000", "--out", "same", "--final", "same"},
      {"pcap", "--seed", "7", "--claims", "2000000", "--out", site.path("of-a-group.pcap"),
       "--local-mac", "01:00:5e:00:00:01"},
      {"pcap", "--seed", "7", "--claims", "2000000", "--out", site.path("vlan.pcap"), "--vlan",
       "4095"},
  };
  for (const auto& line : lines) {
    const auto ended = site.claimgen(line);
    EXPECT_GE(ended.code, 2) << line.back() << "\n" << ended.err;
    EXPECT_FALSE(says(ended.err, "making channels") || says(ended.err, "signing")) << ended.err;
  }
}

TEST_F(Refusal, OfALineWithoutAVerbListsTheVerbs) {
  struct Line {
    const char* tool;
    std::vector<std::string> words;
    const char* answer;
  };
  for (const auto& [tool, words, answer] : std::vector<Line>{
           {"claimctl",
            {},
            "a verb is missing, one of: channels, claims, check, journal, follow, "},
           {"claimctl", {"channels"}, "a verb is missing, one of: import, list, show, remove"},
           {"claimctl", {"claims", "exprot"}, "\"exprot\" is no verb of `claimctl claims`, these"},
           {"claimctl", {"--josn", "stats"}, "\"--josn\" is no option of `claimctl"},
           {"claimgen", {}, "a verb is missing, one of: channels, run, pcap, check-amounts"},
           {"claimgen", {"rnu", "--seed", "7"}, "\"rnu\" is no verb of `claimgen`"}}) {
    const auto ended = run({.arguments = plus({program(tool)}, words)});
    EXPECT_EQ(ended.code, 2) << tool;
    EXPECT_TRUE(says(ended.err, answer)) << ended.err;
    EXPECT_TRUE(says(ended.err, "--help` tells more")) << ended.err;
  }
}

TEST_F(Refusal, OfAWordOrAnOptionNamesTheToolWhatIsWrongAndWhichHelpTellsMore) {
  struct Line {
    std::vector<std::string> words;
    const char* answer;
    const char* help;
  };
  for (const auto& [words, answer, help] :
       std::vector<Line>{{{"claimd", "--bogus"},
                          "claimd: \"--bogus\" is no option of `claimd`",
                          "`claimd --help`"},
                         {{"claimd", "--config", "", "--check"},
                          "the name of a file is missing",
                          "`claimd --help`"},
                         {{"claimctl", "channels", "list", "--state", "shut"},
                          "claimctl: --state: \"shut\" is none of closed, open",
                          "`claimctl channels list --help`"},
                         {{"claimctl", "claims", "export", "--format", "xml"},
                          "\"xml\" is none of blob, csv, tx-json",
                          "`claimctl claims export --help`"},
                         {{"claimgen", "pcap", "--timestamps", "s"},
                          "claimgen: --timestamps: \"s\" is none of ns, us",
                          "`claimgen pcap --help`"},
                         {{"claimgen", "run", "--timeout-ms", "soon"},
                          "claimgen: --timeout-ms = soon is nothing it takes: Silence after which",
                          "`claimgen run --help`"}}) {
    const auto ended =
        run({.arguments = plus({program(words.front())}, {words.begin() + 1, words.end()})});
    EXPECT_EQ(ended.code, 2) << ended.err;
    EXPECT_TRUE(says(ended.err, answer)) << ended.err;
    EXPECT_TRUE(says(ended.err, help)) << ended.err;
  }
}

TEST_F(Refusal, OfALineWithJsonIsJson) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--json", "channels", "lsit"}, {"channels", "list", "--limit", "0", "--json"}}) {
    const auto ended = site.claimctl(words);
    EXPECT_EQ(ended.code, 2) << ended.err;
    const auto said = nlohmann::json::parse(ended.err, nullptr, false);
    ASSERT_TRUE(said.is_object()) << ended.err;
    EXPECT_TRUE(says(said["error"]["remedy"].get<std::string>(), "--help` tells more"));
  }
}

TEST_F(Refusal, OfASocketPathThatIsAFileOrAFolderSaysSo) {
  for (const std::string& path : {site.file("plain", ""), site.path("")}) {
    const auto ended = run({.arguments = {program("claimctl"), "--socket", path, "stats"}});
    EXPECT_EQ(ended.code, 1);
    EXPECT_TRUE(says(ended.err, "this is not a socket")) << ended.err;
  }
}

TEST_F(Refusal, OfAFullOrClosedStandardOutputIsExitCode1) {
  for (const std::string redirection : {">/dev/full", ">&-"}) {
    for (const std::string verb : {"doctor", "doctor --json"}) {
      const std::string line =
          program("claimctl") + " --socket " + site.admin_socket() + " " + verb;
      const auto ended = run({.arguments = {"/bin/sh", "-c", "exec " + line + redirection}});
      EXPECT_EQ(ended.code, 1) << line << redirection;
      EXPECT_TRUE(says(ended.err, "cannot write: ")) << ended.err;
    }
  }
}

TEST_F(Refusal, OfHugePagesThatAreNotThereSaysHowToReserveThem) {
  const auto ended = claimd({.settings = {"eal.huge_pages=require", "eal.memory_mib=1048576"}});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(says(ended.out, "1048576 MiB of huge pages are needed")) << ended.out;
  EXPECT_TRUE(says(ended.out, "nr_hugepages")) << ended.out;
}

TEST_F(Refusal, OfTooLittleMemoryForThePoolNamesTheKeys) {
  const auto ended = claimd({.settings = {"eal.memory_mib=64", "worker.held_max=65536"}});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(says(ended.out, "eal.memory_mib")) << ended.out;
}

TEST_F(Refusal, OfAMetricsAddressInUseNamesIt) {
  start();
  const std::string log = daemon().log();
  const std::size_t at = log.find("127.0.0.1:");
  const std::string address = log.substr(at, log.find('/', at) - at);
  const Site other;
  Daemon second(other, {.settings = {"metrics.listen=" + address}});
  EXPECT_EQ(second.wait(std::chrono::seconds(30)), 1);
  EXPECT_TRUE(says(second.log(), address)) << second.log();
}

TEST_F(Refusal, OfAStateFolderThatCannotBeMadeNamesTheKey) {
  const auto ended = claimd({.settings = {"node.state_dir=/proc/claimgate"}});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(says(ended.out, "node.state_dir")) << ended.out;
}

// "nobody" reaches neither the build nor the sources, so both are given to it.
class Unprivileged : public ApplianceTest {};

TEST_F(Unprivileged, AnOrdinaryUserRunsAMemifPortWithoutHugePages) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr) {
    std::printf("NOT RUN: unprivileged claimd: becoming another user needs root\n");
    return;
  }
  ASSERT_EQ(::chown(site.path("").c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  const std::string copy = site.path("claimd");
  std::filesystem::copy_file(program("claimd"), copy);
  std::filesystem::copy_file(profile("memif"), site.path("memif.toml"));
  for (const auto& file : {copy, site.path("memif.toml")}) {
    ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
  }
  const DaemonOptions as_nobody{
      .config = site.path("memif.toml"), .program = copy, .user = nobody->pw_uid};
  start(as_nobody);
  import(site.channels(7, 20));
  const auto sent = site.claimgen(run_arguments(7, 20, 300));
  EXPECT_EQ(sent.code, 0) << sent.out << sent.err;
  struct stat made {};
  stop();
  ASSERT_EQ(::stat((site.state_dir() + "/MANIFEST").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, nobody->pw_uid);

  // What needs root is refused in words.
  Daemon raw(site, {.config = as_nobody.config,
                    .program = copy,
                    .settings = {"port.device=net_af_packet0,iface=lo"},
                    .user = as_nobody.user});
  EXPECT_EQ(raw.wait(std::chrono::seconds(30)), 1) << raw.log();
  EXPECT_TRUE(says(raw.log(), "net_af_packet0")) << raw.log();
}

}  // namespace
}  // namespace claimgate::system_test
