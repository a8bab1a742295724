// A port made of memory: frames go in and come out by the hand of the test.
//
//   deliver() ─► receive() ─► the worker ─► transmit() ─► sent()
//                                        └► discard()
//
// Every frame lies in a heap buffer of exactly its capacity, so that AddressSanitizer sees a read
// or write one byte too far. Every ticket must come back exactly once: a second return or one that
// was never handed out fails the test at once, a missing one in the destructor.
// receive/transmit/discard allocate nothing. One thread, but for `waiting()`.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "src/pipeline/ticket.hpp"

namespace claimgate::pipeline {

// What a claim's place in a ticket's `codes` holds until it is decided.
inline constexpr auto undecided = static_cast<wire::Code>(0xFF);

class SimulatedPort {
 public:
  enum class Place : std::uint8_t { waiting, with_worker, sent, refused_by_ring, discarded };

  struct Frame : Ticket {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;  // as delivered, then as sent
    std::size_t room = 0;
    std::uint8_t port_flags = 0;
    Place place = Place::waiting;

    [[nodiscard]] std::span<std::byte> view() noexcept { return {bytes.get(), size}; }
  };

  SimulatedPort() = default;
  SimulatedPort(const SimulatedPort&) = delete;
  SimulatedPort& operator=(const SimulatedPort&) = delete;
  ~SimulatedPort() {
    EXPECT_EQ(outstanding_, 0U) << "tickets the worker never gave back";
    EXPECT_EQ(wrong_returns_, 0U) << "tickets given back twice, or never handed out";
  }

  // ---- the test ------------------------------------------------------------------------------
  // `room`: writable bytes, if more than the frame's. The reference stays good for ever.
  Frame& deliver(std::span<const std::byte> frame, std::size_t room = 0, std::uint8_t flags = 0) {
    auto& made = frames_.emplace_back(std::make_unique<Frame>());
    made->size = frame.size();
    made->room = std::max(room, frame.size());
    made->bytes = std::make_unique<std::byte[]>(made->room);
    std::memcpy(made->bytes.get(), frame.data(), frame.size());
    made->port_flags = flags;
    if (sent_.capacity() < frames_.size()) sent_.reserve(frames_.size() * 2);
    delivered_ = frames_.size();
    return *made;
  }
  // Frames sent since the last call, in order.
  std::vector<Frame*> take_sent() {
    std::vector<Frame*> out(sent_.begin() + static_cast<std::ptrdiff_t>(taken_), sent_.end());
    taken_ = sent_.size();
    return out;
  }
  // Transmit takes this many more frames, then its ring is full.
  void accept_only(unsigned frames) noexcept { acceptance_ = frames; }
  void accept_all() noexcept { acceptance_ = ~0U; }

  [[nodiscard]] unsigned outstanding() const noexcept { return outstanding_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return delivered_ - next_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Frame>>& frames() const noexcept {
    return frames_;
  }
  [[nodiscard]] std::size_t count(Place place) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(frames_, [&](const auto& frame) { return frame->place == place; }));
  }
  [[nodiscard]] unsigned wrong_returns() const noexcept { return wrong_returns_; }
  // For the tests of this port itself.
  void forgive() noexcept { wrong_returns_ = outstanding_ = 0; }

  // ---- the worker ----------------------------------------------------------------------------
  unsigned receive(Ticket** tickets, unsigned max, std::uint64_t now) noexcept {
    unsigned got = 0;
    for (; got < max && next_ < delivered_; ++got) {
      Frame& frame = *frames_[next_];
      next_ = next_ + 1;
      frame.place = Place::with_worker;
      // What a real port does not write is not to be relied on.
      std::memset(static_cast<void*>(static_cast<Ticket*>(&frame)), 0xA5, sizeof(Ticket));
      frame.frame = frame.bytes.get();
      frame.lsn = 0;
      frame.arrival = now;
      frame.copy = no_copy;
      frame.length = static_cast<std::uint16_t>(frame.size);
      frame.capacity = static_cast<std::uint16_t>(frame.room);
      frame.n = 0;
      frame.pending = 0;
      frame.flags = frame.port_flags;
      frame.codes.fill(undecided);
      tickets[got] = &frame;
      ++outstanding_;
    }
    return got;
  }

  unsigned transmit(Ticket** tickets, unsigned count) noexcept {
    unsigned sent = 0;
    for (unsigned i = 0; i < count; ++i) {
      const bool accepted = acceptance_ > 0;
      Frame* frame = give_back(tickets[i], accepted ? Place::sent : Place::refused_by_ring);
      if (!accepted || frame == nullptr) continue;
      if (acceptance_ != ~0U) --acceptance_;
      frame->size = frame->length;
      sent_.push_back(frame);
      ++sent;
    }
    return sent;
  }

  void discard(Ticket** tickets, unsigned count) noexcept {
    for (unsigned i = 0; i < count; ++i) give_back(tickets[i], Place::discarded);
  }

 private:
  Frame* give_back(Ticket* ticket, Place where) noexcept {
    auto* const frame = static_cast<Frame*>(ticket);
    if (frame->place != Place::with_worker) {
      ++wrong_returns_;
      return nullptr;
    }
    frame->place = where;
    --outstanding_;
    return frame;
  }

  std::vector<std::unique_ptr<Frame>> frames_;
  std::vector<Frame*> sent_;
  std::size_t delivered_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::size_t taken_ = 0;
  unsigned acceptance_ = ~0U;
  unsigned outstanding_ = 0;
  unsigned wrong_returns_ = 0;
};

}  // namespace claimgate::pipeline
