#include "lib/memory/region.hpp"

#include <fmt/format.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace claimgate::memory {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

std::byte* map_anonymous(std::size_t bytes, int extra_flags) noexcept {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
  return base == MAP_FAILED ? nullptr : static_cast<std::byte*>(base);
}

std::string mebibytes(std::size_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// Faults every page in. MADV_POPULATE_WRITE reports what a touched page would answer with SIGBUS or
// the out-of-memory killer: mmap reserves huge pages, but a cgroup's or cpuset's limit on them only
// shows when they are faulted in. MAP_POPULATE would hide that failure until the hot path meets it.
bool populate(std::byte* base, std::size_t bytes, Pages kind, std::size_t page_bytes) noexcept {
  int rc;
  do {
    rc = ::madvise(base, bytes, MADV_POPULATE_WRITE);
  } while (rc != 0 && (errno == EINTR || errno == EAGAIN));
  if (rc == 0) return true;
  // A kernel before 5.14: touching is safe for normal pages, not for huge ones.
  if (errno != EINVAL || kind == Pages::huge) return false;
  for (std::size_t at = 0; at < bytes; at += page_bytes) {
    *static_cast<volatile std::byte*>(base + at) = std::byte{0};
  }
  return true;
}

// Where the operator has switched transparent huge pages off, MADV_HUGEPAGE succeeds and does
// nothing; asking first keeps pages() honest.
bool transparent_pages_enabled() noexcept {
  std::FILE* file = std::fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
  if (file == nullptr) return false;
  char line[128] = {};
  const bool read = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  return read && std::strstr(line, "[never]") == nullptr;
}

// A normal mapping whose base is aligned so that whole huge pages can back it.
std::byte* map_aligned(std::size_t bytes) noexcept {
  std::byte* base = map_anonymous(bytes + huge_page_bytes, 0);
  if (base == nullptr) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  const std::size_t before = round_up(address, huge_page_bytes) - address;
  if (before > 0) ::munmap(base, before);
  const std::size_t behind = huge_page_bytes - before;
  if (behind > 0) ::munmap(base + before + bytes, behind);
  return base + before;
}

struct Mapping {
  std::byte* base;
  std::size_t bytes;
};

Mapping try_map(std::size_t bytes, Pages kind) noexcept {
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  Mapping out{nullptr, round_up(bytes, kind == Pages::normal ? page_bytes : huge_page_bytes)};
  switch (kind) {
    case Pages::huge:
      out.base = map_anonymous(out.bytes, MAP_HUGETLB | MAP_HUGE_2MB);
      break;
    case Pages::transparent:
      if (!transparent_pages_enabled()) return out;
      out.base = map_aligned(out.bytes);
      if (out.base != nullptr && ::madvise(out.base, out.bytes, MADV_HUGEPAGE) != 0) {
        ::munmap(out.base, out.bytes);
        out.base = nullptr;
      }
      break;
    case Pages::normal:
      out.base = map_anonymous(out.bytes, 0);
      break;
  }
  if (out.base != nullptr && !populate(out.base, out.bytes, kind, page_bytes)) {
    const int error = errno;
    ::munmap(out.base, out.bytes);
    out.base = nullptr;
    errno = error;  // for the Failure
  }
  return out;
}

}  // namespace

std::string_view name(Pages pages) noexcept {
  switch (pages) {
    case Pages::huge:
      return "huge";
    case Pages::transparent:
      return "transparent";
    case Pages::normal:
      return "normal";
  }
  return "?";
}

Expected<Region> Region::map(std::size_t bytes, Pages want) {
  // Where the kernel overcommits, populating more than there is ends in the out-of-memory killer.
  const std::size_t physical_bytes = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                                     static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (bytes == 0 || bytes > physical_bytes) {
    return fail(fmt::format("cannot map {} of memory: this machine has {}", mebibytes(bytes),
                            mebibytes(physical_bytes)),
                {}, "lower the capacity, or give the machine more memory");
  }
  for (int kind = static_cast<int>(want); kind <= static_cast<int>(Pages::normal); ++kind) {
    const Mapping mapping = try_map(bytes, static_cast<Pages>(kind));
    if (mapping.base == nullptr) continue;
    Region region;
    region.base_ = mapping.base;
    region.size_ = mapping.bytes;
    region.pages_ = static_cast<Pages>(kind);
    return region;
  }
  return fail(fmt::format("cannot map {} of memory: {}", mebibytes(bytes), std::strerror(errno)),
              {}, "lower the capacity, or give the machine or its cgroup more memory");
}

Region::Region(Region&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      pages_(other.pages_) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    if (base_ != nullptr) ::munmap(base_, size_);
    base_ = std::exchange(other.base_, nullptr);
    size_ = std::exchange(other.size_, 0);
    pages_ = other.pages_;
  }
  return *this;
}

Region::~Region() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

}  // namespace claimgate::memory
