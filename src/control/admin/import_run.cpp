#include "src/control/admin/import_run.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include <fmt/core.h>

#include "lib/xrpl/hex.hpp"

namespace claimgate::control {
namespace {

using channel::ApplyResult;

static_assert(static_cast<std::uint8_t>(xrpl::KeyForm::conflicting) == admin::key_form_max);

// More answers than channels would be a way to fill memory: a page without channels is rare.
constexpr std::size_t empty_answers_max = 4096;

std::string_view reason_of(ApplyResult result) noexcept {
  switch (result) {
    case ApplyResult::handle_taken:
      return "handle_taken";
    case ApplyResult::key_differs:
      return "key_differs";
    default:
      return "table_full";
  }
}

std::string_view text_of(ApplyResult result) noexcept {
  switch (result) {
    case ApplyResult::handle_taken:
      return "another channel here has the same leading 64 bits in its id; claims name only those. "
             "Remove that one first if it is closed";
    case ApplyResult::key_differs:
      return "this channel is known here with another key, and a channel's key never changes: one "
             "of the two answers is wrong. Remove the channel first if the one here is";
    default:
      return "the channel table is full. Raise the table's capacity in claimd's configuration, or "
             "remove closed channels";
  }
}

}  // namespace

ImportRun::ImportRun(admin::ImportBegin begin, const xrpl::Policy& policy,
                     Provisioning& provisioning, const channel::Table& table)
    : begin_(std::move(begin)), policy_(policy), provisioning_(provisioning), table_(table) {}

Expected<void> ImportRun::add(std::vector<std::byte> records) {
  const auto count = admin::check_import_records(records);
  if (!count) return std::unexpected(count.error());
  if (staged_ + *count > provisioning_.capacity()) {
    return fail(
        fmt::format("the import holds more channels than the table ({})", provisioning_.capacity()),
        begin_.source, "Raise the table's capacity in claimd's configuration, or import less");
  }
  batches_.push_back({.first = staged_, .records = std::move(records)});
  staged_ += *count;
  return {};
}

Expected<void> ImportRun::end_answer(const admin::ImportAnswer& answer) {
  if (answer.channels != staged_ - answered_) {
    return fail(
        fmt::format("an answer of {} channels, but {} came", answer.channels, staged_ - answered_),
        begin_.source, "Use claimctl and claimd of the same release");
  }
  if (answers_.size() >= staged_ + empty_answers_max)
    return fail("too many answers without channels", begin_.source, "Import the pages that have");
  xrpl::AnswerInfo info;
  info.number = static_cast<std::uint32_t>(answers_.size() + 1);
  info.validated = answer.validated;
  info.ledger_index = answer.ledger_index;
  info.is_current = answer.is_current;
  info.channels = answer.channels;
  answers_.push_back({.end = staged_, .info = info});
  answered_ = staged_;
  return {};
}

Expected<void> ImportRun::commit(channel::LedgerTime now) {
  if (answers_.empty() || answered_ != staged_) {
    return fail("the import was committed before its last answer had ended", begin_.source,
                "Use claimctl and claimd of the same release");
  }
  policy_.as_of = std::min<channel::LedgerTime>(begin_.as_of, now);
  policy_.now = now;
  if (auto settled = provisioning_.settle(); !settled) {
    Failure failure = settled.error();
    failure.what += "; nothing was imported";
    return std::unexpected(std::move(failure));
  }
  plan_.emplace(provisioning_.capacity() - provisioning_.channels(), staged_);
  begin(Phase::planning);
  return {};
}

Expected<void> ImportRun::advance() {
  switch (phase_) {
    case Phase::planning:
      if (position_ == staged_) return end_planning();
      return plan_slice();
    case Phase::recording:
      if (position_ == changes_.size()) return end_recording();
      return record_slice();
    default:
      assert(phase_ == Phase::applying);
      if (position_ < changes_.size()) return apply_slice();
      provisioning_.applied();
      end(true);
      return {};
  }
}

void ImportRun::begin(Phase phase) {
  phase_ = phase;
  position_ = 0;
}

void ImportRun::end(bool applied) {
  done_.applied = applied;
  changes_ = {};
  std::ranges::sort(refusals_, {}, &Refusal::record);  // a change may have been withdrawn late
  begin(Phase::reporting);
}

xrpl::RawChannel ImportRun::take(Cursor& cursor, const xrpl::AnswerInfo*& answer) const {
  const Batch& batch = batches_[cursor.batch];
  const std::uint64_t number = batch.first + cursor.in_batch;
  while (answers_[cursor.answer].end <= number) ++cursor.answer;
  answer = &answers_[cursor.answer].info;
  const auto record =
      admin::decode_import_record(std::span<const std::byte, admin::import_record_bytes>(
          batch.records.data() + cursor.in_batch * admin::import_record_bytes,
          admin::import_record_bytes));
  assert(record.has_value());  // checked when it was staged
  if (++cursor.in_batch == batch.size()) {
    ++cursor.batch;
    cursor.in_batch = 0;
  }
  xrpl::RawChannel raw;
  raw.id.bytes = record->id;
  raw.key = record->key;
  raw.key_form = static_cast<xrpl::KeyForm>(record->key_form);
  raw.is_token = record->is_token;
  raw.account = record->account;
  raw.destination = record->destination;
  raw.amount_drops = record->amount_drops;
  raw.balance_drops = record->balance_drops;
  raw.settle_delay_s = record->settle_delay_s;
  raw.answer = answer->number;
  raw.expiration = record->expiration;
  raw.cancel_after = record->cancel_after;
  raw.sequence = record->sequence;
  raw.source_tag = record->source_tag;
  raw.line = record->line;
  return raw;
}

std::expected<channel::ChannelTerms, xrpl::Refusal> ImportRun::judge_next() {
  const xrpl::AnswerInfo* answer = nullptr;
  const xrpl::RawChannel raw = take(cursor_, answer);
  ++position_;
  auto terms = xrpl::judge(raw, *answer, policy_);
  if (!terms) {
    refusals_.push_back({.record = static_cast<std::uint32_t>(position_ - 1)});
    ++done_.refused;
  }
  return terms;
}

void ImportRun::count(std::uint64_t record, ApplyResult result) {
  switch (result) {
    case ApplyResult::added:
      ++done_.added;
      return;
    case ApplyResult::updated:
      ++done_.updated;
      return;
    case ApplyResult::unchanged:
      ++done_.unchanged;
      return;
    case ApplyResult::older_ledger:
      ++done_.older;
      return;
    default:
      break;
  }
  ++done_.refused;
  refusals_.push_back({.record = static_cast<std::uint32_t>(record),
                       .by_table = true,
                       .result = static_cast<std::uint8_t>(result)});
}

void ImportRun::index_slice() {
  const auto used = table_.slots_used();
  const channel::SlotIndex end = std::min(used, indexed_ + slice_slots);
  if (indexed_ == 0) index_.reserve(table_.size());
  for (; indexed_ < end; ++indexed_) {
    if (const auto view = table_.view(indexed_))
      index_.emplace(view->terms.id.handle().value, indexed_);
  }
}

Expected<std::optional<channel::ChannelView>> ImportRun::known(wire::ChannelHandle handle) {
  if (staged_ <= finds_max) return provisioning_.find(handle);
  const auto at = index_.find(handle.value);
  if (at == index_.end()) return std::nullopt;
  return table_.view(at->second);
}

Expected<void> ImportRun::plan_slice() {
  if (staged_ > finds_max && indexed_ < table_.slots_used()) {
    index_slice();
    return {};
  }
  const Slice slice(position_, staged_);
  do {  // one at least, whatever the clock says
    const auto terms = judge_next();
    if (!terms) continue;
    const auto record = static_cast<std::uint32_t>(position_ - 1);
    const auto result =
        plan_->add(*terms, record, [this](wire::ChannelHandle handle) { return known(handle); });
    if (!result) {
      Failure failure = result.error();
      failure.what += "; nothing was imported";
      return std::unexpected(std::move(failure));
    }
    count(record, *result);
  } while (!slice.is_over(position_));
  return {};
}

Expected<void> ImportRun::end_planning() {
  index_ = {};
  changes_ = std::move(plan_->changes());
  plan_.reset();
  std::erase_if(changes_, [](const PlannedChange& change) { return !change.is_change; });
  if (begin_.dry_run) {
    end(false);
  } else if (begin_.strict && done_.refused > 0) {
    end(false);
  } else if (changes_.empty()) {
    end(true);
  } else {
    begin(Phase::recording);
  }
  return {};
}

Expected<void> ImportRun::record_slice() {
  const std::size_t count = std::min(slice_channels, changes_.size() - position_);
  auto recorded = provisioning_.record(std::span(changes_).subspan(position_, count));
  if (!recorded) return recorded;
  position_ += count;
  return {};
}

Expected<void> ImportRun::end_recording() {
  if (auto committed = provisioning_.commit(); !committed) return committed;
  begin(Phase::applying);
  return {};
}

Expected<void> ImportRun::apply_slice() {
  std::array<ApplyResult, slice_channels> results;
  const std::size_t count = std::min(slice_channels, changes_.size() - position_);
  const auto slice = std::span(changes_).subspan(position_, count);
  if (const auto applied = provisioning_.apply(slice, std::span(results).first(count)); !applied) {
    Failure failure = applied.error();
    failure.what += fmt::format(
        "; the import is in the journal, but only the first {} of {} changes have reached the "
        "worker for sure",
        position_, changes_.size());
    if (failure.remedy.empty()) failure.remedy = "Import the same file again: that is harmless";
    return std::unexpected(std::move(failure));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!slice[i].is_new || results[i] == ApplyResult::added) continue;
    --done_.added;  // it was planned, and its place in the index turned out to be taken
    this->count(slice[i].record, results[i]);
  }
  position_ += count;
  return {};
}

Failure ImportRun::cut_short() const {
  const bool is_committed =
      phase_ == Phase::applying || (phase_ >= Phase::reporting && done_.applied);
  if (!is_committed) {
    return {"claimd is stopping; nothing was imported", begin_.source,
            "Import again once claimd runs"};
  }
  return {phase_ == Phase::applying
              ? "claimd is stopping; the import is in the journal, and the next start has all of it"
              : "claimd is stopping; the import was carried out, only its report was cut short",
          begin_.source,
          "Nothing is left to do. To have its report, import the same file again once claimd runs"};
}

std::vector<admin::Refused> ImportRun::report() {
  assert(phase_ == Phase::reporting);
  std::vector<admin::Refused> out;
  while (reported_ < refusals_.size() && out.size() < refusals_per_report) {
    const Refusal& refusal = refusals_[reported_++];
    while (report_position_ < refusal.record) {  // whole batches at a time
      const std::size_t left = batches_[report_cursor_.batch].size() - report_cursor_.in_batch;
      const std::uint64_t wanted = refusal.record - report_position_;
      if (wanted < left) {
        report_cursor_.in_batch += wanted;
        report_position_ += wanted;
      } else {
        ++report_cursor_.batch;
        report_cursor_.in_batch = 0;
        report_position_ += left;
      }
    }
    const xrpl::AnswerInfo* answer = nullptr;
    const xrpl::RawChannel raw = take(report_cursor_, answer);
    ++report_position_;
    admin::Refused one{.channel_id = xrpl::to_hex(raw.id.bytes), .line = raw.line};
    if (refusal.by_table) {
      const auto result = static_cast<ApplyResult>(refusal.result);
      one.reason = reason_of(result);
      one.text = text_of(result);
    } else if (const auto judged = xrpl::judge(raw, *answer, policy_); !judged) {
      one.reason = xrpl::name(judged.error().reason);
      one.text = judged.error().text;
    }
    out.push_back(std::move(one));
  }
  if (out.empty()) phase_ = Phase::finished;
  return out;
}

}  // namespace claimgate::control
