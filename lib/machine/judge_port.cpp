// Rules about the port: its driver, and what it needs outside the process.
#include <string>

#include "lib/machine/area.hpp"

namespace claimgate::machine {
namespace {

void judge_libraries(const Facts& facts, const Needs& needs, Area& area) {
  const Port& port = facts.port;
  const auto install = [&](std::string_view library) {
    return fmt::format("apt install {}", package_of(library, needs.driver_folder));
  };
  if (!port.driver_folder) {
    area.problem("drivers", fmt::format("there is no {}: DPDK has no drivers", needs.driver_folder),
                 install(needs.port_kind == PortKind::pci ? "librte_bus_pci"
                                                          : library_of(needs.port_driver)));
    return;
  }
  const std::string bus = needs.port_kind == PortKind::pci ? "librte_bus_pci" : "librte_bus_vdev";
  if (!port.bus_library) {
    area.problem("bus", fmt::format("{} is missing: DPDK sees no such device", bus), install(bus));
  }
  if (!port.mempool_library) {
    area.problem("packet pool", "librte_mempool_ring is missing: no packet buffers",
                 install("librte_mempool_ring"));
  }
  if (needs.port_kind == PortKind::pci) return;
  if (const PortDriver* driver = driver_of(port.drivers, needs.port_driver)) {
    area.ok("driver", fmt::format("{} ({})", driver->name, driver->library));
  } else {
    const std::string library = library_of(needs.port_driver);
    area.problem("driver", fmt::format("none for {} in {}", needs.port_driver, needs.driver_folder),
                 fmt::format("{}, or correct port.device", install(library)));
  }
}

std::string bind_command(const PciDevice& device, const std::string& address) {
  std::string out = "modprobe vfio-pci && ";
  for (const std::string& interface : device.interfaces) {
    out += fmt::format("ip link set {} down && ", interface);
  }
  out += fmt::format("dpdk-devbind.py --bind=vfio-pci {}", address);
  if (!device.interfaces.empty()) out += " (never the one you are logged in over)";
  return out;
}

void judge_vfio(const Facts& facts, Area& area) {
  const Port& port = facts.port;
  const PciDevice& device = *port.pci;
  if (!device.iommu_group) {
    area.problem("IOMMU", "the device is in no IOMMU group: VFIO does not give it out safely",
                 "intel_iommu=on or amd_iommu=on on the kernel's command line; a virtual machine "
                 "needs one from its host, or dpdk-config/af_packet.toml");
  } else if (port.vfio_group_usable) {
    area.ok("IOMMU", fmt::format("group {}, /dev/vfio/{} is ours to open", *device.iommu_group,
                                 *device.iommu_group));
  } else {
    area.add(hindrance(facts), "IOMMU",
             fmt::format("/dev/vfio/{} cannot be opened by user {}", *device.iommu_group,
                         facts.rights.user),
             fmt::format("Run claimd as root, or: chown USER /dev/vfio/{}", *device.iommu_group));
  }
}

void judge_pci(const Facts& facts, const Needs& needs, Area& area) {
  const Port& port = facts.port;
  const std::string& address = needs.port_subject;
  if (!port.pci) {
    area.problem("device", fmt::format("there is no PCI device {}", address),
                 "Set port.device to one that lspci -D names, or to a virtual device");
    return;
  }
  const PciDevice& device = *port.pci;
  const std::string ids = fmt::format("{:04x}:{:04x}", device.vendor, device.device);
  area.ok("device", fmt::format("{} is {}", address, ids));
  bool drives = false;
  const PortDriver* driver = nullptr;  // the one that works with what the device is bound to
  for (const PortDriver& each : port.drivers) {
    if (!each.drives(device.vendor, device.device)) continue;
    drives = true;
    if (driver == nullptr || each.works_with(device.bound_to)) driver = &each;
  }
  if (!port.driver_folder) {
    // Said already, with the package to begin with.
  } else if (!drives) {
    area.problem("driver", fmt::format("none that is installed drives {}", ids),
                 "apt-cache search librte-net-, and install the one for this NIC; not every NIC "
                 "has one");
  } else {
    area.ok("driver", fmt::format("{} ({})", driver->name, driver->library));
  }
  if (device.bound_to == "vfio-pci") {
    area.ok("bound", "to vfio-pci");
    judge_vfio(facts, area);
  } else if (driver != nullptr && !device.bound_to.empty() && driver->works_with(device.bound_to)) {
    if (device.bound_to == "igb_uio" || device.bound_to == "uio_pci_generic") {
      area.warning(
          "bound",
          fmt::format("to {}: the device can write all of the machine's memory", device.bound_to),
          fmt::format("dpdk-devbind.py --bind=vfio-pci {}", address));
    } else {
      area.ok("bound", fmt::format("to {}, as its driver wants it", device.bound_to));
    }
  } else if (driver != nullptr && !driver->works_with("vfio-pci")) {
    area.problem(
        "bound",
        device.bound_to.empty() ? "to no kernel driver" : fmt::format("to {}", device.bound_to),
        fmt::format("Bind it to its own kernel driver ({}): dpdk-devbind.py --bind=DRIVER "
                    "{}",
                    driver->kernel_modules, address));
  } else {
    std::string names;
    for (const std::string& each : device.interfaces) names += " " + each;
    area.problem("bound",
                 device.bound_to.empty()
                     ? "to no driver"
                     : fmt::format("to {}: it is the kernel's{}", device.bound_to, names),
                 bind_command(device, address));
    if (!device.iommu_group) judge_vfio(facts, area);
  }
}

void judge_server_socket(const Facts& facts, const Needs& needs, Area& area) {
  const Port& port = facts.port;
  const std::string& path = needs.port_subject;
  if (port.socket_served && facts.running) {
    area.ok("socket", fmt::format("{} is served", path));
  } else if (port.socket_served) {
    area.problem("socket", fmt::format("another program serves {}", path),
                 "Stop that one (ss -xlp names it), or name another path in port.device");
  } else if (port.subject_exists && !port.subject_is_socket) {
    area.problem("socket", fmt::format("{} exists and is no socket", path),
                 fmt::format("rm {}, or name another path in port.device", path));
  } else if (!port.socket_folder_writable) {
    area.add(hindrance(facts), "socket",
             fmt::format("{} is not writable by user {}", port.socket_folder, facts.rights.user),
             "install -d -o USER FOLDER for the user claimd runs as, or name another path in "
             "port.device");
  } else {
    area.ok("socket", fmt::format("{} can be made in {}", path, port.socket_folder));
  }
}

void judge_client_socket(const Facts& facts, const Needs& needs, Area& area) {
  const Port& port = facts.port;
  const std::string& path = needs.port_subject;
  if (!port.subject_exists) {
    area.problem("socket", fmt::format("there is no {}", path),
                 "Start the program that serves it before claimd");
  } else if (!port.subject_usable) {
    area.add(hindrance(facts), "socket",
             fmt::format("{} may not be used by user {}", path, facts.rights.user),
             "Run claimd as the user of the program that serves it");
  } else {
    area.ok("socket", path);
  }
}

void judge_subject(const Facts& facts, const Needs& needs, Area& area) {
  const Port& port = facts.port;
  const std::string& subject = needs.port_subject;
  switch (needs.port_kind) {
    case PortKind::pci:
      judge_pci(facts, needs, area);
      break;
    case PortKind::tap:
      if (!port.subject_exists) {
        area.problem("/dev/net/tun", "is not there",
                     "modprobe tun; in a container: --device /dev/net/tun");
      } else if (!port.subject_usable) {
        area.add(hindrance(facts), "/dev/net/tun",
                 fmt::format("may not be opened by user {}", facts.rights.user),
                 "Run claimd as root");
      } else {
        area.ok("/dev/net/tun", "is ours to open");
      }
      break;
    case PortKind::interface:
      if (!port.subject_exists) {
        area.problem("interface", fmt::format("there is no {}", subject),
                     "Set iface= in port.device to one that ip link names");
      } else if (!port.subject_usable) {
        area.warning("interface", fmt::format("{} is down: no frames come", subject),
                     fmt::format("ip link set {} up", subject));
      } else {
        area.ok("interface", fmt::format("{} is up", subject));
      }
      break;
    case PortKind::socket_server:
      judge_server_socket(facts, needs, area);
      break;
    case PortKind::socket_client:
      judge_client_socket(facts, needs, area);
      break;
    case PortKind::capture:
      if (port.subject_usable) {
        area.ok("capture", subject);
      } else {
        area.problem(
            "capture",
            fmt::format("{} {}", subject, port.subject_exists ? "cannot be read" : "is not there"),
            "Set rx_pcap= in port.device to a capture file, such as claimgen pcap writes");
      }
      break;
    case PortKind::other:
      break;
  }
}

}  // namespace

void judge_port(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("port", out);
  judge_libraries(facts, needs, area);
  judge_subject(facts, needs, area);
}

}  // namespace claimgate::machine
