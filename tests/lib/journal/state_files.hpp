// A state folder as bytes: taken off a simulated disk or the golden folder, altered, put on a disk.
// One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/lib/journal/simulated_disk.hpp"

namespace claimgate::journal {

using Bytes = std::vector<std::byte>;
using Files = std::map<std::string, Bytes>;  // by path

inline Files files_of(const SimulatedDisk& disk) {
  Files files;
  for (const auto& [path, content] : disk.names()) {
    if (content) files[path] = content->now;
  }
  return files;
}

inline Files files_of(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> read{std::istreambuf_iterator<char>(file), {}};
    Bytes& bytes = files[entry.path().lexically_relative(folder).string()];
    std::ranges::transform(read, std::back_inserter(bytes),
                           [](char each) { return static_cast<std::byte>(each); });
  }
  return files;
}

// Replaces everything there; what a test does to names and sizes by hand comes in this way, too.
inline void put(SimulatedDisk& disk, const Files& files) {
  disk.names().clear();
  for (const auto& [path, bytes] : files) {
    if (const auto slash = path.find('/'); slash != path.npos) {
      disk.names()[path.substr(0, slash)] = nullptr;
    }
    auto content = std::make_shared<SimulatedDisk::Content>();
    content->now = content->durable = bytes;
    content->is_dirty.resize(bytes.size() / sector_bytes);
    disk.names()[path] = std::move(content);
  }
}

}  // namespace claimgate::journal
