// The responder: answers ARP, IPv6 neighbour discovery and echo, so that we are a citizen of our
// network. The slow path beside the claims, yet bounded and free of allocation: a worker runs it on
// a frame that dissect called `neighbour`, in place.
//
// The headers are copied to the stack before they are judged, so a peer that rewrites the buffer
// meanwhile cannot move a bound after it was checked. Every check is made here again: nothing is
// taken over from the dissection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/packet/addresses.hpp"
#include "lib/packet/drop.hpp"

namespace claimgate::packet {

enum class Answered : std::uint8_t {
  nothing,  // counted by `drop`; the frame is unchanged
  arp,
  neighbour,  // a neighbour advertisement
  echo,
  echo6,
};

struct Answer {
  Answered answered = Answered::nothing;
  Drop drop = Drop::none;
  std::size_t length = 0;  // the answer frame's, at least 60; 0 without one
};

// `length`: the received frame's bytes. `capacity` >= length: what may be written at `frame`. An
// answer may be longer than its request (to 60 bytes, or by the 8 of an option): without the room,
// Drop::answer_no_room. Checksums of an answer are always computed here.
[[nodiscard]] Answer respond(std::byte* frame, std::size_t length, std::size_t capacity,
                             const LocalAddresses& local) noexcept;

}  // namespace claimgate::packet
