// A mapped region of memory: huge pages where they can be had, normal pages where not.
// Owner: whoever holds the Region; moves, does not copy; unmapped on destruction. Zero-filled.
#pragma once

#include <cstddef>
#include <string_view>

#include "lib/failure/failure.hpp"

namespace claimgate::memory {

enum class Pages {
  huge,         // MAP_HUGETLB, 2 MiB; on failure `transparent`, then `normal`
  transparent,  // normal mapping with MADV_HUGEPAGE
  normal,
};

[[nodiscard]] std::string_view name(Pages pages) noexcept;

class Region {
 public:
  // Maps `bytes` (rounded up to the page size), zero-filled and faulted in, so that the hot path
  // never takes a page fault. `want` is tried first, then the weaker kinds.
  [[nodiscard]] static Expected<Region> map(std::size_t bytes, Pages want);

  Region() noexcept = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  [[nodiscard]] std::byte* bytes() const noexcept { return base_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // as mapped
  [[nodiscard]] Pages pages() const noexcept { return pages_; }      // what was had

 private:
  std::byte* base_ = nullptr;
  std::size_t size_ = 0;
  Pages pages_ = Pages::normal;
};

}  // namespace claimgate::memory
