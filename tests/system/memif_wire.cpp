#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/system/wire.hpp"

namespace claimgate::system_test {

MemifWire::MemifWire(const Site& site) {
  ::setenv("RUNTIME_DIRECTORY", site.path("").c_str(), 1);
  const std::string device = site.memif_client();
  auto eal = nic::Eal::start({.program = "wire",
                              .file_prefix = fmt::format("wire{}", ::getpid()),
                              .huge_pages = nic::HugePages::never,
                              .memory_mib = 128,
                              .lcore_cpus = {nic::allowed_cpus().front()},
                              .vdevs = {device}});
  if (!eal) throw std::runtime_error(eal.error().text());
  eal_.emplace(std::move(*eal));
  auto port = nic::Port::open({.device = device, .held_max = 512});
  if (!port) throw std::runtime_error(port.error().text());
  port_.emplace(std::move(*port));
  if (!eventually([this] { return port_->link_up(); })) throw std::runtime_error("no memif link");
}

// A frame beyond one buffer's room is sent as a chain, as a peer with smaller buffers would.
void MemifWire::send(const Bytes& frame) {
  rte_mempool* pool = port_->pool().raw();
  rte_mbuf* head = nullptr;
  for (std::size_t at = 0; at < frame.size() || head == nullptr;) {
    rte_mbuf* part = rte_pktmbuf_alloc(pool);
    if (part == nullptr) throw std::runtime_error("no packet buffer");
    const std::size_t bytes = std::min<std::size_t>(frame.size() - at, nic::frame_room_bytes);
    std::memcpy(rte_pktmbuf_append(part, static_cast<std::uint16_t>(bytes)), frame.data() + at,
                bytes);
    at += bytes;
    if (head == nullptr) {
      head = part;
    } else {
      rte_pktmbuf_chain(head, part);
    }
  }
  const bool sent = eventually([&] { return rte_eth_tx_burst(port_->id(), 0, &head, 1) == 1; });
  if (!sent) throw std::runtime_error("the memif ring stays full");
}

std::optional<Bytes> MemifWire::receive(std::chrono::microseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    pipeline::Ticket* ticket = nullptr;
    if (port_->receive(&ticket, 1, 0) == 1) {
      Bytes frame(ticket->frame, ticket->frame + ticket->length);
      port_->discard(&ticket, 1);
      return frame;
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 20'000};
    nanosleep(&pause, nullptr);
  } while (std::chrono::steady_clock::now() < deadline);
  return std::nullopt;
}

}  // namespace claimgate::system_test
