#include "src/nic/port.hpp"

#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "src/nic/device.hpp"
#include "src/nic/unmap_guard.hpp"

namespace claimgate::nic {

static_assert(sizeof(pipeline::Ticket) % RTE_MBUF_PRIV_ALIGN == 0);
static_assert(sizeof(rte_mbuf) == 128);

namespace {
constexpr std::uint64_t wanted_rx_offloads =
    RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
constexpr std::uint64_t wanted_tx_offloads =
    RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

constexpr std::array<std::string_view, 3> drivers_sharing_buffers = {"net_memif", "net_vhost",
                                                                     "net_virtio_user"};

std::string device_name(const std::string& device) {
  return device.substr(0, device.find(','));
}

Failure port_failure(const PortOptions& options, std::string_view step, int error) {
  return Failure{fmt::format("{} failed: {}", step, rte_strerror(-error)),
                 "port.device \"" + options.device + "\"", ask_the_doctor(options.device)};
}

std::uint8_t receive_flags(std::uint64_t offload_flags) noexcept {
  std::uint8_t flags = 0;
  const auto ip = offload_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  const auto l4 = offload_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  // NONE: not filled in, yet the bytes are vouched for: a virtual machine's neighbour on the same
  // host leaves its checksums to a NIC that never comes (rte_mbuf_core.h).
  if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE) {
    flags |= pipeline::rx_ip_checksum_good;
  }
  if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE) {
    flags |= pipeline::rx_udp_checksum_good;
  }
  return flags;
}

// memif's zero-copy client and virtio_user hand the peer every memory segment of this process:
// packets, tickets with their pointers, rings. No copy at parse mends that.
bool exposes_memory(const std::string& device) {
  return device.find("zero-copy=yes") != std::string::npos || device.starts_with("net_virtio_user");
}

}  // namespace

Expected<MbufPool> MbufPool::create(const std::string& name, unsigned mbufs, unsigned room_bytes) {
  const unsigned cache = std::min(lcore_cache_mbufs, mbufs / 4);
  rte_mempool* pool =
      rte_pktmbuf_pool_create(name.c_str(), mbufs, cache, sizeof(pipeline::Ticket),
                              static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + room_bytes),
                              static_cast<int>(rte_socket_id()));
  if (pool == nullptr) {
    return fail(fmt::format("no memory for {} packet buffers: {}", mbufs, rte_strerror(rte_errno)),
                "eal.memory_mib",
                "Give DPDK more memory, or lower port.rx_descriptors, port.tx_descriptors or "
                "worker.held_max");
  }
  return MbufPool(pool);
}

Port::Port(Port&& other) noexcept
    : id_(other.id_),
      pool_(std::move(other.pool_)),
      mac_(other.mac_),
      driver_(std::move(other.driver_)),
      tx_offload_(other.tx_offload_),
      shares_buffers_(other.shares_buffers_),
      open_(std::exchange(other.open_, false)) {}

Port::~Port() {
  if (!open_) return;
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

Expected<Port> Port::open(const PortOptions& options) {
  if (exposes_memory(options.device) && !options.trusted_peer) {
    return fail("this device lets its peer write all of our DPDK memory",
                "port.device \"" + options.device + "\"",
                "Set port.trusted_peer = true where the other process is as trusted as this one; "
                "otherwise leave zero-copy=yes out (memif), or use vhost");
  }
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(device_name(options.device).c_str(), &id) != 0) {
    return fail("DPDK has no such port", "port.device \"" + options.device + "\"",
                ask_the_doctor(options.device));
  }
  rte_eth_dev_info info{};
  if (int error = rte_eth_dev_info_get(id, &info); error != 0) {
    return std::unexpected(port_failure(options, "reading its capabilities", error));
  }
  std::uint16_t rx = options.rx_descriptors;
  std::uint16_t tx = options.tx_descriptors;
  if (int error = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx); error != 0) {
    return std::unexpected(port_failure(options, "sizing the rings", error));
  }
  const std::string pool_name = fmt::format("frames{}", id);
  if (rte_mempool_lookup(pool_name.c_str()) != nullptr) {
    return fail("it is open already", "port.device \"" + options.device + "\"",
                "Name each device once");
  }
  PortOptions adjusted = options;
  adjusted.rx_descriptors = rx;
  adjusted.tx_descriptors = tx;
  auto pool = MbufPool::create(pool_name, mbufs_needed(adjusted), options.room_bytes);
  if (!pool) return std::unexpected(pool.error());

  Port port(id, std::move(*pool));
  port.driver_ = info.driver_name;
  port.shares_buffers_ =
      std::ranges::find(drivers_sharing_buffers, port.driver_) != drivers_sharing_buffers.end();

  rte_eth_conf conf{};
  conf.rxmode.offloads = info.rx_offload_capa & wanted_rx_offloads;
  conf.txmode.offloads =
      info.tx_offload_capa & (wanted_tx_offloads | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
  port.tx_offload_ = (conf.txmode.offloads & wanted_tx_offloads) == wanted_tx_offloads;
  if (!port.tx_offload_) conf.txmode.offloads &= ~wanted_tx_offloads;
  if (int error = rte_eth_dev_configure(id, 1, 1, &conf); error != 0) {
    return std::unexpected(port_failure(options, "configuring one queue pair", error));
  }
  port.open_ = true;
  const int socket = rte_eth_dev_socket_id(id);
  if (int error = rte_eth_rx_queue_setup(id, 0, rx, static_cast<unsigned>(socket), nullptr,
                                         port.pool_.raw());
      error != 0) {
    return std::unexpected(port_failure(options, "setting up the receive queue", error));
  }
  if (int error = rte_eth_tx_queue_setup(id, 0, tx, static_cast<unsigned>(socket), nullptr);
      error != 0) {
    return std::unexpected(port_failure(options, "setting up the transmit queue", error));
  }
  if (int error = rte_eth_dev_start(id); error != 0) {
    return std::unexpected(port_failure(options, "starting", error));
  }
  // ENOTSUP is no fault. Neighbour solicitations come to multicast addresses.
  if (options.promiscuous) (void)rte_eth_promiscuous_enable(id);
  (void)rte_eth_allmulticast_enable(id);
  rte_ether_addr mac{};
  rte_eth_macaddr_get(id, &mac);
  std::copy_n(mac.addr_bytes, 6, port.mac_.begin());
  return port;
}

unsigned Port::receive(pipeline::Ticket** tickets, unsigned max, std::uint64_t now) noexcept {
  std::array<rte_mbuf*, burst_max> mbufs;
  unsigned got = 0;
  {
    const DriverCall in_driver;
    got = rte_eth_rx_burst(id_, 0, mbufs.data(),
                           static_cast<std::uint16_t>(std::min(max, burst_max)));
  }
  for (unsigned i = 0; i < got; ++i) {
    rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
    rte_mbuf* mbuf = mbufs[i];
    pipeline::Ticket* ticket = ticket_of(mbuf);
    ticket->frame = rte_pktmbuf_mtod(mbuf, std::byte*);
    ticket->lsn = 0;
    ticket->arrival = now;
    ticket->copy = pipeline::no_copy;
    ticket->length = mbuf->data_len;
    ticket->capacity = static_cast<std::uint16_t>(mbuf->buf_len - mbuf->data_off);
    ticket->n = 0;
    ticket->pending = 0;
    ticket->flags = receive_flags(mbuf->ol_flags);
    if (mbuf->nb_segs != 1) ticket->flags |= pipeline::rx_segmented;
    if (tx_offload_) ticket->flags |= pipeline::tx_checksum_offload;
    tickets[i] = ticket;
  }
  return got;
}

unsigned Port::transmit(pipeline::Ticket** tickets, unsigned count) noexcept {
  unsigned sent_all = 0;
  while (count > 0) {
    const unsigned chunk = std::min(count, burst_max);
    std::array<rte_mbuf*, burst_max> mbufs;
    for (unsigned i = 0; i < chunk; ++i) {
      const pipeline::Ticket& ticket = *tickets[i];
      rte_mbuf* mbuf = mbuf_of(tickets[i]);
      mbuf->data_len = ticket.length;
      mbuf->pkt_len = ticket.length;
      mbuf->ol_flags = 0;
      if (ticket.flags & pipeline::tx_checksum_offload && ticket.n > 0) {
        const bool ipv6 = ticket.flags & pipeline::frame_ipv6;
        mbuf->l2_len = ticket.flags & pipeline::frame_vlan ? 18 : 14;
        mbuf->l3_len = ipv6 ? 40 : 20;
        mbuf->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM |
                         (ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
      }
      mbufs[i] = mbuf;
    }
    // A full ring is given two more tries: a peer that drains it does so within that time.
    unsigned sent = 0;
    for (int attempt = 0; attempt < 3 && sent < chunk; ++attempt) {
      const DriverCall in_driver;
      sent +=
          rte_eth_tx_burst(id_, 0, mbufs.data() + sent, static_cast<std::uint16_t>(chunk - sent));
    }
    if (sent < chunk) rte_pktmbuf_free_bulk(mbufs.data() + sent, chunk - sent);
    sent_all += sent;
    tickets += chunk;
    count -= chunk;
  }
  return sent_all;
}

void Port::discard(pipeline::Ticket** tickets, unsigned count) noexcept {
  std::array<rte_mbuf*, burst_max> mbufs;
  while (count > 0) {
    const unsigned chunk = std::min(count, burst_max);
    for (unsigned i = 0; i < chunk; ++i) mbufs[i] = mbuf_of(tickets[i]);
    rte_pktmbuf_free_bulk(mbufs.data(), chunk);
    tickets += chunk;
    count -= chunk;
  }
}

bool Port::link_up() const noexcept {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void Port::for_each_statistic(
    const std::function<void(std::string_view, std::uint64_t)>& each) const {
  const int count = rte_eth_xstats_get_names(id_, nullptr, 0);
  if (count <= 0) return;
  std::vector<rte_eth_xstat_name> names(static_cast<std::size_t>(count));
  std::vector<rte_eth_xstat> values(static_cast<std::size_t>(count));
  if (rte_eth_xstats_get_names(id_, names.data(), static_cast<unsigned>(count)) != count) return;
  if (rte_eth_xstats_get(id_, values.data(), static_cast<unsigned>(count)) != count) return;
  for (const auto& value : values) each(names[value.id].name, value.value);
}

}  // namespace claimgate::nic
