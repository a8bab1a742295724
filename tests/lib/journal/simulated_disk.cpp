#include "tests/lib/journal/simulated_disk.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace claimgate::journal {
namespace {

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == path.npos ? std::string_view() : path.substr(0, slash));
}

std::unexpected<Failure> no_such(std::string_view path) {
  return fail("there is no such file", std::string(path));
}

}  // namespace

void SimulatedDisk::count_io() {
  ++ios_;
  if (ios_left_ > 0 && --ios_left_ == 0) throw PowerCut{};
}

// ---- files --------------------------------------------------------------------------------

Expected<void> SimulatedFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  assert(offset % page_bytes == 0 && bytes.size() % page_bytes == 0);
  assert(reinterpret_cast<std::uintptr_t>(bytes.data()) % page_bytes == 0);
  SimulatedDisk::Content& content = *content_;
  if (content.now.size() < offset + bytes.size()) {
    content.now.resize(offset + bytes.size());
    content.is_dirty.resize(content.now.size() / sector_bytes);
  }
  std::memcpy(content.now.data() + offset, bytes.data(), bytes.size());
  for (std::uint64_t at = offset; at < offset + bytes.size(); at += sector_bytes) {
    const auto sector = static_cast<std::uint32_t>(at / sector_bytes);
    if (content.is_dirty[sector]) continue;
    content.is_dirty[sector] = true;
    content.dirty.push_back(sector);
  }
  disk_.count_io();
  return {};
}

Expected<void> SimulatedFile::write_durably(std::uint64_t offset,
                                            std::span<const std::byte> bytes) {
  if (auto written = write(offset, bytes); !written) return written;
  return harden(offset, bytes.size());
}

Expected<void> SimulatedFile::harden(std::uint64_t offset, std::uint64_t bytes) {
  disk_.count_io();
  return disk_.sync(*content_, offset, bytes);
}

Expected<void> SimulatedFile::sync() {
  disk_.count_io();
  return disk_.sync(*content_, 0, content_->now.size());
}

Expected<void> SimulatedFile::read(std::uint64_t offset, std::span<std::byte> into) {
  assert(offset % page_bytes == 0 && into.size() % page_bytes == 0);
  disk_.count_io();
  if (offset + into.size() > content_->now.size()) return fail("the file ends before", path_);
  std::memcpy(into.data(), content_->now.data() + offset, into.size());
  return {};
}

Expected<std::uint64_t> SimulatedFile::size() {
  return content_->now.size();
}

Expected<void> SimulatedDisk::sync(Content& content, std::uint64_t offset, std::uint64_t bytes) {
  if (syncs_left_ > 0 && --syncs_left_ == 0) {
    settle(content);
    return fail("Input/output error", "a simulated sync");
  }
  if (content.durable.size() < content.now.size()) content.durable.resize(content.now.size());
  std::vector<std::uint32_t> others;
  for (const std::uint32_t sector : content.dirty) {
    const std::uint64_t at = std::uint64_t{sector} * sector_bytes;
    if (at < offset || at >= offset + bytes) {
      others.push_back(sector);
      continue;
    }
    std::memcpy(content.durable.data() + at, content.now.data() + at, sector_bytes);
    content.is_dirty[sector] = false;
  }
  content.dirty = std::move(others);
  return {};
}

// Every sector as before, as written, or torn; the size as before or as written.
void SimulatedDisk::settle(Content& content) {
  if (content.durable.size() < content.now.size() && random_() % 2 == 0) {
    content.durable.resize(content.now.size());
  }
  for (const std::uint32_t sector : content.dirty) {
    const std::uint64_t at = std::uint64_t{sector} * sector_bytes;
    content.is_dirty[sector] = false;
    if (at + sector_bytes > content.durable.size()) continue;
    std::size_t kept = 0;
    switch (random_() % 3) {
      case 0:
        break;
      case 1:
        kept = sector_bytes;
        break;
      default:  // as often as not between two cache lines: so DMA tears
        kept = random_() % sector_bytes;
        if (random_() % 2 == 0) kept = kept / 64 * 64;
    }
    std::memcpy(content.durable.data() + at, content.now.data() + at, kept);
  }
  content.dirty.clear();
  content.now = content.durable;
  content.is_dirty.assign(content.now.size() / sector_bytes, false);
}

void SimulatedDisk::crash() {
  ios_left_ = 0;
  syncs_left_ = 0;
  const std::size_t survived = random_() % (changes_.size() + 1);
  for (std::size_t i = 0; i < survived; ++i) apply(durable_names_, changes_[i]);
  changes_.clear();
  names_ = durable_names_;
  for (auto& [path, content] : names_) {
    if (content) settle(*content);
  }
}

void SimulatedDisk::rot(std::string_view path, std::uint64_t bit) {
  Content& content = *names_.find(path)->second;
  for (std::vector<std::byte>* bytes : {&content.now, &content.durable}) {
    (*bytes)[bit / 8] ^= std::byte{1} << bit % 8;
  }
}

// ---- names --------------------------------------------------------------------------------

void SimulatedDisk::apply(Names& names, const NameChange& change) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.made.empty()) names[change.made] = change.content;
}

void SimulatedDisk::change(NameChange change) {
  apply(names_, change);
  changes_.push_back(std::move(change));
  count_io();
}

Expected<std::unique_ptr<File>> SimulatedDisk::open(std::string_view path, Access) {
  const auto at = names_.find(path);
  if (at == names_.end() || !at->second) return no_such(path);
  return std::make_unique<SimulatedFile>(*this, std::string(path), at->second);
}

Expected<std::unique_ptr<File>> SimulatedDisk::create(std::string_view path, std::uint64_t bytes) {
  if (*free_bytes() < bytes) return fail("No space left on device", std::string(path));
  auto content = std::make_shared<Content>();
  content->now.resize(bytes);
  content->is_dirty.resize(bytes / sector_bytes);
  change({folder_of(path), "", std::string(path), content});
  count_io();  // the zeros, and their sync
  content->durable.resize(bytes);
  return std::make_unique<SimulatedFile>(*this, std::string(path), content);
}

Expected<void> SimulatedDisk::rename(std::string_view from, std::string_view to) {
  const auto at = names_.find(from);
  if (at == names_.end()) return no_such(from);
  change({folder_of(to), std::string(from), std::string(to), at->second});
  return {};
}

Expected<void> SimulatedDisk::remove(std::string_view path) {
  if (names_.find(path) == names_.end()) return no_such(path);
  change({folder_of(path), std::string(path), "", nullptr});
  return {};
}

Expected<void> SimulatedDisk::make_folder(std::string_view path) {
  if (names_.find(path) != names_.end()) return {};
  change({folder_of(path), "", std::string(path), nullptr});
  return {};
}

Expected<void> SimulatedDisk::sync_folder(std::string_view path) {
  count_io();
  std::vector<NameChange> others;
  for (NameChange& each : changes_) {
    if (each.folder == path) {
      apply(durable_names_, each);
    } else {
      others.push_back(std::move(each));
    }
  }
  changes_ = std::move(others);
  return {};
}

Expected<std::vector<FolderEntry>> SimulatedDisk::list(std::string_view folder) {
  count_io();
  std::vector<FolderEntry> entries;
  for (const auto& [path, content] : names_) {
    if (folder_of(path) != folder) continue;
    const std::string name = folder.empty() ? path : path.substr(folder.size() + 1);
    entries.push_back({.name = name,
                       .is_folder = content == nullptr,
                       .bytes = content ? content->now.size() : 0});
  }
  return entries;
}

Expected<std::uint64_t> SimulatedDisk::free_bytes() {
  std::uint64_t used = 0;
  for (const auto& [path, content] : names_) used += content ? content->now.size() : 0;
  return used < limit_ ? limit_ - used : 0;
}

}  // namespace claimgate::journal
