// The port drivers that DPDK would find, by what each says of itself.
//
// Every driver's library carries lines "PMD_INFO_STRING= {json}": its name, the PCI ids it drives,
// and the kernel modules it works with (DPDK, usertools/dpdk-pmdinfo.py). Reading them tells which
// driver a device has without loading one. Any thread; reads files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace claimgate::machine {

struct PortDriver {
  std::string name;            // "net_memif"
  std::string library;         // "librte_net_memif.so.23.0"
  std::string kernel_modules;  // "* igb_uio | vfio-pci"; empty for virtual devices
  std::vector<std::pair<std::uint16_t, std::uint16_t>> pci_ids;  // vendor, device

  [[nodiscard]] bool drives(std::uint16_t vendor, std::uint16_t device) const noexcept;
  [[nodiscard]] bool works_with(std::string_view kernel_module) const noexcept;
};

// All drivers of the network libraries in `folder`, whose name ends in the version DPDK loads
// (".../pmds-23.0"). Empty where there is no such folder.
[[nodiscard]] std::vector<PortDriver> port_drivers(const std::filesystem::path& folder);
// Whether `library` ("librte_bus_pci") lies there in that version.
[[nodiscard]] bool has_library(const std::filesystem::path& folder, std::string_view library);

// The driver of a virtual device such as "net_memif0": the longest name it begins with.
[[nodiscard]] const PortDriver* driver_of(const std::vector<PortDriver>& drivers,
                                          std::string_view device) noexcept;

// Debian's package of a library: "librte_net_memif" of ".../pmds-23.0" -> "librte-net-memif23".
[[nodiscard]] std::string package_of(std::string_view library, const std::filesystem::path& folder);
// The library that a virtual device's driver should be in, from its name alone.
[[nodiscard]] std::string library_of(std::string_view device);

}  // namespace claimgate::machine
