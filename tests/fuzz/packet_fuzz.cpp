// libFuzzer target of lib/packet: arbitrary frames in, invariants out.
//
// Input: one byte of switches, one byte of spare room behind the frame, then the frame.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lib/packet/build.hpp"
#include "lib/packet/reply.hpp"
#include "lib/packet/responder.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using namespace claimgate::packet;
using fuzz::require;

LocalAddresses addresses(bool any_address) {
  const std::vector<std::string> cidrs = {"192.0.2.1/24", "198.51.100.7/31", "2001:db8::1/64"};
  return LocalAddresses::parse({{0x02, 0, 0, 0, 0, 0x01}}, cidrs, any_address).value();
}

void reply_holds(std::byte* frame, std::size_t length, const Dissection& found,
                 const LocalAddresses& local) {
  const std::size_t payload = found.payload_offset;
  require(found.claims >= 1 && found.claims <= wire::claims_per_datagram_max, "1..15 claims");
  require(payload + found.claims * wire::claim_bytes <= length, "claims lie within the frame");
  for (unsigned i = 0; i < found.claims; ++i) {
    wire::write_verdict(frame + payload + i * wire::verdict_bytes,
                        frame + payload + i * wire::claim_bytes, wire::Code::stale, 0, 0);
  }
  const std::size_t reply =
      reply_in_place(frame, found, found.claims, local.mac(), Checksum::software);
  require(reply < length, "a reply is never longer than its request");
  const auto read = read_udp({frame, reply});
  require(read.has_value(), "its receiver finds the reply's checksums right");
  require(read->payload.size() == found.claims * wire::verdict_bytes, "all verdicts arrive");
  require(is_our_port(read->endpoints.source_port), "it leaves from one of our ports");
  require(!is_our_port(read->endpoints.destination_port), "and goes to none of them");
  require(!read->endpoints.source_mac.multicast(), "no group is an Ethernet source");
  // A reply that came back to us is not taken for a request.
  require(dissect(frame, reply, local, {}).kind == Kind::drop, "a reply is no request");
}

void answer_holds(const std::byte* frame, std::size_t length, std::size_t room,
                  const LocalAddresses& local) {
  const auto buffer = std::make_unique<std::byte[]>(length + room);
  std::memcpy(buffer.get(), frame, length);
  const Answer answer = respond(buffer.get(), length, length + room, local);
  require((answer.answered == Answered::nothing) == (answer.drop != Drop::none), "one outcome");
  require(answer.length <= length + room, "an answer fits");
  if (answer.length == 0) {
    require(std::equal(frame, frame + length, buffer.get()), "no answer, no change");
    return;
  }
  require(answer.length >= frame_bytes_min, "an answer is a whole frame");
  require(answer.length <= std::max<std::size_t>(length + 8, frame_bytes_min), "no amplification");
  require(load_mac(buffer.get() + ethernet::source) == local.mac() ||
              load_mac(buffer.get() + ethernet::source) == load_mac(frame),
          "an answer comes from us");
  const Answer again = respond(buffer.get(), answer.length, answer.length, local);
  require(again.length == 0, "an answer is answered by nobody");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const LocalAddresses configured = addresses(false);
  static const LocalAddresses any = addresses(true);
  if (size < 2) return 0;
  const LocalAddresses& local = (input[0] & 4) != 0 ? any : configured;
  const Checked checked{(input[0] & 1) != 0, (input[0] & 2) != 0};
  const std::size_t length = size - 2;
  // Exactly the frame on the heap: any read behind it is a report.
  const auto frame = std::make_unique<std::byte[]>(length);
  std::memcpy(frame.get(), input + 2, length);
  const Dissection found = dissect(frame.get(), length, local, checked);
  require(std::memcmp(frame.get(), input + 2, length) == 0, "dissect does not write");
  require((found.kind == Kind::drop) == (found.drop != Drop::none), "exactly one outcome");
  (void)parse_neighbour_answer({frame.get(), length}, {false, {0xC0000202}, {}});
  (void)parse_neighbour_answer({frame.get(), length}, {true, {}, {0x2001'0DB8'0000'0000, 1}});
  (void)read_udp({frame.get(), length});
  answer_holds(frame.get(), length, input[1], local);
  if (found.kind == Kind::claims) reply_holds(frame.get(), length, found, local);
  return 0;
}
