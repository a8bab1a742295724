#include "tests/power/write_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "lib/wire/claim.hpp"

namespace claimgate::power {
namespace {

constexpr std::uint64_t magic = 0x006A'7366'7773'6872;
constexpr std::uint64_t version = 1;
constexpr std::uint64_t is_flush = 1, is_fua = 2, is_discard = 4, is_mark = 8;
constexpr std::uint64_t entry_bytes = 32;

using Sector = std::array<std::byte, sector_bytes>;

std::uint64_t number_at(const Sector& sector, std::size_t offset) {
  return wire::load_raw<std::uint64_t>(sector.data() + offset);
}

}  // namespace

WriteLog::WriteLog(const std::string& device)
    : device_(device), log_(::open(device.c_str(), O_RDONLY | O_CLOEXEC)) {
  Sector sector;
  read(0, sector.data(), sector.size());
  const auto size = static_cast<std::uint32_t>(number_at(sector, 24));
  if (number_at(sector, 0) != magic || number_at(sector, 8) != version || size != sector_bytes) {
    throw std::runtime_error(fmt::format("{} has no log of writes in sectors of 512", device));
  }
  const std::uint64_t count = number_at(sector, 16);
  std::uint64_t place = sector_bytes, mark = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    read(place, sector.data(), sector.size());
    place += sector_bytes;
    const std::uint64_t flags = number_at(sector, 16);
    LogEntry entry{.place = place,
                   .sector = number_at(sector, 0),
                   .sectors = number_at(sector, 8),
                   .flush = (flags & is_flush) != 0,
                   .fua = (flags & is_fua) != 0,
                   .discard = (flags & is_discard) != 0};
    if ((flags & is_mark) != 0) {
      // The target's own last word is a mark, too, and no number.
      const std::uint64_t length = std::min(number_at(sector, 24), sector_bytes - entry_bytes);
      const auto* const text = reinterpret_cast<const char*>(sector.data() + entry_bytes);
      std::from_chars(text, text + length, mark);
    }
    entry.mark = mark;
    if (!entry.discard) place += entry.sectors * sector_bytes;
    entries_.push_back(entry);
  }
}

std::vector<std::byte> WriteLog::data(const LogEntry& entry) const {
  std::vector<std::byte> bytes(entry.discard ? 0 : entry.sectors * sector_bytes);
  read(entry.place, bytes.data(), bytes.size());
  return bytes;
}

void WriteLog::read(std::uint64_t place, std::byte* into, std::size_t bytes) const {
  while (bytes > 0) {
    const ssize_t n = ::pread(log_.number(), into, bytes, static_cast<off_t>(place));
    if (n <= 0) {
      throw std::runtime_error(fmt::format("cannot read {} at {}: {}", device_, place,
                                           n == 0 ? "it ends there" : std::strerror(errno)));
    }
    place += static_cast<std::uint64_t>(n);
    into += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

Replayed::Replayed(const std::string& device)
    : device_(device), disk_(::open(device.c_str(), O_WRONLY | O_CLOEXEC)) {
  if (!disk_) throw std::runtime_error(fmt::format("no {}: {}", device, std::strerror(errno)));
}

void Replayed::write(std::uint64_t sector, const std::byte* data, std::size_t bytes) {
  const auto at = static_cast<off_t>(sector * sector_bytes);
  if (::pwrite(disk_.number(), data, bytes, at) != static_cast<ssize_t>(bytes)) {
    throw std::runtime_error(fmt::format("cannot write {}: {}", device_, std::strerror(errno)));
  }
}

void Replayed::sync() {
  if (::fsync(disk_.number()) != 0) {
    throw std::runtime_error(fmt::format("cannot sync {}: {}", device_, std::strerror(errno)));
  }
}

}  // namespace claimgate::power
