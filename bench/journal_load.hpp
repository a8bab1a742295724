// A worker without a port and without a verifier in front of the real journal: it accepts claims as
// fast as they are due, and looks what comes back when. What is measured is the journal and nothing
// else, under a load that no verifier could bring about.
//
// Thread: the benchmark's, in the worker's place; the Keeper's threads run beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/journal/posix_storage.hpp"
#include "src/durability/keeper.hpp"

namespace claimgate::bench {

// What some seconds of load came to.
struct Loaded {
  double claims_per_s = 0;
  double bytes_per_claim = 0;     // written to the claim lane
  std::vector<double> added_us;   // of each claim: from its commit until it was released
  double turn_p9999_us = 0;       // of the worker's loop; who loses its core has long ones
  std::uint64_t checkpoints = 0;  // written meanwhile
};

class JournalLoad {
 public:
  // A journal in `folder`, which exists, and `channels` channels in it: new ones in a new folder,
  // recovered ones else. Its threads run on this process's CPUs but the last one, where the caller
  // is from then on; with one CPU they share it.
  JournalLoad(const std::string& folder, unsigned channels,
              const durability::KeeperOptions& options);
  JournalLoad(const JournalLoad&) = delete;
  JournalLoad& operator=(const JournalLoad&) = delete;

  // As many as go, for `seconds`, with at most `window` not released.
  [[nodiscard]] Loaded saturate(double seconds, unsigned window);
  // `claims` of them at intervals of a Poisson process of `rate` per second.
  [[nodiscard]] Loaded at_rate(double rate, unsigned claims);
  // Until the claim lane is `bytes` longer.
  void lengthen(std::uint64_t bytes);
  // A clean stop: leaves a checkpoint and nothing to replay. Without it the end is a crash.
  void stop();

  [[nodiscard]] const journal::Recovered& recovered() const noexcept { return recovered_; }
  [[nodiscard]] std::uint32_t channels() const noexcept { return table_.size(); }

 private:
  struct Waiting {
    std::uint64_t lsn;
    std::uint64_t since;  // cycles
  };
  void import(unsigned channels);
  // One claim of a random channel; false: BUSY.
  bool accept();
  void release(std::vector<double>* added_us);
  [[nodiscard]] Loaded ended(const Loaded& so_far, std::uint64_t began, std::uint64_t claims) const;

  std::unique_ptr<journal::PosixStorage> storage_;
  channel::Table table_;
  journal::Recovered recovered_;
  std::unique_ptr<durability::Keeper> keeper_;
  durability::LaneGate* gate_ = nullptr;
  std::vector<channel::SlotIndex> slots_;
  std::mt19937_64 random_{11};
  std::vector<Waiting> waiting_;  // a ring
  std::uint64_t first_ = 0, last_ = 0;
  std::uint64_t bytes_before_ = 0, records_before_ = 0, checkpoints_before_ = 0;
};

}  // namespace claimgate::bench
