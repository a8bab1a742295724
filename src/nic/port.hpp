// One DPDK port with one queue pair, and the mbuf pool behind it.
//
// A frame's mbuf carries its pipeline::Ticket in the private area: the pipeline sees tickets only,
// mbufs stay in this folder. Ownership: receive() hands tickets to the caller, transmit() and
// discard() take them back; each ticket goes back exactly once.
//
// open()/close() and statistics: control thread. receive/transmit/discard: the one worker.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/failure/failure.hpp"
#include "src/nic/port_options.hpp"
#include "src/pipeline/ticket.hpp"

namespace claimgate::nic {

// The packet buffers of one port, sized so that they cannot run out: rx + tx descriptors + held + a
// burst + the lcore cache. (memif's rings have 2^rsize entries whatever the descriptors say: the
// profile sets both alike.)
class MbufPool {
 public:
  // Fails where memory is short, naming how much is needed and which key to change.
  [[nodiscard]] static Expected<MbufPool> create(const std::string& name, unsigned mbufs,
                                                 unsigned room_bytes = frame_room_bytes);
  [[nodiscard]] rte_mempool* raw() const noexcept { return pool_.get(); }
  [[nodiscard]] unsigned size() const noexcept { return pool_->size; }
  [[nodiscard]] unsigned available() const noexcept { return rte_mempool_avail_count(pool_.get()); }

 private:
  struct Free {
    void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
  };
  explicit MbufPool(rte_mempool* pool) noexcept : pool_(pool) {}
  std::unique_ptr<rte_mempool, Free> pool_;
};

[[nodiscard]] inline pipeline::Ticket* ticket_of(rte_mbuf* mbuf) noexcept {
  return static_cast<pipeline::Ticket*>(rte_mbuf_to_priv(mbuf));
}
[[nodiscard]] inline rte_mbuf* mbuf_of(pipeline::Ticket* ticket) noexcept {
  return reinterpret_cast<rte_mbuf*>(reinterpret_cast<std::byte*>(ticket) - sizeof(rte_mbuf));
}

class Port {
 public:
  // Configures and starts the port `options.device` names; offloads that the driver has are used.
  [[nodiscard]] static Expected<Port> open(const PortOptions& options);
  Port(Port&&) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();  // stops and closes the port, frees the pool

  // ---- worker -------------------------------------------------------------------------------
  // Up to `max` (<= burst_max) frames; fills frame, length, capacity, flags, arrival, n = 0,
  // pending = 0, lsn = 0, copy = no_copy of each ticket.
  unsigned receive(pipeline::Ticket** tickets, unsigned max, std::uint64_t now) noexcept;
  // Sends frames whose reply is written; returns how many the driver took. The others are freed:
  // a client that hears nothing sends again.
  unsigned transmit(pipeline::Ticket** tickets, unsigned count) noexcept;
  void discard(pipeline::Ticket** tickets, unsigned count) noexcept;

  // ---- any thread ---------------------------------------------------------------------------
  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  [[nodiscard]] const std::array<std::uint8_t, 6>& mac() const noexcept { return mac_; }
  [[nodiscard]] bool checksums_offloaded_tx() const noexcept { return tx_offload_; }
  [[nodiscard]] const MbufPool& pool() const noexcept { return pool_; }
  [[nodiscard]] std::string_view driver() const noexcept { return driver_; }
  // Whether the other end can write our buffers while we read them (memif, vhost).
  [[nodiscard]] bool shares_buffers() const noexcept { return shares_buffers_; }
  [[nodiscard]] bool link_up() const noexcept;
  // Calls `each(name, value)` for every extended statistic of the driver. Control thread.
  void for_each_statistic(const std::function<void(std::string_view, std::uint64_t)>& each) const;

 private:
  Port(std::uint16_t id, MbufPool pool) noexcept : id_(id), pool_(std::move(pool)) {}
  std::uint16_t id_;
  MbufPool pool_;
  std::array<std::uint8_t, 6> mac_{};
  std::string driver_;
  bool tx_offload_ = false;
  bool shares_buffers_ = false;
  bool open_ = false;
};

}  // namespace claimgate::nic
