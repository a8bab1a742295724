// A disk that fails, for a claimd that is started with this in LD_PRELOAD: durable writes go
// through here. Only files of the journal's claim lane are meant. By the environment:
//   FAILING_DISK_EIO_AT=N    the N-th durable write fails with EIO, once
//   FAILING_DISK_STUTTERS=1  every third one is interrupted, every second one takes a page only
//   FAILING_DISK_STANDS=FILE none ends while there is such a file
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t page_bytes = 4096;

bool is_of_a_claim_lane(int file) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  char path[4096];
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return std::strstr(path, "/lane-0/") != nullptr;
}

std::uint64_t number_in(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

}  // namespace

extern "C" ssize_t pwritev2(int file, const iovec* parts, int count, off_t offset, int flags) {
  static const auto real = reinterpret_cast<ssize_t (*)(int, const iovec*, int, off_t, int)>(
      ::dlsym(RTLD_NEXT, "pwritev2"));
  static const std::uint64_t fails_at = number_in("FAILING_DISK_EIO_AT");
  static const char* const stands_while = std::getenv("FAILING_DISK_STANDS");
  static const bool stutters = number_in("FAILING_DISK_STUTTERS") != 0;
  static std::atomic<std::uint64_t> writes{0};
  if ((flags & RWF_DSYNC) == 0 || !is_of_a_claim_lane(file)) {
    return real(file, parts, count, offset, flags);
  }
  while (stands_while != nullptr && ::access(stands_while, F_OK) == 0) ::usleep(2'000);
  const std::uint64_t number = ++writes;
  if (number == fails_at) {
    errno = EIO;
    return -1;
  }
  if (stutters && number % 3 == 0) {
    errno = EINTR;
    return -1;
  }
  if (stutters && number % 2 == 0 && count == 1 && parts[0].iov_len > page_bytes) {
    const iovec first{.iov_base = parts[0].iov_base, .iov_len = page_bytes};
    return real(file, &first, 1, offset, flags);
  }
  return real(file, parts, count, offset, flags);
}
