#include "src/nic/port_options.hpp"

namespace claimgate::nic {

unsigned mbufs_needed(const PortOptions& options) noexcept {
  return options.rx_descriptors + options.tx_descriptors + options.held_max + 2 * burst_max +
         3 * lcore_cache_mbufs / 2;
}

unsigned memory_needed_mib(const PortOptions& options) noexcept {
  constexpr unsigned bytes_around_data = 384;  // mempool header, mbuf, ticket, headroom
  constexpr unsigned for_drivers_mib = 64;
  const std::uint64_t bytes =
      std::uint64_t{mbufs_needed(options)} * (options.room_bytes + bytes_around_data);
  return static_cast<unsigned>(bytes >> 20) + 1 + for_drivers_mib;
}

}  // namespace claimgate::nic
