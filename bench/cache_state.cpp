#include "bench/cache_state.hpp"

#include <link.h>
#include <secp256k1.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

namespace claimgate::bench {
namespace {

constexpr std::size_t line_bytes = 64;

// Adds the readable segments of the object that has secp256k1_ecdsa_verify.
int add_segments(dl_phdr_info* object, std::size_t, void* found) {
  std::vector<std::span<const std::byte>> segments;
  const auto wanted = reinterpret_cast<std::uintptr_t>(&secp256k1_ecdsa_verify);
  bool is_it = false;
  for (const auto& header : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (header.p_type != PT_LOAD || (header.p_flags & PF_R) == 0) continue;
    const std::uintptr_t at = object->dlpi_addr + header.p_vaddr;
    is_it = is_it || (wanted >= at && wanted - at < header.p_memsz);
    segments.emplace_back(reinterpret_cast<const std::byte*>(at), header.p_memsz);
  }
  if (!is_it) return 0;
  *static_cast<std::vector<std::span<const std::byte>>*>(found) = std::move(segments);
  return 1;
}

}  // namespace

CacheState::CacheState() {
  // What sysconf() says of it is, for a guest, at times that of a whole socket.
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index3/size");
  std::size_t kib = 0;
  file >> kib;
  last_level_bytes_ = kib << 10;
  constexpr std::size_t least = std::size_t{64} << 20, most = std::size_t{1} << 30;
  other_.resize(std::clamp(2 * last_level_bytes_, least, most));
  ::dl_iterate_phdr(add_segments, &libsecp256k1_);
}

void CacheState::fetch(std::span<const std::byte> bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += line_bytes) {
    static_cast<void>(*static_cast<const volatile std::byte*>(&bytes[at]));
  }
}

void CacheState::fetch_libsecp256k1() const noexcept {
  for (const auto segment : libsecp256k1_) fetch(segment);
}

void CacheState::evict() noexcept {
  for (std::size_t at = 0; at < other_.size(); at += line_bytes) ++other_[at];
  asm volatile("" : : "r"(other_.data()) : "memory");
}

}  // namespace claimgate::bench
