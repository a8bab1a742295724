// Machines as tests want them: a folder laid out like /, and facts in which nothing is wrong.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "lib/machine/machine.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::machine {

class Host {
 public:
  void put(const std::string& path, std::string_view text) const {
    const std::filesystem::path file = folder_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  void link(const std::string& path, const std::string& target) const {
    const std::filesystem::path file = folder_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::create_symlink(target, file);
  }
  void folder(const std::string& path) const {
    std::filesystem::create_directories(folder_.file(path));
  }
  [[nodiscard]] std::string path(const std::string& at) const { return folder_.file(at); }
  [[nodiscard]] Machine machine() const { return Machine::at(folder_.file("")); }

 private:
  ScratchFolder folder_;
};

inline constexpr unsigned worker_cpu = 3;

// A server with two nodes of two CPUs each, a NIC on the worker's node, everything reserved,
// isolated, bound and synchronised; a PCI port.
inline Needs sound_needs() {
  return {.worker_cpu = worker_cpu,
          .control_cpu = 0,
          .spins = true,
          .buffers_from = Needs::HugePages::where_free,
          .buffer_bytes = 80U << 20,
          .table_from_huge_pages = true,
          .table_from_transparent_pages = false,
          .table_bytes = 280U << 20,
          .port_kind = PortKind::pci,
          .port_driver = "",
          .port_subject = "0000:3b:00.0",
          .driver_folder = "/dpdk/pmds-23.0",
          .state_folder = "/var/lib/claimgate",
          .state_bytes = 512U << 20,
          .margin_s = 600};
}

inline Facts sound_facts() {
  Facts facts;
  facts.cpu = {.model = "Example 9000",
               .sockets = 2,
               .logical = 4,
               .virtual_machine = false,
               .constant_tsc = true,
               .nonstop_tsc = true,
               .features = {{true, true}, {true, true}, {true, true}, {true, true}, {true, true}},
               .linux_release = "6.1.0-28-amd64"};
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    facts.cores.online.push_back({.number = cpu, .governor = "performance", .siblings = {cpu}});
  }
  facts.cores.isolated = {3};
  facts.cores.tickless = {3};
  facts.memory = {.huge = HugePages{512, 512},
                  .nodes = {{0, {0, 1}, {256, 256}}, {1, {2, 3}, {256, 256}}},
                  .transparent = "madvise",
                  .available_bytes = 8ULL << 30,
                  .group_left_bytes = {}};
  facts.port.driver_folder = true;
  facts.port.drivers = {{.name = "net_ixgbe",
                         .library = "librte_net_ixgbe.so.23.0",
                         .kernel_modules = "* igb_uio | uio_pci_generic | vfio-pci",
                         .pci_ids = {{0x8086, 0x1528}}},
                        {.name = "mlx5_eth",
                         .library = "librte_net_mlx5.so.23.0",
                         .kernel_modules = "* ib_uverbs & mlx5_core & mlx5_ib",
                         .pci_ids = {{0x15B3, 0x1017}}},
                        {.name = "net_memif", .library = "librte_net_memif.so.23.0"},
                        {.name = "net_tap", .library = "librte_net_tap.so.23.0"},
                        {.name = "net_af_packet", .library = "librte_net_af_packet.so.23.0"},
                        {.name = "net_pcap", .library = "librte_net_pcap.so.23.0"}};
  facts.port.bus_library = true;
  facts.port.mempool_library = true;
  facts.port.pci = PciDevice{.vendor = 0x8086,
                             .device = 0x1528,
                             .bound_to = "vfio-pci",
                             .interfaces = {},
                             .iommu_group = "42",
                             .node = 1};
  facts.port.vfio_group_usable = true;
  facts.port.subject_exists = true;
  facts.port.subject_usable = true;
  facts.port.socket_folder = "/run/claimgate";
  facts.port.socket_folder_writable = true;
  facts.clock = {
      .source = "tsc",
      .sources = {"tsc", "hpet"},
      .sync = ClockSync{.synchronised = true, .error_max_us = 20'000, .error_estimated_us = 300}};
  facts.disk = {.exists = true,
                .looked_at = "/var/lib/claimgate",
                .is_folder = true,
                .writable = true,
                .filesystem = "xfs",
                .free_bytes = 100ULL << 30,
                .direct = Disk::Direct::works,
                .direct_refusal = {},
                .direct_align_bytes = 512};
  facts.rights = {.pid = 0,
                  .user = 0,
                  .capabilities = ~std::uint64_t{0},
                  .cpus = {0, 1, 2, 3},
                  .limits = Limits{.locked_bytes = {}, .open_files = 1024, .core_bytes = {}}};
  return facts;
}

}  // namespace claimgate::machine
