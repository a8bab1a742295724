// What a port is asked to be, and the memory it then needs. Plain values; no DPDK.
#pragma once

#include <cstdint>
#include <string>

namespace claimgate::nic {

inline constexpr unsigned lcore_cache_mbufs = 256;  // of a pool, kept by each lcore
inline constexpr unsigned burst_max = 32;
inline constexpr unsigned frame_room_bytes = 2048;  // data behind the headroom; one segment

struct PortOptions {
  std::string device;  // vdev arguments or PCI address, as given to EAL
  std::uint16_t rx_descriptors = 1024;
  std::uint16_t tx_descriptors = 1024;
  unsigned held_max = 4096;  // datagrams the pipeline may hold between receive and transmit
  unsigned room_bytes = frame_room_bytes;  // data per mbuf, behind the headroom
  bool promiscuous = true;                 // tolerated where the driver cannot
  // Whether the other end may map and write our whole DPDK memory, tickets included. A device that
  // lets it (memif with zero-copy, virtio_user) is refused unless this is set.
  bool trusted_peer = false;
};

[[nodiscard]] unsigned mbufs_needed(const PortOptions& options) noexcept;
// What EAL must be given for one such port, in MiB, drivers' own rings included.
[[nodiscard]] unsigned memory_needed_mib(const PortOptions& options) noexcept;

}  // namespace claimgate::nic
