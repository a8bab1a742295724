// A worker of bench pipeline's on a port, and the loops around it: claims that admit refuses, a
// burst of good ones, and the least that any loop over the same frames could do.
//
// Thread: the one that measures.
#pragma once

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure/program.hpp"
#include "lib/packet/dissect.hpp"
#include "src/durability/lane_gate.hpp"
#include "src/nic/command_ring.hpp"
#include "src/nic/port.hpp"
#include "src/pipeline/clock.hpp"
#include "src/pipeline/worker.hpp"

namespace claimgate::bench {

// What the loop around a worker needs, set up once.
template <class Probe>
struct Stand {
  nic::Port& port;
  channel::Table& table;
  packet::LocalAddresses local;
  pipeline::SystemClock clock{rte_get_tsc_hz()};
  durability::LaneGate gate{1 << 14, 1};
  pipeline::Stats stats;
  pipeline::Worker<nic::Port, durability::LaneGate, pipeline::SystemClock, nic::CommandRing, Probe>
      worker;

  Stand(nic::Port& on, channel::Table& with, nic::CommandRing& commands, bool coalesce = false,
        const secp::EngineOptions& engine = {.kernel = "reference"})
      : port(on),
        table(with),
        local(need(packet::LocalAddresses::parse(
            packet::Mac{{2, 0, 0, 0, 0, 1}}, std::array<std::string, 1>{"10.93.0.1/24"}, false))),
        worker({.rules = {.copy_payloads = false, .coalesce = coalesce}}, port, gate, clock,
               commands, local, table, need(digest::Digester::create()),
               need(verify::Verifier::create(engine)), stats) {}

  [[nodiscard]] std::uint64_t verdicts(wire::Code code) const {
    return stats.verdicts[static_cast<std::size_t>(code)].value();
  }
};

// Until `wanted` claims more have been answered STALE; how many they were.
template <class Probe>
std::uint64_t answer_refused(Stand<Probe>& stand, std::uint64_t wanted) {
  const std::uint64_t stale_before = stand.verdicts(wire::Code::stale);
  const std::uint64_t parsed_before = stand.stats.claims_parsed.value();
  while (stand.stats.claims_parsed.value() - parsed_before < wanted) stand.worker.turn(true);
  const std::uint64_t parsed = stand.stats.claims_parsed.value() - parsed_before;
  if (stand.verdicts(wire::Code::stale) - stale_before != parsed) {
    throw std::runtime_error("verdicts and claims differ");
  }
  if (stand.stats.datagrams_answered.value() != stand.stats.datagrams_received.value()) {
    throw std::runtime_error("datagrams received and answered differ");
  }
  return parsed;
}

// One burst of good claims, from its reception until the last of them has been accepted; how many
// they were. `turns` gets the cycles of every turn of the loop.
template <class Probe>
std::uint64_t answer_good_burst(Stand<Probe>& stand, std::vector<double>& turns) {
  const std::uint64_t answered_before = stand.stats.datagrams_answered.value();
  const std::uint64_t accepted_before = stand.verdicts(wire::Code::accepted);
  std::uint64_t last = rte_rdtsc();
  bool receiving = true;
  do {
    stand.worker.turn(std::exchange(receiving, false));
    stand.gate.set_durable(stand.gate.published());  // a disk that takes no time
    const std::uint64_t now = rte_rdtsc();
    turns.push_back(static_cast<double>(now - last));
    last = now;
  } while (stand.worker.datagrams_in_flight() > 0);
  const std::uint64_t answered = stand.stats.datagrams_answered.value() - answered_before;
  if (answered != pipeline::burst_datagrams_max ||
      stand.verdicts(wire::Code::accepted) - accepted_before != answered) {
    throw std::runtime_error("a good claim was not accepted");
  }
  return answered;
}

// The least that a loop over the same frames could do, until `wanted` claims more; how many they
// were.
inline std::uint64_t bare_loop(Stand<pipeline::NoProbe>& stand, std::uint64_t wanted) {
  std::uint64_t claims = 0;
  std::uint64_t folded = 0;
  while (claims < wanted) {
    std::array<rte_mbuf*, nic::burst_max> mbufs;
    const unsigned got = rte_eth_rx_burst(stand.port.id(), 0, mbufs.data(), nic::burst_max);
    for (unsigned i = 0; i < got; ++i) {
      const auto* frame = rte_pktmbuf_mtod(mbufs[i], const std::byte*);
      const auto seen = packet::dissect(frame, mbufs[i]->data_len, stand.local, {});
      for (unsigned j = 0; j < seen.claims; ++j) {
        const wire::ClaimFrame claim(frame + seen.payload_offset + j * wire::claim_bytes);
        folded ^= stand.table.hash(claim.handle());
      }
      claims += seen.claims;
    }
    rte_pktmbuf_free_bulk(mbufs.data(), got);
  }
  if (folded == 0) throw std::runtime_error("the hash of many handles folds to zero");
  return claims;
}

}  // namespace claimgate::bench
