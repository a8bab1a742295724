// One import on its way: staged as it comes in, judged and applied in slices after its commit.
//
//   receiving ──commit──► planning ──► recording ──► applying ──► reporting ──► finished
//                            └ a dry run; strict, and something was refused ──► reporting
//
// Nothing is recorded before the whole of it is planned; all of it is in the journal, as one batch,
// before the worker sees any of it. So an import happens wholly or not at all, whatever ends
// claimd. An ImportRun that is dropped while receiving leaves no trace. From the commit on it runs
// to its end whether or not its client still listens. A channel that stands twice is merged, in
// input order: funds by maximum, expiry by the newer ledger, and by the earlier time where it is
// the same one.
//
// Memory: the records as they came (156 bytes each, at most the table's capacity of them), 8 bytes
// per refusal, some 250 per channel planned, and while planning an entry per channel there is.
// Owner: one session, on the admin thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "lib/admin/body.hpp"
#include "lib/admin/record.hpp"
#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/xrpl/judge.hpp"
#include "src/control/change_plan.hpp"
#include "src/control/provisioning.hpp"

namespace claimgate::control {

class ImportRun {
 public:
  enum class Phase : std::uint8_t { receiving, planning, recording, applying, reporting, finished };
  static constexpr std::size_t slice_channels = 255;  // per advance(): one trip to the worker
  static constexpr std::chrono::milliseconds slice_time{10};  // of judging: key checks take longest
  static constexpr std::size_t refusals_per_report = 256;
  // A find() waits for the worker, some 100 us: an import of more channels than this reads the
  // whole table instead, so many slots at a time.
  static constexpr std::uint64_t finds_max = 1024;
  static constexpr std::uint32_t slice_slots = 8192;

  // `policy`: destinations and floors; the times in it are set here, at commit.
  // `table` is read only through view().
  ImportRun(admin::ImportBegin begin, const xrpl::Policy& policy, Provisioning& provisioning,
            const channel::Table& table);

  // Stages one import_channels body. Fails on a malformed one, and beyond the table's capacity.
  [[nodiscard]] Expected<void> add(std::vector<std::byte> records);
  // Closes the answer that the channels since the last one came in.
  [[nodiscard]] Expected<void> end_answer(const admin::ImportAnswer& answer);
  // Fails where channels lack their answer, or there was none. `now`: the ledger's time.
  [[nodiscard]] Expected<void> commit(channel::LedgerTime now);

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  // One slice. Precondition: planning, recording or applying. Fails where the worker does not
  // answer; how much was applied by then is in the failure.
  [[nodiscard]] Expected<void> advance();
  [[nodiscard]] admin::ImportProgress progress() const noexcept {
    return {position_, phase_ == Phase::planning ? staged_ : changes_.size()};
  }
  // The next refusals in input order; none: finished. Precondition: reporting.
  [[nodiscard]] std::vector<admin::Refused> report();
  // What its client is to know where claimd stops now.
  [[nodiscard]] Failure cut_short() const;
  [[nodiscard]] const admin::ImportDone& done() const noexcept { return done_; }
  [[nodiscard]] const admin::ImportBegin& begun() const noexcept { return begin_; }

 private:
  // A run of records out of one message: `first` is the input number of its first record.
  struct Batch {
    std::uint64_t first = 0;
    std::vector<std::byte> records;
    [[nodiscard]] std::size_t size() const noexcept {
      return records.size() / admin::import_record_bytes;
    }
  };
  struct Answer {
    std::uint64_t end = 0;  // input number one past its last channel
    xrpl::AnswerInfo info;
  };
  struct Refusal {
    std::uint32_t record = 0;  // input number; capacity is at most 2^30
    bool by_table = false;     // else on its merits, which judge() words again
    std::uint8_t result = 0;   // channel::ApplyResult
  };
  static_assert(sizeof(Refusal) == 8);
  // Where the walk over the records stands.
  struct Cursor {
    std::size_t batch = 0, in_batch = 0, answer = 0;
  };
  // Up to slice_channels further on, or where slice_time has run out: asked per channel.
  class Slice {
   public:
    Slice(std::uint64_t position, std::uint64_t all)
        : end_(std::min(all, position + slice_channels)),
          until_(std::chrono::steady_clock::now() + slice_time) {}
    [[nodiscard]] bool is_over(std::uint64_t position) const {
      return position >= end_ || (position % 8 == 0 && std::chrono::steady_clock::now() >= until_);
    }

   private:
    std::uint64_t end_;
    std::chrono::steady_clock::time_point until_;
  };
  // The record at `cursor` and its answer; moves on. Precondition: not at the end.
  [[nodiscard]] xrpl::RawChannel take(Cursor& cursor, const xrpl::AnswerInfo*& answer) const;
  [[nodiscard]] std::expected<channel::ChannelTerms, xrpl::Refusal> judge_next();
  void index_slice();
  [[nodiscard]] Expected<std::optional<channel::ChannelView>> known(wire::ChannelHandle handle);
  [[nodiscard]] Expected<void> plan_slice();
  [[nodiscard]] Expected<void> record_slice();
  [[nodiscard]] Expected<void> apply_slice();
  [[nodiscard]] Expected<void> end_planning();
  [[nodiscard]] Expected<void> end_recording();
  void begin(Phase phase);
  void end(bool applied);
  void count(std::uint64_t record, channel::ApplyResult result);

  admin::ImportBegin begin_;
  xrpl::Policy policy_;
  Provisioning& provisioning_;
  const channel::Table& table_;
  Phase phase_ = Phase::receiving;
  std::vector<Batch> batches_;
  std::vector<Answer> answers_;
  std::uint64_t staged_ = 0;
  std::uint64_t answered_ = 0;  // of them, in answers that have ended
  std::uint64_t position_ = 0;  // records taken in this phase
  Cursor cursor_;
  std::vector<Refusal> refusals_;
  std::size_t reported_ = 0;
  Cursor report_cursor_;
  std::uint64_t report_position_ = 0;
  std::unordered_map<std::uint64_t, channel::SlotIndex> index_;  // by handle, of a big import
  channel::SlotIndex indexed_ = 0;                               // slots looked at for it
  std::optional<ChangePlan> plan_;
  std::vector<PlannedChange> changes_;  // planned, from recording on
  admin::ImportDone done_;
};

}  // namespace claimgate::control
