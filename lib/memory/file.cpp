#include "lib/memory/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace claimgate::memory {
namespace {

std::string remedy_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "name an existing directory";
    case EACCES:
    case EPERM:
      return "give this user the right to read and write there";
    case ENOSPC:
    case EDQUOT:
      return "free some space on that file system";
    case EROFS:
      return "name a directory on a writable file system";
    case EIO:
      return "look for disk errors in the kernel's log before using this disk again";
    default:
      return {};
  }
}

// Syncs the directory of `path`, without which a rename may not survive power loss.
bool sync_directory(const std::string& path) noexcept {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return synced;
}

}  // namespace

std::unexpected<Failure> FileReplacement::failed(const char* what) const {
  const int error = errno;
  return fail(fmt::format("{}: {}", what, std::strerror(error)), temporary(), remedy_for(error));
}

Expected<FileReplacement> FileReplacement::begin(const std::string& path) {
  FileReplacement out(path, -1);
  out.fd_ =
      ::open(out.temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (out.fd_ < 0) return out.failed("cannot create the file");
  return out;
}

Expected<void> FileReplacement::append(std::span<const std::byte> bytes) {
  return write_at(end_, bytes);
}

Expected<void> FileReplacement::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  if (offset > end_) end_ = offset;
  return {};
}

Expected<void> FileReplacement::commit() {
  if (::fsync(fd_) != 0) return failed("cannot make the file durable");
  if (::rename(temporary().c_str(), path_.c_str()) != 0) return failed("cannot rename the file");
  ::close(std::exchange(fd_, -1));
  if (!sync_directory(path_)) {
    const int error = errno;
    return fail(fmt::format("cannot make the file's name durable: {}", std::strerror(error)), path_,
                remedy_for(error));
  }
  return {};
}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), end_(other.end_) {}

FileReplacement::~FileReplacement() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary().c_str());
}

Expected<FileReader> FileReader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    return fail(fmt::format("cannot open the file: {}", std::strerror(error)), path,
                remedy_for(error));
  }
  return FileReader(path, fd);
}

Expected<std::uint64_t> FileReader::size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) {
    return fail(fmt::format("cannot ask the file's size: {}", std::strerror(errno)), path_);
  }
  if (!S_ISREG(status.st_mode)) return fail("not a regular file", path_);
  return static_cast<std::uint64_t>(status.st_size);
}

Expected<void> FileReader::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t n = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      return fail(fmt::format("cannot read at offset {}: {}", offset, std::strerror(error)), path_,
                  remedy_for(error));
    }
    if (n == 0) return fail(fmt::format("the file ends at offset {}", offset), path_);
    into = into.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

FileReader::~FileReader() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace claimgate::memory
