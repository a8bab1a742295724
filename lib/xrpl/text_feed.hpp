// The characters under the JSON lexer: refilled in blocks, position counted, stretches bounded.
//
// nlohmann's lexer keeps the text of its current token, and starts anew only at a string or a
// number; white space, brackets and literals pile up in between. The feed cuts the input off when
// such a stretch, or one string or number, passes `json_token_bytes_max`, so that hostile input
// cannot grow that buffer without end.
//
// Private to channel_reader.cpp. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "lib/xrpl/channel_reader.hpp"

namespace claimgate::xrpl {

class TextFeed {
 public:
  static constexpr std::size_t block_bytes = std::size_t{64} << 10;

  TextFeed(const ReadBytes& source, const ChannelSink& sink)
      : source_(source), sink_(sink), block_(block_bytes) {}

  // Nothing more to take: the end of the input, or a failure.
  [[nodiscard]] bool at_end() { return next_ == filled_ && !refill(); }

  // Precondition, for both: !at_end().
  [[nodiscard]] char peek() const noexcept { return block_[next_]; }
  void take() {
    const char c = block_[next_++];
    ++offset_;
    if (c == '\n') ++line_;
    follow(c);
  }

  void skip_space() {
    while (!at_end()) {
      const char c = peek();
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      take();
      stretch_bytes_ = 0;
    }
  }

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // Why the feed ended early, if it did.
  [[nodiscard]] std::optional<Failure>& failure() noexcept { return failure_; }

 private:
  bool refill() {
    if (ended_ || failure_) return false;
    auto count = source_(block_);
    if (!count) {
      failure_ = std::move(count.error());
      return false;
    }
    next_ = 0;
    filled_ = *count;
    ended_ = filled_ == 0;
    if (!ended_ && sink_.on_progress) sink_.on_progress(offset_ + filled_);
    return !ended_;
  }

  // Follows strings and numbers just closely enough to know where the lexer starts anew.
  void follow(char c) {
    if (in_string_) {
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '"')
        in_string_ = false;
    } else {
      const bool numeric =
          (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
      if (c == '"') in_string_ = true;
      if (c == '"' || (numeric && !in_number_ && c != 'e' && c != 'E')) stretch_bytes_ = 0;
      in_number_ = numeric && (in_number_ || (c != 'e' && c != 'E'));
    }
    if (++stretch_bytes_ > json_token_bytes_max && !failure_) {
      failure_ =
          Failure{fmt::format("a JSON token, or the space between two, of more than {} bytes",
                              json_token_bytes_max),
                  {},
                  {}};
      next_ = filled_;
    }
  }

  const ReadBytes& source_;
  const ChannelSink& sink_;
  std::vector<char> block_;
  std::size_t next_ = 0, filled_ = 0;
  std::uint64_t offset_ = 0, line_ = 1;
  std::size_t stretch_bytes_ = 0;
  bool in_string_ = false, escaped_ = false, in_number_ = false, ended_ = false;
  std::optional<Failure> failure_;
};

// An input iterator over a feed; a default-constructed one is the end.
class FeedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  FeedIterator() = default;
  explicit FeedIterator(TextFeed& feed) : feed_(&feed) {}
  [[nodiscard]] char operator*() const { return feed_->peek(); }
  FeedIterator& operator++() {
    feed_->take();
    return *this;
  }
  FeedIterator operator++(int) {
    const FeedIterator before = *this;
    feed_->take();
    return before;
  }
  friend bool operator==(const FeedIterator& a, const FeedIterator& b) {
    return a.is_end() == b.is_end();
  }

 private:
  [[nodiscard]] bool is_end() const { return feed_ == nullptr || feed_->at_end(); }
  TextFeed* feed_ = nullptr;
};

}  // namespace claimgate::xrpl
