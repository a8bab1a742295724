#include "src/control/admin/listener.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>

namespace claimgate::control {
namespace {

Expected<gid_t> group_id(const std::string& name) {
  std::array<char, 16384> room;
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
  if (found) return found->gr_gid;
  return fail(fmt::format("there is no group '{}'", name), {},
              "Create it (groupadd --system), or set another group for the admin socket");
}

// Makes room for a socket file at `path`: what is there is either stale, and removed, or a reason
// to refuse.
Expected<void> clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat entry {};
  if (::lstat(path.c_str(), &entry) != 0) return {};  // bind() says what else may be wrong
  if (!S_ISSOCK(entry.st_mode)) {
    return fail("the admin socket's path exists and is not a socket", path,
                "Remove it, or set another path for the admin socket");
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return fail(std::strerror(errno), path);
  const int connected =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(probe);
  if (connected == 0 || error == EAGAIN) {  // EAGAIN: its backlog is full
    return fail("another claimd is running on this admin socket", path,
                "Stop that one, or give this one another admin socket");
  }
  if (error != ECONNREFUSED)
    return fail(
        fmt::format("cannot tell whether another claimd is running: {}", std::strerror(error)),
        path, "Run claimd as the user who owns this socket, or remove it");
  if (::unlink(path.c_str()) != 0)
    return fail(fmt::format("cannot remove the stale socket: {}", std::strerror(errno)), path,
                "Remove it, or run claimd as its owner");
  return {};
}

}  // namespace

Expected<Listener> Listener::open(const std::string& path,
                                  const std::optional<std::string>& group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(
        fmt::format("the admin socket's path must have 1 to {} bytes", sizeof address.sun_path - 1),
        path, "Set a shorter path for the admin socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  gid_t gid = static_cast<gid_t>(-1);
  if (group) {
    const auto found = group_id(*group);
    if (!found) return std::unexpected(found.error());
    gid = *found;
  }
  if (auto cleared = clear_stale(path, address); !cleared)
    return std::unexpected(std::move(cleared.error()));

  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return fail(std::strerror(errno), path);
  Listener listener(socket, path);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(fmt::format("cannot create the admin socket: {}", std::strerror(errno)), path,
                "Its directory must exist and be writable for claimd");
  }
  listener.bound_ = true;
  struct stat made {};
  // Nobody can connect before listen(), so mode and group are right from the first connection on.
  if (::lstat(path.c_str(), &made) != 0 || ::chmod(path.c_str(), socket_mode) != 0)
    return fail(fmt::format("cannot set the admin socket's mode: {}", std::strerror(errno)), path);
  listener.device_ = made.st_dev;
  listener.inode_ = made.st_ino;
  if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0) {
    return fail(
        fmt::format("cannot give the admin socket to group '{}': {}", *group, std::strerror(errno)),
        path, "Run claimd as root or as a member of that group");
  }
  if (::listen(socket, backlog) != 0)
    return fail(fmt::format("cannot listen: {}", std::strerror(errno)), path);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      path_(std::move(other.path_)),
      bound_(std::exchange(other.bound_, false)),
      device_(other.device_),
      inode_(other.inode_) {}

Listener::~Listener() {
  struct stat entry {};
  if (bound_ && ::lstat(path_.c_str(), &entry) == 0 &&
      (inode_ == 0 || (entry.st_dev == device_ && entry.st_ino == inode_)))
    ::unlink(path_.c_str());
  if (socket_ >= 0) ::close(socket_);
}

int Listener::accept() const noexcept {
  return ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

}  // namespace claimgate::control
