// SHA-512Half of a burst of claim messages: the first 32 bytes of SHA-512 over 44 bytes each.
//
// Hides Intel ipsec-mb's multi-buffer jobs, which hash as many messages side by side as the
// instruction set has lanes for (SSE, AVX2 or AVX-512, chosen by the library at create()).
// Owner: one thread per Digester. digest() allocates nothing.
//
// Budget: 600 cycles per message in bursts of 8 and more, with AVX2 and all of it in the caches
// (./dev bench pipeline).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "lib/failure/failure.hpp"

struct IMB_MGR;

namespace claimgate::digest {

inline constexpr std::size_t message_bytes = 44;  // "CLM\0" ‖ channel id ‖ amount
inline constexpr std::size_t digest_bytes = 32;

// One message and the room for its digest, which must outlive the call that hashes it. `hash`
// takes the whole SHA-512; SHA-512Half is its first 32 bytes.
struct Job {
  const std::byte* message;  // 44 bytes
  std::byte* hash;           // 64 bytes
};
inline constexpr std::size_t hash_bytes = 64;

class Digester {
 public:
  [[nodiscard]] static Expected<Digester> create();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;
  ~Digester();

  // Hashes every job. No bound on the number; jobs may stand in any memory.
  void digest(std::span<const Job> jobs) noexcept;

  [[nodiscard]] const char* kernel() const noexcept;  // "AVX512", "AVX2", "SSE"…

 private:
  struct Free {
    void operator()(IMB_MGR* manager) const noexcept;
  };
  explicit Digester(IMB_MGR* manager) noexcept;
  std::unique_ptr<IMB_MGR, Free> manager_;
};

}  // namespace claimgate::digest
