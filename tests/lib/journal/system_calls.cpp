#include "tests/lib/journal/system_calls.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/journal/storage.hpp"

namespace claimgate::journal {
namespace {

SystemCalls* listening = nullptr;

bool is_direct(int file) noexcept {
  return (::syscall(SYS_fcntl, file, F_GETFL) & O_DIRECT) != 0;
}

}  // namespace

const int SystemCalls::direct_refused = EINVAL;

SystemCalls::SystemCalls() {
  listening = this;
}

SystemCalls::~SystemCalls() {
  listening = nullptr;
}

unsigned SystemCalls::count(Call call) const noexcept {
  return static_cast<unsigned>(std::ranges::count(seen_, call, &Seen::call));
}

template <class Kernel>
ssize_t SystemCalls::answer(const Seen& seen, Kernel kernel) {
  if (listening == nullptr) return kernel(seen.bytes);
  listening->seen_.push_back(seen);
  const unsigned nth = listening->count(seen.call);
  for (const Rule& rule : listening->rules_) {
    if (rule.call != seen.call || (rule.nth != each && rule.nth != nth)) continue;
    if (rule.only_direct && !seen.direct) continue;
    if (rule.error != 0) {
      errno = rule.error;
      return -1;
    }
    // Whole pages, as the disk may want them; what lies behind the end of a short transfer is open.
    const std::size_t whole = (rule.bytes + page_bytes - 1) / page_bytes * page_bytes;
    const ssize_t moved = kernel(std::min(whole, seen.bytes));
    return std::min(moved, static_cast<ssize_t>(rule.bytes));
  }
  return kernel(seen.bytes);
}

}  // namespace claimgate::journal

using claimgate::journal::Call;
using claimgate::journal::is_direct;
using claimgate::journal::SystemCalls;

extern "C" {

ssize_t pwrite(int file, const void* from, std::size_t bytes, off_t offset) {
  return SystemCalls::answer(
      {Call::write, is_direct(file), static_cast<std::uint64_t>(offset), bytes},
      [&](std::size_t most) { return ::syscall(SYS_pwrite64, file, from, most, offset); });
}

ssize_t pwritev2(int file, const iovec* pieces, int count, off_t offset, int flags) {
  if (count != 1 || flags != RWF_DSYNC) {
    errno = ENOSYS;
    return -1;
  }
  return SystemCalls::answer(
      {Call::write_durably, is_direct(file), static_cast<std::uint64_t>(offset), pieces->iov_len},
      [&](std::size_t most) {
        const iovec piece{pieces->iov_base, most};
        return ::syscall(SYS_pwritev2, file, &piece, 1, offset, 0, flags);
      });
}

ssize_t pread(int file, void* into, std::size_t bytes, off_t offset) {
  return SystemCalls::answer(
      {Call::read, is_direct(file), static_cast<std::uint64_t>(offset), bytes},
      [&](std::size_t most) { return ::syscall(SYS_pread64, file, into, most, offset); });
}

int fdatasync(int file) {
  return static_cast<int>(
      SystemCalls::answer({Call::sync, is_direct(file), 0, 0},
                          [&](std::size_t) { return ::syscall(SYS_fdatasync, file); }));
}

int fsync(int file) {
  return static_cast<int>(SystemCalls::answer(
      {Call::sync_folder, false, 0, 0}, [&](std::size_t) { return ::syscall(SYS_fsync, file); }));
}

int fallocate(int file, int mode, off_t offset, off_t bytes) {
  return static_cast<int>(SystemCalls::answer(
      {Call::make_room, is_direct(file), static_cast<std::uint64_t>(offset),
       static_cast<std::size_t>(bytes)},
      [&](std::size_t) { return ::syscall(SYS_fallocate, file, mode, offset, bytes); }));
}
}
