#include "lib/journal/posix_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "lib/journal/aligned_buffer.hpp"

namespace claimgate::journal {
namespace {

constexpr std::uint64_t zeros_at_once = 1 << 20;
constexpr std::uint64_t offset_max = std::uint64_t{1} << 62;  // far below off_t's end

std::string remedy_for(int error) {
  switch (error) {
    case ENOENT:
      return "look whether something else removed it; claimd makes the files it needs itself";
    case ENOTDIR:
    case ELOOP:
      return "put real folders and files there: no symbolic link is followed in a state folder";
    case EXDEV:
      return "keep all of the state folder on one file system, and every name inside it";
    case EACCES:
    case EPERM:
      return "give this user the right to read and write there";
    case ENOSPC:
      return "free some space on that file system";
    case EDQUOT:
      return "free some of this user's quota on that file system, or raise it";
    case EFBIG:
      return "raise this process's limit on file sizes (ulimit -f, LimitFSIZE= in the unit)";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n, LimitNOFILE= in the unit)";
    case EROFS:
      return "name a folder on a writable file system; a disk that fails is often made read-only, "
             "so look into the kernel's log";
    case EIO:
      return "look for disk errors in the kernel's log before using this disk again";
    default:
      return {};
  }
}

bool on_pages(std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
  return offset % page_bytes == 0 && offset <= offset_max && bytes.size() % page_bytes == 0 &&
         bytes.size() <= offset_max &&
         reinterpret_cast<std::uintptr_t>(bytes.data()) % page_bytes == 0;
}

}  // namespace

std::unexpected<Failure> refused(const std::string& what, std::string where, int error) {
  return fail(fmt::format("{}: {}", what, std::strerror(error)), std::move(where),
              remedy_for(error));
}

PosixFile::PosixFile(Descriptor descriptor, std::string where, std::shared_ptr<Granted> granted)
    : descriptor_(std::move(descriptor)), where_(std::move(where)), granted_(std::move(granted)) {
  if (::fcntl(descriptor_.number(), F_SETFL, O_DIRECT) != 0) go_through_the_page_cache();
}

void PosixFile::go_through_the_page_cache() noexcept {
  ::fcntl(descriptor_.number(), F_SETFL, 0);
  direct_ = false;
  granted_->direct = false;
}

// EINVAL while direct: the file system takes O_DIRECT in a flag but not in a transfer. Nothing was
// moved, and the page cache moves the same bytes to the same place. A direct transfer that ends
// within a page cannot go on from there directly either, and must go on from there, so that the
// system says why it ended.
template <class Bytes, class Some>
Expected<void> PosixFile::transfer(const char* what, std::uint64_t offset, Bytes bytes, Some some) {
  while (!bytes.empty()) {
    const ssize_t n = some(static_cast<off_t>(offset), bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL && direct_) {
      go_through_the_page_cache();
      continue;
    }
    if (n < 0) {
      const int error = errno;
      return refused(fmt::format("cannot {} {} bytes at offset {}", what, bytes.size(), offset),
                     where_, error);
    }
    if (n == 0) return fail(fmt::format("cannot {} beyond offset {}", what, offset), where_);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
    if (direct_ && offset % page_bytes != 0) go_through_the_page_cache();
  }
  return {};
}

Expected<void> PosixFile::flush() {
  if (TEMP_FAILURE_RETRY(::fdatasync(descriptor_.number())) == 0) return {};
  const int error = errno;
  return refused("cannot make the file durable", where_, error);
}

Expected<void> PosixFile::remembered(Expected<void> done) {
  if (!done) failed_ = done.error();
  return done;
}

Expected<void> PosixFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  assert(on_pages(offset, bytes));
  if (failed_) return std::unexpected(*failed_);
  return remembered(
      transfer("write", offset, bytes, [this](off_t at, std::span<const std::byte> left) {
        return ::pwrite(descriptor_.number(), left.data(), left.size(), at);
      }));
}

Expected<void> PosixFile::write_durably(std::uint64_t offset, std::span<const std::byte> bytes) {
  assert(on_pages(offset, bytes));
  if (failed_) return std::unexpected(*failed_);
  bool flushed = true;
  const auto some = [&](off_t at, std::span<const std::byte> left) {
    if (granted_->durable_write) {
      const iovec piece{const_cast<std::byte*>(left.data()), left.size()};
      const ssize_t n = ::pwritev2(descriptor_.number(), &piece, 1, at, RWF_DSYNC);
      if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return n;
      granted_->durable_write = false;
    }
    flushed = false;
    return ::pwrite(descriptor_.number(), left.data(), left.size(), at);
  };
  auto done = transfer("write", offset, bytes, some);
  if (done && !flushed) done = flush();
  return remembered(std::move(done));
}

Expected<void> PosixFile::sync() {
  if (failed_) return std::unexpected(*failed_);
  return remembered(flush());
}

Expected<void> PosixFile::read(std::uint64_t offset, std::span<std::byte> into) {
  assert(on_pages(offset, into));
  const auto there = size();
  if (!there) return std::unexpected(there.error());
  if (offset + into.size() > *there) {
    return fail(fmt::format("the file ends at offset {}, and {} bytes were to be read at {}",
                            *there, into.size(), offset),
                where_);
  }
  return transfer("read", offset, into, [this](off_t at, std::span<std::byte> left) {
    return ::pread(descriptor_.number(), left.data(), left.size(), at);
  });
}

Expected<std::uint64_t> PosixFile::size() {
  struct stat status {};
  if (::fstat(descriptor_.number(), &status) == 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  const int error = errno;
  return refused("cannot ask the file's size", where_, error);
}

Expected<void> PosixFile::fill_with_zeros(std::uint64_t bytes) {
  assert(bytes % page_bytes == 0 && bytes <= offset_max);
  if (bytes == 0) return sync();
  if (TEMP_FAILURE_RETRY(::fallocate(descriptor_.number(), 0, 0, static_cast<off_t>(bytes))) != 0 &&
      errno != EOPNOTSUPP && errno != ENOSYS) {
    const int error = errno;
    return remembered(refused(fmt::format("cannot make room for {} bytes", bytes), where_, error));
  }
  AlignedBuffer zeros(std::min(bytes, zeros_at_once));
  for (std::uint64_t at = 0; at < bytes; at += zeros.size()) {
    if (auto done = write(at, zeros.first(std::min(bytes - at, zeros_at_once))); !done) return done;
  }
  return sync();
}

}  // namespace claimgate::journal
