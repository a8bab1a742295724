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
  phase_ = begin_.strict || begin_.dry_run ? Phase::rehearsing : Phase::applying;
  if (staged_ == 0) end_phase();
  return {};
}

Expected<void> ImportRun::advance() {
  assert(phase_ == Phase::rehearsing || phase_ == Phase::applying);
  auto sliced = phase_ == Phase::rehearsing ? rehearse_slice() : apply_slice();
  if (sliced && position_ == staged_) end_phase();
  return sliced;
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
  auto view = table_.view(at->second);
  if (view && view->terms.id.handle() != handle) view.reset();  // removed since
  return view;
}

Expected<void> ImportRun::rehearse_slice() {
  if (staged_ > finds_max && indexed_ < table_.slots_used()) {
    index_slice();
    return {};
  }
  const Slice slice(*this);
  do {  // one at least, whatever the clock says
    const auto terms = judge_next();
    if (!terms) continue;
    const auto result = foresee(*terms);
    if (!result) return std::unexpected(result.error());
    count(position_ - 1, *result);
  } while (!slice.is_over(position_));
  return {};
}

Expected<ApplyResult> ImportRun::foresee(const channel::ChannelTerms& terms) {
  const std::uint64_t handle = terms.id.handle().value;
  auto seen = foreseen_.find(handle);
  if (seen == foreseen_.end()) {
    const auto view = known(terms.id.handle());
    if (!view) return std::unexpected(view.error());
    if (!*view) {
      if (provisioning_.channels() + foreseen_new_ >= provisioning_.capacity())
        return ApplyResult::table_full;
      foreseen_.emplace(handle, terms);
      ++foreseen_new_;
      return ApplyResult::added;
    }
    seen = foreseen_.emplace(handle, (*view)->terms).first;
  }
  return channel::merge(seen->second, terms);
}

Expected<void> ImportRun::apply_slice() {
  std::array<channel::ChannelTerms, slice_channels> terms;
  std::array<ApplyResult, slice_channels> results;
  std::array<std::uint64_t, slice_channels> numbers;
  std::size_t count_here = 0;
  const std::uint64_t start = position_;
  const Slice slice(*this);
  do {
    const std::uint64_t number = position_;
    auto judged = judge_next();
    if (!judged) continue;
    numbers[count_here] = number;
    terms[count_here++] = std::move(*judged);
  } while (!slice.is_over(position_));
  if (count_here > 0) {
    const auto applied = provisioning_.apply(std::span(terms).first(count_here),
                                             std::span(results).first(count_here));
    if (!applied) {
      Failure failure = applied.error();
      failure.what += fmt::format(
          "; the first {} of {} channels had been imported, the next {} "
          "perhaps",
          start, staged_, count_here);
      if (failure.remedy.empty()) failure.remedy = "Import the same file again: that is harmless";
      return std::unexpected(std::move(failure));
    }
  }
  for (std::size_t i = 0; i < count_here; ++i) count(numbers[i], results[i]);
  return {};
}

void ImportRun::end_phase() {
  // Merit and table refusals of one slice were noted apart.
  std::ranges::sort(refusals_, {}, &Refusal::record);
  const bool apply_next =
      phase_ == Phase::rehearsing && !begin_.dry_run && done_.refused == 0 && staged_ > 0;
  foreseen_ = {};
  index_ = {};
  position_ = 0;
  cursor_ = {};
  if (apply_next) {
    done_ = {};
    phase_ = Phase::applying;
    return;
  }
  done_.applied = phase_ == Phase::applying || (!begin_.dry_run && done_.refused == 0);
  phase_ = Phase::reporting;
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
