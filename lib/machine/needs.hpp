// What claimd, configured as it is, asks of the machine. Filled in by whoever knows the
// configuration; plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace claimgate::machine {

// How a port reaches the wire, which decides what has to be there.
enum class PortKind : std::uint8_t {
  pci,            // subject: the PCI address
  tap,            // subject: nothing; /dev/net/tun
  interface,      // af_packet, af_xdp; subject: the kernel interface
  socket_server,  // memif, vhost; subject: the socket's path
  socket_client,  // the other end of these; subject: the socket's path
  capture,        // pcap; subject: the file that is read
  other,          // nothing outside the process
};

struct Needs {
  std::optional<unsigned> worker_cpu;  // nullopt: it could not be chosen, which is said elsewhere
  std::optional<unsigned> control_cpu;
  bool spins = true;  // worker.idle = "spin"

  enum class HugePages : std::uint8_t { never, where_free, required };
  HugePages buffers_from = HugePages::where_free;
  std::uint64_t buffer_bytes = 0;
  bool table_from_huge_pages = true;
  bool table_from_transparent_pages = false;
  std::uint64_t table_bytes = 0;

  PortKind port_kind = PortKind::other;
  std::string port_driver;        // "net_memif0"; a PCI port's driver is found by its ids
  std::string port_subject;       // see PortKind
  std::string driver_folder;      // where DPDK looks for its drivers, ".../pmds-23.0"
  std::string state_folder;       // node.state_dir
  std::uint64_t state_bytes = 0;  // the most that its files take
  std::uint32_t margin_s = 0;     // channels.margin_s
};

}  // namespace claimgate::machine
