#include "lib/journal/segment_shelf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/journal/layout.hpp"

namespace claimgate::journal {

std::string lane_folder(std::uint32_t lane) {
  return lane == provisioning_lane ? "lane-provisioning" : fmt::format("lane-{}", lane);
}

std::string segment_path(std::uint32_t lane, std::uint64_t segment) {
  return fmt::format("{}/seg-{}.jnl", lane_folder(lane), segment);
}

std::optional<std::uint64_t> segment_number(const std::string& file_name) {
  constexpr std::string_view head = "seg-", tail = ".jnl";
  if (!file_name.starts_with(head) || !file_name.ends_with(tail)) return std::nullopt;
  const char* const first = file_name.data() + head.size();
  const char* const last = file_name.data() + file_name.size() - tail.size();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc{} || end != last || first == last) return std::nullopt;
  return number;
}

SegmentShelf::SegmentShelf(Storage& storage, const Options& options, std::uint64_t next_segment)
    : storage_(storage), options_(options), next_segment_(next_segment) {}

void SegmentShelf::adopt(std::uint64_t segment, std::uint64_t last_lsn, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  auto& shelf = last_lsn == 0 ? free_ : filled_;
  shelf.push_back({segment, last_lsn, bytes, nullptr});
}

Expected<std::unique_ptr<File>> SegmentShelf::reuse(Filled& old, const std::string& path) {
  if (!old.file) {
    auto opened = storage_.open(segment_path(options_.lane, old.segment), Access::read_write);
    if (!opened) return opened;
    old.file = std::move(*opened);
  }
  if (auto renamed = storage_.rename(segment_path(options_.lane, old.segment), path); !renamed) {
    return std::unexpected(renamed.error());
  }
  return std::move(old.file);
}

// One that could not be renamed to `segment`, or not be removed. A call that failed may have been
// carried out all the same: it is what the folder has. Where that cannot be read it is as before.
void SegmentShelf::put_back(Filled old, std::uint64_t segment) {
  if (const auto entries = storage_.list(lane_folder(options_.lane))) {
    const auto is_there = [&](std::uint64_t number) {
      return std::ranges::any_of(*entries, [number](const FolderEntry& entry) {
        return segment_number(entry.name) == number;
      });
    };
    if (!is_there(old.segment)) {
      if (!is_there(segment)) return;
      old.segment = segment;
    }
  }
  old.resists = true;
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(old));
}

// Under mutex_.
void SegmentShelf::try_all_again() {
  for (Filled& each : free_) each.resists = false;
}

// One that is to be tried, and is of our size or not.
std::optional<SegmentShelf::Filled> SegmentShelf::take_free(bool fits) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find_if(free_, [&](const Filled& each) {
    return !each.resists && (each.bytes == options_.segment_bytes) == fits;
  });
  if (at == free_.end()) return std::nullopt;
  std::optional<Filled> taken(std::move(*at));
  free_.erase(at);
  return taken;
}

Expected<void> SegmentShelf::shed() {
  while (auto old = take_free(false)) {
    const std::uint64_t segment = old->segment;
    if (auto removed = storage_.remove(segment_path(options_.lane, segment)); !removed) {
      put_back(std::move(*old), segment);
      return removed;
    }
  }
  return {};
}

// A new one, for which there is room once those of another size are gone.
Expected<std::unique_ptr<File>> SegmentShelf::make(const std::string& path) {
  if (auto done = shed(); !done) return std::unexpected(done.error());
  auto file = storage_.create(path, options_.segment_bytes);
  if (file) return file;
  const std::lock_guard lock(mutex_);
  try_all_again();
  return file;
}

Expected<bool> SegmentShelf::tend() {
  std::uint64_t segment = 0;
  {
    const std::lock_guard lock(mutex_);
    if (spares_.size() >= options_.spares) return false;
    segment = next_segment_++;
  }
  const std::string path = segment_path(options_.lane, segment);
  auto old = take_free(true);
  auto file = old ? reuse(*old, path) : make(path);
  if (!file && old) put_back(std::move(*old), segment);
  if (!file) return std::unexpected(file.error());
  const auto synced = storage_.sync_folder(lane_folder(options_.lane));
  const std::lock_guard lock(mutex_);
  if (!synced) {
    // Whether its name is on the disk nobody knows, but here it has it: free, and not made again.
    free_.push_back({.segment = segment, .bytes = options_.segment_bytes});
    return std::unexpected(synced.error());
  }
  spares_.push_back({segment, std::move(*file)});
  return true;
}

void SegmentShelf::release_below(std::uint64_t lsn) {
  const std::lock_guard lock(mutex_);
  const auto superfluous = std::partition(
      filled_.begin(), filled_.end(), [lsn](const Filled& each) { return each.last_lsn > lsn; });
  std::move(superfluous, filled_.end(), std::back_inserter(free_));
  filled_.erase(superfluous, filled_.end());
  try_all_again();
}

bool SegmentShelf::releases(std::uint64_t segment, std::uint64_t lsn) const {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(filled_, segment, &Filled::segment);
  return at != filled_.end() && at->last_lsn <= lsn;
}

std::optional<SegmentShelf::Spare> SegmentShelf::take() {
  const std::lock_guard lock(mutex_);
  if (spares_.empty()) return std::nullopt;
  std::optional<Spare> taken(std::move(spares_.front()));
  spares_.pop_front();
  return taken;
}

void SegmentShelf::put_filled(std::uint64_t segment, std::uint64_t last_lsn,
                              std::unique_ptr<File> file) {
  const std::lock_guard lock(mutex_);
  filled_.push_back({segment, last_lsn, options_.segment_bytes, std::move(file)});
}

unsigned SegmentShelf::spares() const {
  const std::lock_guard lock(mutex_);
  return static_cast<unsigned>(spares_.size());
}

std::uint64_t SegmentShelf::filled_bytes_above(std::uint64_t lsn) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const Filled& each : filled_) bytes += each.last_lsn > lsn ? each.bytes : 0;
  return bytes;
}

}  // namespace claimgate::journal
