// A kernel's one function: whole lanes as long as there are jobs, then the tail.
//
// This header is for one translation unit: nothing in it may be shared with code for other CPUs.
#pragma once

#include <cstddef>

#include "lib/digest/kernel/lane_one.hpp"
#include "lib/digest/kernel/sha512.hpp"

namespace claimgate::digest {

// A single job goes by itself; of more, the last stands in for those that are missing.
template <class L, int Unit>
void digest_jobs(const Job* jobs, std::size_t count) noexcept {
  for (; count >= L::lanes; jobs += L::lanes, count -= L::lanes) Sha512<L>::digest(jobs);
  if (count == 0) return;
  if (count == 1) return Sha512<One<Unit>>::digest(jobs);
  Job tail[L::lanes];
  for (unsigned i = 0; i < L::lanes; ++i) tail[i] = jobs[i < count ? i : count - 1];
  Sha512<L>::digest(tail);
}

}  // namespace claimgate::digest
