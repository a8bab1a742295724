// A kernel's five ways to verify, as one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/lib/secp/claims.hpp"

namespace claimgate::secp::test {

enum class Path : unsigned { hot_small, hot_large, cold, one_small, one_large };
inline constexpr Path all_paths[] = {Path::hot_small, Path::hot_large, Path::cold, Path::one_small,
                                     Path::one_large};
inline constexpr unsigned bit(Path path) {
  return 1u << static_cast<unsigned>(path);
}
inline constexpr unsigned on_hot = bit(Path::hot_small) | bit(Path::hot_large);
inline constexpr unsigned on_one = bit(Path::one_small) | bit(Path::one_large);
inline constexpr unsigned on_cold = bit(Path::cold);

class Verifying {
 public:
  Verifying(const Kernel& kernel, Path path);

  [[nodiscard]] unsigned batch() const { return batch_; }  // at most so many at once
  [[nodiscard]] const Kernel& kernel() const { return *kernel_; }
  [[nodiscard]] Path path() const { return path_; }
  [[nodiscard]] std::string text() const;

  // One batch's verdicts. Sees to it that nothing else was written, and that the way numbers are
  // rounded is what it was.
  std::span<const std::uint8_t> operator()(std::span<const Case* const> cases);

 private:
  template <class Claim>
  void run(const Kernel::Batch<Claim>& batch, std::span<const Claim> claims);

  const Kernel* kernel_;
  Path path_;
  unsigned batch_;
  Area<void> work_;
  std::vector<std::uint8_t> verdicts_;
};

// Whether a verdict is libsecp256k1's; `undecided` where the case is made to be exceptional.
std::string wrong(const Verifying& verifying, const Case& one, std::uint8_t verdict,
                  bool may_be_undecided);

}  // namespace claimgate::secp::test
