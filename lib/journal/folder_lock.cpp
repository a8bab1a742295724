#include "lib/journal/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "lib/journal/posix_file.hpp"

namespace claimgate::journal {

Expected<std::optional<FolderLock>> FolderLock::try_shared(const std::string& folder) {
  const std::string path = folder + "/" + folder_lock_file;
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return FolderLock(std::move(file));
  if (!file || ::flock(file.number(), LOCK_SH | LOCK_NB) != 0) {
    const int error = errno;
    if (file && error == EWOULDBLOCK) return std::nullopt;
    return refused("cannot ask whether a claimd runs on this folder", path, error);
  }
  return FolderLock(std::move(file));
}

}  // namespace claimgate::journal
