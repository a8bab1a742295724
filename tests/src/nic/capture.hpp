// Capture files for the pcap port: frames as they are, written before and read after. Classic pcap,
// microsecond stamps, Ethernet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/scratch_folder.hpp"

namespace claimgate::nic {

using FrameBytes = std::vector<std::byte>;

inline void write_capture(const std::string& path, std::span<const FrameBytes> frames) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](std::uint32_t word) {
    out.write(reinterpret_cast<const char*>(&word), sizeof word);
  };
  for (const std::uint32_t word : {0xA1B2'C3D4U, 0x0004'0002U, 0U, 0U, 65'535U, 1U}) put(word);
  for (const auto& frame : frames) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    for (const std::uint32_t word : {0U, 0U, size, size}) put(word);
    out.write(reinterpret_cast<const char*>(frame.data()), size);
  }
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

inline std::vector<FrameBytes> read_capture(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::uint32_t head[6];
  if (!in.read(reinterpret_cast<char*>(head), sizeof head)) {
    throw std::runtime_error("no capture in " + path);
  }
  std::vector<FrameBytes> frames;
  std::uint32_t record[4];
  while (in.read(reinterpret_cast<char*>(record), sizeof record)) {
    FrameBytes frame(record[2]);
    in.read(reinterpret_cast<char*>(frame.data()), record[2]);
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace claimgate::nic
