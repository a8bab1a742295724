#include "apps/claimctl/needs_of.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "lib/channel/snapshot.hpp"
#include "lib/channel/table.hpp"
#include "src/nic/device.hpp"
#include "src/nic/port_options.hpp"

namespace claimgate::claimctl {
namespace {

using machine::Needs;
using machine::PortKind;

void describe_virtual(const std::string& device, Needs& out) {
  const auto is = [&](PortKind kind, std::string_view subject) {
    out.port_kind = subject.empty() && kind != PortKind::tap ? PortKind::other : kind;
    out.port_subject = subject;
  };
  const auto argument = [&](std::string_view key) { return nic::argument(device, key); };
  const std::string_view driver = out.port_driver;
  if (driver.starts_with("net_tap") || driver.starts_with("net_tun")) {
    is(PortKind::tap, "");
  } else if (driver.starts_with("net_af_")) {
    is(PortKind::interface, argument("iface"));
  } else if (const std::string served = nic::served_socket(device); !served.empty()) {
    is(PortKind::socket_server, served);
  } else if (driver.starts_with("net_memif") && argument("socket-abstract") == "no") {
    is(PortKind::socket_client, argument("socket"));
  } else if (driver.starts_with("net_vhost")) {
    is(PortKind::socket_client, argument("iface"));
  } else if (driver.starts_with("net_virtio_user")) {
    is(argument("server") == "1" ? PortKind::socket_server : PortKind::socket_client,
       argument("path"));
  } else if (driver.starts_with("net_pcap") && !argument("rx_pcap").empty()) {
    is(PortKind::capture, argument("rx_pcap"));
  } else if (driver.starts_with("net_pcap")) {
    is(PortKind::interface, argument("iface").empty() ? argument("rx_iface") : argument("iface"));
  }
}

Needs::HugePages huge_pages(nic::HugePages pages) noexcept {
  switch (pages) {
    case nic::HugePages::automatic:
      return Needs::HugePages::where_free;
    case nic::HugePages::require:
      return Needs::HugePages::required;
    case nic::HugePages::never:
      break;
  }
  return Needs::HugePages::never;
}

// The lanes between two checkpoints, as a start reads them and as they are kept for the one before;
// spare segments, one in use and one of each lane that a checkpoint does not count; checkpoints.
std::uint64_t state_bytes(const config::Config& config) {
  const config::Config::Durability& durability = config.durability;
  const std::uint64_t mib = std::uint64_t{1} << 20;
  const std::uint64_t segments = durability.spare_segments + 2;
  const std::uint64_t lanes = 2 * std::uint64_t{durability.journal_max_mib} * mib +
                              segments * durability.segment_mib * mib + segments * 8 * mib;
  const std::uint64_t pages =
      std::uint64_t{config.channels.capacity} / channel::snapshot::records_per_page + 2;
  return lanes + 3 * pages * channel::snapshot::page_bytes;
}

}  // namespace

Needs needs_of(const config::Config& config) {
  Needs out;
  out.spins = config.worker.idle == pipeline::Idle::spin;
  out.buffers_from = huge_pages(config.eal.huge_pages);
  const std::uint64_t memory_mib =
      config.eal.memory_mib != 0
          ? config.eal.memory_mib
          : nic::memory_needed_mib({.device = config.port.device,
                                    .rx_descriptors = config.port.rx_descriptors,
                                    .tx_descriptors = config.port.tx_descriptors,
                                    .held_max = config.worker.held_max});
  out.buffer_bytes = memory_mib << 20;
  out.table_from_huge_pages = config.memory.table_pages == memory::Pages::huge;
  out.table_from_transparent_pages = config.memory.table_pages == memory::Pages::transparent;
  const std::uint32_t capacity = config.channels.capacity;
  out.table_bytes = channel::Table::bytes_needed(capacity);
  out.state_bytes = state_bytes(config);
  out.state_folder = config.node.state_dir;
  out.margin_s = config.channels.margin_s;
  out.driver_folder = CLAIMGATE_DPDK_DRIVERS;
  const std::string& device = config.port.device;
  if (config.port.is_pci()) {
    out.port_kind = PortKind::pci;
    out.port_subject = device;  // sysfs writes it in lower case
    std::ranges::transform(out.port_subject, out.port_subject.begin(),
                           [](unsigned char c) { return std::tolower(c); });
  } else {
    out.port_driver = device.substr(0, device.find(','));
    describe_virtual(device, out);
  }
  return out;
}

}  // namespace claimgate::claimctl
