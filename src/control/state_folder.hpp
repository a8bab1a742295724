// The state folder: one claimd's own, held by a lock, with the state file and the mark that says
// that a claimd has not stopped cleanly yet.
//
//   lock       flock, held for as long as the folder is open
//   table.cgt  lib/channel/FORMAT.md, written by a clean stop
//   running    exists from start to clean stop
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
  [[nodiscard]] bool has_table() const;
  // Whether the claimd before this one ended without a clean stop.
  [[nodiscard]] bool was_running() const;
  // On the disk when it returns: also a power cut is found out about.
  [[nodiscard]] Expected<void> mark_running() const;
  void mark_stopped() const;

 private:
  StateFolder(std::filesystem::path folder, int lock) noexcept
      : folder_(std::move(folder)), lock_(lock) {}
  [[nodiscard]] std::string running_file() const { return folder_ / "running"; }
  [[nodiscard]] Expected<void> sync() const;
  std::filesystem::path folder_;
  int lock_;
};

}  // namespace claimgate::control
