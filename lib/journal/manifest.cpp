#include "lib/journal/manifest.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "lib/journal/aligned_buffer.hpp"
#include "lib/memory/crc32c.hpp"

namespace claimgate::journal {
namespace {

constexpr std::array<char, 8> magic = {'C', 'G', 'M', 'A', 'N', 'I', 'F', '\0'};
constexpr std::size_t at_crc = 8, at_major = 12, at_minor = 14, at_features = 16,
                      at_read_features = 24, at_uuid = 32, at_sequence = 48, at_term = 56,
                      at_lanes = 60, at_current = 64, at_previous = 96, at_entries = 128;
constexpr std::size_t entry_bytes = 48;
static_assert(at_entries + lanes_max * entry_bytes <= page_bytes);

template <class T>
T get(const std::byte* from, std::size_t at) noexcept {
  return wire::load_raw<T>(from + at);
}

template <class T>
void put(std::byte* to, std::size_t at, T value) noexcept {
  wire::store_raw(to + at, value);
}

void put_ref(std::byte* to, const CheckpointRef& ref) noexcept {
  put(to, 0, ref.generation);
  put(to, 8, ref.channels);
  put(to, 16, ref.stamp);
  put(to, 20, ref.next_incarnation);
}

CheckpointRef get_ref(const std::byte* from) noexcept {
  return {.generation = get<std::uint64_t>(from, 0),
          .channels = get<std::uint64_t>(from, 8),
          .stamp = get<std::uint32_t>(from, 16),
          .next_incarnation = get<std::uint32_t>(from, 20)};
}

void encode(std::byte* page, const Manifest& manifest) noexcept {
  assert(manifest.lanes.size() <= lanes_max);
  std::memset(page, 0, page_bytes);
  std::memcpy(page, magic.data(), magic.size());
  put(page, at_major, format_major);
  put(page, at_minor, format_minor);
  std::memcpy(page + at_uuid, manifest.node_uuid.data(), manifest.node_uuid.size());
  put(page, at_sequence, manifest.sequence);
  put(page, at_term, manifest.term);
  put(page, at_lanes, static_cast<std::uint32_t>(manifest.lanes.size()));
  put_ref(page + at_current, manifest.current);
  put_ref(page + at_previous, manifest.previous);
  std::byte* to = page + at_entries;
  for (const LaneEntry& entry : manifest.lanes) {
    put(to, 0, entry.lane);
    put(to, 8, entry.current_lsn);
    put(to, 16, entry.previous_lsn);
    put(to, 24, entry.durable_lsn);
    put(to, 32, entry.segment_in_use);
    put(to, 40, entry.term_lsn);
    to += entry_bytes;
  }
  put(page, at_crc, memory::crc32c({page + at_major, page_bytes - at_major}));
}

bool is_whole(const std::byte* page) noexcept {
  return std::memcmp(page, magic.data(), magic.size()) == 0 &&
         get<std::uint32_t>(page, at_crc) ==
             memory::crc32c({page + at_major, page_bytes - at_major});
}

Manifest decode(const std::byte* page) {
  Manifest manifest;
  std::memcpy(manifest.node_uuid.data(), page + at_uuid, manifest.node_uuid.size());
  manifest.sequence = get<std::uint64_t>(page, at_sequence);
  manifest.term = get<std::uint32_t>(page, at_term);
  manifest.read_only = get<std::uint64_t>(page, at_read_features) != 0;
  manifest.current = get_ref(page + at_current);
  manifest.previous = get_ref(page + at_previous);
  const std::byte* from = page + at_entries;
  for (std::uint32_t i = 0; i < get<std::uint32_t>(page, at_lanes); ++i, from += entry_bytes) {
    manifest.lanes.push_back({.lane = get<std::uint32_t>(from, 0),
                              .current_lsn = get<std::uint64_t>(from, 8),
                              .previous_lsn = get<std::uint64_t>(from, 16),
                              .durable_lsn = get<std::uint64_t>(from, 24),
                              .segment_in_use = get<std::uint64_t>(from, 32),
                              .term_lsn = get<std::uint64_t>(from, 40)});
  }
  return manifest;
}

Expected<bool> exists(Storage& storage) {
  auto entries = storage.list("");
  if (!entries) return std::unexpected(entries.error());
  return std::ranges::any_of(*entries,
                             [](const FolderEntry& entry) { return entry.name == manifest_path; });
}

}  // namespace

const LaneEntry* Manifest::lane(std::uint32_t number) const noexcept {
  const auto at = std::ranges::find(lanes, number, &LaneEntry::lane);
  return at == lanes.end() ? nullptr : &*at;
}

LaneEntry* Manifest::lane(std::uint32_t number) noexcept {
  return const_cast<LaneEntry*>(std::as_const(*this).lane(number));
}

Expected<std::vector<ManifestPage>> read_manifest_pages(Storage& storage) {
  std::vector<ManifestPage> pages;
  const auto there = exists(storage);
  if (!there) return std::unexpected(there.error());
  if (!*there) return pages;
  auto file = storage.open(manifest_path, Access::read_only);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  AlignedBuffer buffer(manifest_pages * page_bytes);
  if (*size < buffer.size()) return pages;
  if (auto read = (*file)->read(0, buffer.first(buffer.size())); !read) {
    return std::unexpected(read.error());
  }
  for (std::size_t i = 0; i < manifest_pages; ++i) {
    const std::byte* const page = buffer.data() + i * page_bytes;
    ManifestPage& read = pages.emplace_back();
    if (!is_whole(page)) {
      read.blank =
          std::all_of(page, page + page_bytes, [](std::byte b) { return b == std::byte{}; });
      continue;
    }
    if (get<std::uint16_t>(page, at_major) != format_major ||
        get<std::uint64_t>(page, at_features) != 0) {
      return fail("this state folder was written by a newer claimd", storage.where(manifest_path),
                  "Start the version that wrote it, or a newer one; nothing was changed");
    }
    if (get<std::uint32_t>(page, at_lanes) <= lanes_max) read.manifest = decode(page);
  }
  return pages;
}

Expected<std::optional<Manifest>> read_manifest(Storage& storage) {
  auto pages = read_manifest_pages(storage);
  if (!pages) return std::unexpected(pages.error());
  std::optional<Manifest> newest;
  for (ManifestPage& page : *pages) {
    if (!page.manifest) continue;
    if (!newest || page.manifest->sequence > newest->sequence) newest = std::move(page.manifest);
  }
  return newest;
}

Expected<void> write_manifest(Storage& storage, Manifest& manifest) {
  const auto there = exists(storage);
  if (!there) return std::unexpected(there.error());
  auto file = *there ? storage.open(manifest_path, Access::read_write)
                     : storage.create(manifest_path, manifest_pages * page_bytes);
  if (!file) return std::unexpected(file.error());
  if (!*there) {
    if (auto synced = storage.sync_folder(""); !synced) return synced;
  }
  Manifest next = manifest;
  ++next.sequence;
  AlignedBuffer page(page_bytes);
  encode(page.data(), next);
  const std::uint64_t offset = next.sequence % manifest_pages * page_bytes;
  if (auto written = (*file)->write(offset, page.first(page_bytes)); !written) return written;
  const auto done = (*file)->sync();
  if (done) manifest.sequence = next.sequence;
  return done;
}

}  // namespace claimgate::journal
