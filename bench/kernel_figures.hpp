// What one kernel of lib/secp makes of claims, beside libsecp256k1: the first half of bench verify.
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

#include "bench/cache_state.hpp"
#include "bench/ecdsa_claims.hpp"
#include "bench/kernel_stand.hpp"
#include "bench/measure/report.hpp"
#include "bench/measure/slices.hpp"

namespace claimgate::bench {

inline constexpr unsigned claims_a_take = 64;  // every kernel's batches divide it

// libsecp256k1 as it did beside each case.
class ReferenceClock {
 public:
  ReferenceClock(const Libsecp256k1& libsecp256k1, const CacheState& caches)
      : libsecp256k1_(libsecp256k1), caches_(caches) {}
  // Verifies some 32 of `claims` with its tables in the caches; cycles a claim.
  double measure(ClaimSet& claims);
  void end_round();
  void report(const Report& report, double cycles_per_us) const;

 private:
  const Libsecp256k1& libsecp256k1_;
  const CacheState& caches_;
  std::vector<double> this_round_, rounds_;
};

struct Surroundings {
  ReferenceClock& reference;
  CacheState& caches;
  const KeyTables& small;
  const KeyTables& large;
  double cycles_per_us;
};

enum class Path { small, large, cold };

struct CaseOptions {
  std::string name;
  Path path;
  ClaimSet* claims;
  unsigned batch;  // claims at a time
  bool evicted = false;
  bool with_rate = false;
  std::optional<Goal> goal;  // of the ratio
};

class KernelFigures {
 public:
  struct Sets {
    std::span<ClaimSet> by_keys;  // for full batches, as far as there are tables
    ClaimSet& usual;              // one of those, for everything else; its keys have both tables
    ClaimSet& half_broken;        // of the same keys
  };
  KernelFigures(const KernelStand& stand, const Sets& sets, const Surroundings& with);

  // Everything once, in another order each time. Throws where a verdict is not libsecp256k1's.
  void measure(std::mt19937_64& random);
  void report(const Report& report) const;

 private:
  struct Case {
    CaseOptions options;
    std::vector<double> ours, reference;  // cycles a claim
  };
  // Pieces of work that a worker cannot interrupt.
  struct Pieces {
    std::string name;
    std::optional<Path> path;  // or tables
    unsigned batch;
    const TableShape* shape;
    std::vector<double> p999;     // cycles
    std::vector<double> longest;  // of each batch, of each table
    std::uint64_t count = 0;
  };
  struct Building {
    const TableShape* shape;
    std::vector<double> ours, reference;  // cycles a table, a claim
  };

  void add_hot(const Sets& sets, Path path);
  void add_cold(const Sets& sets);
  void measure(Case& each);
  void measure(Pieces& each);
  void measure(Building& each);
  void warm(const CaseOptions& options) const;
  template <class Around>
  void verify(Path path, const ClaimSet& set, std::span<const EcdsaClaim> claims, unsigned batch,
              std::uint8_t* verdicts, Around&& around) const;
  void check(const std::string& name, std::span<const EcdsaClaim> claims,
             const std::uint8_t* verdicts) const;

  const KernelStand& stand_;
  Surroundings with_;
  ClaimSet& usual_;
  std::vector<Case> cases_;
  std::vector<Pieces> pieces_;
  std::vector<Building> buildings_;
  std::size_t next_key_ = 0;  // whose table is built
};

}  // namespace claimgate::bench
