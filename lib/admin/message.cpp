#include "lib/admin/message.hpp"

#include <cassert>
#include <cstring>

#include <fmt/core.h>

#include "lib/wire/endian.hpp"

namespace claimgate::admin {

std::string_view name(Verb verb) noexcept {
  switch (verb) {
    case Verb::hello:
      return "hello";
    case Verb::import_begin:
      return "import begin";
    case Verb::import_channels:
      return "import channels";
    case Verb::import_answer:
      return "import answer";
    case Verb::import_commit:
      return "import commit";
    case Verb::list:
      return "list";
    case Verb::show:
      return "show";
    case Verb::remove:
      return "remove";
    case Verb::stats:
      return "stats";
    case Verb::hello_answer:
      return "hello answer";
    case Verb::import_begun:
      return "import begun";
    case Verb::import_refused:
      return "import refused";
    case Verb::import_progress:
      return "import progress";
    case Verb::import_done:
      return "import done";
    case Verb::list_page:
      return "list page";
    case Verb::show_answer:
      return "show answer";
    case Verb::remove_answer:
      return "remove answer";
    case Verb::stats_answer:
      return "stats answer";
    case Verb::failure:
      return "failure";
  }
  return "unknown";
}

bool is_request(std::uint16_t verb) noexcept {
  return verb >= static_cast<std::uint16_t>(Verb::hello) &&
         verb <= static_cast<std::uint16_t>(Verb::stats);
}

void append_message(std::vector<std::byte>& out, Verb verb, std::span<const std::byte> body) {
  assert(body.size() <= body_bytes_max);
  const std::size_t at = out.size();
  out.resize(at + header_bytes + body.size());
  wire::store_be(out.data() + at, static_cast<std::uint32_t>(body.size()));
  wire::store_be(out.data() + at + 4, static_cast<std::uint16_t>(verb));
  wire::store_be(out.data() + at + 6, protocol_version);
  if (!body.empty()) std::memcpy(out.data() + at + header_bytes, body.data(), body.size());
}

void append_message(std::vector<std::byte>& out, Verb verb, std::string_view body) {
  append_message(out, verb, std::as_bytes(std::span(body.data(), body.size())));
}

void MessageReader::feed(std::span<const std::byte> bytes) {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  } else if (at_ > body_bytes_max) {  // moved at most once per MiB taken
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Expected<std::optional<Message>> MessageReader::next() {
  if (buffered() < header_bytes) return std::nullopt;
  const std::byte* header = buffer_.data() + at_;
  const auto length = wire::load_be<std::uint32_t>(header);
  const auto verb = wire::load_be<std::uint16_t>(header + 4);
  const auto version = wire::load_be<std::uint16_t>(header + 6);
  if (version != protocol_version) {
    return fail(fmt::format("the other side speaks admin protocol {}, this one {}", version,
                            protocol_version),
                {}, "use claimctl and claimd of the same release");
  }
  if (length > body_bytes_max) {
    return fail(fmt::format("a message of {} bytes; the limit is {}", length, body_bytes_max));
  }
  if (buffered() < header_bytes + length) return std::nullopt;
  Message message{.verb = static_cast<Verb>(verb), .version = version, .body = {}};
  message.body.assign(header + header_bytes, header + header_bytes + length);
  at_ += header_bytes + length;
  return message;
}

}  // namespace claimgate::admin
