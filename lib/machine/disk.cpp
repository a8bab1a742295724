// What the state folder lies on, and whether it takes writes past the page cache.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

#include "lib/machine/machine.hpp"

namespace claimgate::machine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_bytes = 4096;  // any disk's sector goes into it

// By the mount point that holds it: statfs(2) only has magic numbers. The last of equally long
// ones lies on top.
std::string filesystem_of(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  std::ifstream mounts("/proc/self/mountinfo");
  std::string best;
  std::size_t best_length = 0;
  for (std::string line; !error && std::getline(mounts, line);) {
    const auto dash = line.find(" - ");
    if (dash == line.npos) continue;
    std::istringstream fields(line);
    std::string skipped, point, type;
    fields >> skipped >> skipped >> skipped >> skipped >> point;
    std::istringstream(line.substr(dash + 3)) >> type;
    const fs::path relative = real.lexically_relative(point);
    if (relative.empty() || *relative.begin() == ".." || point.size() < best_length) continue;
    best = type;
    best_length = point.size();
  }
  return best;
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

unsigned alignment_of([[maybe_unused]] int descriptor) noexcept {
#ifdef STATX_DIOALIGN  // Linux 6.1
  struct statx about {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &about) == 0 &&
      (about.stx_mask & STATX_DIOALIGN) != 0) {
    return std::max(about.stx_dio_mem_align, about.stx_dio_offset_align);
  }
#endif
  return 0;
}

void try_direct_write(const fs::path& folder, Disk& out) {
  const auto refused = [&](const char* step) {
    out.direct = Disk::Direct::refused;
    out.direct_refusal = std::string(step) + ": " + std::strerror(errno);
  };
  std::string name = folder / ".claimctl-doctor-XXXXXX";
  const Descriptor made{::mkostemp(name.data(), O_CLOEXEC)};
  if (made.number < 0) return refused("no file can be made");
  const Descriptor direct{::open(name.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC)};
  const int error = errno;
  ::unlink(name.c_str());
  errno = error;
  if (direct.number < 0) return refused("open");
  out.direct_align_bytes = alignment_of(direct.number);
  const std::unique_ptr<void, void (*)(void*)> block(std::aligned_alloc(block_bytes, block_bytes),
                                                     std::free);
  std::memset(block.get(), 0, block_bytes);
  const ssize_t written = ::pwrite(direct.number, block.get(), block_bytes, 0);
  if (written != static_cast<ssize_t>(block_bytes)) return refused("write");
  out.direct = Disk::Direct::works;
}

std::uint64_t used_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code unreadable;
    const auto size = at->is_regular_file(unreadable) ? at->file_size(unreadable) : 0;
    if (!unreadable) bytes += size;
  }
  return bytes;
}

}  // namespace

Disk look_at_disk(const std::string& state_folder) {
  Disk out;
  std::error_code error;
  fs::path folder = state_folder;
  out.exists = fs::exists(folder, error);
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  out.looked_at = folder;
  out.is_folder = fs::is_directory(folder, error);
  out.writable = ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  out.filesystem = filesystem_of(folder);
  struct statvfs room {};
  if (::statvfs(folder.c_str(), &room) == 0) {
    out.free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
  }
  if (out.exists && out.is_folder) out.used_bytes = used_below(folder);
  if (out.exists && out.is_folder && out.writable) try_direct_write(folder, out);
  return out;
}

}  // namespace claimgate::machine
