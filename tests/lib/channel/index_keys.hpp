// Finds handles that the index of a table with a known hash key puts where a test wants them.
// Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/channel/table.hpp"

namespace claimgate::channel {

inline constexpr std::array<std::uint64_t, 2> test_hash_key = {0x0123'4567'89AB'CDEF, 42};

// The home bucket as DESIGN.md describes it.
inline std::uint32_t home_bucket(const Table& table, std::uint64_t handle) {
  const std::uint32_t buckets = (table.capacity() + channels_per_bucket - 1) / channels_per_bucket;
  __extension__ using Product = unsigned __int128;
  return static_cast<std::uint32_t>(Product{table.hash({handle})} * buckets >> 64);
}

// `n` handles whose home is within first..last.
inline std::vector<std::uint64_t> handles_with_home(const Table& table, std::size_t n,
                                                    std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t handle = 0; out.size() < n; ++handle) {
    const std::uint32_t home = home_bucket(table, handle);
    if (home >= first && home <= last) out.push_back(handle);
  }
  return out;
}

// Pairs (at 2i and 2i + 1) of handles whose hashes agree in their low 32 bits: equal tags.
inline std::vector<std::uint64_t> handles_with_equal_tags(const Table& table, std::size_t pairs) {
  std::vector<std::uint64_t> out;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> tags;
  for (std::uint64_t handle = 0; handle < 400'000; ++handle) {
    tags.emplace_back(static_cast<std::uint32_t>(table.hash({handle})), handle);
  }
  std::sort(tags.begin(), tags.end());
  for (std::size_t i = 1; i < tags.size() && out.size() < 2 * pairs; ++i) {
    if (tags[i].first == tags[i - 1].first) {
      out.push_back(tags[i - 1].second);
      out.push_back(tags[i].second);
    }
  }
  return out;
}

}  // namespace claimgate::channel
