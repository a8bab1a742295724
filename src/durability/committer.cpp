#include "src/durability/committer.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace claimgate::durability {
namespace {

using Clock = std::chrono::steady_clock;

// A committer that sleeps has naps for so long before it does, and looks up again after so long at
// the latest: heartbeats, segments that have come, the end.
constexpr std::chrono::milliseconds awake_idle{5};
constexpr std::chrono::milliseconds asleep_max{20};

}  // namespace

channel::LedgerTime ledger_now() noexcept {
  return static_cast<channel::LedgerTime>(std::time(nullptr) - channel::ledger_epoch_unix_s);
}

Committer::Committer(journal::LaneWriter& writer, const journal::SegmentShelf& shelf,
                     LaneGate& gate, const CommitterOptions& options,
                     std::function<void(const Failure&)> failed)
    : writer_(writer),
      shelf_(shelf),
      gate_(gate),
      options_(options),
      failed_(std::move(failed)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Committer::~Committer() {
  stop();
}

void Committer::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Committer::run(const std::stop_token& stop) {
  prctl(PR_SET_TIMERSLACK, 1UL);  // a nap lasts what it says
  auto idle_since = Clock::now();
  for (;;) {
    const bool last = stop.stop_requested();  // asked before the round: it takes all there is
    const bool rested =
        Clock::now() - idle_since >= std::chrono::milliseconds(options_.heartbeat_ms);
    const Round came_to = round(rested || last);
    if (came_to == Round::failed) return;
    if (came_to == Round::worked) {
      idle_since = Clock::now();
      continue;
    }
    // A stalled lane's claims were never acknowledged; waiting for a disk that is full would keep
    // the process from ending.
    if (last) return;
    if (options_.sleeps && came_to == Round::idle && Clock::now() - idle_since >= awake_idle) {
      gate_.sleep(writer_.next_lsn() - 1, asleep_max);
      continue;
    }
    if (options_.nap_us > 0 || came_to == Round::stalled) {
      const timespec nap{.tv_sec = 0, .tv_nsec = std::max(options_.nap_us, 50u) * 1'000L};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
    }
  }
}

Committer::Round Committer::round(bool heartbeat) {
  take_published();
  if (shelf_.spares() >= options_.spares_min) {
    gate_.open(LaneGate::Reason::no_segment);
  } else {
    gate_.close(LaneGate::Reason::no_segment);
  }
  const bool beat = writer_.open_is_empty();
  if (beat && !(heartbeat && writer_.wants_heartbeat())) return Round::idle;
  const std::uint64_t first_lsn = writer_.durable_lsn() + 1;
  const auto group = writer_.close(ledger_now());
  if (!group) {
    stats_.stalls.add(1);
    return Round::stalled;
  }
  const auto began = Clock::now();
  if (auto written = group->file->write_durably(group->offset, group->bytes); !written) {
    gate_.close(LaneGate::Reason::failed);
    failed_(written.error());
    return Round::failed;
  }
  writer_.complete(*group);
  gate_.set_durable(writer_.durable_lsn());
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began);
  stats_.sync_ns.record(static_cast<std::uint64_t>(took.count()));
  stats_.groups.add(1);
  stats_.bytes.add(group->bytes.size());
  if (beat) stats_.heartbeats.add(1);
  if (!beat) stats_.group_records.record(group->last_lsn + 1 - first_lsn);
  stats_.records.add(group->last_lsn + 1 - first_lsn);
  return Round::worked;
}

void Committer::take_published() noexcept {
  std::array<std::byte, journal::claim_record_bytes> bytes;
  const std::uint64_t published = gate_.published();
  while (writer_.next_lsn() <= published && writer_.room() > 0) {
    journal::write_claim_record(bytes.data(), gate_.record(writer_.next_lsn()));
    writer_.append(bytes.data());
  }
}

}  // namespace claimgate::durability
