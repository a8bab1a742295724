// The only process of the virtual machine in which the power is cut: its init. It lives the
// journal's lives on a file system under which every write is logged, then cuts the power at many
// moments of that log, mounts what the disk had, and holds the recovery against what was
// acknowledged.
//
//   vda ◄─ log-writes ─► vdb        the lives; ext4 is on vda already
//   vdc ◄─ replay ◄───── vdb        the disk at a moment
//   vdc + vda as its changes        a snapshot of it, to mount, recover and go on with
//
// Or, with fault=device-errors, it lives over and over on a disk that fails for good at some
// moment, and recovers when the disk is back.
//
// The kernel hands over the words of its command line that it does not know as environment: seed=,
// points=, claims=, fault=. All it says goes to the console; the last line is "power: passed" or
// says what is wrong.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include "lib/journal/posix_storage.hpp"
#include "lib/journal/recovery.hpp"
#include "tests/power/crash_points.hpp"
#include "tests/power/device_mapper.hpp"
#include "tests/power/history.hpp"
#include "tests/power/life.hpp"
#include "tests/power/mistaken_storage.hpp"
#include "tests/power/write_log.hpp"

namespace claimgate::power {
namespace {

constexpr const char* disk = "/dev/vda";
constexpr const char* log_disk = "/dev/vdb";
constexpr const char* moment_disk = "/dev/vdc";
constexpr const char* mounted = "/mounted";
constexpr const char* state_folder = "/mounted/state";  // made together with the file system
constexpr unsigned lives = 4;

template <class... Parts>
void say(fmt::format_string<Parts...> text, Parts&&... parts) {
  fmt::print("power: {}\n", fmt::format(text, std::forward<Parts>(parts)...));
  std::fflush(stdout);
}

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

template <class Value>
Value value_of(Expected<Value> expected) {
  if (!expected) throw std::runtime_error(expected.error().text());
  return std::move(*expected);
}

std::string word_from(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) throw std::runtime_error(fmt::format("the command line has no {}=", name));
  return text;
}

std::uint64_t number_from(const char* name) {
  return std::stoull(word_from(name));
}

Mistake mistake_named(const std::string& name) {
  if (name == "none") return Mistake::none;
  if (name == "unsynced-writes") return Mistake::unsynced_writes;
  if (name == "unsynced-names") return Mistake::unsynced_names;
  throw std::runtime_error(fmt::format("there is no mistake {}", name));
}

// In the order of their names, in which each stands behind those it needs.
void load_modules() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator("/modules")) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    const journal::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::syscall(SYS_finit_module, file.number(), "", 0) != 0) give_up(path);
  }
}

// A file system that is mounted for as long as it lives.
class Mounted {
 public:
  explicit Mounted(const std::string& node) {
    if (::mount(node.c_str(), mounted, "ext4", 0, nullptr) != 0) {
      error_ = fmt::format("cannot mount it: {}", std::strerror(errno));
    }
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted() {
    if (error_.empty() && ::umount2(mounted, 0) != 0) say("cannot unmount: {}", errno);
  }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  std::string error_;
};

// All lives on one disk, into `history`.
void live_on_a_logged_disk(std::mt19937_64& random, std::uint64_t claims, Mistake mistake,
                           History& history) {
  const MappedDevice logged({.name = "logged",
                             .target = "log-writes",
                             .parameters = fmt::format("{} {}", disk, log_disk),
                             .sectors = device_bytes(disk) / sector_bytes});
  const Mounted file_system(logged.node());
  if (!file_system.error().empty()) throw std::runtime_error(file_system.error());
  const auto posix = value_of(journal::PosixStorage::open(state_folder));
  MistakenStorage storage(*posix, mistake);
  LifeCounts counts;
  for (unsigned life = 0; life < lives; ++life) {
    channel::Table table = empty_table();
    const LifeCounts more = value_of(live(
        storage, {.claims = claims / lives}, random, table, history,
        [&](std::size_t acknowledged) { logged.message(fmt::format("mark {}", acknowledged)); }));
    counts.claims += more.claims;
    counts.batches += more.batches;
    counts.checkpoints += more.checkpoints;
    counts.busy += more.busy;
  }
  say("{} lives: {} claims, {} imports and removals acknowledged, {} claims BUSY, {} checkpoints",
      lives, counts.claims, counts.batches, counts.busy, counts.checkpoints);
  if (!posix->direct() || !posix->durable_in_one_call()) {
    throw std::runtime_error("the file system took no direct transfers or no durable writes");
  }
}

// What a recovery of the mounted file system lacks, then what one after another life does. Empty:
// nothing.
std::string lost_in(const Owed& owed, std::mt19937_64& random) {
  auto storage = journal::PosixStorage::open(state_folder);
  if (!storage) return storage.error().text();
  {
    channel::Table table = empty_table();
    const auto recovered = journal::recover(**storage, table);
    if (!recovered) return recovered.error().text();
    if (auto lost = owed.lost(table); !lost.empty()) return lost;
  }
  channel::Table table = empty_table();
  History history;
  const auto lived = live(**storage, {.claims = 60}, random, table, history, [](std::size_t) {});
  if (!lived) return "cannot go on: " + lived.error().text();
  channel::Table again = empty_table();
  const auto recovered = journal::recover(**storage, again);
  if (!recovered) return "after going on: " + recovered.error().text();
  return same_channels(table, again) ? "" : "after going on: other channels than there were";
}

// Cuts the power once. `random` draws what the cut leaves.
std::string lost_at(const WriteLog& log, const CrashPoint& point, const Owed& owed,
                    std::mt19937_64& random) {
  const MappedDevice snapshot({.name = "cut",
                               .target = "snapshot",
                               .parameters = fmt::format("{} {} N 8", moment_disk, disk),
                               .sectors = device_bytes(moment_disk) / sector_bytes});
  {
    Replayed under_way(snapshot.node());
    bring_unflushed(log, point, random, under_way);
    under_way.sync();
  }
  const Mounted file_system(snapshot.node());
  return file_system.error().empty() ? lost_in(owed, random) : file_system.error();
}

struct Cuts {
  std::size_t tried = 0, lost = 0;
};

Cuts cut_the_power(const History& history, std::size_t count, std::mt19937_64& random) {
  const WriteLog log(log_disk);
  const auto points = crash_points(log, count, random);
  say("{} entries in the log of writes, {} of them flushes, {} writes past the disk's cache",
      log.entries().size(), std::ranges::count(log.entries(), true, &LogEntry::flush),
      std::ranges::count(log.entries(), true, &LogEntry::fua));
  Replayed moment(moment_disk);
  Owed owed(history);
  Cuts cuts;
  std::size_t brought = 0;
  for (const CrashPoint& point : points) {
    bring(log, brought, point.settled, moment);
    moment.sync();
    brought = point.settled;
    owed.advance(point.acknowledged);
    const std::string what = lost_at(log, point, owed, random);
    ++cuts.tried;
    if (what.empty()) continue;
    if (++cuts.lost <= 3) {
      say("lost at entry {}, with {} acknowledged: {}", point.end, point.acknowledged, what);
    }
  }
  return cuts;
}

void try_power_cuts(std::mt19937_64& random, const std::string& fault) {
  const Mistake mistake = mistake_named(fault);
  History history;
  live_on_a_logged_disk(random, number_from("claims"), mistake, history);
  const Cuts cuts = cut_the_power(history, number_from("points"), random);
  if (cuts.tried == 0) throw std::runtime_error("there was nothing to try");
  if (mistake == Mistake::none) {
    say("tried {} crash points, lost {}", cuts.tried, cuts.lost);
    if (cuts.lost > 0) throw std::runtime_error("what was acknowledged is lost");
  } else {
    say("tried {} crash points, and {} were caught at {}", cuts.tried, fault, cuts.lost);
    if (cuts.lost == 0) throw std::runtime_error("nobody noticed the mistake");
  }
}

// One life on a new state folder, on a disk of which every transfer fails from some moment on. What
// the journal said of it; how many acknowledgements there had been is in `history`.
Failure live_until_the_disk_fails(MappedDevice& failing, std::mt19937_64& random,
                                  History& history) {
  const Mounted file_system(failing.node());
  if (!file_system.error().empty()) throw std::runtime_error(file_system.error());
  std::filesystem::remove_all(state_folder);
  std::filesystem::create_directory(state_folder);
  ::sync();
  const auto storage = value_of(journal::PosixStorage::open(state_folder));
  const std::size_t answers = random() % 300;
  const auto after = std::chrono::microseconds(random() % 30'000);
  std::atomic<std::size_t> answered{0};
  std::thread fault([&] {
    while (answered < answers) std::this_thread::sleep_for(std::chrono::microseconds(200));
    std::this_thread::sleep_for(after);
    failing.become("error", "");
  });
  channel::Table table = empty_table();
  const auto lived = live(*storage, {.claims = std::numeric_limits<std::uint64_t>::max()}, random,
                          table, history, [&](std::size_t count) { answered = count; });
  answered = answers;
  fault.join();
  if (lived) throw std::runtime_error("nobody noticed that the disk failed");
  return lived.error();
}

void try_device_errors(std::mt19937_64& random) {
  const std::string whole = fmt::format("{} 0", disk);
  MappedDevice failing({.name = "failing",
                        .target = "linear",
                        .parameters = whole,
                        .sectors = device_bytes(disk) / sector_bytes});
  const std::uint64_t count = number_from("points");
  std::uint64_t acknowledged = 0, lost = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    History history;
    const Failure said = live_until_the_disk_fails(failing, random, history);
    // ext4 refuses all writes itself once its own have failed.
    if (said.what.find("Input/output error") == said.what.npos &&
        said.what.find("Read-only file system") == said.what.npos) {
      throw std::runtime_error("the disk failed, and it was said: " + said.text());
    }
    failing.become("linear", whole);
    acknowledged += history.acknowledged.size();
    Owed owed(history);
    owed.advance(history.acknowledged.size());
    const Mounted file_system(failing.node());
    const std::string what =
        file_system.error().empty() ? lost_in(owed, random) : file_system.error();
    if (what.empty()) continue;
    ++lost;
    say("lost after {} acknowledged: {}", history.acknowledged.size(), what);
  }
  say("tried {} device errors, {} answers before them, lost {}", count, acknowledged, lost);
  if (lost > 0 || acknowledged == 0) throw std::runtime_error("what was acknowledged is lost");
}

void run() {
  ::mkdir("/dev", 0755);
  ::mkdir(mounted, 0755);
  if (::mount("none", "/dev", "devtmpfs", 0, nullptr) != 0 && errno != EBUSY) give_up("/dev");
  load_modules();
  std::mt19937_64 random(number_from("seed"));
  const std::string fault = word_from("fault");
  if (fault == "device-errors") {
    try_device_errors(random);
  } else {
    try_power_cuts(random, fault);
  }
  say("passed");
}

}  // namespace
}  // namespace claimgate::power

int main() {
  try {
    claimgate::power::run();
  } catch (const std::exception& error) {
    claimgate::power::say("failed: {}", error.what());
  }
  ::sync();
  ::reboot(RB_POWER_OFF);
  return 1;
}
