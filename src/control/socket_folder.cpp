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

}  // namespace claimgate::control
