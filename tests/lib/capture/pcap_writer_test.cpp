#include "lib/capture/pcap_writer.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace claimgate::capture {
namespace {

packet::Endpoints endpoints() {
  packet::Endpoints out;
  out.source_mac = packet::Mac{{2, 0, 0, 0, 0, 2}};
  out.destination_mac = packet::Mac{{2, 0, 0, 0, 0, 1}};
  out.source = packet::parse_ip("10.93.0.2").value();
  out.destination = packet::parse_ip("10.93.0.1").value();
  out.source_port = 40'000;
  return out;
}

// The file as bytes, written with one frame of `payload_bytes` at `unix_ns`.
std::string file_of(Resolution resolution, std::uint64_t unix_ns, std::size_t payload_bytes) {
  std::ostringstream out;
  PcapWriter pcap(out, resolution);
  pcap.add_udp(unix_ns, endpoints(), std::vector<std::byte>(payload_bytes, std::byte{0x5A}));
  EXPECT_EQ(pcap.frames(), 1u);
  EXPECT_EQ(pcap.bytes(), out.str().size());
  return out.str();
}

std::uint32_t word(const std::string& file, std::size_t at) {
  std::uint32_t value = 0;  // little-endian, whoever runs this
  for (unsigned i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(file[at + i]);
  return value;
}

std::span<const std::byte> frame_of(const std::string& file) {
  return std::as_bytes(std::span(file)).subspan(pcap_header_bytes + pcap_record_bytes);
}

constexpr std::uint64_t moment_ns = 1'735'689'600'123'456'789;

TEST(PcapWriter, writes_the_header_that_pcap_savefile_5_describes) {
  const std::string file = file_of(Resolution::microseconds, moment_ns, 93);
  EXPECT_EQ(word(file, 0), 0xA1B2C3D4u);
  EXPECT_EQ(word(file, 4), 0x0004'0002u) << "version 2.4";
  EXPECT_EQ(word(file, 8), 0u);
  EXPECT_EQ(word(file, 12), 0u);
  EXPECT_EQ(word(file, 16), 65'535u) << "snap length";
  EXPECT_EQ(word(file, 20), 1u) << "Ethernet";
}

TEST(PcapWriter, says_microseconds_rounded_down_or_all_nanoseconds_under_another_magic_number) {
  const std::string us = file_of(Resolution::microseconds, moment_ns, 93);
  EXPECT_EQ(word(us, 24), 1'735'689'600u);
  EXPECT_EQ(word(us, 28), 123'456u);
  const std::string ns = file_of(Resolution::nanoseconds, moment_ns, 93);
  EXPECT_EQ(word(ns, 0), 0xA1B23C4Du);
  EXPECT_EQ(word(ns, 24), 1'735'689'600u);
  EXPECT_EQ(word(ns, 28), 123'456'789u);
}

TEST(PcapWriter, the_last_moment_it_can_say_is_in_2106) {
  const std::string file = file_of(Resolution::nanoseconds, unix_ns_max, 93);
  EXPECT_EQ(word(file, 24), 0xFFFF'FFFFu);
  EXPECT_EQ(word(file, 28), 999'999'999u);
}

TEST(PcapWriter, a_record_holds_the_whole_frame_with_right_checksums) {
  const std::string file = file_of(Resolution::microseconds, moment_ns, wire::payload_bytes_max);
  EXPECT_EQ(word(file, 32), 42 + wire::payload_bytes_max);
  EXPECT_EQ(word(file, 36), word(file, 32));
  ASSERT_EQ(frame_of(file).size(), word(file, 32));
  const auto datagram = packet::read_udp(frame_of(file));
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->endpoints.source, endpoints().source);
  EXPECT_EQ(datagram->payload.size(), wire::payload_bytes_max);
}

TEST(PcapWriter, pads_a_short_frame_with_zeros_to_60_bytes_whatever_came_before) {
  std::ostringstream out;
  PcapWriter pcap(out, Resolution::microseconds);
  pcap.add_udp(0, endpoints(), std::vector<std::byte>(93, std::byte{0xFF}));
  const std::size_t first = out.str().size();
  pcap.add_udp(0, endpoints(), std::vector<std::byte>(1, std::byte{0x5A}));
  const std::string file = out.str();
  const auto frame = std::as_bytes(std::span(file)).subspan(first + pcap_record_bytes);
  ASSERT_EQ(frame.size(), 60u);
  EXPECT_EQ(word(file, first + 8), 60u);
  for (std::size_t at = 43; at < 60; ++at) EXPECT_EQ(frame[at], std::byte{0}) << at;
  const auto datagram = packet::read_udp(frame);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->payload.size(), 1u);
}

}  // namespace
}  // namespace claimgate::capture
