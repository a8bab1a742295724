// Memory that may be written to a disk past the page cache: page-aligned, zero-filled at first.
// Owner: whoever holds it; moves, does not copy. Allocates when made, never after.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "lib/journal/storage.hpp"

namespace claimgate::journal {

class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t bytes)
      : bytes_(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{page_bytes}))),
        size_(bytes) {
    std::memset(bytes_.get(), 0, bytes);
  }
  [[nodiscard]] std::byte* data() noexcept { return bytes_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> first(std::size_t bytes) noexcept {
    return {bytes_.get(), bytes};
  }

 private:
  struct Free {
    void operator()(std::byte* bytes) const noexcept {
      ::operator delete (bytes, std::align_val_t{page_bytes});
    }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_;
};

}  // namespace claimgate::journal
