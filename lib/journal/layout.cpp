#include "lib/journal/layout.hpp"

#include <bit>
#include <cassert>
#include <cstring>

#include "lib/memory/crc32c.hpp"

namespace claimgate::journal {
namespace {

using Magic = std::array<char, 8>;
constexpr Magic segment_magic = {'C', 'G', 'L', 'A', 'N', 'E', '\0', '\0'};
constexpr std::uint32_t frame_magic = 0x5246'4743;  // "CGFR"
constexpr std::uint16_t frame_version = 1;

// Segment header.
constexpr std::size_t at_crc = 8, at_major = 12, at_minor = 14, at_features = 16, at_uuid = 32,
                      at_lane = 48, at_record_bytes = 52, at_segment = 56, at_bytes = 64,
                      at_first_lsn = 72, at_term = 80;
// Frame header.
constexpr std::size_t at_frame_version = 4, at_count = 6, at_frame_bytes = 8, at_stamp = 12,
                      at_frame_segment = 16, at_frame_first_lsn = 24, at_durable_lsn = 32,
                      at_frame_term = 40, at_time = 44, at_body_crc = 56, at_header_crc = 60;
static_assert(at_header_crc + 4 == frame_header_bytes);
// Claim record.
constexpr std::size_t at_claim_slot = 0, at_incarnation = 4, at_lsn = record_lsn_offset,
                      at_handle = 16, at_amount = 24, at_previous = 32, at_signature = 40,
                      at_claim_time = 104, at_claim_crc = 124;
static_assert(at_signature + wire::signature_bytes == at_claim_time);
static_assert(at_claim_crc + 4 == claim_record_bytes);
// Provisioning record.
constexpr std::size_t at_change = 0, at_key_type = 1, at_class = 2, at_batch = 16, at_changes = 24,
                      at_funded = 32, at_balance = 40, at_id = 48, at_key = 80, at_source = 144,
                      at_destination = 164, at_expiration = 184, at_cancel_after = 188,
                      at_valid_until = 192, at_settle_delay = 196, at_ledger_index = 200,
                      at_tag = 204, at_change_crc = 252;
static_assert(at_change_crc + 4 == provisioning_record_bytes);

template <class T>
T get(const std::byte* from, std::size_t at) noexcept {
  return wire::load_raw<T>(from + at);  // little-endian, as the host is (endian.hpp)
}

template <class T>
void put(std::byte* to, std::size_t at, T value) noexcept {
  wire::store_raw(to + at, value);
}

template <std::size_t n>
void get_bytes(const std::byte* from, std::size_t at, std::array<std::byte, n>& into) noexcept {
  std::memcpy(into.data(), from + at, n);
}

template <std::size_t n>
void put_bytes(std::byte* to, std::size_t at, const std::array<std::byte, n>& bytes) noexcept {
  std::memcpy(to + at, bytes.data(), n);
}

// A CRC at the end of the bytes it guards takes every such string to the same state, so a frame's
// CRC over records that end with theirs would not see one whole record in another's place: stale
// ones of a recycled segment, say. Masked, it is no CRC any more to the one around it (LevelDB,
// doc/log_format.md and util/crc32c.h, does it for the same reason; the constant is our own).
std::uint32_t record_check(std::span<const std::byte> bytes) noexcept {
  return std::rotr(memory::crc32c(bytes), 15) + 0x7C3D'51B9;
}

}  // namespace

void write_segment_header(std::byte* page, const SegmentHeader& header) noexcept {
  std::memset(page, 0, page_bytes);
  std::memcpy(page, segment_magic.data(), segment_magic.size());
  put(page, at_major, format_major);
  put(page, at_minor, format_minor);
  put_bytes(page, at_uuid, header.node_uuid);
  put(page, at_lane, header.lane);
  put(page, at_record_bytes, header.record_bytes);
  put(page, at_segment, header.segment);
  put(page, at_bytes, header.bytes);
  put(page, at_first_lsn, header.first_lsn);
  put(page, at_term, header.term);
  put(page, at_crc, memory::crc32c({page + at_major, page_bytes - at_major}));
}

HeaderFault read_segment_header(const std::byte* page, SegmentHeader& header) noexcept {
  if (std::memcmp(page, segment_magic.data(), segment_magic.size()) != 0 ||
      get<std::uint32_t>(page, at_crc) !=
          memory::crc32c({page + at_major, page_bytes - at_major})) {
    return HeaderFault::damaged;
  }
  if (get<std::uint16_t>(page, at_major) != format_major) return HeaderFault::newer_major;
  if (get<std::uint64_t>(page, at_features) != 0) return HeaderFault::features;
  get_bytes(page, at_uuid, header.node_uuid);
  header.lane = get<std::uint32_t>(page, at_lane);
  header.record_bytes = get<std::uint32_t>(page, at_record_bytes);
  header.segment = get<std::uint64_t>(page, at_segment);
  header.bytes = get<std::uint64_t>(page, at_bytes);
  header.first_lsn = get<std::uint64_t>(page, at_first_lsn);
  header.term = get<std::uint32_t>(page, at_term);
  return HeaderFault::none;
}

std::uint32_t lane_stamp(const Uuid& node_uuid, std::uint32_t lane) noexcept {
  std::array<std::byte, 4> number;
  put(number.data(), 0, lane);
  return memory::crc32c(number, memory::crc32c(node_uuid));
}

void seal_frame(std::byte* frame, const FrameHeader& header) noexcept {
  std::memset(frame, 0, frame_header_bytes);
  put(frame, 0, frame_magic);
  put(frame, at_frame_version, frame_version);
  put(frame, at_count, header.count);
  put(frame, at_frame_bytes, header.bytes);
  put(frame, at_stamp, header.stamp);
  put(frame, at_frame_segment, header.segment);
  put(frame, at_frame_first_lsn, header.first_lsn);
  put(frame, at_durable_lsn, header.durable_lsn);
  put(frame, at_frame_term, header.term);
  put(frame, at_time, header.time);
  put(frame, at_body_crc,
      memory::crc32c({frame + frame_header_bytes, header.bytes - frame_header_bytes}));
  put(frame, at_header_crc, memory::crc32c({frame, at_header_crc}));
}

std::optional<FrameHeader> read_frame_header(const std::byte* frame,
                                             std::size_t record_bytes) noexcept {
  if (get<std::uint32_t>(frame, 0) != frame_magic ||
      get<std::uint16_t>(frame, at_frame_version) != frame_version ||
      get<std::uint32_t>(frame, at_header_crc) != memory::crc32c({frame, at_header_crc})) {
    return std::nullopt;
  }
  const FrameHeader header{.stamp = get<std::uint32_t>(frame, at_stamp),
                           .term = get<std::uint32_t>(frame, at_frame_term),
                           .segment = get<std::uint64_t>(frame, at_frame_segment),
                           .first_lsn = get<std::uint64_t>(frame, at_frame_first_lsn),
                           .durable_lsn = get<std::uint64_t>(frame, at_durable_lsn),
                           .time = get<std::uint32_t>(frame, at_time),
                           .count = get<std::uint16_t>(frame, at_count),
                           .bytes = get<std::uint32_t>(frame, at_frame_bytes)};
  const bool possible = header.count <= records_per_frame(record_bytes) &&
                        header.bytes == frame_bytes(header.count, record_bytes) &&
                        header.first_lsn > header.durable_lsn;
  return possible ? std::optional(header) : std::nullopt;
}

bool body_is_whole(const std::byte* frame, const FrameHeader& header) noexcept {
  return get<std::uint32_t>(frame, at_body_crc) ==
         memory::crc32c({frame + frame_header_bytes, header.bytes - frame_header_bytes});
}

void write_claim_record(std::byte* to, const ClaimRecord& record) noexcept {
  put(to, at_claim_slot, record.slot);
  put(to, at_incarnation, record.incarnation);
  put(to, at_lsn, record.lsn);
  put(to, at_handle, record.channel.value);
  put(to, at_amount, record.amount.value);
  put(to, at_previous, record.previous.value);
  std::memcpy(to + at_signature, record.signature, wire::signature_bytes);
  std::memset(to + at_claim_time, 0, at_claim_crc - at_claim_time);
  put(to, at_claim_time, record.time);
  put(to, at_claim_crc, record_check({to, at_claim_crc}));
}

std::optional<ClaimRecord> read_claim_record(const std::byte* from) noexcept {
  if (get<std::uint32_t>(from, at_claim_crc) != record_check({from, at_claim_crc})) {
    return std::nullopt;
  }
  const ClaimRecord record{.lsn = get<std::uint64_t>(from, at_lsn),
                           .channel = {get<std::uint64_t>(from, at_handle)},
                           .amount = {get<std::uint64_t>(from, at_amount)},
                           .previous = {get<std::uint64_t>(from, at_previous)},
                           .incarnation = get<std::uint32_t>(from, at_incarnation),
                           .slot = get<std::uint32_t>(from, at_claim_slot),
                           .time = get<std::uint32_t>(from, at_claim_time),
                           .signature = from + at_signature};
  const bool possible = record.incarnation > 0 && record.amount > record.previous;
  return possible ? std::optional(record) : std::nullopt;
}

namespace {

// What an ADD or an UPDATE says of its channel beside its id.
void put_terms(std::byte* to, const channel::ChannelTerms& terms) noexcept {
  put(to, at_key_type, terms.key.type);
  put(to, at_class, terms.service_class);
  put(to, at_funded, terms.funded.value);
  put(to, at_balance, terms.balance.value);
  put_bytes(to, at_key, terms.key.bytes);
  put_bytes(to, at_source, terms.source);
  put_bytes(to, at_destination, terms.destination);
  put(to, at_expiration, terms.expiration);
  put(to, at_cancel_after, terms.cancel_after);
  put(to, at_valid_until, terms.valid_until);
  put(to, at_settle_delay, terms.settle_delay_s);
  put(to, at_ledger_index, terms.ledger_index);
  put(to, at_tag, terms.source_tag);
}

// False where they cannot be.
bool get_terms(const std::byte* from, channel::ChannelTerms& terms) noexcept {
  terms.key.type = static_cast<channel::KeyType>(get<std::uint8_t>(from, at_key_type));
  terms.service_class = get<std::uint8_t>(from, at_class);
  terms.funded = {get<std::uint64_t>(from, at_funded)};
  terms.balance = {get<std::uint64_t>(from, at_balance)};
  get_bytes(from, at_key, terms.key.bytes);
  get_bytes(from, at_source, terms.source);
  get_bytes(from, at_destination, terms.destination);
  terms.expiration = get<std::uint32_t>(from, at_expiration);
  terms.cancel_after = get<std::uint32_t>(from, at_cancel_after);
  terms.valid_until = get<std::uint32_t>(from, at_valid_until);
  terms.settle_delay_s = get<std::uint32_t>(from, at_settle_delay);
  terms.ledger_index = get<std::uint32_t>(from, at_ledger_index);
  terms.source_tag = get<std::uint16_t>(from, at_tag);
  return terms.key.type == channel::KeyType::secp256k1 ||
         terms.key.type == channel::KeyType::ed25519;
}

bool has_terms(Change change) noexcept {
  return change == Change::add || change == Change::update;
}

}  // namespace

void write_provisioning_record(std::byte* to, const ProvisioningRecord& record) noexcept {
  std::memset(to, 0, provisioning_record_bytes);
  put(to, at_change, record.change);
  put(to, at_incarnation, record.incarnation);
  put(to, at_lsn, record.lsn);
  put(to, at_batch, record.batch);
  put(to, at_changes, record.changes);
  if (record.change != Change::commit) put_bytes(to, at_id, record.terms.id.bytes);
  if (has_terms(record.change)) put_terms(to, record.terms);
  put(to, at_change_crc, record_check({to, at_change_crc}));
}

std::optional<ProvisioningRecord> read_provisioning_record(const std::byte* from) noexcept {
  if (get<std::uint32_t>(from, at_change_crc) != record_check({from, at_change_crc})) {
    return std::nullopt;
  }
  const auto change = get<std::uint8_t>(from, at_change);
  if (change < static_cast<std::uint8_t>(Change::add) ||
      change > static_cast<std::uint8_t>(Change::commit)) {
    return std::nullopt;
  }
  ProvisioningRecord record{.lsn = get<std::uint64_t>(from, at_lsn),
                            .change = static_cast<Change>(change),
                            .incarnation = get<std::uint32_t>(from, at_incarnation),
                            .batch = get<std::uint64_t>(from, at_batch),
                            .changes = get<std::uint64_t>(from, at_changes)};
  get_bytes(from, at_id, record.terms.id.bytes);
  if (has_terms(record.change) && !get_terms(from, record.terms)) return std::nullopt;
  if (record.change != Change::commit && record.incarnation == 0) return std::nullopt;
  return record;
}

}  // namespace claimgate::journal
