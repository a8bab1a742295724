// The bytes of a lane's files: segment header, frame header, claim record, provisioning record
// (FORMAT.md has every offset). Pure functions of bytes; any thread; no allocation.
//
//   segment  ┌ header page ┬ frame ┬ frame ┬ … ┬ zeros, or frames of an older segment ┐
//   frame    ┌ header 64 ┬ record ┬ record ┬ … ┬ zeros to the next page ┐
//
// Everything is guarded by CRC-32C: the segment's header, each frame's header, each frame's body,
// and each record, so that a record that travelled alone is still known to be whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/channel/terms.hpp"
#include "lib/journal/storage.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::journal {

inline constexpr std::uint16_t format_major = 1;
inline constexpr std::uint16_t format_minor = 0;

using Uuid = std::array<std::byte, 16>;

// A lane's number. Workers' lanes count from 0.
inline constexpr std::uint32_t provisioning_lane = 0xFFFF'FFFF;

inline constexpr std::size_t frame_header_bytes = 64;
inline constexpr std::size_t claim_record_bytes = 128;
inline constexpr std::size_t provisioning_record_bytes = 256;
inline constexpr std::size_t frame_bytes_max = 8 * page_bytes;

[[nodiscard]] constexpr std::size_t record_bytes_of(std::uint32_t lane) noexcept {
  return lane == provisioning_lane ? provisioning_record_bytes : claim_record_bytes;
}

// 255 claims or 127 changes fill eight pages; one more would spill into a ninth.
[[nodiscard]] constexpr std::size_t records_per_frame(std::size_t record_bytes) noexcept {
  return (frame_bytes_max - frame_header_bytes) / record_bytes;
}
static_assert(records_per_frame(claim_record_bytes) == 255);
static_assert(records_per_frame(provisioning_record_bytes) == 127);

// Bytes that a frame of `records` takes, whole pages.
[[nodiscard]] constexpr std::size_t frame_bytes(std::size_t records,
                                                std::size_t record_bytes) noexcept {
  const std::size_t used = frame_header_bytes + records * record_bytes;
  return (used + page_bytes - 1) / page_bytes * page_bytes;
}
static_assert(frame_bytes(255, claim_record_bytes) == frame_bytes_max);

// ---- segment ------------------------------------------------------------------------------

struct SegmentHeader {
  Uuid node_uuid{};
  std::uint32_t lane = 0;
  std::uint32_t record_bytes = 0;
  std::uint64_t segment = 0;  // number within the lane; higher is later
  std::uint64_t bytes = 0;    // of the file
  std::uint64_t first_lsn = 0;
  std::uint32_t term = 0;
};

// Why a page is not a segment header that this version may use.
enum class HeaderFault : std::uint8_t {
  none,
  damaged,      // magic or checksum: also what a recycled or never used segment looks like
  newer_major,  // whole, and of a version that this one does not know
  features,     // whole, and in need of features that this version does not know
};

// `page` has page_bytes.
void write_segment_header(std::byte* page, const SegmentHeader& header) noexcept;
[[nodiscard]] HeaderFault read_segment_header(const std::byte* page,
                                              SegmentHeader& header) noexcept;

// ---- frame --------------------------------------------------------------------------------

struct FrameHeader {
  std::uint32_t stamp = 0;  // of node and lane: lane_stamp()
  std::uint32_t term = 0;
  std::uint64_t segment = 0;    // where it was written: tells frames that a recycled file kept
  std::uint64_t first_lsn = 0;  // of its first record; of a heartbeat: the next record's
  std::uint64_t durable_lsn =
      0;                    // when it was handed to the disk: up to here, nothing may be missing
  std::uint32_t time = 0;   // LedgerTime when it was made, for people
  std::uint16_t count = 0;  // records; 0: a heartbeat
  std::uint32_t bytes = 0;  // of the whole frame
};

// Ties frames to their node and lane, so that a file copied to the wrong place is not believed.
[[nodiscard]] std::uint32_t lane_stamp(const Uuid& node_uuid, std::uint32_t lane) noexcept;

// Fills in the header of a frame whose records stand behind it and whose padding is zero.
// Precondition: header.bytes == frame_bytes(header.count, record size) are there.
void seal_frame(std::byte* frame, const FrameHeader& header) noexcept;
// The header, if its own checksum is right and its numbers are possible for such records.
[[nodiscard]] std::optional<FrameHeader> read_frame_header(const std::byte* frame,
                                                           std::size_t record_bytes) noexcept;
// Whether the body is what was sealed. Precondition: header.bytes readable at `frame`.
[[nodiscard]] bool body_is_whole(const std::byte* frame, const FrameHeader& header) noexcept;

// ---- records ------------------------------------------------------------------------------

// The first eight bytes behind the kind word are the same in both: the LSN stands at 8.
inline constexpr std::size_t record_lsn_offset = 8;

struct ClaimRecord {
  std::uint64_t lsn = 0;
  wire::ChannelHandle channel;
  wire::Drops amount;
  wire::Drops previous;  // the amount held before
  std::uint32_t incarnation = 0;
  std::uint32_t slot = 0;                // a hint: where the channel was in its worker's table
  channel::LedgerTime time = 0;          // when it was accepted
  const std::byte* signature = nullptr;  // 64 bytes
};

void write_claim_record(std::byte* to, const ClaimRecord& record) noexcept;
// The signature points into `from`. Nothing where the checksum or a number is wrong.
[[nodiscard]] std::optional<ClaimRecord> read_claim_record(const std::byte* from) noexcept;

// What provisioning does to one channel. All changes of one import share a batch and take effect
// with its commit; a batch without one never happened.
enum class Change : std::uint8_t { add = 1, update = 2, remove = 3, commit = 4 };

struct ProvisioningRecord {
  std::uint64_t lsn = 0;
  Change change = Change::commit;
  std::uint32_t incarnation = 0;  // add: the channel's; update, remove: of the channel meant
  std::uint64_t batch = 0;
  std::uint64_t changes = 0;    // commit: how many records of the batch came before
  channel::ChannelTerms terms;  // add, update: all · remove: the id, nothing else is written
};

void write_provisioning_record(std::byte* to, const ProvisioningRecord& record) noexcept;
[[nodiscard]] std::optional<ProvisioningRecord> read_provisioning_record(
    const std::byte* from) noexcept;

}  // namespace claimgate::journal
