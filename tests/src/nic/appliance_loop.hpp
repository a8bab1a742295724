// The appliance's own worker on a real DPDK port, with a table and a clock of its own. One thread.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <string>

#include "src/durability/lane_gate.hpp"
#include "src/nic/command_ring.hpp"
#include "src/nic/port.hpp"
#include "src/pipeline/clock.hpp"
#include "src/pipeline/worker.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::nic {

using RealWorker = pipeline::Worker<Port, durability::LaneGate, pipeline::SystemClock, CommandRing>;

struct ApplianceLoop {
  Port& port;
  packet::LocalAddresses local = pipeline::appliance_addresses();
  channel::Table table = pipeline::need(channel::Table::create(64, {3, 4}, memory::Pages::normal));
  // Nobody writes what is accepted: replies leave at once, and say so.
  durability::LaneGate gate{1 << 16, 1, durability::Release::at_once};
  pipeline::SystemClock clock{rte_get_tsc_hz()};
  CommandRing& commands;
  pipeline::Stats stats;
  RealWorker worker;
  std::uint32_t incarnation = 0;

  ApplianceLoop(Port& on, CommandRing& ring, const pipeline::WorkerOptions& options = {})
      : port(on),
        commands(ring),
        worker(options, port, gate, clock, commands, local, table,
               pipeline::need(digest::Digester::create()),
               pipeline::need(verify::Verifier::create(
                   {.keys_max = table.capacity(), .table_bytes = std::size_t{32} << 20})),
               stats) {}

  pipeline::Payer open_channel(std::uint64_t index,
                               channel::KeyType type = channel::KeyType::secp256k1) {
    auto payer = pipeline::make_payer(index, type);
    payer.terms.valid_until = channel::never;  // here the clock is the machine's
    table.apply(payer.terms, ++incarnation);
    return payer;
  }
  void turn() {
    worker.turn(true);
    pipeline::expect_accounts_to_balance(stats);
  }
  [[nodiscard]] std::uint64_t dropped(packet::Drop why) const {
    return stats.dropped[static_cast<std::size_t>(why)].value();
  }
  [[nodiscard]] std::uint64_t counted(wire::Code code) const {
    return stats.verdicts[static_cast<std::size_t>(code)].value();
  }
};

}  // namespace claimgate::nic
