// The state folder: one claimd's own, held by a lock, with the journal in it.
//
//   lock                 flock, held for as long as the folder is open
//   MANIFEST, …          lib/journal/FORMAT.md
//   table.cgt, running   lib/channel/FORMAT.md, and the mark of one that has not stopped cleanly:
//   of
//                        releases before the journal
//
// Owner: the Appliance. Folder mode 0700, files 0600.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "lib/failure/failure.hpp"

namespace claimgate::control {

class StateFolder {
 public:
  // Makes the folder where it is missing and locks it. Fails where another claimd holds it.
  [[nodiscard]] static Expected<StateFolder> open(const std::filesystem::path& folder);
  StateFolder(StateFolder&& other) noexcept
      : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}
  StateFolder& operator=(StateFolder&&) = delete;
  ~StateFolder();

  [[nodiscard]] std::string table_file() const { return folder_ / "table.cgt"; }
  [[nodiscard]] std::string path() const { return folder_; }
  [[nodiscard]] bool has_table() const;
  // Whether the claimd before this one, without a journal, ended without a clean stop.
  [[nodiscard]] bool was_running() const;
  // What the state file held is in the journal: it goes by another name, and its mark goes.
  [[nodiscard]] Expected<void> put_table_aside() const;

 private:
  StateFolder(std::filesystem::path folder, int lock) noexcept
      : folder_(std::move(folder)), lock_(lock) {}
  [[nodiscard]] std::string running_file() const { return folder_ / "running"; }
  [[nodiscard]] Expected<void> sync() const;
  std::filesystem::path folder_;
  int lock_;
};

}  // namespace claimgate::control
