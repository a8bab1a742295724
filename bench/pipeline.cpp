// bench pipeline: what the stages around verification cost, and what is left of verification.
//
//   bare loop   rx, dissect with both checksums, hash of every claim's handle, free
//   pipeline    the appliance's own worker on the same port
//   stages      that worker again, with a clock in place of its NoProbe
//
// Refused claims: one for each of 1,000,000 channels in random order, every one answered STALE.
// Verified claims: good ones, beside what libsecp256k1 and libsodium take for them alone. Coalesced
// claims: good ones for channels by Zipf's law, with and without coalescing. All are replayed from
// memory through DPDK's pcap port, interleaved round by round on one pinned core,
// with the calibration. Fails where verdicts and claims differ in number or kind.
//
// libsecp256k1 verifies all of them but those for hot channels, where it is the batch engine.
#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/bare_verify.hpp"
#include "bench/claim_streams.hpp"
#include "bench/digests.hpp"
#include "bench/hot_stream.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/program.hpp"
#include "bench/measure/slices.hpp"
#include "bench/stage_clock.hpp"
#include "bench/stage_table.hpp"
#include "bench/worker_stand.hpp"
#include "src/nic/eal.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::bench {
namespace {

using pipeline::Stage;

constexpr std::uint64_t held_drops = 1000;
constexpr unsigned verified_claims = 512;  // of each key type
constexpr unsigned verified_channels = 64;
static_assert(verified_claims % pipeline::burst_datagrams_max == 0);
// Each port goes on where its last slice ended, so a slice's channels are never in a cache.
constexpr unsigned refused_claims_a_slice = 4800;  // whole bursts: 150 of 32, or 10 of 480
constexpr unsigned refused_slices = 50;            // a round
constexpr unsigned good_slices = verified_claims / pipeline::burst_datagrams_max;
constexpr unsigned zipf_channels = 1000;
constexpr unsigned zipf_claims_single = 512;                           // 16 bursts
constexpr unsigned zipf_claims_full = 2 * pipeline::burst_claims_max;  // 2 bursts
static_assert(zipf_claims_single % pipeline::burst_datagrams_max == 0);

// ---- the streams --------------------------------------------------------------------------------

// One port's worth of claims to many channels, each of which is refused by admit.
class RefusedStream {
 public:
  RefusedStream(unsigned per_datagram, nic::Port& port, channel::Table& table,
                nic::CommandRing& commands)
      : per_datagram_(per_datagram), plain_(port, table, commands), timed_(port, table, commands) {}

  void measure(double clock_cost) {
    Slices bare, loop, timed;
    while (bare.kept() < refused_slices) {
      bare.add([this] { return bare_loop(plain_, refused_claims_a_slice); });
    }
    while (loop.kept() < refused_slices) {
      loop.add([this] { return answer_refused(plain_, refused_claims_a_slice); });
    }
    StageClock& clock = timed_.worker.probe();
    while (timed.kept() < refused_slices) {
      clock.end_slice(timed.add([this] { return answer_refused(timed_, refused_claims_a_slice); }));
    }
    bare_.push_back(bare.cycles_per_unit());
    loop_.push_back(loop.cycles_per_unit());
    stages_.add(clock.take(timed.units(), clock_cost), loop_.back());
  }

  [[nodiscard]] std::string size() const {
    return fmt::format("{} claim{} a datagram", per_datagram_, per_datagram_ > 1 ? "s" : "");
  }
  void report(const Report& report) const {
    report_rate(report, "bare loop, " + size(), bare_);
    report_rate(report, "pipeline, " + size(), loop_);
  }
  void report_stages(const Report& report) const {
    stages_.report(report, fmt::format("refused, {} a datagram", per_datagram_),
                   [this](Stage stage) -> std::optional<Goal> {
                     switch (stage) {
                       case Stage::parse:
                         return at_most(pipeline::parse_budget.per_claim(per_datagram_));
                       case Stage::admit:
                         return at_most(pipeline::admit_budget.per_claim(per_datagram_));
                       case Stage::reply:
                         return at_most(pipeline::reply_budget.per_claim(per_datagram_));
                       default:
                         return std::nullopt;
                     }
                   });
  }
  [[nodiscard]] const std::vector<double>& bare() const noexcept { return bare_; }
  [[nodiscard]] const std::vector<double>& loop() const noexcept { return loop_; }

 private:
  unsigned per_datagram_;
  Stand<pipeline::NoProbe> plain_;
  Stand<StageClock> timed_;
  std::vector<double> bare_, loop_;
  StageTable stages_;
};

// Claims that verify, one a datagram.
class GoodStream {
 public:
  GoodStream(std::string name, const SignedClaims& claims, nic::Port& port, channel::Table& table,
             nic::CommandRing& commands, digest::Digester& digester)
      : name_(std::move(name)),
        claims_(claims),
        verify_(claims, digester),
        plain_(port, table, commands),
        timed_(port, table, commands) {}

  void measure(double clock_cost) {
    Slices bare, loop, timed;
    constexpr unsigned burst = pipeline::burst_datagrams_max;
    while (bare.kept() < good_slices) {
      bare.add([&] { return verify_.examine(bare.kept() * burst, burst); });
    }
    std::vector<double> turns, turns_kept;
    while (loop.kept() < good_slices) {
      start_again_if_due();
      turns.clear();
      if (!loop.add([&] { return answer_good_burst(plain_, turns); })) continue;
      turns_kept.insert(turns_kept.end(), turns.begin(), turns.end());
    }
    StageClock& clock = timed_.worker.probe();
    while (timed.kept() < good_slices) {
      start_again_if_due();
      clock.end_slice(timed.add([&] { return answer_good_burst(timed_, turns); }));
    }
    bare_.push_back(bare.cycles_per_unit());
    loop_.push_back(loop.cycles_per_unit());
    turn_p99_us_.push_back(quantile(std::move(turns_kept), 0.99) /
                           static_cast<double>(rte_get_tsc_hz()) * 1e6);
    stages_.add(clock.take(timed.units(), clock_cost), loop_.back());
  }

  void report(const Report& report) const {
    report_rate(report, verify_.function(), bare_);
    report_rate(report, "end to end, " + name_, loop_);
    report.row({.name = "turn of the loop, p99, " + name_,
                .summary = summarize(turn_p99_us_),
                .unit = "us",
                .goal = at_most(100)});
    report.row({.name = "end to end, " + name_,
                .summary = summarize(ratios(bare_, loop_)),
                .unit = "ratio",
                .goal = at_least(0.95),
                .reference = verify_.function()});
  }
  void report_stages(const Report& report) const {
    const bool hashes = claims_.terms.front().key.type == channel::KeyType::secp256k1;
    stages_.report(report, "good " + name_, [&](Stage stage) -> std::optional<Goal> {
      if (stage == Stage::digest && hashes) return at_most(pipeline::digest_budget.per_claim(1));
      if (stage == Stage::commit) return at_most(pipeline::commit_budget.per_claim(1));
      return std::nullopt;
    });
  }

 private:
  // When the port has replayed its last claim, and before it replays the first: the channels are
  // new again, so that each claim is above what is held.
  void start_again_if_due() {
    if (bursts_++ % good_slices != 0) return;
    for (const auto& terms : claims_.terms) {
      plain_.table.remove(terms.id);
      plain_.table.apply(terms, incarnation_++);
    }
  }

  std::string name_;
  const SignedClaims& claims_;
  BareVerify verify_;
  Stand<pipeline::NoProbe> plain_;
  Stand<StageClock> timed_;
  unsigned bursts_ = 0;
  std::uint32_t incarnation_ = 1;
  std::vector<double> turn_p99_us_, bare_, loop_;
  StageTable stages_;
};

// Claims that verify, by a worker that coalesces and by one that does not, each the whole file in
// turn.
template <class Probe>
class CoalescedStream {
 public:
  CoalescedStream(std::string name, const SignedClaims& claims, unsigned per_datagram,
                  nic::Port& port, channel::Table& table, nic::CommandRing& commands)
      : name_(std::move(name)),
        claims_(claims),
        bursts_(static_cast<unsigned>(claims.claims.size()) /
                (pipeline::burst_datagrams_max * per_datagram)),
        off_(port, table, commands, false),
        on_(port, table, commands, true) {}

  void measure(double clock_cost) {
    off_cycles_.push_back(replay(off_, off_stages_, clock_cost));
    on_cycles_.push_back(replay(on_, on_stages_, clock_cost));
  }

  void report(const Report& report, Goal gain) const {
    report_rate(report, "each examined, " + name_, off_cycles_);
    report_rate(report, "coalesced, " + name_, on_cycles_);
    report.row({.name = "signatures examined, " + name_,
                .summary = exactly(static_cast<double>(on_.stats.signatures_secp256k1.value()) /
                                   static_cast<double>(on_.stats.claims_parsed.value())),
                .unit = "a claim"});
    report.row({.name = "coalesced, " + name_,
                .summary = summarize(ratios(off_cycles_, on_cycles_)),
                .unit = "ratio",
                .goal = gain,
                .reference = "each examined, " + name_});
  }
  // Of a stream in which nothing is to be coalesced.
  void report_commit(const Report& report, Goal goal) const {
    const auto commit = [](const std::vector<StageCycles>& rounds) {
      std::vector<double> cycles;
      for (const auto& stages : rounds) {
        cycles.push_back(stages[static_cast<std::size_t>(Stage::commit)]);
      }
      return cycles;
    };
    report.row({.name = "commit, " + name_,
                .summary = summarize(ratios(commit(on_stages_), commit(off_stages_))),
                .unit = "ratio",
                .goal = goal,
                .reference = "the same without coalescing"});
  }

 private:
  // Every burst until it is answered, with channels that hold nothing at the start; cycles a claim.
  double replay(Stand<Probe>& stand, std::vector<StageCycles>& stages, double clock_cost) {
    for (const auto& terms : claims_.terms) {
      stand.table.remove(terms.id);
      stand.table.apply(terms, incarnation_++);
    }
    const auto decided = [&] {
      return stand.verdicts(wire::Code::accepted) + stand.verdicts(wire::Code::covered);
    };
    const std::uint64_t before = decided();
    Slices slices;
    for (unsigned burst = 0; burst < bursts_; ++burst) {
      bool receiving = true;
      do {
        const bool kept = slices.add([&] { return a_millisecond(stand, receiving, decided); });
        if constexpr (timed) stand.worker.probe().end_slice(kept);
      } while (stand.worker.datagrams_in_flight() > 0);
    }
    if (decided() - before != claims_.claims.size()) {
      throw std::runtime_error("a good claim was neither accepted nor covered");
    }
    if constexpr (timed) stages.push_back(stand.worker.probe().take(slices.units(), clock_cost));
    return slices.cycles_per_unit();
  }
  // A burst lasts longer than a slice may: claims are counted as they are decided.
  template <class Decided>
  std::uint64_t a_millisecond(Stand<Probe>& stand, bool& receiving, Decided&& decided) {
    const std::uint64_t before = decided();
    const std::uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000;
    do {
      stand.worker.turn(std::exchange(receiving, false));
      stand.gate.set_durable(stand.gate.published());  // a disk that takes no time
    } while (stand.worker.datagrams_in_flight() > 0 && rte_rdtsc() < until);
    return decided() - before;
  }

  static constexpr bool timed = !std::is_same_v<Probe, pipeline::NoProbe>;
  std::string name_;
  const SignedClaims& claims_;
  unsigned bursts_;
  Stand<Probe> off_, on_;
  std::uint32_t incarnation_ = 1;
  std::vector<double> off_cycles_, on_cycles_;
  std::vector<StageCycles> off_stages_, on_stages_;
};

// The three of them: Zipf's law in short and in full bursts, and claims that all are of different
// channels.
struct CoalescedStreams {
  CoalescedStream<pipeline::NoProbe> single, full;
  CoalescedStream<StageClock> apart;
  void measure(double clock_cost) {
    single.measure(clock_cost);
    full.measure(clock_cost);
    apart.measure(clock_cost);
  }
  void report(const Report& report) const {
    single.report(report, at_least(1.1));
    full.report(report, at_least(1.5));
    apart.report(report, at_least(0.97));
    apart.report_commit(report, at_most(1.1));
  }
};

// ---- the whole ----------------------------------------------------------------------------------

std::vector<wire::ChannelHandle> fill(channel::Table& table, unsigned channels) {
  std::mt19937_64 random(42);
  std::vector<wire::ChannelHandle> order;
  const std::array<std::byte, wire::signature_bytes> signature{};
  for (unsigned i = 0; i < channels; ++i) {
    const auto terms = random_terms(random);
    const auto applied = table.apply(terms, i + 1);
    if (applied.result != channel::ApplyResult::added) {
      throw std::runtime_error("a channel was not added");
    }
    table.commit(applied.slot, {held_drops}, signature.data(), 0, 1);
    order.push_back(terms.id.handle());
  }
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

void measure_rounds(const Options& options, const Report& report, RefusedStream& single,
                    RefusedStream& full, GoodStream& secp256k1, GoodStream& ed25519,
                    CoalescedStreams& coalesced, HotStream& hot, Digests& digests) {
  Calibration calibration;
  std::vector<double> clock_cost;
  hot.warm_up(options.repeats);
  for (unsigned round = 0; round < options.repeats; ++round) {
    calibration.measure();
    clock_cost.push_back(StageClock::cost());
    const double cost = summarize(clock_cost).median;
    single.measure(cost);
    full.measure(cost);
    secp256k1.measure(cost);
    ed25519.measure(cost);
    coalesced.measure(cost);
    hot.measure(cost);
    digests.measure();
  }
  calibration.report(report);
  report.row({.name = "calibration: one reading of the clock",
              .summary = summarize(clock_cost),
              .unit = "cycles",
              .note = "taken off every stage"});
  single.report(report);
  full.report(report);
  report.row({.name = single.size(),
              .summary = summarize(ratios(single.bare(), single.loop())),
              .unit = "ratio",
              .goal = at_least(0.45),
              .reference = "bare loop, " + single.size()});
  report.row({.name = full.size(),
              .summary = summarize(ratios(single.loop(), full.loop())),
              .unit = "ratio",
              .goal = at_least(1.5),
              .reference = "pipeline, " + single.size()});
  secp256k1.report(report);
  ed25519.report(report);
  coalesced.report(report);
  hot.report(report);
  digests.report(report);
  single.report_stages(report);
  full.report_stages(report);
  secp256k1.report_stages(report);
  ed25519.report_stages(report);
  hot.report_stages(report);
}

std::string device(int index, const std::string& file) {
  return fmt::format("net_pcap{},rx_pcap={},infinite_rx=1", index, file);
}

void measure(const Options& options, const Report& report) {
  const unsigned channels = options.channels;
  const ScratchFolder scratch;
  std::mt19937_64 random(1);
  auto table = need(
      channel::Table::create(channels + 3 * verified_channels + 2 * zipf_channels + hot_channels,
                             {random(), random()}, memory::Pages::huge));
  auto digester = need(digest::Digester::create());
  report.fact("channels", fmt::format("{} in {} MiB of {} pages", channels,
                                      table.bytes_mapped() >> 20, memory::name(table.pages())));
  report.fact("kernels", fmt::format("digests by {}, signatures by libsecp256k1 and "
                                     "libsodium",
                                     digester.kernel()));
  const auto order = fill(table, channels);
  constexpr unsigned full_size = wire::claims_per_datagram_max;
  const std::array files = {scratch.file("one.pcap"),       scratch.file("fifteen.pcap"),
                            scratch.file("secp256k1.pcap"), scratch.file("ed25519.pcap"),
                            scratch.file("zipf.pcap"),      scratch.file("zipf_fifteen.pcap"),
                            scratch.file("apart.pcap"),     scratch.file("hot.pcap")};
  write_low_claims(files[0], order, 1);
  write_low_claims(files[1], order, full_size);
  using enum channel::KeyType;
  const auto round = go_round(verified_claims, verified_channels);
  const auto secp256k1_claims = write_good_claims(files[2], 1, secp256k1, round);
  const auto ed25519_claims = write_good_claims(files[3], 2, ed25519, round);
  const auto zipf_single =
      write_good_claims(files[4], 3, secp256k1, choose_by_zipf(zipf_claims_single, zipf_channels));
  const auto zipf_full = write_good_claims(
      files[5], 4, secp256k1, choose_by_zipf(zipf_claims_full, zipf_channels), full_size);
  const auto apart = write_good_claims(files[6], 5, secp256k1, round);
  const auto hot_claims_written =
      write_good_claims(files[7], 6, secp256k1, choose_evenly(hot_claims, hot_channels));

  const unsigned cpu = nic::allowed_cpus().back();
  // The pcap port holds all it replays in buffers of its own.
  const std::array ports_options = {
      nic::PortOptions{
          .device = device(0, files[0]), .held_max = channels + 4096, .room_bytes = 256},
      nic::PortOptions{.device = device(1, files[1]),
                       .held_max = channels / full_size + 4096,
                       .room_bytes = 1536},
      nic::PortOptions{.device = device(2, files[2]), .held_max = verified_claims + 4096},
      nic::PortOptions{.device = device(3, files[3]), .held_max = verified_claims + 4096},
      nic::PortOptions{.device = device(4, files[4]), .held_max = zipf_claims_single + 4096},
      nic::PortOptions{.device = device(5, files[5]), .held_max = 4096, .room_bytes = 1536},
      nic::PortOptions{.device = device(6, files[6]), .held_max = verified_claims + 4096},
      nic::PortOptions{
          .device = device(7, files[7]), .held_max = hot_claims + 4096, .room_bytes = 256}};
  nic::EalOptions eal_options{.file_prefix = fmt::format("claimgate-bench-{}", ::getpid()),
                              .memory_mib = 64,
                              .lcore_cpus = {cpu}};
  for (const auto& each : ports_options) {
    eal_options.vdevs.push_back(each.device);
    eal_options.memory_mib += nic::memory_needed_mib(each);
  }
  const auto eal = need(nic::Eal::start(eal_options));
  report.fact("packet buffers", fmt::format("{} MiB of {} pages", eal_options.memory_mib,
                                            eal.huge_pages() ? "huge" : "normal"));
  report.fact("core", fmt::format("pinned to CPU {}; time stamp counter {} MHz", cpu,
                                  rte_get_tsc_hz() / 1'000'000));
  report.row({.name = "memory per channel",
              .summary = exactly(static_cast<double>(table.bytes_mapped()) / table.capacity()),
              .unit = "bytes",
              .goal = at_most(288)});
  auto commands = need(nic::CommandRing::create("commands"));
  std::vector<nic::Port> ports;
  ports.reserve(ports_options.size());
  for (const auto& each : ports_options) ports.push_back(need(nic::Port::open(each)));
  RefusedStream single(1, ports[0], table, commands);
  RefusedStream full(full_size, ports[1], table, commands);
  GoodStream good_secp256k1("secp256k1", secp256k1_claims, ports[2], table, commands, digester);
  GoodStream good_ed25519("Ed25519", ed25519_claims, ports[3], table, commands, digester);
  CoalescedStreams coalesced{
      .single = {"bursts of 32 claims by Zipf", zipf_single, 1, ports[4], table, commands},
      .full = {"bursts of 480 claims by Zipf", zipf_full, full_size, ports[5], table, commands},
      .apart = {"one claim a channel", apart, 1, ports[6], table, commands}};
  HotStream hot(hot_claims_written, ports[7], table, commands, digester);
  Digests digests;
  measure_rounds(options, report, single, full, good_secp256k1, good_ed25519, coalesced, hot,
                 digests);
}

}  // namespace
}  // namespace claimgate::bench

int main(int argc, char** argv) {
  return claimgate::bench::run(
      argc, argv,
      {.name = "pipeline",
       .about = "Where a claim's time goes in the worker, stage by stage, in cycles of the time "
                "stamp counter",
       .defaults = {.repeats = 31, .channels = 1'000'000},
       .quick_repeats = 7,
       .measure = claimgate::bench::measure});
}
