#include "bench/hot_stream.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "bench/measure/program.hpp"
#include "lib/xrpl/message.hpp"

namespace claimgate::bench {
namespace {

// Fewer within the worker, and it receives: so its engine's lanes are full at every poll, and
// nothing is answered BUSY.
constexpr unsigned datagrams_in_flight = secp::Engine::lanes_max;
// In turn, because what the machine does to both changes within tens of milliseconds.
constexpr unsigned passes_a_round = 4;
constexpr std::uint64_t slice_cycles = 2'000'000;  // about a millisecond
constexpr unsigned warm_up_passes_a_round = 64, warm_up_passes_max = 512;

// Both engines on pages of one kind, whatever huge ones are left.
secp::EngineOptions options_for(const channel::Table& table) {
  return {.kernel = "auto",
          .keys_max = table.capacity(),
          .table_bytes = (std::size_t{64} << 20) + table.capacity() * secp::Engine::bytes_per_key,
          .pages = memory::Pages::normal};
}

}  // namespace

HotStream::HotStream(const SignedClaims& claims, nic::Port& port, channel::Table& table,
                     nic::CommandRing& commands, digest::Digester& digester)
    : claims_(claims),
      digests_(claims.claims.size()),
      options_(options_for(table)),
      engine_(need(secp::Engine::create(options_))),
      stand_(port, table, commands, false, options_) {
  for (std::size_t i = 0; i < claims.claims.size(); ++i) {
    const SignedClaim& claim = claims.claims[i];
    const auto message = xrpl::claim_message(claims.terms[claim.channel].id, claim.amount);
    digester.digest(std::array{digest::Job{message.data(), digests_[i].data()}});
  }
  for (const auto& terms : claims.terms) slots_.push_back(table.apply(terms, incarnation_++).slot);
}

double HotStream::Shares::percent() const {
  return all == 0 ? 0 : 100 * static_cast<double>(large) / static_cast<double>(all);
}

HotStream::Shares HotStream::decided(const secp::Engine& engine) {
  const secp::EngineCounters& counters = engine.counters();
  const std::uint64_t large = counters.hot_large.value();
  return {large,
          large + counters.hot_small.value() + counters.cold.value() + counters.reference.value()};
}

HotStream::Shares HotStream::alone(Slices& slices) {
  const Shares before = decided(engine_);
  std::size_t in = 0, out = 0;
  std::array<bool, secp::Engine::lanes_max> results;
  const auto turn = [&] {
    for (; in < claims_.claims.size() && engine_.free_lanes() > 0; ++in) {
      const SignedClaim& claim = claims_.claims[in];
      engine_.submit({.signature = claim.signature.data(),
                      .digest = digests_[in].data(),
                      .key = claims_.terms[claim.channel].key.bytes.data(),
                      .key_number = slots_[claim.channel]});
    }
    const unsigned count = engine_.poll(results);
    for (unsigned i = 0; i < count; ++i) {
      if (!results[i]) throw std::runtime_error("the engine refuses a good claim");
    }
    out += count;
    return count;
  };
  // A slice begins and ends where claims have been answered, with all lanes taken between.
  while (turn() == 0) {
  }
  while (in < claims_.claims.size()) {
    slices.add([&] {
      const std::size_t first = out;
      const std::uint64_t began = rte_rdtsc();
      while (turn() == 0 || (in < claims_.claims.size() && rte_rdtsc() - began < slice_cycles)) {
      }
      return out - first;
    });
  }
  while (out < claims_.claims.size()) turn();
  const Shares after = decided(engine_);
  return {after.large - before.large, after.all - before.all};
}

// The channels are new again, so that each claim is above what is held; in the slots they had,
// where the engine knows their keys.
void HotStream::start_again() {
  for (std::size_t i = 0; i < claims_.terms.size(); ++i) {
    stand_.table.remove(claims_.terms[i].id);
    if (stand_.table.apply(claims_.terms[i], incarnation_++).slot != slots_[i]) {
      throw std::runtime_error("a channel has changed its slot");
    }
  }
}

HotStream::Shares HotStream::end_to_end(Slices& slices) {
  start_again();
  const secp::Engine& engine = stand_.worker.engine().engine();
  const Shares before = decided(engine);
  const std::uint64_t first_received = stand_.stats.datagrams_received.value();
  const std::uint64_t first_accepted = stand_.verdicts(wire::Code::accepted);
  const auto received = [&] { return stand_.stats.datagrams_received.value() - first_received; };
  const auto turn = [&] {
    const std::uint64_t accepted = stand_.verdicts(wire::Code::accepted);
    stand_.worker.turn(received() < hot_claims &&
                       stand_.worker.datagrams_in_flight() < datagrams_in_flight);
    stand_.gate.set_durable(stand_.gate.published());  // a disk that takes no time
    return stand_.verdicts(wire::Code::accepted) - accepted;
  };
  while (turn() == 0) {
  }
  stand_.worker.probe().end_slice(false);
  while (received() < hot_claims) {
    stand_.worker.probe().end_slice(slices.add([&] {
      std::uint64_t accepted = 0;
      const std::uint64_t began = rte_rdtsc();
      std::uint64_t now = 0;
      do {
        now = turn();
        accepted += now;
      } while (now == 0 || (received() < hot_claims && rte_rdtsc() - began < slice_cycles));
      return accepted;
    }));
  }
  while (stand_.worker.datagrams_in_flight() > 0) turn();
  stand_.worker.probe().end_slice(false);
  if (stand_.verdicts(wire::Code::accepted) - first_accepted != hot_claims) {
    throw std::runtime_error("a good claim for a hot channel was not accepted");
  }
  const Shares after = decided(engine);
  return {after.large - before.large, after.all - before.all};
}

void HotStream::warm_up(unsigned repeats) {
  const unsigned passes_max = std::min(repeats * warm_up_passes_a_round, warm_up_passes_max);
  Shares first, second;
  do {
    Slices unused;
    first = alone(unused);
    second = end_to_end(unused);
    ++warm_up_passes_;
  } while ((first.large < first.all || second.large < second.all) && warm_up_passes_ < passes_max);
  static_cast<void>(stand_.worker.probe().take(1, 0));
}

void HotStream::measure(double clock_cost) {
  Slices bare, loop;
  for (unsigned pass = 0; pass < passes_a_round || bare.kept() == 0 || loop.kept() == 0; ++pass) {
    alone_shares_.add(alone(bare));
    end_to_end_shares_.add(end_to_end(loop));
  }
  alone_.push_back(bare.cycles_per_unit());
  end_to_end_.push_back(loop.cycles_per_unit());
  stages_.add(stand_.worker.probe().take(loop.units(), clock_cost), end_to_end_.back());
}

void HotStream::report(const Report& report) const {
  report.fact("hot channels",
              fmt::format("{}, verified by {}; warmed up with {} claims", hot_channels,
                          engine_.kernel(), warm_up_passes_ * hot_claims));
  report_rate(report, "the engine alone, hot channels", alone_);
  report_rate(report, "end to end, hot channels", end_to_end_);
  report.row({.name = "end to end, hot channels",
              .summary = summarize(ratios(alone_, end_to_end_)),
              .unit = "ratio",
              .goal = at_least(0.85),
              .reference = "the engine alone, hot channels",
              .note = fmt::format("by large tables: {:.1f} %, alone {:.1f} %",
                                  end_to_end_shares_.percent(), alone_shares_.percent())});
}

void HotStream::report_stages(const Report& report) const {
  stages_.report(
      report, "hot channels", [](pipeline::Stage) { return std::nullopt; },
      "the loop with the clock in it");
}

}  // namespace claimgate::bench
