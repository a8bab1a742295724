// One segment file, read forwards through a buffer that several segments may share in turn.
// Owner: whoever reads; one thread. What it has read it does not read again until forget().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lib/failure/failure.hpp"
#include "lib/journal/aligned_buffer.hpp"
#include "lib/journal/layout.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

class SegmentReader {
 public:
  static constexpr std::size_t window_bytes_max = 32 * frame_bytes_max;

  // `window` holds frame_bytes_max at least.
  SegmentReader(File& file, std::uint64_t size, AlignedBuffer& window)
      : file_(file), size_(size / page_bytes * page_bytes), window_(window) {}

  // `bytes` readable at `offset`, or nothing where the file's last whole page ends before.
  [[nodiscard]] Expected<const std::byte*> at(std::uint64_t offset, std::size_t bytes) {
    if (offset + bytes > size_) return nullptr;
    if (offset < start_ || offset + bytes > start_ + length_) {
      start_ = offset;
      length_ = static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), size_ - offset));
      if (auto read = file_.read(start_, window_.first(length_)); !read) {
        forget();
        return std::unexpected(read.error());
      }
    }
    return window_.data() + (offset - start_);
  }
  // The file may have been written to since.
  void forget() noexcept { length_ = 0; }

 private:
  File& file_;
  const std::uint64_t size_;
  AlignedBuffer& window_;
  std::uint64_t start_ = 0;
  std::size_t length_ = 0;
};

}  // namespace claimgate::journal
