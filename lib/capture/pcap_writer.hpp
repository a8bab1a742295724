// Frames with checksums and times, written as a capture file: classic pcap, version 2.4, Ethernet.
//
//   file    magic u32 │ version 2.4, u16 each │ 0 u32 │ 0 u32 │ snap length u32 │ link type 1 u32
//   record  seconds u32 │ fraction u32 │ bytes kept u32 │ bytes on the wire u32 │ frame
//
// Little-endian, as nearly all who read it run. The magic number says what the fraction counts:
// 0xA1B2C3D4 microseconds, 0xA1B23C4D nanoseconds (pcap-savefile(5)). libpcap (testpmd, tcpreplay)
// and Wireshark take both; Pktgen's own reader ends at any but the first.
//
// Owner: whoever holds it, one thread. Whether the stream took the bytes is the stream's to say.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>

#include "lib/packet/build.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::capture {

enum class Resolution : std::uint8_t { microseconds, nanoseconds };

inline constexpr std::size_t pcap_header_bytes = 24;
inline constexpr std::size_t pcap_record_bytes = 16;  // before each frame
inline constexpr std::uint64_t second_ns = 1'000'000'000;
// The last moment a record's 32 bits of seconds can say: the year 2106.
inline constexpr std::uint64_t unix_ns_max =
    (std::uint64_t{std::numeric_limits<std::uint32_t>::max()} + 1) * second_ns - 1;

class PcapWriter {
 public:
  // Writes the file's header. `out` must outlive the writer.
  PcapWriter(std::ostream& out, Resolution resolution);

  // One UDP datagram around `payload`, both checksums right, with zeros up to Ethernet's 60 bytes.
  // A time the resolution cannot say is rounded down. Preconditions: unix_ns <= unix_ns_max, both
  // addresses of one family, payload.size() <= wire::payload_bytes_max.
  void add_udp(std::uint64_t unix_ns, const packet::Endpoints& endpoints,
               std::span<const std::byte> payload);

  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  // of the file so far

 private:
  static constexpr std::size_t headers_bytes_max =
      packet::ethernet_bytes + packet::vlan_tag_bytes + packet::ipv6_bytes + packet::udp_bytes;
  void write(std::span<const std::byte> bytes);

  std::ostream& out_;
  std::uint64_t fraction_ns_;
  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  std::array<std::byte, pcap_record_bytes + headers_bytes_max + wire::payload_bytes_max> record_;
};

}  // namespace claimgate::capture
