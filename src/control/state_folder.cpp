#include "src/control/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace claimgate::control {

Expected<StateFolder> StateFolder::open(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) {
    return fail("the state folder cannot be made: " + error.message(), folder,
                "Set node.state_dir to a folder this user may write");
  }
  if (made) ::chmod(folder.c_str(), 0700);
  const std::string lock_file = folder / "lock";
  const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return fail(std::string("the state folder cannot be written: ") + std::strerror(errno),
                lock_file, "Run claimd as the user who owns it, or set node.state_dir");
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail("another claimd is using this state folder", folder,
                "Stop it first, or give this one a node.state_dir of its own");
  }
  return StateFolder(folder, lock);
}

StateFolder::~StateFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool StateFolder::has_table() const {
  return std::filesystem::exists(table_file());
}

bool StateFolder::was_running() const {
  return std::filesystem::exists(running_file());
}

Expected<void> StateFolder::sync() const {
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  const int error = errno;
  if (folder >= 0) ::close(folder);
  if (synced) return {};
  return fail(std::string("the folder cannot be synced: ") + std::strerror(error), folder_,
              "Look at the disk's health and the folder's permissions");
}

Expected<void> StateFolder::put_table_aside() const {
  std::error_code error;
  std::filesystem::remove(running_file(), error);
  std::filesystem::rename(table_file(), table_file() + ".old", error);
  if (error) {
    return fail("cannot be renamed: " + error.message(), table_file(),
                "Look at the folder's permissions");
  }
  return sync();
}

}  // namespace claimgate::control
