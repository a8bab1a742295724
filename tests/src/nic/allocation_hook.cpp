#include "tests/src/nic/allocation_hook.hpp"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>

// glibc's own, behind the names that this executable takes for itself.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace claimgate::nic {
namespace {

thread_local bool forbidden = false;
std::atomic<std::uint64_t> seen = 0;

void allocating() noexcept {
  seen.fetch_add(1, std::memory_order_relaxed);
  if (!forbidden) [[likely]]
    return;
  forbidden = false;
  static constexpr char words[] = "allocated on a thread that must not\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, words, sizeof words - 1);
  abort();
}

}  // namespace

AllocationForbidden::AllocationForbidden() noexcept {
  forbidden = true;
}
AllocationForbidden::~AllocationForbidden() {
  forbidden = false;
}
std::uint64_t allocations_seen() noexcept {
  return seen.load(std::memory_order_relaxed);
}

}  // namespace claimgate::nic

// operator new comes here through malloc. Freeing counts too: it takes the allocator's locks.
extern "C" {
void* malloc(size_t size) noexcept {
  claimgate::nic::allocating();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) noexcept {
  claimgate::nic::allocating();
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) noexcept {
  claimgate::nic::allocating();
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) noexcept {
  claimgate::nic::allocating();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  claimgate::nic::allocating();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) noexcept {
  claimgate::nic::allocating();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* old) noexcept {
  if (old != nullptr) claimgate::nic::allocating();
  __libc_free(old);
}
}
