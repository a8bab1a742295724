#include "lib/admin/record.hpp"

#include <cassert>
#include <cstring>

#include <fmt/core.h>

#include "lib/admin/message.hpp"
#include "lib/wire/endian.hpp"

namespace claimgate::admin {
namespace {

static_assert(import_record_bytes * import_records_max <= body_bytes_max);
static_assert(4 + channel_record_bytes * records_per_page_max <= body_bytes_max);

namespace present {
constexpr std::uint16_t expiration = 1, cancel_after = 2, sequence = 4, source_tag = 8, token = 16;
constexpr std::uint16_t known = 31;
}  // namespace present

// Writes fields one behind the other; the layouts above are the order of the calls.
class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}
  template <std::size_t N>
  void bytes(const std::array<std::byte, N>& value) {
    std::memcpy(at_, value.data(), N);
    at_ += N;
  }
  template <class T>
  void number(T value) {
    wire::store_be(at_, value);
    at_ += sizeof value;
  }
  void octet(std::uint8_t value) { *at_++ = std::byte{value}; }
  [[nodiscard]] const std::byte* at() const { return at_; }

 private:
  std::byte* at_;
};

class Reader {
 public:
  explicit Reader(const std::byte* at) : at_(at) {}
  template <std::size_t N>
  void bytes(std::array<std::byte, N>& value) {
    std::memcpy(value.data(), at_, N);
    at_ += N;
  }
  template <class T>
  [[nodiscard]] T number() {
    const T value = wire::load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  template <class T>
  void number(T& value) {
    value = number<T>();
  }
  [[nodiscard]] std::uint8_t octet() { return static_cast<std::uint8_t>(*at_++); }

 private:
  const std::byte* at_;
};

}  // namespace

void append_record(std::vector<std::byte>& out, const ImportRecord& record) {
  const std::size_t start = out.size();
  out.resize(start + import_record_bytes);
  Writer to(out.data() + start);
  to.bytes(record.id);
  to.bytes(record.key);
  to.octet(record.key_form);
  unsigned bits = 0;
  if (record.expiration) bits |= present::expiration;
  if (record.cancel_after) bits |= present::cancel_after;
  if (record.sequence) bits |= present::sequence;
  if (record.source_tag) bits |= present::source_tag;
  if (record.is_token) bits |= present::token;
  to.number(static_cast<std::uint16_t>(bits));
  to.bytes(record.account);
  to.bytes(record.destination);
  to.number(record.amount_drops);
  to.number(record.balance_drops);
  to.number(record.settle_delay_s);
  to.number(record.expiration.value_or(0));
  to.number(record.cancel_after.value_or(0));
  to.number(record.sequence.value_or(0));
  to.number(record.source_tag.value_or(0));
  to.number(std::uint32_t{0});
  to.number(record.line);
  assert(to.at() == out.data() + start + import_record_bytes);
}

void append_record(std::vector<std::byte>& out, const ChannelRecord& record) {
  const std::size_t start = out.size();
  out.resize(start + channel_record_bytes);
  Writer to(out.data() + start);
  to.bytes(record.id);
  to.bytes(record.key);
  to.bytes(record.source);
  to.bytes(record.destination);
  to.number(record.funded_drops);
  to.number(record.balance_drops);
  to.number(record.held_drops);
  to.number(record.lsn);
  to.bytes(record.signature);
  to.number(record.valid_until);
  to.number(record.expiration);
  to.number(record.cancel_after);
  to.number(record.settle_delay_s);
  to.number(record.ledger_index);
  to.number(record.incarnation);
  to.number(record.last_activity);
  to.octet(record.open ? 1 : 0);
  assert(to.at() == out.data() + start + channel_record_bytes);
}

std::vector<std::byte> encode(const ListPage& page) {
  std::vector<std::byte> out(4);
  out.reserve(4 + page.channels.size() * channel_record_bytes);
  wire::store_be(out.data(), page.next);
  for (const ChannelRecord& record : page.channels) append_record(out, record);
  return out;
}

Expected<ImportRecord> decode_import_record(std::span<const std::byte, import_record_bytes> bytes) {
  Reader from(bytes.data());
  ImportRecord record;
  from.bytes(record.id);
  from.bytes(record.key);
  record.key_form = from.octet();
  if (record.key_form > key_form_max) return fail("an import record of an unknown key form");
  const auto bits = from.number<std::uint16_t>();
  if (bits & ~present::known) return fail("an import record with unknown bits");
  record.is_token = bits & present::token;
  from.bytes(record.account);
  from.bytes(record.destination);
  from.number(record.amount_drops);
  from.number(record.balance_drops);
  from.number(record.settle_delay_s);
  bool sound = true;
  const auto optional = [&](std::uint16_t bit, std::optional<std::uint32_t>& out) {
    const auto value = from.number<std::uint32_t>();
    if (bits & bit)
      out = value;
    else
      sound = sound && value == 0;
  };
  optional(present::expiration, record.expiration);
  optional(present::cancel_after, record.cancel_after);
  optional(present::sequence, record.sequence);
  optional(present::source_tag, record.source_tag);
  if (from.number<std::uint32_t>() != 0 || !sound)
    return fail("an import record with a value that it does not declare");
  from.number(record.line);
  return record;
}

Expected<ChannelRecord> decode_channel_record(
    std::span<const std::byte, channel_record_bytes> bytes) {
  Reader from(bytes.data());
  ChannelRecord record;
  from.bytes(record.id);
  from.bytes(record.key);
  from.bytes(record.source);
  from.bytes(record.destination);
  from.number(record.funded_drops);
  from.number(record.balance_drops);
  from.number(record.held_drops);
  from.number(record.lsn);
  from.bytes(record.signature);
  from.number(record.valid_until);
  from.number(record.expiration);
  from.number(record.cancel_after);
  from.number(record.settle_delay_s);
  from.number(record.ledger_index);
  from.number(record.incarnation);
  from.number(record.last_activity);
  const std::uint8_t open = from.octet();
  if (open > 1) return fail("a channel record neither open nor closed");
  record.open = open;
  return record;
}

Expected<ListPage> decode_list_page(std::span<const std::byte> body) {
  if (body.size() < 4 || (body.size() - 4) % channel_record_bytes != 0)
    return fail(fmt::format("a page of {} bytes", body.size()));
  ListPage page{.next = wire::load_be<std::uint32_t>(body.data()), .channels = {}};
  for (std::size_t at = 4; at < body.size(); at += channel_record_bytes) {
    auto record = decode_channel_record(
        std::span<const std::byte, channel_record_bytes>(body.data() + at, channel_record_bytes));
    if (!record) return std::unexpected(std::move(record.error()));
    page.channels.push_back(*record);
  }
  return page;
}

Expected<std::size_t> check_import_records(std::span<const std::byte> body) {
  const std::size_t count = body.size() / import_record_bytes;
  if (count == 0 || count > import_records_max || body.size() % import_record_bytes != 0)
    return fail(fmt::format("an import batch of {} bytes", body.size()));
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = decode_import_record(std::span<const std::byte, import_record_bytes>(
        body.data() + i * import_record_bytes, import_record_bytes));
    if (!record) return std::unexpected(record.error());
  }
  return count;
}

}  // namespace claimgate::admin
