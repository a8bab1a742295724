#include "apps/claimgen/client.hpp"

#include <fmt/format.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "apps/claimgen/progress.hpp"
#include "apps/claimgen/reply.hpp"
#include "apps/claimgen/watch.hpp"
#include "lib/packet/responder.hpp"
#include "src/nic/device.hpp"
#include "src/nic/unmap_guard.hpp"

namespace claimgate::claimgen {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t query_interval_ns = second_ns / 4;
constexpr unsigned empty_rounds_before_yield = 256;
constexpr std::uint64_t yield_ns = 100'000;  // what giving up the CPU may cost, and often does
constexpr unsigned descriptors = 1024;
constexpr unsigned held_max = 512;

bool is_pci_address(const std::string& device) {
  return device.find(':') != device.npos && device.find(':') < device.find(',') &&
         !device.starts_with("net_");
}

// The socket file that a memif or virtio client connects to when its port starts, or nothing.
std::string socket_of(const std::string& device) {
  if (device.starts_with("net_virtio_user")) return std::string(nic::argument(device, "path"));
  const bool memif_client =
      nic::argument(device, "role") == "client" && nic::argument(device, "socket-abstract") == "no";
  return memif_client ? std::string(nic::argument(device, "socket")) : std::string();
}

// Such a port does not start before its server listens, so its socket is waited for.
Expected<void> wait_for_socket(const ClientOptions& options, const StopFlag& stop) {
  using namespace std::chrono;
  const std::string path = socket_of(options.device);
  const auto deadline = steady_clock::now() + milliseconds(options.link_timeout_ms);
  bool told = options.quiet;
  while (!path.empty() && access(path.c_str(), F_OK) != 0) {
    if (stop) return fail("stopped while waiting for the socket");
    if (steady_clock::now() > deadline) {
      return fail(fmt::format("nobody serves this socket within {} ms", options.link_timeout_ms),
                  path, "Start claimd first, with role=server and the same socket");
    }
    if (!told) {
      fmt::print(stderr, "waiting up to {:.1f} s for {}: is claimd running?\n",
                 options.link_timeout_ms / 1000.0, path);
      told = true;
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  if (!path.empty() && access(path.c_str(), R_OK | W_OK) != 0) {
    return fail(fmt::format("this socket cannot be used: {}", std::strerror(errno)), path,
                "Run claimgen as root or as the user claimd runs as");
  }
  return {};
}

// Where the kernel refuses, the thread stays where it is: slower, not wrong.
void run_on(std::span<const unsigned> cpus) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned cpu : cpus) CPU_SET(cpu, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

Expected<nic::Eal> start_eal(const ClientOptions& options) {
  nic::EalOptions eal;
  eal.program = "claimgen";
  eal.file_prefix = fmt::format("claimgen{}", getpid());
  eal.huge_pages = options.huge_pages;
  eal.memory_mib = options.memory_mib;
  eal.lcore_cpus = {options.lcore_cpu};
  (is_pci_address(options.device) ? eal.pci_devices : eal.vdevs).push_back(options.device);
  return nic::Eal::start(eal);
}

std::string progress_note(const Window& window, double seconds) {
  const Tally& tally = window.tally();
  std::string note = fmt::format(
      "{:.0f} claims/s", static_cast<double>(tally.claims_decided) / std::max(seconds, 1e-3));
  if (tally.datagrams_resent > 0) note += fmt::format(", {} resent", tally.datagrams_resent);
  if (tally.claims_busy > 0) note += fmt::format(", {} busy", tally.claims_busy);
  if (tally.last_behind_ns > late_ns) {
    note += fmt::format(", {} ms behind", tally.last_behind_ns / 1'000'000);
  }
  if (tally.mismatches > 0) note += fmt::format(", {} WRONG", tally.mismatches);
  return note;
}

}  // namespace

Expected<Client> Client::start(const ClientOptions& options, const StopFlag& stop) {
  if (auto there = wait_for_socket(options, stop); !there) {
    return std::unexpected(there.error());
  }
  const std::vector<unsigned> cpus = nic::allowed_cpus();
  auto eal = start_eal(options);
  if (!eal) return std::unexpected(eal.error());
  // EAL has pinned this thread, and threads inherit that: until run(), it works on claims to send.
  run_on(cpus);
  nic::PortOptions port_options;
  port_options.device = options.device;
  port_options.rx_descriptors = descriptors;
  port_options.tx_descriptors = descriptors;
  port_options.held_max = held_max;
  // A generator has nothing to lose: whatever the device shows its peer, claimd may see.
  port_options.trusted_peer = true;
  auto port = nic::Port::open(port_options);
  if (!port) {
    Failure failure = port.error();
    if (const std::string path = socket_of(options.device); !path.empty()) {
      failure.remedy = fmt::format(
          "Does claimd still serve {}? A file that a killed one left "
          "behind may be removed",
          path);
    }
    return std::unexpected(failure);
  }
  auto ends = make_endpoints(options.endpoints);
  if (!ends) return std::unexpected(ends.error());
  if (options.endpoints.local_mac.empty()) ends->source_mac.bytes = port->mac();
  const std::array<std::string, 1> addresses = {options.endpoints.local_ip};
  const auto local = packet::LocalAddresses::parse(ends->source_mac, addresses, false);
  if (!local) return std::unexpected(local.error());
  Client client(options, std::move(*eal), std::move(*port), *local);
  client.endpoints_ = *ends;
  if (auto up = client.wait_for_link(stop); !up) return std::unexpected(up.error());
  if (options.endpoints.peer_mac.empty()) {
    if (auto found = client.find_peer(stop); !found) return std::unexpected(found.error());
  }
  return client;
}

Expected<void> Client::wait_for_link(const StopFlag& stop) {
  using namespace std::chrono;
  const auto begun = steady_clock::now();
  bool told = options_.quiet;
  while (!port_.link_up()) {
    const auto waited = duration_cast<milliseconds>(steady_clock::now() - begun).count();
    if (stop) return fail("stopped while waiting for the link");
    if (waited > options_.link_timeout_ms) {
      return fail(fmt::format("no link within {} ms", options_.link_timeout_ms),
                  "--device " + options_.device,
                  "Start the other end first, with the opposite role and the same socket (memif, "
                  "vhost), or plug the cable in");
    }
    if (!told && waited > 300) {
      fmt::print(stderr, "waiting up to {:.0f} s for the link of {}: is the other end running?\n",
                 options_.link_timeout_ms / 1000.0, options_.device);
      told = true;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  return {};
}

Expected<void> Client::find_peer(const StopFlag& stop) {
  const TscClock clock;
  const std::uint64_t deadline = std::uint64_t{options_.link_timeout_ms} * 1'000'000;
  for (std::uint64_t next_query = 0, now = 0; now <= deadline; now = clock.now_ns()) {
    if (stop) return fail("stopped while asking for the peer's MAC");
    if (now >= next_query) {
      next_query = now + query_interval_ns;
      rte_mbuf* mbuf = rte_pktmbuf_alloc(port_.pool().raw());
      if (mbuf == nullptr) return fail("no packet buffer left", "--memory-mib", "Give more");
      auto* frame = rte_pktmbuf_mtod(mbuf, std::byte*);
      const std::size_t length =
          packet::build_neighbour_query({frame, nic::frame_room_bytes}, endpoints_);
      mbuf->data_len = static_cast<std::uint16_t>(length);
      mbuf->pkt_len = static_cast<std::uint32_t>(length);
      const nic::DriverCall in_driver;
      if (rte_eth_tx_burst(port_.id(), 0, &mbuf, 1) == 0) rte_pktmbuf_free(mbuf);
    }
    std::array<pipeline::Ticket*, nic::burst_max> tickets;
    const unsigned got = port_.receive(tickets.data(), nic::burst_max, now);
    bool found = false;
    for (unsigned i = 0; i < got; ++i) {
      const auto mac = packet::parse_neighbour_answer({tickets[i]->frame, tickets[i]->length},
                                                      endpoints_.destination);
      if (mac) {
        endpoints_.destination_mac = *mac;
        found = true;
      }
      answer_neighbour(tickets[i]);
    }
    if (found) return {};
    if (got == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return fail(fmt::format("{} did not tell its MAC within {} ms", options_.endpoints.peer_ip,
                          options_.link_timeout_ms),
              "--device " + options_.device,
              "Check that claimd runs at the other end and that --peer-ip is one of its addresses; "
              "--peer-mac skips the question");
}

// Answers what other hosts ask of this one (ARP, neighbour discovery, echo) and frees the rest.
void Client::answer_neighbour(pipeline::Ticket* ticket) {
  packet::Answer answer;
  if ((ticket->flags & pipeline::rx_segmented) == 0) {
    answer = packet::respond(ticket->frame, ticket->length, ticket->capacity, local_);
  }
  if (answer.answered == packet::Answered::nothing) {
    port_.discard(&ticket, 1);
    return;
  }
  ticket->length = static_cast<std::uint16_t>(answer.length);
  port_.transmit(&ticket, 1);
}

unsigned Client::receive(Window& window, const TscClock& clock) {
  std::array<pipeline::Ticket*, nic::burst_max> tickets;
  const unsigned got = port_.receive(tickets.data(), nic::burst_max, 0);
  const std::uint64_t now_ns = clock.now_ns();
  for (unsigned i = 0; i < got; ++i) {
    pipeline::Ticket* ticket = tickets[i];
    const Reply reply = read_reply({ticket->frame, ticket->length}, endpoints_);
    if (reply.fault == ReplyFault::none) {
      window.settle(reply.verdicts, reply.source_port, now_ns);
    } else if (reply.fault == ReplyFault::not_for_us) {
      ++window.tally().frames_ignored;
      answer_neighbour(ticket);
      continue;
    } else {
      window.complain(std::nullopt, "well-formed replies",
                      fmt::format("{} ({} bytes)", name(reply.fault), ticket->length));
    }
    port_.discard(&ticket, 1);
  }
  return got;
}

// Hands built frames to the driver; a full ring keeps them for the next round, so order holds.
unsigned Client::flush() noexcept {
  if (unsent_first_ == unsent_count_) return 0;
  const nic::DriverCall in_driver;
  const unsigned sent = rte_eth_tx_burst(port_.id(), 0, unsent_.data() + unsent_first_,
                                         static_cast<std::uint16_t>(unsent_count_ - unsent_first_));
  unsent_first_ += sent;
  return sent;
}

unsigned Client::send(Window& window, const TscClock& clock) {
  const std::uint64_t now_ns = clock.now_ns();
  if (unsent_first_ == unsent_count_) {
    unsent_first_ = unsent_count_ = 0;
    const std::size_t offset = packet::udp_payload_offset(endpoints_);
    while (unsent_count_ < nic::burst_max) {
      rte_mbuf* mbuf = rte_pktmbuf_alloc(port_.pool().raw());
      if (mbuf == nullptr) {  // the driver still has them all: it gives some back
        window.held_back(now_ns);
        break;
      }
      const auto outgoing = window.take(now_ns);
      if (!outgoing) {
        rte_pktmbuf_free(mbuf);
        break;
      }
      auto* frame = rte_pktmbuf_mtod(mbuf, std::byte*);
      const std::size_t bytes = window.write_payload(frame + offset, *outgoing);
      endpoints_.destination_port = outgoing->port;
      const std::size_t length =
          packet::build_udp({frame, nic::frame_room_bytes}, endpoints_, {frame + offset, bytes});
      mbuf->data_len = static_cast<std::uint16_t>(length);
      mbuf->pkt_len = static_cast<std::uint32_t>(length);
      unsent_[unsent_count_++] = mbuf;
    }
  } else {
    window.held_back(now_ns);
  }
  return flush();
}

RunResult Client::run(Window& window, std::uint64_t claims, const StopFlag& stop) {
  run_on({&options_.lcore_cpu, 1});
  Progress progress("claims decided", claims, options_.quiet);
  Watch watch(window, stop);
  const TscClock clock;
  std::uint64_t now = 0, next_note = 0;
  unsigned empty_rounds = 0;
  while (watch.goes_on(now)) {
    unsigned moved = receive(window, clock);
    moved += send(window, clock);
    now = clock.now_ns();
    if (now >= next_note) {  // what need not be looked at in every round
      next_note = now + second_ns / 50;
      if (progress.due()) {
        progress.update(window.tally().claims_decided,
                        progress_note(window, static_cast<double>(now) / double{second_ns}));
      }
    }
    empty_rounds = moved == 0 ? empty_rounds + 1 : 0;
    if (empty_rounds > 0) rte_pause();
    // On a shared CPU the appliance may be what we wait for.
    if (!options_.spin && empty_rounds >= empty_rounds_before_yield &&
        window.next_due_ns() > now + yield_ns) {
      sched_yield();
    }
  }
  RunResult result{.seconds = static_cast<double>(clock.now_ns()) / double{second_ns},
                   .peer_mac = packet::text(endpoints_.destination_mac),
                   .stopped = watch.stopped(),
                   .cut_short = watch.cut_short()};
  progress.finish(window.tally().claims_decided, progress_note(window, result.seconds));
  if (unsent_first_ < unsent_count_) {
    rte_pktmbuf_free_bulk(unsent_.data() + unsent_first_, unsent_count_ - unsent_first_);
    unsent_first_ = unsent_count_ = 0;
  }
  return result;
}

}  // namespace claimgate::claimgen
