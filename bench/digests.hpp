// Digests of a burst of claim messages again and again, everything in the caches: what of the
// digest stage is hashing. By ipsec-mb and by each kernel of lib/digest that runs here, slice by
// slice in turn.
//
// Owner and thread: the benchmark's measuring thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "bench/measure/report.hpp"
#include "bench/measure/slices.hpp"
#include "lib/digest/digester.hpp"
#include "src/pipeline/burst.hpp"

namespace claimgate::bench {

class Digests {
 public:
  Digests();
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;

  // Once in every round.
  void measure();
  void report(const Report& report) const;

 private:
  static constexpr unsigned bursts_a_slice = 50;
  static constexpr unsigned slices_a_round = 4;
  static constexpr std::size_t burst = pipeline::burst_datagrams_max;

  struct Way {
    digest::Digester digester;
    double goal_ns = 0;  // 0: none
    std::vector<double> cycles{};
  };
  std::array<std::array<std::byte, digest::message_bytes>, burst> messages_{};
  std::array<std::array<std::byte, digest::digest_bytes>, burst> digests_;
  std::array<digest::Job, burst> jobs_;
  std::vector<Way> ways_;  // ipsec-mb first
};

}  // namespace claimgate::bench
