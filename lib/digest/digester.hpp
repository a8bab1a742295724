// SHA-512Half of a burst of claim messages: the first 32 bytes of SHA-512 over 44 bytes each.
//
// By one of our kernels (AVX2, AVX-512) where it is right and clearly faster here than Intel
// ipsec-mb, which is the reference and the fallback (DESIGN.md).
// Owner: one thread per Digester. digest() allocates nothing.
//
// Budget per message, in bursts of 32 with all of it in the caches: 95 ns without AVX-512 at a core
// clock of 3.1 GHz, 50 ns with it (./dev bench pipeline).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lib/digest/kernel.hpp"
#include "lib/digest/kernels.hpp"
#include "lib/digest/multi_buffer.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::digest {

struct DigesterOptions {
  // "auto": the fastest that is right; or a kernel's word; or "ipsec-mb".
  std::string_view kernel = "auto";
  std::span<const Kernel* const> kernels = digest::kernels();  // to choose from
};

class Digester {
 public:
  // A kernel must be so many times as fast as ipsec-mb to be taken in its place.
  static constexpr double clearly_faster = 1.1;

  // Tries the kernels out, which takes about a millisecond. Fails where ipsec-mb does not start, or
  // the kernel that is asked for is not there, does not run here or gives wrong digests.
  [[nodiscard]] static Expected<Digester> create(const DigesterOptions& options = {});

  // Hashes every job. No bound on the number; jobs may stand in any memory.
  void digest(std::span<const Job> jobs) noexcept {
    if (kernel_ != nullptr) {
      kernel_->digest(jobs.data(), jobs.size());
    } else {
      multi_buffer_.digest(jobs);
    }
  }

  // As an operator should read it: "AVX2 kernel", "ipsec-mb (AVX2)", and why where a kernel failed.
  [[nodiscard]] const std::string& kernel() const noexcept { return text_; }

 private:
  explicit Digester(MultiBuffer multi_buffer) noexcept;
  [[nodiscard]] Expected<void> take(const DigesterOptions& options);
  void choose(std::span<const Kernel* const> kernels);

  MultiBuffer multi_buffer_;
  const Kernel* kernel_ = nullptr;  // null: ipsec-mb
  std::string text_;
};

}  // namespace claimgate::digest
