#include "lib/capture/pcap_writer.hpp"

#include <algorithm>
#include <cassert>

namespace claimgate::capture {
namespace {

constexpr std::uint32_t magic_microseconds = 0xA1B2'C3D4;
constexpr std::uint32_t magic_nanoseconds = 0xA1B2'3C4D;
constexpr std::uint16_t version_major = 2, version_minor = 4;
constexpr std::uint32_t snap_bytes = 65'535;  // nothing longer comes, so nothing is cut
constexpr std::uint32_t link_ethernet = 1;

// store_raw is little-endian on every machine that this runs on (lib/wire/endian.hpp).
void store(std::byte* at, std::uint64_t value) {
  wire::store_raw(at, static_cast<std::uint32_t>(value));
}

}  // namespace

PcapWriter::PcapWriter(std::ostream& out, Resolution resolution)
    : out_(out), fraction_ns_(resolution == Resolution::nanoseconds ? 1 : 1000) {
  std::array<std::byte, pcap_header_bytes> header{};
  store(header.data(),
        resolution == Resolution::nanoseconds ? magic_nanoseconds : magic_microseconds);
  wire::store_raw(header.data() + 4, version_major);
  wire::store_raw(header.data() + 6, version_minor);
  store(header.data() + 16, snap_bytes);
  store(header.data() + 20, link_ethernet);
  write(header);
}

void PcapWriter::add_udp(std::uint64_t unix_ns, const packet::Endpoints& endpoints,
                         std::span<const std::byte> payload) {
  const std::span<std::byte> frame = std::span(record_).subspan(pcap_record_bytes);
  std::size_t length = packet::build_udp(frame, endpoints, payload);
  assert(length != 0 && unix_ns <= unix_ns_max);
  for (; length < packet::frame_bytes_min; ++length) frame[length] = std::byte{0};
  store(record_.data(), unix_ns / second_ns);
  store(record_.data() + 4, unix_ns % second_ns / fraction_ns_);
  store(record_.data() + 8, length);
  store(record_.data() + 12, length);
  write({record_.data(), pcap_record_bytes + length});
  ++frames_;
}

void PcapWriter::write(std::span<const std::byte> bytes) {
  out_.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  bytes_ += bytes.size();
}

}  // namespace claimgate::capture
