// A port whose payers never stop: the same frames again and again, from a fixed set of buffers.
// receive/transmit/discard: the one worker. Nothing else until it has ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "src/pipeline/ticket.hpp"

namespace claimgate::control {

class EndlessPort {
 public:
  static constexpr unsigned buffers = 128;

  explicit EndlessPort(std::vector<std::vector<std::byte>> frames) : frames_(std::move(frames)) {
    for (auto& buffer : buffers_) free_[free_count_++] = &buffer;
  }
  unsigned receive(pipeline::Ticket** tickets, unsigned max, std::uint64_t now) noexcept {
    unsigned got = 0;
    // A few at a time: what waits for its signature is bounded by the buffers.
    for (; got < max && got < 4 && free_count_ > 0; ++got) {
      const auto& frame = frames_[next_++ % frames_.size()];
      Buffer& buffer = *free_[--free_count_];
      std::memcpy(buffer.bytes.data(), frame.data(), frame.size());
      static_cast<pipeline::Ticket&>(buffer) = {
          .frame = buffer.bytes.data(),
          .arrival = now,
          .copy = pipeline::no_copy,
          .length = static_cast<std::uint16_t>(frame.size()),
          .capacity = static_cast<std::uint16_t>(buffer.bytes.size())};
      tickets[got] = &buffer;
    }
    return got;
  }
  unsigned transmit(pipeline::Ticket** tickets, unsigned count) noexcept {
    discard(tickets, count);
    return count;
  }
  void discard(pipeline::Ticket** tickets, unsigned count) noexcept {
    for (unsigned i = 0; i < count; ++i) free_[free_count_++] = static_cast<Buffer*>(tickets[i]);
  }
  [[nodiscard]] unsigned free_buffers() const noexcept { return free_count_; }

 private:
  struct Buffer : pipeline::Ticket {
    std::array<std::byte, 1'500> bytes;
  };
  std::vector<std::vector<std::byte>> frames_;
  std::array<Buffer, buffers> buffers_;
  std::array<Buffer*, buffers> free_;
  unsigned free_count_ = 0;
  std::size_t next_ = 0;
};

}  // namespace claimgate::control
