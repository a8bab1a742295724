// The committer of one lane: a thread that takes what the worker has appended, writes it in groups,
// each durable before the next begins, and tells the gate.
//
// A group closes as soon as the disk is free for it: the records that came while the one before was
// being written make the next, so groups grow with the load and no timer is needed.
//
// On a failed write it stops for good: no acknowledgement comes any more, the gate is closed, and
// recovery at the next start decides what the disk has. While its lane has no spare segment it
// keeps what was appended and closes the gate, until there is one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

#include "lib/channel/terms.hpp"
#include "lib/counter/counter.hpp"
#include "lib/counter/histogram.hpp"
#include "lib/failure/failure.hpp"
#include "lib/journal/lane_writer.hpp"
#include "src/durability/lane_gate.hpp"

namespace claimgate::durability {

// What frames tell of when they were written, for people.
[[nodiscard]] channel::LedgerTime ledger_now() noexcept;

struct CommitterOptions {
  // Below so many spare segments the gate is closed.
  unsigned spares_min = 1;
  // Of an idle lane: how long it rests at a time. 0: never, on a core of its own.
  std::uint32_t nap_us = 50;
  // After some idle milliseconds it sleeps until the worker wakes it (LaneGate).
  bool sleeps = false;
  // Without work for so long, a heartbeat states what is durable.
  std::uint32_t heartbeat_ms = 100;
};

// Written by the committer, read by anyone.
struct CommitterStats {
  counter::Counter groups, records, bytes, heartbeats;
  counter::Counter stalls;     // times a group waited for a segment
  counter::Histogram sync_ns;  // of a group: write and sync
  counter::Histogram group_records;
};

class Committer {
 public:
  // Starts the thread. All three outlive it. `failed` is called once, on that thread.
  Committer(journal::LaneWriter& writer, const journal::SegmentShelf& shelf, LaneGate& gate,
            const CommitterOptions& options, std::function<void(const Failure&)> failed);
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer();  // as stop()

  // Commits what has been published, writes a heartbeat and ends the thread. The worker has
  // stopped.
  void stop();
  [[nodiscard]] const CommitterStats& stats() const noexcept { return stats_; }

 private:
  void run(const std::stop_token& stop);
  // What one round came to.
  enum class Round { idle, worked, stalled, failed };
  [[nodiscard]] Round round(bool heartbeat);
  void take_published() noexcept;

  journal::LaneWriter& writer_;
  const journal::SegmentShelf& shelf_;
  LaneGate& gate_;
  const CommitterOptions options_;
  const std::function<void(const Failure&)> failed_;
  CommitterStats stats_;
  std::jthread thread_;
};

}  // namespace claimgate::durability
