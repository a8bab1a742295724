// The seeds of packet_fuzz: one frame per shape, so that the fuzzer starts behind the checksums
// instead of searching for them.
#include <string>
#include <vector>

#include "lib/packet/build.hpp"
#include "lib/packet/ip.hpp"
#include "tests/fuzz/seeds.hpp"

namespace claimgate::fuzz {
namespace {

using namespace claimgate::packet;

Endpoints endpoints(bool v6, bool vlan) {
  Endpoints e;
  e.source_mac = {{0x02, 0, 0, 0, 0, 0x02}};
  e.destination_mac = {{0x02, 0, 0, 0, 0, 0x01}};
  if (vlan) e.vlan = 100;
  e.source = parse_ip(v6 ? "2001:db8::2" : "192.0.2.2").value();
  e.destination = parse_ip(v6 ? "2001:db8::1" : "192.0.2.1").value();
  e.source_port = 40'000;
  e.destination_port = 9300;
  return e;
}

// `switches` and `room`: see packet_fuzz.cpp.
std::vector<std::byte> seed(std::uint8_t switches, std::uint8_t room,
                            const std::vector<std::byte>& frame) {
  std::vector<std::byte> out{std::byte{switches}, std::byte{room}};
  out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

// An echo request in a UDP frame's headers, its checksums right.
std::vector<std::byte> echo(const Endpoints& e, std::size_t bytes) {
  std::vector<std::byte> frame(udp_payload_offset(e) + bytes);
  (void)build_udp(frame, e, std::vector<std::byte>(bytes));
  const bool v6 = e.source.is_v6;
  const std::size_t at = udp_payload_offset(e) - udp_bytes;
  std::byte* const header = frame.data() + at - (v6 ? ipv6_bytes : ipv4_bytes);
  wire::store_be(frame.data() + at,
                 std::uint64_t{v6 ? icmpv6::echo_request : icmp::echo_request} << 56);
  Sum sum = sum_bytes(frame.data() + at, udp_bytes + bytes);
  if (v6) {
    header[ipv6::next_header] = std::byte{protocol::icmpv6};
    sum += sum_bytes(header + ipv6::source, 32) + word(protocol::icmpv6) +
           word(static_cast<std::uint16_t>(udp_bytes + bytes));
  } else {
    header[ipv4::protocol] = std::byte{protocol::icmp};
    wire::store_raw(header + ipv4::checksum, std::uint16_t{0});
    wire::store_raw(header + ipv4::checksum, complement(sum_bytes(header, ipv4_bytes)));
  }
  wire::store_raw(frame.data() + at + icmp::checksum, complement(sum));
  return frame;
}

// Dropped in silence, else two services would answer each other for ever.
std::vector<std::byte> from_our_port(std::vector<std::byte> frame, Endpoints e) {
  e.source_port = wire::port_last;
  (void)build_udp(frame, e, std::vector<std::byte>(frame.size() - udp_payload_offset(e)));
  return frame;
}

}  // namespace

void write_packet_seeds(SeedFolder& folder) {
  for (const bool v6 : {false, true}) {
    for (const bool vlan : {false, true}) {
      const Endpoints e = endpoints(v6, vlan);
      const std::string layout = std::string(v6 ? "ipv6" : "ipv4") + (vlan ? "_vlan" : "");
      for (const unsigned claims : {1u, 15u}) {
        std::vector<std::byte> frame(udp_payload_offset(e) + claims * wire::claim_bytes);
        (void)build_udp(frame, e, std::vector<std::byte>(claims * wire::claim_bytes));
        const std::string name = "claims_" + std::to_string(claims) + "_" + layout;
        folder.add(name, seed(0, 0, frame));
        if (claims == 1) folder.add(name + "_unchecked", seed(7, 0, frame));
        if (claims == 1) folder.add(name + "_from_our_port", seed(7, 0, from_our_port(frame, e)));
      }
      std::vector<std::byte> query(128);
      query.resize(build_neighbour_query(query, e));
      folder.add("neighbour_query_" + layout, seed(0, 16, query));
      folder.add("echo_" + layout, seed(0, 16, echo(e, 32)));
    }
  }
}

}  // namespace claimgate::fuzz
