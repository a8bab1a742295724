// The client: a DPDK port, and the loop that sends a plan through it.
//
// One thread does it all, EAL's main lcore, in run() pinned to one CPU: poll, settle, send. Each
// round handles at most one burst in either direction, and reads the clock after a reply is in hand
// and before a request is made, so that no time between the two is left out. Checksums are always
// computed here in software, so that every port carries the same bytes.
#pragma once

#include <cstdint>
#include <string>

#include "apps/claimgen/endpoints.hpp"
#include "apps/claimgen/stop.hpp"
#include "apps/claimgen/tsc_clock.hpp"
#include "apps/claimgen/window.hpp"
#include "lib/failure/failure.hpp"
#include "lib/packet/addresses.hpp"
#include "lib/packet/build.hpp"
#include "src/nic/eal.hpp"
#include "src/nic/port.hpp"

namespace claimgate::claimgen {

struct ClientOptions {
  std::string device;  // as EAL takes it: "net_memif0,role=client,…" or a PCI address
  unsigned lcore_cpu = 0;
  nic::HugePages huge_pages = nic::HugePages::automatic;
  unsigned memory_mib = 128;
  EndpointOptions endpoints;  // local MAC: the port's own; peer's: asked for
  std::uint32_t link_timeout_ms = 10'000;
  bool spin = false;  // never give up the CPU
  bool quiet = false;
};

// How a run ended. The window has the rest.
struct RunResult {
  double seconds = 0;  // first transmission to last verdict
  std::string peer_mac;
  bool stopped = false;   // by the user
  std::string cut_short;  // why it ended early, or empty
};

class Client {
 public:
  // Starts EAL and the port, waits for the link and finds the peer's MAC. Call once per process.
  // The calling thread keeps the CPUs that it had.
  [[nodiscard]] static Expected<Client> start(const ClientOptions& options, const StopFlag& stop);
  Client(Client&&) = default;

  [[nodiscard]] std::string_view driver() const noexcept { return port_.driver(); }
  // Sends the window's plan until it is done, stopped, or nobody answers. The thread stays pinned.
  [[nodiscard]] RunResult run(Window& window, std::uint64_t claims, const StopFlag& stop);

 private:
  Client(const ClientOptions& options, nic::Eal eal, nic::Port port,
         packet::LocalAddresses local) noexcept
      : options_(options), eal_(std::move(eal)), port_(std::move(port)), local_(local) {}

  [[nodiscard]] Expected<void> wait_for_link(const StopFlag& stop);
  [[nodiscard]] Expected<void> find_peer(const StopFlag& stop);
  unsigned receive(Window& window, const TscClock& clock);
  unsigned send(Window& window, const TscClock& clock);
  unsigned flush() noexcept;
  void answer_neighbour(pipeline::Ticket* ticket);

  ClientOptions options_;
  nic::Eal eal_;
  nic::Port port_;  // goes before eal_
  packet::LocalAddresses local_;
  packet::Endpoints endpoints_;
  std::array<rte_mbuf*, nic::burst_max> unsent_{};  // built, and not yet taken by the driver
  unsigned unsent_count_ = 0;
  unsigned unsent_first_ = 0;
};

}  // namespace claimgate::claimgen
