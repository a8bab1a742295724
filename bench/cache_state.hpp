// What the caches hold when something is measured: put there, or thrown out, before.
//
// Thread: the one that measures.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace claimgate::bench {

class CacheState {
 public:
  CacheState();

  // Reads every line of `bytes`.
  static void fetch(std::span<const std::byte> bytes) noexcept;
  // Reads libsecp256k1 itself, which carries a megabyte of tables.
  void fetch_libsecp256k1() const noexcept;
  // Writes more than any cache holds.
  void evict() noexcept;

  [[nodiscard]] std::size_t last_level_bytes() const noexcept { return last_level_bytes_; }
  [[nodiscard]] std::size_t evicting_bytes() const noexcept { return other_.size(); }

 private:
  std::size_t last_level_bytes_ = 0;  // 0: unknown
  std::vector<unsigned char> other_;
  std::vector<std::span<const std::byte>> libsecp256k1_;
};

}  // namespace claimgate::bench
