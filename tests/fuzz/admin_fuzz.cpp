// libFuzzer target of the admin protocol's forms: frames, JSON bodies and records, as both sides of
// the socket read them (lib/admin/FORMAT.md).
//
// Input: a stream of messages; each body found, and the input itself, is put before every decoder.
// What holds for each:
//   · however the stream is cut, the same messages or failure come out, and they are its bytes;
//   · a record or page that is read is written back byte for byte;
//   · a JSON body that is read says what its DOM says, is written back to nothing else, and read
//     again by the other side to the same.
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/admin/body.hpp"
#include "lib/admin/message.hpp"
#include "lib/admin/record.hpp"
#include "lib/wire/endian.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using namespace claimgate::admin;
using fuzz::require;
using fuzz::require_printable;
using nlohmann::json;
using Bytes = std::span<const std::byte>;

struct Stream {
  std::vector<Message> messages;
  std::optional<Failure> failure;
  std::size_t left = 0;  // not yet a message
};

Stream read(Bytes bytes, std::size_t piece_bytes) {
  Stream out;
  MessageReader reader;
  while (!bytes.empty() && !out.failure) {
    const std::size_t count = std::min(piece_bytes, bytes.size());
    reader.feed(bytes.first(count));
    bytes = bytes.subspan(count);
    while (true) {
      auto message = reader.next();
      if (!message) {
        out.failure = message.error();
        const auto again = reader.next();
        require(!again && again.error().what == out.failure->what, "a broken stream stays broken");
        break;
      }
      if (!*message) break;
      out.messages.push_back(std::move(**message));
    }
  }
  out.left = reader.buffered();
  return out;
}

void require_same(const Stream& a, const Stream& b) {
  require(a.messages.size() == b.messages.size(), "a cut neither makes nor loses a message");
  for (std::size_t i = 0; i < a.messages.size(); ++i)
    require(a.messages[i].verb == b.messages[i].verb && a.messages[i].body == b.messages[i].body,
            "a cut changes no message");
  require(a.failure.has_value() == b.failure.has_value(), "a cut breaks no stream");
  require(!a.failure || a.failure->what == b.failure->what, "nor does it break it otherwise");
  require(a.failure || a.left == b.left, "what is left over is left over");
}

Stream require_framing(Bytes bytes) {
  Stream stream = read(bytes, bytes.size() + 1);
  require_same(stream, read(bytes, 1));
  require_same(stream, read(bytes, 2 + bytes.size() % 13));
  std::vector<std::byte> again;
  for (const Message& message : stream.messages) {
    require(message.body.size() <= body_bytes_max, "no body is above the limit");
    require(!name(message.verb).empty(), "every verb has a name");
    append_message(again, message.verb, message.body);
  }
  require(again.size() <= bytes.size() && std::equal(again.begin(), again.end(), bytes.begin()),
          "messages are the stream's bytes");
  if (stream.failure) {
    require_printable(stream.failure->text());
    return stream;
  }
  require(again.size() + stream.left == bytes.size(), "every byte is a message's or left over");
  const Bytes rest = bytes.subspan(again.size());
  require(rest.size() < header_bytes ||
              rest.size() < header_bytes + wire::load_be<std::uint32_t>(rest.data()),
          "a whole message is not held back");
  return stream;
}

// Whatever `said` says, `given` says too.
bool is_part_of(const json& said, const json& given) {
  if (said.is_object())
    return given.is_object() && std::ranges::all_of(said.items(), [&](const auto& item) {
             return given.contains(item.key()) && is_part_of(item.value(), given[item.key()]);
           });
  if (said.is_array())
    return given.is_array() &&
           std::equal(said.begin(), said.end(), given.begin(), given.end(), is_part_of);
  return said.dump() == given.dump();  // == takes -1 for 2^64 - 1
}

// `given`: the DOM of `text`, discarded where it has none.
template <class Body>
void require_body(std::string_view text, const json& given,
                  Expected<Body> (*decode)(std::string_view)) {
  const Expected<Body> body = decode(text);
  if (!body) return require_printable(body.error().text());
  const std::string again = encode(*body);
  require(is_part_of(json::parse(again), given), "a body read says what was given");
  const Expected<Body> back = decode(again);
  require(back.has_value(), "what one side writes the other side reads");
  require(encode(*back) == again, "and reads to the same");
}

template <class Record, std::size_t N>
void require_record(Bytes bytes, Expected<Record> (*decode)(std::span<const std::byte, N>)) {
  if (bytes.size() < N) return;
  const auto record = decode(bytes.first<N>());
  if (!record) return require_printable(record.error().text());
  std::vector<std::byte> again;
  append_record(again, *record);
  require(std::ranges::equal(again, bytes.first<N>()), "a record has one form");
}

void require_json_bodies(std::string_view text) {
  const json given = json::parse(text, nullptr, false);
  require_body(text, given, decode_hello);
  if (given.is_discarded()) return;  // as no other one takes it either
  require_body(text, given, decode_hello_answer);
  require_body(text, given, decode_import_begin);
  require_body(text, given, decode_import_answer);
  require_body(text, given, decode_import_progress);
  require_body(text, given, decode_import_done);
  require_body(text, given, decode_refused);
  require_body(text, given, decode_list);
  require_body(text, given, decode_show_or_remove);
  require_body(text, given, decode_remove_answer);
  require_body(text, given, decode_failure);
}

void require_bodies(Bytes bytes) {
  require_json_bodies({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  require_record(bytes, decode_import_record);
  require_record(bytes, decode_channel_record);
  if (const auto page = decode_list_page(bytes); page)
    require(std::ranges::equal(encode(*page), bytes), "a page has one form");
  const auto count = check_import_records(bytes);
  if (count) require(*count * import_record_bytes == bytes.size(), "every record is counted");
  bool sound = !bytes.empty() && bytes.size() % import_record_bytes == 0;
  for (std::size_t at = 0; sound && at < bytes.size(); at += import_record_bytes)
    sound = decode_import_record(bytes.subspan(at).first<import_record_bytes>()).has_value();
  require(count.has_value() == sound, "a batch is sound when each of its records is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(input), size);
  require_bodies(bytes);
  for (const Message& message : require_framing(bytes).messages) require_bodies(message.body);
  return 0;
}
