// Claims for hot channels, whose keys have tables: the worker with the batch engine from a port's
// receive to its transmit, against the same engine fed with the same claims and nothing else to do.
//
// Thread: the one that measures.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bench/claim_streams.hpp"
#include "bench/measure/slices.hpp"
#include "bench/stage_clock.hpp"
#include "bench/stage_table.hpp"
#include "bench/worker_stand.hpp"

namespace claimgate::bench {

inline constexpr unsigned hot_channels = 128;
inline constexpr unsigned hot_claims = 2048;  // of a pass
static_assert(hot_claims % pipeline::burst_datagrams_max == 0);

class HotStream {
 public:
  // Of hot_claims good claims, one a datagram, which `port` replays.
  HotStream(const SignedClaims& claims, nic::Port& port, channel::Table& table,
            nic::CommandRing& commands, digest::Digester& digester);

  // Until either engine has large tables for all keys, or for so long as such a benchmark may.
  void warm_up(unsigned repeats);
  void measure(double clock_cost);
  void report(const Report& report) const;
  void report_stages(const Report& report) const;

 private:
  // By the tables that decided them.
  struct Shares {
    std::uint64_t large = 0, all = 0;
    void add(const Shares& more) {
      large += more.large;
      all += more.all;
    }
    [[nodiscard]] double percent() const;
  };
  [[nodiscard]] static Shares decided(const secp::Engine& engine);

  // All claims once; what counts is when the engine has always enough to do. Each returns which
  // tables decided them. Throws where a claim is not accepted.
  Shares alone(Slices& slices);
  Shares end_to_end(Slices& slices);
  void start_again();

  const SignedClaims& claims_;
  std::vector<std::array<std::byte, digest::digest_bytes>> digests_;
  secp::EngineOptions options_;
  secp::Engine engine_;
  Stand<StageClock> stand_;
  std::vector<channel::SlotIndex> slots_;  // of the channels
  std::uint32_t incarnation_ = 1;
  unsigned warm_up_passes_ = 0;
  Shares alone_shares_, end_to_end_shares_;
  std::vector<double> alone_, end_to_end_;  // cycles a claim
  StageTable stages_;
};

}  // namespace claimgate::bench
