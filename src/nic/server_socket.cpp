#include "src/nic/server_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "src/nic/device.hpp"

namespace claimgate::nic {
namespace {

// Whether the kernel lists a socket of this name. Asked before anything is sent to it: a memif
// server need not survive a peer that connects and leaves at once.
bool listed(const std::string& path) {
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (line.ends_with(" " + path)) return true;
  }
  return false;
}

bool is_memif(std::string_view device) {
  return device.starts_with("net_memif");
}

}  // namespace

Expected<void> clear_stale_socket(const std::string& device) {
  const std::string path = served_socket(device);
  struct stat entry {};
  if (path.empty() || ::lstat(path.c_str(), &entry) != 0) return {};
  const std::string where = "port.device: " + path;
  if (!S_ISSOCK(entry.st_mode)) {
    return fail("the port's socket exists and is not a socket", where,
                "Remove it, or name another path");
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {};  // the driver says so
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto served = [&] {
    return fail("another program is serving the port's socket", where,
                "Stop that one, or name another path");
  };
  if (listed(path)) return served();
  // One in another network namespace is not listed.
  const int type = is_memif(device) ? SOCK_SEQPACKET : SOCK_STREAM;
  const int probe = ::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return fail(std::strerror(errno), where);
  const int connected =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(probe);
  if (connected == 0 || error == EAGAIN) {  // EAGAIN: its backlog is full
    return served();
  }
  if (error != ECONNREFUSED) {
    return fail(fmt::format("cannot tell whether someone serves the port's socket: {}",
                            std::strerror(error)),
                where, "Run claimd as the user who owns it, or remove it");
  }
  if (::unlink(path.c_str()) != 0) {
    return fail(fmt::format("cannot remove the stale socket: {}", std::strerror(errno)), where,
                "Remove it, or run claimd as its owner");
  }
  return {};
}

}  // namespace claimgate::nic
