// Claim datagrams in a pcap file, for DPDK's pcap port to replay from memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "lib/packet/build.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::bench {

// Classic pcap, microsecond stamps, Ethernet.
class PcapWriter {
 public:
  explicit PcapWriter(const std::string& path) : out_(path, std::ios::binary) {
    put<std::uint32_t>(0xA1B2C3D4);
    put<std::uint16_t>(2);
    put<std::uint16_t>(4);
    put<std::uint32_t>(0);
    put<std::uint32_t>(0);
    put<std::uint32_t>(65535);
    put<std::uint32_t>(1);
  }
  // One datagram to 10.93.0.1 around `payload`.
  void add(std::span<const std::byte> payload) {
    std::array<std::byte, 1600> frame;
    const std::size_t length = packet::build_udp(frame, endpoints_, payload);
    put<std::uint32_t>(0);
    put<std::uint32_t>(0);
    put(static_cast<std::uint32_t>(length));
    put(static_cast<std::uint32_t>(length));
    out_.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(length));
  }

 private:
  template <class T>
  void put(T value) {
    out_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static packet::Endpoints client_to_appliance() {
    return {.source_mac = {{0x02, 0, 0, 0, 0, 2}},
            .destination_mac = {{0x02, 0, 0, 0, 0, 1}},
            .vlan = std::nullopt,
            .source = {.is_v6 = false, .v4 = {0x0A5D0002}, .v6 = {}},       // 10.93.0.2
            .destination = {.is_v6 = false, .v4 = {0x0A5D0001}, .v6 = {}},  // 10.93.0.1
            .source_port = 40'000,
            .destination_port = wire::port_any};
  }
  std::ofstream out_;
  packet::Endpoints endpoints_ = client_to_appliance();
};

}  // namespace claimgate::bench
