// Digests by Intel ipsec-mb's jobs: what the kernels are held against, and what stands in for them.
//
// It hashes as many messages side by side as its instruction set has lanes for (2 with SSE, 4 with
// AVX2, 8 with AVX-512), chosen by the library at create(). Owner: one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "lib/digest/kernel.hpp"
#include "lib/failure/failure.hpp"

struct IMB_MGR;

namespace claimgate::digest {

class MultiBuffer {
 public:
  [[nodiscard]] static Expected<MultiBuffer> create();
  MultiBuffer(MultiBuffer&&) noexcept;
  MultiBuffer& operator=(MultiBuffer&&) noexcept;
  ~MultiBuffer();

  void digest(std::span<const Job> jobs) noexcept;
  [[nodiscard]] const char* instruction_set() const noexcept;  // "AVX2"

 private:
  // The library writes all of SHA-512, whatever length it is told.
  static constexpr std::size_t hash_bytes = 64, jobs_at_once = 64;

  struct Free {
    void operator()(IMB_MGR* manager) const noexcept;
  };
  explicit MultiBuffer(IMB_MGR* manager) noexcept;
  void submit(const Job& job, std::byte* hash) noexcept;
  std::unique_ptr<IMB_MGR, Free> manager_;
};

}  // namespace claimgate::digest
