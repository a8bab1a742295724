// `claimctl backup` and `claimctl restore`: lib/journal's copies, between folders of this machine.
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/progress.hpp"
#include "apps/claimctl/record_text.hpp"
#include "apps/claimctl/state.hpp"
#include "lib/journal/backup.hpp"
#include "lib/journal/folder_lock.hpp"
#include "lib/journal/posix_file.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Held {
  std::uint64_t channels = 0;
  std::uint64_t claims = 0;
  channel::LedgerTime newest = 0;  // when the last of them was accepted
};

Held held_in(const channel::Table& table) {
  Held out;
  for (channel::SlotIndex at = 0; at < table.slots_used(); ++at) {
    const auto view = table.view(at);
    if (!view) continue;
    ++out.channels;
    if (view->held.value == 0) continue;
    ++out.claims;
    out.newest = std::max(out.newest, view->last_activity);
  }
  return out;
}

// The folder, made where it is missing (its name on the disk, too), and otherwise empty but for the
// lock that a claimd left there.
Expected<std::unique_ptr<journal::PosixStorage>> empty_folder(const std::string& path,
                                                              const char* remedy) {
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // a slash at the end
  if (::mkdir(folder.c_str(), 0700) == 0) {
    const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    const journal::Descriptor above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!above || ::fsync(above.number()) != 0) {
      const int error = errno;
      return journal::refused("cannot make the new folder's name durable", parent, error);
    }
  } else if (errno != EEXIST) {
    const int error = errno;
    return journal::refused("cannot make the folder", path, error);
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename() == journal::folder_lock_file) continue;
    return fail(
        fmt::format("this folder is not empty: it holds {}", entry.path().filename().string()),
        path, remedy);
  }
  if (error) return journal::refused("cannot list the folder", path, error.value());
  if (::chmod(folder.c_str(), 0700) != 0) {
    const int failed = errno;
    return journal::refused("cannot keep others out of the folder", path, failed);
  }
  return journal::PosixStorage::open(folder);
}

// Progress, until it is cleared or goes.
class Steps {
 public:
  explicit Steps(bool wanted) : progress_(wanted) {}
  [[nodiscard]] journal::Step step() {
    return [this](const char* what, std::uint64_t done, std::uint64_t total) -> Expected<void> {
      progress_.show(what, done, total, total > 0 ? "bytes" : "records");
      return interrupted() ? fail("interrupted") : Expected<void>{};
    };
  }

 private:
  Progress progress_;
};

Failure of_no_use(Failure failure, const std::string& folder) {
  failure.what += fmt::format("; what was written to {} is of no use: remove it", folder);
  return failure;
}

Expected<journal::BackedUp> copy_to(const BackupOptions& options, bool json) {
  auto from = journal::PosixStorage::open(options.folder);
  if (!from) return std::unexpected(std::move(from.error()));
  const auto lock = journal::FolderLock::try_shared(options.folder);
  if (!lock) return std::unexpected(lock.error());
  auto to = empty_folder(options.copy, "Name a folder that does not exist yet, or an empty one");
  if (!to) return std::unexpected(std::move(to.error()));
  Steps steps(!json);
  const journal::BackupOptions how{.is_stopped = lock->has_value(),
                                   .now = xrpl::ledger_from_unix(std::time(nullptr))};
  auto made = journal::back_up(**from, **to, how, steps.step());
  if (!made) return std::unexpected(of_no_use(std::move(made.error()), options.copy));
  return made;
}

Expected<journal::Inspection> restore_to(const RestoreOptions& options, bool json) {
  auto from = journal::PosixStorage::open(options.copy);
  if (!from) return std::unexpected(std::move(from.error()));
  const auto lock = journal::FolderLock::try_shared(options.copy);
  if (!lock) return std::unexpected(lock.error());
  if (!*lock) {
    return fail("a claimd runs on this folder: it is no backup", options.copy,
                "Name a folder that 'claimctl backup' made");
  }
  auto to = empty_folder(options.folder,
                         "A state is never written over: stop claimd and move its folder away");
  if (!to) return std::unexpected(std::move(to.error()));
  const auto running = journal::FolderLock::try_shared(options.folder);
  if (!running) return std::unexpected(running.error());
  if (!*running) {
    return fail("a claimd runs on this folder", options.folder,
                "Stop it, and move its folder away");
  }
  Steps steps(!json);
  journal::Restored as{.now = xrpl::ledger_from_unix(std::time(nullptr))};
  if (::getrandom(as.node_uuid.data(), as.node_uuid.size(), 0) != std::ssize(as.node_uuid)) {
    return fail("the kernel gives no random numbers", "getrandom(2)");
  }
  auto made = journal::restore(**from, **to, as, steps.step());
  if (made && !made->damages.empty()) made = std::unexpected(made->damages.front());
  if (!made) return std::unexpected(of_no_use(std::move(made.error()), options.folder));
  return made;
}

constexpr const char* what_a_restore_means =
    "What was accepted after the backup is not in it: the amounts of those channels are lower "
    "than\n"
    "what payers were told, and a channel removed since is back. Import the channels again before "
    "the\nfirst claim, and let payers send their last claims again. Whoever follows the feed "
    "begins "
    "without\na position: one of before is refused.\n";

}  // namespace

Expected<Exit> back_up_state(const GlobalOptions& global, const BackupOptions& options) {
  auto made = copy_to(options, global.json);
  if (!made) return std::unexpected(std::move(made.error()));
  const Held held = held_in(*made->verified.table);
  if (!global.json) {
    fmt::print(
        "{}: {} channels, {} hold a claim, the last one accepted {}; checkpoint generation "
        "{} and {} records behind it\n",
        options.copy, held.channels, held.claims,
        held.claims > 0 ? xrpl::time_text(held.newest) : "never", made->checkpoint.generation,
        made->records);
    return Exit::ok;
  }
  ordered_json out{{"type", "backup"},
                   {"folder", options.copy},
                   {"channels", held.channels},
                   {"claims", held.claims},
                   {"newest_claim", nullptr},
                   {"generation", made->checkpoint.generation},
                   {"records", made->records},
                   {"tries", made->tries},
                   {"lanes", ordered_json::object()}};
  if (held.claims > 0) out["newest_claim"] = xrpl::time_text(held.newest);
  for (const auto& [lane, lsn] : made->lanes) out["lanes"][lane_text(lane)] = lsn;
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return Exit::ok;
}

Expected<Exit> restore_state(const GlobalOptions& global, const RestoreOptions& options) {
  auto made = restore_to(options, global.json);
  if (!made) return std::unexpected(std::move(made.error()));
  const Held held = held_in(*made->table);
  if (!global.json) {
    fmt::print("{}: {} channels, {} hold a claim, the last one accepted {}\n{}", options.folder,
               held.channels, held.claims, held.claims > 0 ? xrpl::time_text(held.newest) : "never",
               what_a_restore_means);
    return Exit::ok;
  }
  ordered_json out{{"type", "restore"},
                   {"folder", options.folder},
                   {"channels", held.channels},
                   {"claims", held.claims},
                   {"newest_claim", nullptr}};
  if (held.claims > 0) out["newest_claim"] = xrpl::time_text(held.newest);
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return Exit::ok;
}

}  // namespace claimgate::claimctl
