// The fixed-size records that travel in bulk: channels on their way in, channels being listed.
//
//   IMPORT, 156 bytes                       CHANNEL, 230 bytes
//   0    channel id         32              0    channel id      32
//   32   key, ledger form   33              32   key, ledger form 33
//   65   key form  u8                       65   source          20
//   66   present   u16, bits below          85   destination     20, zeros: not known
//   68   account            20              105  funded   u64, drops
//   88   destination        20              113  balance  u64, drops
//   108  amount    u64, drops               121  held     u64, drops
//   116  balance   u64, drops               129  lsn      u64
//   124  settle delay  u32, seconds         137  signature       64, of `held`
//   128  expiration    u32                  201  valid until     u32, ledger seconds
//   132  cancel after  u32                  205  expiration      u32
//   136  sequence      u32                  209  cancel after    u32
//   140  source tag    u32                  213  settle delay    u32, seconds
//   144  reserved      u32, 0               217  ledger index    u32
//   148  line      u64, of the input        221  incarnation     u32
//                                           225  last activity   u32, ledger seconds
//                                           229  open     u8, 1: before valid until
//
// A list_page body is next cursor u32 (no_cursor: the end), then records back to back.
// All integers are big-endian. Plain values, pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lib/failure/failure.hpp"

namespace claimgate::admin {

inline constexpr std::size_t import_record_bytes = 156;
inline constexpr std::size_t channel_record_bytes = 230;
inline constexpr std::size_t import_records_max = 4096;  // per message
inline constexpr std::size_t records_per_page_max = 1024;
inline constexpr std::uint32_t no_cursor = 0xFFFF'FFFF;
inline constexpr std::uint8_t key_form_max = 4;  // of xrpl::KeyForm

// One channel as the input states it (xrpl::RawChannel), not yet judged.
struct ImportRecord {
  std::array<std::byte, 32> id{};
  std::array<std::byte, 33> key{};
  std::uint8_t key_form = 0;
  bool is_token = false;
  std::array<std::byte, 20> account{};
  std::array<std::byte, 20> destination{};
  std::uint64_t amount_drops = 0;
  std::uint64_t balance_drops = 0;
  std::uint32_t settle_delay_s = 0;
  std::optional<std::uint32_t> expiration;
  std::optional<std::uint32_t> cancel_after;
  std::optional<std::uint32_t> sequence;
  std::optional<std::uint32_t> source_tag;
  std::uint64_t line = 0;
  friend bool operator==(const ImportRecord&, const ImportRecord&) = default;
};

// One channel as claimd holds it.
struct ChannelRecord {
  std::array<std::byte, 32> id{};
  std::array<std::byte, 33> key{};
  std::array<std::byte, 20> source{};
  std::array<std::byte, 20> destination{};  // all zero: not known
  std::uint64_t funded_drops = 0;
  std::uint64_t balance_drops = 0;
  std::uint64_t held_drops = 0;
  std::uint64_t lsn = 0;
  std::array<std::byte, 64> signature{};
  std::uint32_t valid_until = 0;
  std::uint32_t expiration = 0;
  std::uint32_t cancel_after = 0;
  std::uint32_t settle_delay_s = 0;
  std::uint32_t ledger_index = 0;
  std::uint32_t incarnation = 0;
  std::uint32_t last_activity = 0;
  bool open = false;
  friend bool operator==(const ChannelRecord&, const ChannelRecord&) = default;
};

struct ListPage {
  std::uint32_t next = no_cursor;
  std::vector<ChannelRecord> channels;
};

void append_record(std::vector<std::byte>& out, const ImportRecord& record);
void append_record(std::vector<std::byte>& out, const ChannelRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const ListPage& page);

// Fails on an unknown bit or key form, on a value whose bit is not set, on a reserved byte not 0.
[[nodiscard]] Expected<ImportRecord> decode_import_record(
    std::span<const std::byte, import_record_bytes> bytes);
[[nodiscard]] Expected<ChannelRecord> decode_channel_record(
    std::span<const std::byte, channel_record_bytes> bytes);
[[nodiscard]] Expected<ListPage> decode_list_page(std::span<const std::byte> body);

// Judges a whole import_channels body: 1 .. import_records_max sound records. Returns how many.
[[nodiscard]] Expected<std::size_t> check_import_records(std::span<const std::byte> body);

}  // namespace claimgate::admin
