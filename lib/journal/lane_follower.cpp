#include "lib/journal/lane_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/journal/segment_shelf.hpp"

namespace claimgate::journal {
namespace {

// Polls after which what is missing is not late but gone. What a manifest or a later frame states
// is on the disk before it is stated, so one would do; names may change while a folder is listed.
constexpr unsigned fruitless_max = 5;

LaneEntry entry_of(const Manifest& manifest, std::uint32_t lane) {
  const LaneEntry* const entry = manifest.lane(lane);
  return entry != nullptr ? *entry : LaneEntry{.lane = lane};
}

}  // namespace

LaneFollower::LaneFollower(Storage& storage, const Uuid& node_uuid, std::uint32_t lane,
                           std::uint64_t after_lsn, Until until)
    : storage_(storage),
      node_uuid_(node_uuid),
      lane_(lane),
      record_bytes_(record_bytes_of(lane)),
      stamp_(lane_stamp(node_uuid, lane)),
      until_(until),
      delivered_lsn_(after_lsn),
      next_(after_lsn + 1) {}

void LaneFollower::restart(std::uint64_t lsn) {
  delivered_lsn_ = lsn;
  next_ = lsn + 1;
  stated_lsn_ = evidence_lsn_ = segment_ = 0;
  reader_.reset();
  file_.reset();
  pending_.clear();
  pending_bytes_.clear();
  fruitless_ = 0;
}

Expected<LaneFollower::State> LaneFollower::poll(const Manifest& manifest,
                                                 const DeliverRecord& deliver) {
  if (!file_) {
    if (auto found = find_first(manifest); !found) return std::unexpected(found.error());
  }
  while (file_) {
    auto read = read_on(manifest, deliver);
    if (!read) return std::unexpected(read.error());
    if (manifest.term == term_) {
      stated_lsn_ = std::max(stated_lsn_, entry_of(manifest, lane_).durable_lsn);
    }
    const std::uint64_t up_to = until_ == Until::whole ? next_ - 1 : stated_lsn_;
    if (auto done = deliver_up_to(up_to, deliver); !done) return std::unexpected(done.error());
    auto moved = move_on(manifest, deliver);
    if (!moved) return std::unexpected(moved.error());
    if (*read || *moved) fruitless_ = 0;
    if (!*moved) break;
  }
  return judge(manifest);
}

// The last segment that begins at or below what is wanted: what a later term wrote comes later and
// counts.
Expected<void> LaneFollower::find_first(const Manifest& manifest) {
  auto there = candidates(manifest);
  if (!there) return std::unexpected(there.error());
  Candidate* last = nullptr;
  for (Candidate& each : *there) {
    if (each.header.first_lsn <= next_) last = &each;
  }
  if (last != nullptr) enter(std::move(*last));
  return {};
}

void LaneFollower::enter(Candidate candidate) {
  segment_ = candidate.header.segment;
  term_ = candidate.header.term;
  next_ = candidate.header.first_lsn;
  offset_ = page_bytes;
  file_ = std::move(candidate.file);
  reader_.emplace(*file_, candidate.bytes, window_);
}

Expected<bool> LaneFollower::read_on(const Manifest& manifest, const DeliverRecord& deliver) {
  reader_->forget();
  for (bool any = false;; any = true) {
    auto taken = take_frame(manifest);
    if (!taken) return taken;
    if (!*taken) {
      auto resumed = pass_over();
      if (!resumed) return std::unexpected(resumed.error());
      if (*resumed == 0) return any;
      offset_ = *resumed;
      continue;
    }
    if (auto done = deliver_up_to(stated_lsn_, deliver); !done) {
      return std::unexpected(done.error());
    }
  }
}

Expected<std::optional<FrameHeader>> LaneFollower::own_header(std::uint64_t offset) {
  const auto page = reader_->at(offset, page_bytes);
  if (!page) return std::unexpected(page.error());
  if (*page == nullptr) return std::nullopt;
  auto header = read_frame_header(*page, record_bytes_);
  const bool own =
      header && header->stamp == stamp_ && header->segment == segment_ && header->term == term_;
  if (!own) header.reset();
  return header;
}

Expected<bool> LaneFollower::take_frame(const Manifest& manifest) {
  auto found = own_header(offset_);
  if (!found) return std::unexpected(found.error());
  if (!*found || (*found)->first_lsn != next_) return false;
  const FrameHeader header = **found;
  const std::uint64_t last = next_ + header.count - 1;
  // What an older term left behind its end was discarded for good.
  const bool is_older = term_ < manifest.term;
  if (is_older && header.count > 0 && last > entry_of(manifest, lane_).term_lsn) return false;
  const auto frame = reader_->at(offset_, header.bytes);
  if (!frame) return std::unexpected(frame.error());
  if (*frame == nullptr || !body_is_whole(*frame, header)) return false;
  for (std::size_t i = 0; i < header.count; ++i, ++next_) {
    if (next_ <= delivered_lsn_) continue;
    const std::size_t at = frame_header_bytes + i * record_bytes_;
    pending_.push_back({.lsn = next_, .segment = segment_, .offset = offset_ + at});
    pending_bytes_.insert(pending_bytes_.end(), *frame + at, *frame + at + record_bytes_);
  }
  stated_lsn_ = std::max(stated_lsn_, header.durable_lsn);
  evidence_lsn_ = std::max(evidence_lsn_, header.durable_lsn);
  offset_ += header.bytes;
  return true;
}

// As recovery does: what is not whole stops nobody where nothing is missing. Far ahead only while
// the place to begin at is looked for.
Expected<std::uint64_t> LaneFollower::pass_over() {
  const std::uint64_t end =
      next_ <= delivered_lsn_ ? ~std::uint64_t{0} : offset_ + 2 * frame_bytes_max;
  for (std::uint64_t offset = offset_ + page_bytes; offset < end; offset += page_bytes) {
    const auto page = reader_->at(offset, page_bytes);
    if (!page) return std::unexpected(page.error());
    if (*page == nullptr) return 0;
    const auto header = own_header(offset);
    if (!header) return std::unexpected(header.error());
    if (!*header || (*header)->first_lsn < next_) continue;
    evidence_lsn_ = std::max(evidence_lsn_, (*header)->durable_lsn);
    if ((*header)->first_lsn > wanted()) return 0;
    const auto frame = reader_->at(offset, (*header)->bytes);
    if (!frame) return std::unexpected(frame.error());
    if (*frame == nullptr || !body_is_whole(*frame, **header)) continue;
    next_ = (*header)->first_lsn;
    return offset;
  }
  return 0;
}

// Headers first and the frames again afterwards: whoever begins a segment has written the frames
// before.
Expected<bool> LaneFollower::move_on(const Manifest& manifest, const DeliverRecord& deliver) {
  auto there = candidates(manifest);
  if (!there) return std::unexpected(there.error());
  auto read = read_on(manifest, deliver);
  if (!read || *read) return read;
  Candidate* newer = nullptr;  // of the first term behind this one
  for (Candidate& each : *there) {
    if (each.header.term == term_ && each.header.first_lsn == wanted()) {
      enter(std::move(each));
      return true;
    }
    if (each.header.term > term_) {
      newer = &each;
      break;
    }
    if (auto noted = note_statement(each); !noted) return std::unexpected(noted.error());
  }
  if (newer == nullptr && manifest.term <= term_) return false;
  // A term has begun: what recovery found then counts, and what was torn does not.
  const std::uint64_t end =
      newer != nullptr ? newer->header.first_lsn - 1 : entry_of(manifest, lane_).term_lsn;
  if (auto done = deliver_up_to(end, deliver); !done) return std::unexpected(done.error());
  drop_above(end);
  evidence_lsn_ = std::max(evidence_lsn_, end);
  if (newer == nullptr || wanted() <= end) return false;
  enter(std::move(*newer));
  return true;
}

// A segment of this term that begins further on: with several groups under way the ones before may
// be on their way still. Its first frame tells how far that was durable.
Expected<void> LaneFollower::note_statement(Candidate& candidate) {
  SegmentReader reader(*candidate.file, candidate.bytes, window_);
  const auto page = reader.at(page_bytes, page_bytes);
  reader_->forget();  // it is the same window
  if (!page) return std::unexpected(page.error());
  const auto header = *page != nullptr ? read_frame_header(*page, record_bytes_) : std::nullopt;
  const bool own = header && header->stamp == stamp_ &&
                   header->segment == candidate.header.segment && header->term == term_;
  if (own) evidence_lsn_ = std::max(evidence_lsn_, header->durable_lsn);
  return {};
}

Expected<std::vector<LaneFollower::Candidate>> LaneFollower::candidates(const Manifest& manifest) {
  std::vector<Candidate> out;
  auto entries = storage_.list(lane_folder(lane_));
  if (!entries) return std::unexpected(entries.error());
  const std::uint64_t term_lsn = entry_of(manifest, lane_).term_lsn;
  AlignedBuffer page(page_bytes);
  for (const FolderEntry& entry : *entries) {
    const auto number = segment_number(entry.name);
    if (!number || entry.is_folder || *number <= segment_ || entry.bytes < page_bytes) continue;
    const std::string path = segment_path(lane_, *number);
    auto file = storage_.open(path, Access::read_only);
    if (!file) continue;  // renamed since it was listed; what is missed for it, judge() notices
    if (auto read = (*file)->read(0, page.first(page_bytes)); !read) {
      return std::unexpected(read.error());
    }
    SegmentHeader header;
    const HeaderFault fault = read_segment_header(page.data(), header);
    if (fault == HeaderFault::newer_major || fault == HeaderFault::features) {
      return fail("this segment was written by a newer claimd", storage_.where(path) + ", offset 0",
                  "Use the tools of that version; nothing was changed");
    }
    const bool own = fault == HeaderFault::none && header.node_uuid == node_uuid_ &&
                     header.lane == lane_ && header.record_bytes == record_bytes_ &&
                     header.segment == *number;
    const bool discarded = header.term < manifest.term && header.first_lsn > term_lsn;
    if (!own || discarded) continue;
    out.push_back({.header = header, .bytes = entry.bytes, .file = std::move(*file)});
  }
  std::ranges::sort(out, {}, [](const Candidate& each) { return each.header.segment; });
  return out;
}

Expected<void> LaneFollower::deliver_up_to(std::uint64_t lsn, const DeliverRecord& deliver) {
  std::size_t done = 0;
  Expected<void> result;
  while (result && done < pending_.size() && pending_[done].lsn <= lsn) {
    result = deliver(pending_bytes_.data() + done * record_bytes_, pending_[done]);
    if (result) delivered_lsn_ = pending_[done++].lsn;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
  pending_bytes_.erase(pending_bytes_.begin(),
                       pending_bytes_.begin() + static_cast<std::ptrdiff_t>(done * record_bytes_));
  return result;
}

void LaneFollower::drop_above(std::uint64_t lsn) {
  while (!pending_.empty() && pending_.back().lsn > lsn) pending_.pop_back();
  pending_bytes_.resize(pending_.size() * record_bytes_);
  next_ = std::min(next_, lsn + 1);
}

Expected<LaneFollower::State> LaneFollower::judge(const Manifest& manifest) {
  const LaneEntry entry = entry_of(manifest, lane_);
  evidence_lsn_ = std::max({evidence_lsn_, entry.durable_lsn, entry.current_lsn, entry.term_lsn});
  const bool missing = wanted() <= evidence_lsn_;
  const bool ahead = delivered_lsn_ > std::max(evidence_lsn_, next_ - 1);
  if (!missing && !ahead) {
    fruitless_ = 0;
    return State::following;
  }
  if (++fruitless_ < fruitless_max) return State::unsure;
  // Up to there the checkpoint tells all.
  if (ahead || delivered_lsn_ < entry.current_lsn) return State::lost;
  return fail(fmt::format("damaged: the record of LSN {} was durable and is not there", wanted()),
              segment_ > 0 ? fmt::format("{}, offset {}",
                                         storage_.where(segment_path(lane_, segment_)), offset_)
                           : storage_.where(lane_folder(lane_)),
              "Stop claimd and look with 'claimctl check'");
}

}  // namespace claimgate::journal
