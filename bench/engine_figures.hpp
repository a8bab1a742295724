// What secp::Engine makes of claims from submit() to poll(), as a worker drives it: the second half
// of bench verify.
//
// Thread: the one that measures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/ecdsa_claims.hpp"
#include "bench/kernel_figures.hpp"
#include "bench/measure/report.hpp"
#include "lib/secp/engine.hpp"

namespace claimgate::bench {

class EngineFigures {
 public:
  // `kernel`: as EngineOptions has it. `hot`: claims for the keys that are hot.
  EngineFigures(const std::string& kernel, const Libsecp256k1& libsecp256k1, ClaimSet& hot,
                const Report& report);

  // Until no more tables are built for the keys of `hot`, or for `claims_max`.
  void warm_up(std::uint64_t claims_max);
  // Hot keys alone, and then every second claim under a key never seen before.
  void measure(ReferenceClock& reference, std::mt19937_64& random);
  void report(const Report& report, double cycles_per_us) const;

 private:
  struct Submission {
    secp::Claim claim;
    bool good;
  };
  struct Shares {
    std::uint64_t large = 0, small = 0, cold = 0, reference = 0;
    [[nodiscard]] std::string text() const;
  };
  struct Stream {
    std::vector<double> ours, reference;  // cycles a claim
    Shares shares;
  };

  void add_hot(unsigned count);  // to submissions_
  // All of them through the engine, cycles a claim; nothing where no slice of it was left in peace.
  // Throws where an answer is not libsecp256k1's.
  std::optional<double> run(std::span<const Submission> all);
  template <class Make>
  void measure(Stream& stream, ReferenceClock& reference, Make&& make);
  [[nodiscard]] Shares decided() const;

  const Libsecp256k1& libsecp256k1_;
  ClaimSet& hot_;
  std::size_t resident_before_;
  secp::Engine engine_;
  std::size_t resident_bytes_;  // what create() took
  std::uint32_t new_keys_ = 0;  // so many have been seen
  std::uint64_t warm_up_claims_ = 0;
  bool still_warming_ = false;
  std::vector<EcdsaKey> keys_;      // of `claims_`
  std::vector<EcdsaClaim> claims_;  // under new keys
  std::vector<Submission> submissions_;
  std::vector<std::uint8_t> answers_;
  Stream hot_stream_, mixed_stream_;
};

}  // namespace claimgate::bench
