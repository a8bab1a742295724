// What survives a stop, a kill, damage and a full disk, and what a second claimd may not do. What
// is acknowledged at random instants: kill_test.cpp.
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
  // Without the LSNs, which recovery forgets: all it finds is durable.
  [[nodiscard]] std::vector<json> lasting() const {
    auto listed = channels_listed();
    for (auto& each : listed) each.erase("lsn");
    std::ranges::sort(listed, {}, [](const json& each) { return each["channel_id"].dump(); });
    return listed;
  }
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
  const auto before = lasting();
  std::uint64_t newest = 0;
  for (const auto& each : channels_listed()) {
    newest = std::max(newest, each["incarnation"].get<std::uint64_t>());
  }
  stop();
  EXPECT_TRUE(says(start().log(), "300 channels recovered in ")) << daemon().log();
  EXPECT_TRUE(says(daemon().log(), "and 0 claims and 0 changes of channels after it"))
      << "a clean stop leaves nothing to replay:\n"
      << daemon().log();
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

TEST_F(Restart, AfterAKillEverythingIsThere) {
  start();
  import(site.channels(7, 20));
  stop();
  start();
  ASSERT_EQ(site.claimgen(run_arguments(7, 20, 200)).code, 0);
  import(site.channels(8, 30));
  const std::string removed = channels_listed()[3]["channel_id"];
  ASSERT_EQ(site.claimctl({"channels", "remove", removed, "--yes"}).code, 0);
  const auto before = lasting();
  EXPECT_EQ(before.size(), 49u);
  daemon().kill();
  ASSERT_TRUE(std::filesystem::exists(site.memif_socket()));
  ASSERT_TRUE(std::filesystem::exists(site.admin_socket()));

  start();
  EXPECT_TRUE(says(daemon().log(), "49 channels recovered in ")) << daemon().log();
  EXPECT_EQ(lasting(), before);
}

TEST_F(Restart, AVerdictThatLeavesAtOnceSaysThatItIsNotDurable) {
  start({.settings = {"durability.mode=async"}});
  import(site.channels(7, 20));
  ASSERT_EQ(site.claimgen(run_arguments(7, 20, 2000)).code, 0);
  const auto stats = json::parse(site.claimctl({"stats", "--json"}).out);
  EXPECT_EQ(stats["journal"]["mode"], "async");
  const auto before = lasting();
  stop();
  start();
  EXPECT_EQ(lasting(), before) << "a clean stop loses nothing";
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

TEST_F(Restart, RefusesDamageToWhatWasAcknowledgedNamesItAndLeavesItAsItIs) {
  start();
  import(site.channels(7, 50));
  ASSERT_EQ(site.claimgen(run_arguments(7, 50, 300)).code, 0);
  // What is durable is stated by what comes after it.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  daemon().kill();
  for (const std::string name : {"lane-0/seg-1.jnl", "lane-provisioning/seg-1.jnl"}) {
    const std::string path = site.state_dir() + "/" + name;
    const std::string right = bytes_of(path);
    ASSERT_GT(right.size(), 9000u) << name;
    std::string damaged = right;
    damaged[4096 + 100] = static_cast<char>(damaged[4096 + 100] ^ 0x10);
    std::ofstream(path, std::ios::binary) << damaged;
    const auto ended = refused();
    EXPECT_EQ(ended.code, 1) << name;
    EXPECT_TRUE(says(ended.out, path)) << ended.out;
    EXPECT_TRUE(says(ended.out, "offset")) << ended.out;
    EXPECT_TRUE(says(ended.out, "backup")) << ended.out;
    EXPECT_EQ(bytes_of(path), damaged) << "the evidence was changed";
    std::ofstream(path, std::ios::binary) << right;
  }
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

// A small file system at the state folder; gone with its object, and in a mount namespace of this
// process, so gone with that too.
class TinyDisk {
 public:
  explicit TinyDisk(std::string at) : at_(std::move(at)) {
    ::mkdir(at_.c_str(), 0700);
    static const bool apart = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    mounted_ = apart && ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=14m") == 0;
  }
  void grow() { EXPECT_EQ(::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, "size=200m"), 0); }
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

TEST_F(Restart, OnAFullDiskAnswersBusySaysSoAndGoesOnWhenThereIsRoom) {
  TinyDisk disk(site.state_dir());
  if (!disk.mounted()) {
    std::printf("NOT RUN: %s: a tmpfs cannot be mounted here\n", "full disk");
    return;
  }
  start();
  import(site.channels(7, 20));
  const auto condition = [this] {
    return json::parse(site.claimctl({"stats", "--json"}).out)["journal"]["condition"];
  };
  // There is room for the first segments, and for no spare ones.
  ASSERT_TRUE(eventually([&] { return condition() == "hindered"; })) << daemon().log();
  // The first claims take the segment there is, and what comes once it is open is BUSY.
  const auto more = [this](unsigned claims) {
    return site.claimgen(run_arguments(7, 20, claims, {"--mix", "good=1", "--retries", "0"}));
  };
  EXPECT_EQ(more(20).code, 0);
  ASSERT_TRUE(eventually([&] { return condition() == "full"; })) << daemon().log();
  const double accepted = daemon().metrics().verdicts("accepted");
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(more(40).code, 1) << "the others get no answer but BUSY";
  EXPECT_EQ(daemon().metrics().verdicts("accepted"), accepted);
  EXPECT_GT(daemon().metrics().verdicts("busy"), 0);
  EXPECT_EQ(daemon().metrics().at("claimgate_journal_condition{condition=\"full\"}"), 1);
  const std::string log = daemon().log();
  EXPECT_TRUE(says(log, site.state_dir())) << log;
  EXPECT_TRUE(says(log, "No space left on device")) << log;
  const auto refused_import = site.claimctl({"channels", "import", site.channels(8, 100)});
  EXPECT_EQ(refused_import.code, 0) << "it fits into what there is: " << refused_import.err;

  disk.grow();
  ASSERT_TRUE(eventually([&] { return condition() == "good"; }, std::chrono::seconds(10)));
  EXPECT_TRUE(eventually([&] { return says(daemon().log(), "in order again"); }));
  EXPECT_EQ(site.claimgen(run_arguments(8, 100, 500)).code, 0);
  const auto before = lasting();
  daemon().kill();
  start();
  EXPECT_EQ(lasting(), before);
  stop();
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
