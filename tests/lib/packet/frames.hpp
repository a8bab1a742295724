// Frames for the tests of lib/packet, and a reference for its checksums written without it.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "lib/packet/build.hpp"
#include "lib/packet/dissect.hpp"

namespace claimgate::packet::test {

using Bytes = std::vector<std::byte>;

// A heap block of exactly the frame's size, so that the sanitizer sees any read behind it.
class ExactFrame {
 public:
  explicit ExactFrame(const Bytes& bytes)
      : size_(bytes.size()), at_(std::make_unique<std::byte[]>(bytes.size())) {
    if (!bytes.empty()) std::memcpy(at_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] std::byte* data() noexcept { return at_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Bytes bytes() const { return {at_.get(), at_.get() + size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> at_;
};

inline const Mac our_mac{{0x02, 0, 0, 0, 0, 0x01}};
inline const Mac peer_mac{{0x02, 0, 0, 0, 0, 0x02}};

inline LocalAddresses ours(bool any_address = false) {
  const std::vector<std::string> cidrs = {"192.0.2.1/24", "198.51.100.7/31", "2001:db8::1/64"};
  return LocalAddresses::parse(our_mac, cidrs, any_address).value();
}

inline IpAddress ip(const char* text) {
  return parse_ip(text).value();
}

inline Endpoints endpoints(bool v6, bool vlan = false) {
  Endpoints e;
  e.source_mac = peer_mac;
  e.destination_mac = our_mac;
  if (vlan) e.vlan = 0x6064;
  e.source = ip(v6 ? "2001:db8::2" : "192.0.2.2");
  e.destination = ip(v6 ? "2001:db8::1" : "192.0.2.1");
  e.source_port = 40'000;
  e.destination_port = 9317;
  return e;
}

inline Bytes payload(std::size_t bytes) {
  Bytes out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = std::byte(i * 7 + (i >> 8) + 3);
  return out;
}

inline Bytes udp_frame(const Endpoints& e, std::size_t payload_bytes) {
  Bytes out(udp_payload_offset(e) + payload_bytes);
  EXPECT_EQ(build_udp(out, e, payload(payload_bytes)), out.size());
  return out;
}
inline Bytes claims_frame(bool v6, bool vlan = false, unsigned claims = 1) {
  return udp_frame(endpoints(v6, vlan), claims * wire::claim_bytes);
}

// RFC 1071 word by word, as slowly as it reads.
inline std::uint32_t slow_sum(const std::byte* at, std::size_t bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto octet = static_cast<std::uint32_t>(at[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return sum;
}

inline std::uint16_t be16(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(bytes.at(at)) << 8 |
                                    static_cast<unsigned>(bytes.at(at + 1)));
}
inline void put16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes.at(at) = std::byte(value >> 8 & 0xFF);
  bytes.at(at + 1) = std::byte(value & 0xFF);
}

// Where the IP header stands, and whether it is the sixth version's.
inline std::size_t ip_at(const Bytes& frame) {
  return be16(frame, 12) == 0x8100 ? 18 : 14;
}
inline bool is_v6(const Bytes& frame) {
  return be16(frame, ip_at(frame) - 2) == 0x86DD;
}
inline std::size_t upper_at(const Bytes& frame) {
  return ip_at(frame) + (is_v6(frame) ? 40 : 20);
}

inline bool slow_ip_checksum_verifies(const Bytes& frame) {
  return is_v6(frame) || slow_sum(frame.data() + ip_at(frame), 20) == 0xFFFF;
}

// The sum over pseudo-header and upper layer, of the length that the IP header says.
inline std::uint32_t slow_upper_sum(const Bytes& frame) {
  const std::size_t at = ip_at(frame);
  const bool v6 = is_v6(frame);
  const std::size_t bytes = v6 ? be16(frame, at + 4) : be16(frame, at + 2) - 20u;
  const auto protocol = static_cast<std::uint32_t>(frame.at(at + (v6 ? 6 : 9)));
  std::uint32_t sum = 0;
  if (v6 || protocol != 1) {  // ICMP over IPv4 has no pseudo-header
    sum = slow_sum(frame.data() + at + (v6 ? 8 : 12), v6 ? 32 : 8);
    sum = (sum + protocol + static_cast<std::uint32_t>(bytes));
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return slow_sum(frame.data() + upper_at(frame), bytes, sum);
}
inline bool slow_upper_checksum_verifies(const Bytes& frame) {
  return slow_upper_sum(frame) == 0xFFFF;
}

// Makes the IPv4 header's checksum right again after a change to the header (any IHL that fits).
inline void fix_ip_checksum(Bytes& frame) {
  if (is_v6(frame)) return;
  const std::size_t at = ip_at(frame);
  put16(frame, at + 10, 0);
  const std::size_t bytes = (static_cast<unsigned>(frame[at]) & 0xF) * 4;
  put16(frame, at + 10, ~slow_sum(frame.data() + at, std::min(bytes, frame.size() - at)) & 0xFFFF);
}
inline void fix_upper_checksum(Bytes& frame) {
  const auto protocol = static_cast<unsigned>(frame.at(ip_at(frame) + (is_v6(frame) ? 6 : 9)));
  const std::size_t at = upper_at(frame) + (protocol == 17 ? 6 : 2);
  put16(frame, at, 0);
  put16(frame, at, ~slow_upper_sum(frame) & 0xFFFF);
}

// An echo request: a UDP frame's headers around another payload.
inline Bytes echo(const Endpoints& e, std::size_t bytes) {
  Bytes out = udp_frame(e, bytes);
  const bool v6 = e.source.is_v6;
  out[ip_at(out) + (v6 ? 6 : 9)] = std::byte(v6 ? 58 : 1);
  fix_ip_checksum(out);
  const std::size_t at = upper_at(out);
  out[at] = std::byte(v6 ? 128 : 8);
  out[at + 1] = std::byte{0};
  put16(out, at + 4, 0x1234);
  put16(out, at + 6, 7);
  fix_upper_checksum(out);
  return out;
}

// Dissects an exactly-sized copy; fails the test if a byte of it was changed.
inline Dissection outcome(const Bytes& frame, const LocalAddresses& local, Checked checked = {}) {
  ExactFrame exact(frame);
  const Dissection found = dissect(exact.data(), exact.size(), local, checked);
  EXPECT_EQ(exact.bytes(), frame) << "dissect wrote to the frame";
  EXPECT_EQ(found.kind == Kind::drop, found.drop != Drop::none) << "not exactly one outcome";
  EXPECT_EQ(found.kind == Kind::claims, found.claims != 0) << "not exactly one outcome";
  return found;
}

}  // namespace claimgate::packet::test
