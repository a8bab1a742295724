// What a received frame is to a client: its verdicts, somebody else's traffic, or a fault.
//
// Stricter than a real client needs to be: the appliance must answer from where it was asked, to
// where it was asked from, in the tag it was asked in, with checksums that verify.
// A pure function of bytes: any thread, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/packet/build.hpp"

namespace claimgate::claimgen {

enum class ReplyFault : std::uint8_t {
  none,
  not_for_us,     // other traffic: no fault of the appliance
  malformed_udp,  // lengths or checksums of a frame to our port are wrong
  wrong_sender,   // our port, but another address, MAC or tag than was asked
  wrong_length,   // not 1..15 times 33 bytes
  not_a_verdict,  // type is not 0x81 or the code is none of the protocol's
};
[[nodiscard]] std::string_view name(ReplyFault fault) noexcept;

struct Reply {
  ReplyFault fault = ReplyFault::not_for_us;
  std::uint16_t source_port = 0;
  std::span<const std::byte> verdicts;  // n times 33 bytes, inside the frame
};

// `asked`: the endpoints of our requests; their destination port is not compared (a reply comes
// from the port that its own request went to: the caller knows which).
[[nodiscard]] Reply read_reply(std::span<const std::byte> frame,
                               const packet::Endpoints& asked) noexcept;

}  // namespace claimgate::claimgen
