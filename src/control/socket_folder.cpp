#include "src/control/socket_folder.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace claimgate::control {

Expected<void> make_socket_folder(const std::string& path, std::string_view key) {
  const auto last = path.rfind('/');
  if (last == std::string::npos) return {};
  for (auto end = path.find('/', 1); end <= last; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (::mkdir(folder.c_str(), 0755) == 0) {
      ::chmod(folder.c_str(), 0755);  // whatever the umask is
      continue;
    }
    const int error = errno;
    struct stat entry {};
    if (::stat(folder.c_str(), &entry) == 0) {
      if (S_ISDIR(entry.st_mode)) continue;
      return fail("is not a folder", folder, fmt::format("Set {} to another path", key));
    }
    return fail(
        fmt::format("the folder of a socket cannot be made: {}", std::strerror(error)), folder,
        fmt::format("Make it for claimd's user (install -d -o USER {}), or set {} to a path "
                    "that this user may write",
                    folder, key));
  }
  return {};
}

std::string socket_made_by(std::string_view device) {
  if (!device.starts_with("net_memif")) return {};
  std::string_view socket;
  bool server = false;
  bool file = false;  // the driver's default is an abstract socket
  while (!device.empty()) {
    const auto comma = device.find(',');
    const std::string_view argument = device.substr(0, comma);
    device = comma == std::string_view::npos ? std::string_view{} : device.substr(comma + 1);
    if (argument.starts_with("socket=")) socket = argument.substr(7);
    if (argument == "role=server") server = true;
    if (argument == "socket-abstract=no") file = true;
  }
  return server && file ? std::string(socket) : std::string();
}

}  // namespace claimgate::control
