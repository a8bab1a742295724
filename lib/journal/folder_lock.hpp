// Whether a claimd runs on a state folder: it holds the folder's file `lock` (flock, exclusive) for
// as long as it does. Readers that want the files to stay as they are take the same lock shared:
// they do not keep each other out, and claimd does not start beside them.
//
// Owner: whoever took it; let go with it. Control path.
#pragma once

#include <optional>
#include <string>

#include "lib/failure/failure.hpp"
#include "lib/journal/descriptor.hpp"

namespace claimgate::journal {

inline constexpr const char* folder_lock_file = "lock";

class FolderLock {
 public:
  // Nothing: a claimd runs on `folder`. Where there is no lock file, as in a backup, nobody can
  // hold it, and it is not made. Fails where the file does not open.
  [[nodiscard]] static Expected<std::optional<FolderLock>> try_shared(const std::string& folder);

 private:
  explicit FolderLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace claimgate::journal
