// A kernel out of a lane type. For the kernels' translation units.
#pragma once

#include "lib/secp/kernel.hpp"
#include "lib/secp/kernel/build.hpp"
#include "lib/secp/kernel/cold.hpp"
#include "lib/secp/kernel/hot.hpp"
#include "lib/secp/kernel/one.hpp"

namespace claimgate::secp {

template <class Work, class Claim>
void begin_batch(void* work, const Claim* claims, unsigned count, const std::uint64_t* generator,
                 bool ahead) {
  static_cast<Work*>(work)->begin(claims, count, generator, ahead);
}
template <class Work>
void fetch_batch(const void* work, unsigned part) {
  static_cast<const Work*>(work)->fetch_part(part);
}
template <class Work>
bool step_batch(void* work, std::uint8_t* verdicts) {
  return static_cast<Work*>(work)->step(verdicts);
}
template <class Work, class Claim, unsigned batch>
constexpr Kernel::Batch<Claim> batch_of() noexcept {
  return {batch,           sizeof(Work), Work::parts, begin_batch<Work, Claim>, fetch_batch<Work>,
          step_batch<Work>};
}
template <class Work>
void begin_build(void* work, const std::uint64_t point[8], unsigned width, unsigned windows,
                 std::uint64_t* table) {
  static_cast<Work*>(work)->begin(point, width, windows, table);
}
template <class Work>
bool step_build(void* work) {
  return static_cast<Work*>(work)->step();
}

// `Unit`: the translation unit's own number. `hot`, `cold`: claims a batch.
template <class L, int Unit, unsigned hot, unsigned cold>
constexpr Kernel kernel_of(const char* name) noexcept {
  using Small = Hot<L, Unit, small_width, small_windows, hot>;
  using Large = Hot<L, Unit, large_width, large_windows, hot>;
  using Without = Cold<L, Unit, cold>;
  using Builder = Build<L, Unit>;
  return {.name = name,
          .lanes = L::lanes,
          .hot_small = batch_of<Small, HotClaim, hot>(),
          .hot_large = batch_of<Large, HotClaim, hot>(),
          .cold = batch_of<Without, ColdClaim, cold>(),
          .one_small = One<L, Unit, small_width, small_windows>::verify,
          .one_large = One<L, Unit, large_width, large_windows>::verify,
          .build_work_bytes = sizeof(Builder),
          .build_begin = begin_build<Builder>,
          .build_step = step_build<Builder>};
}

}  // namespace claimgate::secp
