// Pools of exactly as many tables as a test wants. Any thread.
#pragma once

#include "lib/secp/key_pool.hpp"

namespace claimgate::secp {

// With its descriptor a table takes one page, or two. Nobody computes with these.
inline constexpr std::size_t small_bytes = 4096 - 64, large_bytes = 8192 - 64;

struct PoolShape {
  std::uint32_t keys;
  std::uint32_t small;
  std::uint32_t large;
  Costs costs;
  std::uint64_t half_life_claims = 0;
  double build_share = 0.05;
};

inline KeyPoolOptions options_of(const PoolShape& shape) {
  const std::size_t large = std::size_t{shape.large} * 8192;
  const std::size_t beside = KeyPool::bytes_beside(shape.keys);
  const std::size_t budget =
      (beside + std::size_t{shape.small} * 4096 + large + 4095) / 4096 * 4096;
  // A little more than the large ones' share, far less than one more would take.
  const double share = (static_cast<double>(large) + 8) / static_cast<double>(budget - beside);
  return {.keys_max = shape.keys,
          .budget_bytes = budget,
          .small_bytes = small_bytes,
          .large_bytes = large_bytes,
          .large_share = shape.small == 0   ? 1
                         : shape.large == 0 ? 0
                                            : share,
          .costs = shape.costs,
          .build_share = shape.build_share,
          .half_life_claims = shape.half_life_claims,
          .pages = memory::Pages::normal};
}

}  // namespace claimgate::secp
