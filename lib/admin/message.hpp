// Messages between claimctl and claimd over a Unix stream socket (admin/FORMAT.md).
//
//   0   length   u32  bytes of body that follow the 8-byte header, 0 .. 1 MiB
//   4   verb     u16
//   6   version  u16  of this protocol
//   8   body     JSON, or fixed-size records for what comes in bulk
//
// All integers are big-endian. A stream that breaks a bound is refused as a whole: after the first
// malformed header nothing behind it can be trusted. Each object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/failure/failure.hpp"

namespace claimgate::admin {

inline constexpr std::uint16_t protocol_version = 2;
inline constexpr std::size_t header_bytes = 8;
inline constexpr std::size_t body_bytes_max = 1 << 20;
inline constexpr std::size_t json_body_bytes_max = 64 << 10;  // of a request

// Requests have the top bit clear, answers have it set.
enum class Verb : std::uint16_t {
  hello = 1,
  import_begin = 2,
  import_channels = 3,  // records; answered only by a failure
  import_answer = 4,  // what holds for the channels since the last one; answered only by a failure
  import_commit = 5,  // answered by import_refused (any number) and import_done
  list = 6,
  show = 7,
  remove = 8,
  stats = 9,

  hello_answer = 0x8001,
  import_begun = 0x8002,
  import_refused = 0x8003,  // records
  import_progress = 0x8004,
  import_done = 0x8005,
  list_page = 0x8006,
  show_answer = 0x8007,
  remove_answer = 0x8008,
  stats_answer = 0x8009,
  failure = 0xFFFF,  // the connection ends after it where the stream itself was at fault
};

[[nodiscard]] std::string_view name(Verb verb) noexcept;
[[nodiscard]] bool is_request(std::uint16_t verb) noexcept;  // one of those above

struct Message {
  Verb verb = Verb::failure;
  std::uint16_t version = protocol_version;
  std::vector<std::byte> body;

  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(body.data()), body.size()};
  }
};

// Appends one framed message to `out`. Precondition: body.size() <= body_bytes_max.
void append_message(std::vector<std::byte>& out, Verb verb, std::span<const std::byte> body);
void append_message(std::vector<std::byte>& out, Verb verb, std::string_view body);

// Cuts messages out of a byte stream as it arrives, holding at most one message and one read.
class MessageReader {
 public:
  // `bytes`: what was read from the socket, any cut. Precondition: not failed.
  void feed(std::span<const std::byte> bytes);
  // The next whole message, nothing where more bytes are needed, or why the stream cannot go on
  // (and from then on always that). A header is judged as soon as its 8 bytes are here.
  [[nodiscard]] Expected<std::optional<Message>> next();
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size() - at_; }

 private:
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0;  // first byte not yet taken
};

}  // namespace claimgate::admin
