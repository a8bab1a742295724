// The state file: every channel with its held claim, saved on a clean stop and loaded at start.
// Layout in FORMAT.md. It replaces its predecessor whole or not at all; what is loaded has been
// verified to the last byte before the first channel is delivered.
//
// Control path. save_snapshot() may run on any thread, beside the tables' owners too: each channel
// is consistent in itself (Table::view), but only with the owners stopped are they of one moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::channel {

namespace snapshot {
inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t page_header_bytes = 64;
inline constexpr std::size_t record_bytes = 268;
inline constexpr std::size_t records_per_page = 15;
static_assert(page_header_bytes + records_per_page * record_bytes <= page_bytes);
inline constexpr std::uint16_t format_major = 2;
inline constexpr std::uint16_t format_minor = 0;

// One channel as it lies in a page of records: record_bytes, the reserved ones zero.
void write_record(std::byte* to, const ChannelView& view) noexcept;
[[nodiscard]] ChannelView read_record(const std::byte* from) noexcept;
// Whether a record that was read can be a channel's.
[[nodiscard]] bool possible(const ChannelView& view) noexcept;
}  // namespace snapshot

struct SnapshotHeader {
  std::array<std::byte, 16> node_uuid{};
  std::uint32_t next_incarnation = 1;  // the next one to be issued
  std::int64_t saved_at_unix_s = 0;
};

struct SnapshotInfo {
  SnapshotHeader header;  // next_incarnation is above every incarnation in the file
  std::uint64_t channels = 0;
};

// Writes every channel of `tables` to `path`.new, makes it durable and renames it to `path`
// (mode 0600). Returns the number of channels. On a Failure `path` is what it was.
[[nodiscard]] Expected<std::uint64_t> save_snapshot(const std::string& path,
                                                    std::span<const Table* const> tables,
                                                    const SnapshotHeader& header);

// Verifies the whole file, then calls `deliver` once for every channel; an empty function only
// verifies. A Failure names file, offset and remedy: a file that cannot be read, is not a state
// file, is of a major version other than 1 and 2 or needs features unknown here, is truncated or
// longer than it says, or is damaged anywhere; or the first Failure that `deliver` returned. The
// file is only read.
[[nodiscard]] Expected<SnapshotInfo> load_snapshot(
    const std::string& path, const std::function<Expected<void>(const ChannelView&)>& deliver);

}  // namespace claimgate::channel
