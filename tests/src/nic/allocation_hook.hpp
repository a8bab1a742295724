// A thread that must not allocate: malloc and its kin, of every library in the process, abort
// there.
#pragma once

#include <cstdint>

namespace claimgate::nic {

class AllocationForbidden {
 public:
  AllocationForbidden() noexcept;
  ~AllocationForbidden();
  AllocationForbidden(const AllocationForbidden&) = delete;
  AllocationForbidden& operator=(const AllocationForbidden&) = delete;
};

// Allocations of this process so far, on any thread: shows that the hook is in place.
[[nodiscard]] std::uint64_t allocations_seen() noexcept;

}  // namespace claimgate::nic
