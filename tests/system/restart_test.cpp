// What survives a stop, a kill, damage and a full disk, and what a second claimd may not do.
#include "tests/system/appliance_test.hpp"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace claimgate::system_test {
namespace {

using nlohmann::json;

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool says(const std::string& text, std::string_view words) {
  return text.find(words) != text.npos;
}

class Restart : public ApplianceTest {
 protected:
  // A claimd that is expected to refuse: its exit code and what it said.
  Finished refused(const DaemonOptions& options = {}, const Site* at = nullptr) {
    Daemon second(at ? *at : site, options);
    const auto code = second.wait(std::chrono::seconds(30));
    EXPECT_TRUE(code) << "it runs:\n" << second.log();
    return {.code = code.value_or(-1), .out = second.log(), .err = {}};
  }
};

TEST_F(Restart, KeepsChannelsAmountsAndIncarnationsOverACleanStop) {
  start();
  import(site.channels(7, 300));
  ASSERT_EQ(site.claimgen(run_arguments(7, 300, 1500)).code, 0);
  // Without the LSNs: they count from zero in every run.
  const auto lasting = [this] {
    auto listed = channels_listed();
    for (auto& each : listed) each.erase("lsn");
    return listed;
  };
  const auto before = lasting();
  std::uint64_t newest = 0;
  for (const auto& each : channels_listed()) {
    newest = std::max(newest, each["incarnation"].get<std::uint64_t>());
  }
  stop();
  EXPECT_TRUE(says(start().log(), "300 channels loaded from "));
  EXPECT_FALSE(says(daemon().log(), "did not stop cleanly")) << daemon().log();
  EXPECT_EQ(lasting(), before);

  const std::string id = channels_listed()[0]["channel_id"];
  ASSERT_EQ(site.claimctl({"channels", "remove", id, "--yes"}).code, 0);
  import(site.channels(7, 300));
  const auto shown = site.claimctl({"channels", "show", id, "--json"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_GT(json::parse(shown.out)["incarnation"].get<std::uint64_t>(), newest);
}

TEST_F(Restart, TheClaimHeldBeforeIsADuplicateAfterIt) {
  start();
  import(site.channels(5, 1));
  const auto claim = run_arguments(5, 1, 1, {"--mix", "good=1"});
  ASSERT_EQ(site.claimgen(claim).code, 0);
  ASSERT_EQ(settle().verdicts("accepted"), 1);
  stop();
  start();
  (void)site.claimgen(claim);  // which expects ACCEPTED, and says so
  const Samples books = settle();
  EXPECT_EQ(books.verdicts("duplicate"), 1);
  EXPECT_EQ(books.verdicts("accepted"), 0);
}

TEST_F(Restart, AfterAKillSaysWhatIsLostAndWorksFromTheLastCleanStop) {
  start();
  import(site.channels(7, 20));
  const std::string saved = list();
  stop();
  start();
  ASSERT_EQ(site.claimgen(run_arguments(7, 20, 200)).code, 0);
  import(site.channels(8, 30));
  daemon().kill();
  ASSERT_TRUE(std::filesystem::exists(site.memif_socket()));
  ASSERT_TRUE(std::filesystem::exists(site.admin_socket()));

  start();
  EXPECT_TRUE(says(daemon().log(), "did not stop cleanly")) << daemon().log();
  EXPECT_TRUE(says(daemon().log(), "are lost")) << daemon().log();
  EXPECT_EQ(list(), saved) << "the state of the last clean stop";
  EXPECT_EQ(site.claimgen(run_arguments(7, 20, 200)).code, 0);
  stop();
  start();
  EXPECT_FALSE(says(daemon().log(), "did not stop cleanly")) << "one clean stop ends the warning";
}

TEST_F(Restart, AfterAKillAVhostPortsSocketIsNoHindranceEither) {
  const DaemonOptions vhost{
      .settings = {"port.device=net_vhost0,iface=" + site.path("vhost.sock") + ",queues=1"}};
  start(vhost).kill();
  ASSERT_TRUE(std::filesystem::exists(site.path("vhost.sock")));
  start(vhost);
  const Site other;
  const auto same = refused({.settings = vhost.settings}, &other);
  EXPECT_EQ(same.code, 1);
  EXPECT_TRUE(says(same.out, "another program is serving")) << same.out;
}

TEST_F(Restart, RefusesADamagedStateFileAndLeavesItAsItIs) {
  start();
  import(site.channels(7, 50));
  stop();
  const std::string right = bytes_of(site.state_file());
  ASSERT_GT(right.size(), 1000u);
  for (const std::size_t at : {std::size_t{9}, right.size() / 2, right.size() - 1}) {
    std::string damaged = right;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    std::ofstream(site.state_file(), std::ios::binary) << damaged;
    const auto ended = refused();
    EXPECT_EQ(ended.code, 1) << "byte " << at;
    EXPECT_TRUE(says(ended.out, site.state_file())) << ended.out;
    EXPECT_TRUE(says(ended.out, "[error]") || says(ended.out, "error")) << ended.out;
    EXPECT_EQ(bytes_of(site.state_file()), damaged) << "the evidence was changed";
  }
  std::ofstream(site.state_file(), std::ios::binary) << right.substr(0, right.size() / 3);
  EXPECT_EQ(refused().code, 1) << "a file cut short";
  std::ofstream(site.state_file(), std::ios::binary) << right;
  start();
  EXPECT_EQ(channels_listed().size(), 50u);
}

TEST_F(Restart, RefusesMoreChannelsThanItHasRoomFor) {
  start();
  import(site.channels(7, 100));
  stop();
  const auto ended = refused({.settings = {"channels.capacity=10"}});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(says(ended.out, "channels.capacity")) << ended.out;
}

// A file system of 192 KiB at the state folder; gone with its object, and in a mount namespace of
// this process, so gone with that too.
class TinyDisk {
 public:
  explicit TinyDisk(std::string at) : at_(std::move(at)) {
    ::mkdir(at_.c_str(), 0700);
    static const bool apart = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    mounted_ = apart && ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=192k") == 0;
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }

 private:
  std::string at_;
  bool mounted_ = false;
};

TEST_F(Restart, OnAFullDiskSaysSoAndKeepsTheOldFile) {
  const TinyDisk disk(site.state_dir());
  if (!disk.mounted()) {
    std::printf("NOT RUN: %s: a tmpfs cannot be mounted here\n", "full disk at a stop");
    return;
  }
  start();
  import(site.channels(7, 20));
  const std::string saved = list();
  stop();
  const std::string old = bytes_of(site.state_file());
  start();
  import(site.channels(8, 5000));
  EXPECT_EQ(daemon().stop(), 1);
  const std::string log = daemon().log();
  EXPECT_TRUE(says(log, site.state_dir())) << log;
  EXPECT_TRUE(says(log, "No space left on device")) << log;
  EXPECT_EQ(bytes_of(site.state_file()), old);
  start();
  EXPECT_TRUE(says(daemon().log(), "did not stop cleanly")) << daemon().log();
  EXPECT_EQ(list(), saved);
}

TEST_F(Restart, ASecondClaimdIsRefusedTheStateFolderAndTheSocketsOfTheFirst) {
  start();
  import(site.channels(7, 5));
  const auto same_folder = refused();
  EXPECT_EQ(same_folder.code, 1);
  EXPECT_TRUE(says(same_folder.out, "another claimd is using this state folder"))
      << same_folder.out;
  EXPECT_TRUE(says(same_folder.out, "node.state_dir")) << same_folder.out;

  const Site other;
  const auto same_admin = refused({.settings = {"admin.socket=" + site.admin_socket()}}, &other);
  EXPECT_EQ(same_admin.code, 1);
  EXPECT_TRUE(says(same_admin.out, "another claimd is running on this admin socket"))
      << same_admin.out;

  const auto same_memif = refused({.settings = {"port.device=" + site.memif_server()}}, &other);
  EXPECT_EQ(same_memif.code, 1);
  EXPECT_TRUE(says(same_memif.out, site.memif_socket())) << same_memif.out;
  EXPECT_TRUE(says(same_memif.out, "another program is serving")) << same_memif.out;

  // The first is none the worse for it.
  EXPECT_EQ(channels_listed().size(), 5u);
  EXPECT_EQ(site.claimgen(run_arguments(7, 5, 100)).code, 0);
}

TEST_F(Restart, ReplacesAStaleAdminSocketButNothingElse) {
  {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, site.admin_socket().c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(socket);
  }
  start();
  EXPECT_EQ(site.claimctl({"stats"}).code, 0);
  struct stat made {};
  ASSERT_EQ(::lstat(site.admin_socket().c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0660u);
  stop();
  EXPECT_FALSE(std::filesystem::exists(site.admin_socket())) << "left behind after a clean stop";

  (void)site.file("admin.sock", "precious");
  const auto ended = refused();
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(bytes_of(site.admin_socket()), "precious");
}

TEST_F(Restart, LeavesAFileAtTheMemifSocketsPathAlone) {
  (void)site.file("memif.sock", "precious");
  const auto ended = refused();
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(says(ended.out, site.memif_socket())) << ended.out;
  EXPECT_EQ(bytes_of(site.memif_socket()), "precious");
}

TEST_F(Restart, StopsWhileClaimsFlowWithItsBooksInOrderAndItsStateSaved) {
  start();
  import(site.channels(7, 50));
  Child sender(site.claimgen_command(run_arguments(7, 50, 60'000, {"--window", "64"})));
  ASSERT_TRUE(eventually([&] { return daemon().metrics().verdicts("accepted") >= 200; },
                         std::chrono::seconds(60)));
  EXPECT_EQ(daemon().stop(), 0) << daemon().log();
  sender.signal(SIGTERM);
  (void)sender.wait(std::chrono::seconds(20));
  start();
  std::uint64_t held = 0;
  for (const auto& each : channels_listed()) held += each["held"] != "0";
  EXPECT_GT(held, 0u);
}

}  // namespace
}  // namespace claimgate::system_test
