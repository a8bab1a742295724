// The manifest: which checkpoint counts, and from which LSN each lane goes on. Two pages written in
// turn, so that one of them is whole whatever happens; each names this checkpoint and the one
// before, so that either page alone is enough to fall back (FORMAT.md).
//
// Owner: the journal's control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/journal/layout.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

inline constexpr const char* manifest_path = "MANIFEST";
inline constexpr std::size_t lanes_max = 65;  // 64 workers, and provisioning

// What a checkpoint holds; generation 0: there is none.
struct CheckpointRef {
  std::uint64_t generation = 0;
  std::uint64_t channels = 0;
  std::uint32_t stamp = 0;             // ties the file to this entry: checkpoint.hpp
  std::uint32_t next_incarnation = 1;  // the next to be issued
};

struct LaneEntry {
  std::uint32_t lane = 0;
  std::uint64_t current_lsn = 0;     // the checkpoint holds everything up to here
  std::uint64_t previous_lsn = 0;    // the one before did up to here
  std::uint64_t durable_lsn = 0;     // on the disk when this was written, at least
  std::uint64_t segment_in_use = 0;  // 0: none in this term
  std::uint64_t term_lsn = 0;        // where the lane ended when this term began
};

struct Manifest {
  Uuid node_uuid{};
  std::uint64_t sequence = 0;  // of this page; the higher one counts
  std::uint32_t term = 0;      // one more with each start
  CheckpointRef current;
  CheckpointRef previous;
  std::vector<LaneEntry> lanes;
  bool read_only = false;  // it has features that only a newer version may write

  [[nodiscard]] LaneEntry* lane(std::uint32_t number) noexcept;
  [[nodiscard]] const LaneEntry* lane(std::uint32_t number) const noexcept;
};

// A page of the file. Which one is the newer is told by `manifest->sequence`.
struct ManifestPage {
  std::optional<Manifest> manifest;  // of a page that is whole
  bool blank = false;                // zeros: not yet written
};
inline constexpr std::size_t manifest_pages = 2;

// Both pages as they lie there; none where there is no such file, or it is cut short. Fails on
// versions and features unknown here.
[[nodiscard]] Expected<std::vector<ManifestPage>> read_manifest_pages(Storage& storage);

// The newest whole page, or nothing: a new folder, a first start that was cut short, or damage,
// which is for the caller to tell apart. Fails on versions and features unknown here.
[[nodiscard]] Expected<std::optional<Manifest>> read_manifest(Storage& storage);

// Makes `manifest` durable as the next page; its sequence is counted up. The file is made where it
// is missing. After a Failure that page may be the old one, this one, or torn; the sequence is as
// it was, so that the next write is to the same page and not to the one that is whole.
[[nodiscard]] Expected<void> write_manifest(Storage& storage, Manifest& manifest);

}  // namespace claimgate::journal
