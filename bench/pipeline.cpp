// bench pipeline: what the stages around verification cost, and what is left of verification.
//
//   bare loop   rx, dissect with both checksums, hash of every claim's handle, free
//   pipeline    the appliance's own worker on the same port: every claim answered STALE and sent
//
// Both replay the same 1,000,000 claims for distinct channels in random order, from memory, through
// DPDK's pcap port, interleaved round by round on one pinned core. Then claims that verify, end to
// end, beside bare secp256k1_ecdsa_verify. Fails where verdicts and claims differ in number or
// kind.
#include <rte_cycles.h>
#include <secp256k1.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/report.hpp"
#include "lib/capture/pcap_writer.hpp"
#include "lib/packet/dissect.hpp"
#include "lib/signing/signing.hpp"
#include "lib/xrpl/message.hpp"
#include "src/durability/open_gate.hpp"
#include "src/nic/command_ring.hpp"
#include "src/nic/eal.hpp"
#include "src/nic/port.hpp"
#include "src/pipeline/clock.hpp"
#include "src/pipeline/worker.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::bench {
namespace {

constexpr unsigned channels = 1'000'000;
constexpr std::uint64_t held_drops = 1000;
constexpr unsigned rounds = 9;
constexpr unsigned verified_claims = 1024;
constexpr unsigned verified_channels = 64;
static_assert(verified_claims % pipeline::burst_datagrams_max == 0);

using Worker =
    pipeline::Worker<nic::Port, durability::OpenGate, pipeline::SystemClock, nic::CommandRing>;

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "bench pipeline: {}\n", why);
  std::exit(1);
}

template <class T>
T need(Expected<T> got) {
  if (!got) die(got.error().text());
  return std::move(*got);
}

channel::ChannelTerms random_terms(std::mt19937_64& random) {
  channel::ChannelTerms terms;
  for (auto& byte : terms.id.bytes) byte = static_cast<std::byte>(random());
  terms.funded = {1'000'000'000};
  terms.valid_until = channel::never;
  return terms;
}

packet::Endpoints client_to_appliance() {
  packet::Endpoints out;
  out.source_mac = packet::Mac{{0x02, 0, 0, 0, 0, 2}};
  out.destination_mac = packet::Mac{{0x02, 0, 0, 0, 0, 1}};
  out.source.v4 = {0x0A5D0002};       // 10.93.0.2
  out.destination.v4 = {0x0A5D0001};  // 10.93.0.1
  out.source_port = 40'000;
  return out;
}

void write_stale_claims(const std::string& path, const std::vector<wire::ChannelHandle>& order,
                        unsigned per_datagram) {
  std::ofstream file(path, std::ios::binary);
  capture::PcapWriter pcap(file, capture::Resolution::microseconds);
  std::mt19937_64 random(per_datagram);
  std::array<std::byte, wire::signature_bytes> signature;
  std::array<std::byte, wire::payload_bytes_max> payload;
  for (std::size_t first = 0; first < order.size(); first += per_datagram) {
    const auto n = std::min<std::size_t>(per_datagram, order.size() - first);
    for (std::size_t i = 0; i < n; ++i) {
      for (auto& byte : signature) byte = static_cast<std::byte>(random());
      wire::write_claim(payload.data() + i * wire::claim_bytes, order[first + i],
                        static_cast<std::uint32_t>(first + i), {1}, signature.data(), 1.7e12);
    }
    pcap.add_udp(0, client_to_appliance(), {payload.data(), n * wire::claim_bytes});
  }
}

// What the loop around a worker needs, set up once.
struct Bench {
  nic::Port& port;
  channel::Table& table;
  nic::CommandRing& commands;
  packet::LocalAddresses local;
  pipeline::SystemClock clock{rte_get_tsc_hz()};
  durability::OpenGate gate;
  pipeline::Stats stats;
  Worker worker;

  Bench(nic::Port& on, channel::Table& with, nic::CommandRing& ring)
      : port(on),
        table(with),
        commands(ring),
        local(need(packet::LocalAddresses::parse(
            packet::Mac{{2, 0, 0, 0, 0, 1}}, std::array<std::string, 1>{"10.93.0.1/24"}, false))),
        worker({.rules = {.copy_payloads = false}}, port, gate, clock, commands, local, table,
               need(digest::Digester::create()), need(verify::Verifier::create()), stats) {}

  [[nodiscard]] std::uint64_t verdicts(wire::Code code) const {
    return stats.verdicts[static_cast<std::size_t>(code)].value();
  }
};

// Cycles per claim.
double bare_loop(Bench& bench, std::uint64_t claims_wanted) {
  std::uint64_t claims = 0;
  std::uint64_t folded = 0;
  const std::uint64_t began = rte_rdtsc();
  while (claims < claims_wanted) {
    std::array<rte_mbuf*, nic::burst_max> mbufs;
    const unsigned got = rte_eth_rx_burst(bench.port.id(), 0, mbufs.data(), nic::burst_max);
    for (unsigned i = 0; i < got; ++i) {
      const auto* frame = rte_pktmbuf_mtod(mbufs[i], const std::byte*);
      const auto seen = packet::dissect(frame, mbufs[i]->data_len, bench.local, {});
      for (unsigned j = 0; j < seen.claims; ++j) {
        const wire::ClaimFrame claim(frame + seen.payload_offset + j * wire::claim_bytes);
        folded ^= bench.table.hash(claim.handle());
      }
      claims += seen.claims;
    }
    rte_pktmbuf_free_bulk(mbufs.data(), got);
  }
  const std::uint64_t cycles = rte_rdtsc() - began;
  if (folded == 0) die("the hash of a million handles folds to zero");
  return static_cast<double>(cycles) / static_cast<double>(claims);
}

double pipeline_loop(Bench& bench, std::uint64_t claims_wanted) {
  const std::uint64_t stale_before = bench.verdicts(wire::Code::stale);
  const std::uint64_t parsed_before = bench.stats.claims_parsed.value();
  const std::uint64_t began = rte_rdtsc();
  while (bench.stats.claims_parsed.value() - parsed_before < claims_wanted) bench.worker.turn(true);
  const std::uint64_t cycles = rte_rdtsc() - began;
  const std::uint64_t parsed = bench.stats.claims_parsed.value() - parsed_before;
  if (bench.verdicts(wire::Code::stale) - stale_before != parsed) die("verdicts and claims differ");
  if (bench.stats.datagrams_answered.value() != bench.stats.datagrams_received.value()) {
    die("datagrams received and answered differ");
  }
  return static_cast<double>(cycles) / static_cast<double>(parsed);
}

// ---- stage by stage
// ------------------------------------------------------------------------------

enum Stage { receive, parse, admit, reply, transmit, stages };
constexpr std::array<const char*, stages> stage_names = {"rx", "parse", "admit", "reply", "tx"};
using StageCycles = std::array<double, stages>;  // per claim

// The stages that a STALE claim passes, called as the worker calls them, with a clock between.
StageCycles stage_loop(Bench& bench, std::uint64_t claims_wanted) {
  const pipeline::Rules rules{.copy_payloads = false};
  pipeline::Stats stats;
  pipeline::ClaimRing ring(1);
  pipeline::CopyArena copies(0);
  auto burst = std::make_unique<pipeline::Burst>();
  std::array<std::uint64_t, stages> spent{};
  while (stats.claims_parsed.value() < claims_wanted) {
    std::array<std::uint64_t, stages + 1> at;
    burst->clear();
    auto& received = burst->received;
    at[receive] = rte_rdtsc();
    received.count = bench.port.receive(received.items.data(), pipeline::burst_datagrams_max, 0);
    at[parse] = rte_rdtsc();
    pipeline::parse(*burst, bench.local, bench.table, copies, received.count, rules, stats);
    at[admit] = rte_rdtsc();
    pipeline::admit(*burst, bench.table, ring, bench.gate, 1, stats);
    at[reply] = rte_rdtsc();
    for (pipeline::Ticket* ticket : received) {
      pipeline::write_reply(*ticket, bench.local.mac(), false, rules);
    }
    at[transmit] = rte_rdtsc();
    bench.port.transmit(received.items.data(), received.count);
    at[stages] = rte_rdtsc();
    for (int stage = 0; stage < stages; ++stage) spent[stage] += at[stage + 1] - at[stage];
  }
  StageCycles out;
  for (int stage = 0; stage < stages; ++stage) {
    out[stage] = static_cast<double>(spent[stage]) / static_cast<double>(claims_wanted);
  }
  return out;
}

void report_stages(const std::string& size, const std::vector<StageCycles>& rounds_seen) {
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<double> values;
    for (const auto& seen : rounds_seen) values.push_back(seen[stage]);
    report({.bench = "pipeline",
            .name = fmt::format("{}, {}", stage_names[stage], size),
            .value = median(values),
            .unit = "cycles/claim",
            .higher_is_better = false});
  }
}

void report_rate(const std::string& name, double cycles) {
  report({.bench = "pipeline",
          .name = name + " cycles",
          .value = cycles,
          .unit = "cycles/claim",
          .higher_is_better = false});
  report({.bench = "pipeline",
          .name = name,
          .value = static_cast<double>(rte_get_tsc_hz()) / cycles / 1e6,
          .unit = "Mclaims/s"});
}

// ---- end to end with verification --------------------------------------------------------------

struct SignedClaims {
  std::vector<channel::ChannelTerms> terms;
  std::vector<secp256k1_ecdsa_signature> signatures;
  std::vector<secp256k1_pubkey> keys;
  std::vector<std::array<std::uint8_t, 32>> digests;
};

SignedClaims write_good_claims(const std::string& path, const secp256k1_context* context) {
  SignedClaims out;
  std::mt19937_64 random(7);
  std::vector<signing::KeyPair> pairs;
  for (unsigned i = 0; i < verified_channels; ++i) {
    pairs.push_back(signing::KeyPair::derive(7, i, channel::KeyType::secp256k1));
    out.terms.push_back(random_terms(random));
    out.terms.back().key = pairs.back().public_key();
  }
  auto digester = need(digest::Digester::create());
  std::ofstream file(path, std::ios::binary);
  capture::PcapWriter pcap(file, capture::Resolution::microseconds);
  for (unsigned i = 0; i < verified_claims; ++i) {
    const auto& pair = pairs[i % verified_channels];
    const auto& terms = out.terms[i % verified_channels];
    const wire::Drops amount{1 + i};
    const auto signature = pair.sign(terms.id, amount);
    std::array<std::byte, wire::claim_bytes> frame;
    wire::write_claim(frame.data(), terms.id.handle(), i, amount, signature.data(), 1.7e12);
    pcap.add_udp(0, client_to_appliance(), frame);

    const auto message = xrpl::claim_message(terms.id, amount);
    std::array<std::byte, digest::hash_bytes> hash;
    digester.digest(std::array{digest::Job{message.data(), hash.data()}});
    std::memcpy(out.digests.emplace_back().data(), hash.data(), 32);
    secp256k1_ecdsa_signature_parse_compact(
        context, &out.signatures.emplace_back(),
        reinterpret_cast<const std::uint8_t*>(signature.data()));
    std::array<std::uint8_t, 65> key{0x04};
    std::memcpy(key.data() + 1, terms.key.bytes.data(), 64);
    if (secp256k1_ec_pubkey_parse(context, &out.keys.emplace_back(), key.data(), 65) != 1) {
      die("a test key does not parse");
    }
  }
  return out;
}

double bare_verify(const SignedClaims& claims, const secp256k1_context* context) {
  const std::uint64_t began = rte_rdtsc();
  unsigned good = 0;
  for (unsigned i = 0; i < verified_claims; ++i) {
    good += static_cast<unsigned>(secp256k1_ecdsa_verify(
        context, &claims.signatures[i], claims.digests[i].data(), &claims.keys[i]));
  }
  const std::uint64_t cycles = rte_rdtsc() - began;
  if (good != verified_claims) die("bare verification refuses a good claim");
  return static_cast<double>(cycles) / verified_claims;
}

double end_to_end(Bench& bench, const SignedClaims& claims, std::uint32_t& incarnation) {
  for (const auto& terms : claims.terms) {
    bench.table.remove(terms.id);
    bench.table.apply(terms, ++incarnation);
  }
  const auto answered = [&] { return bench.stats.datagrams_answered.value(); };
  const auto received = [&] { return bench.stats.datagrams_received.value(); };
  const std::uint64_t answered_before = answered();
  const std::uint64_t received_before = received();
  const std::uint64_t accepted_before = bench.verdicts(wire::Code::accepted);
  const std::uint64_t began = rte_rdtsc();
  while (answered() - answered_before < verified_claims) {
    bench.worker.turn(received() - received_before < verified_claims &&
                      bench.worker.datagrams_in_flight() < 64);
  }
  const std::uint64_t cycles = rte_rdtsc() - began;
  if (bench.verdicts(wire::Code::accepted) - accepted_before != verified_claims) {
    die("a good claim was not accepted");
  }
  return static_cast<double>(cycles) / verified_claims;
}

// ---- the whole ---------------------------------------------------------------------------------

std::vector<wire::ChannelHandle> fill(channel::Table& table) {
  std::mt19937_64 random(42);
  std::vector<wire::ChannelHandle> order;
  const std::array<std::byte, wire::signature_bytes> signature{};
  for (unsigned i = 0; i < channels; ++i) {
    const auto terms = random_terms(random);
    const auto applied = table.apply(terms, i + 1);
    if (applied.result != channel::ApplyResult::added) die("a channel was not added");
    table.commit(applied.slot, {held_drops}, signature.data(), 0, 1);
    order.push_back(terms.id.handle());
  }
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

void compare(Bench& single, Bench& full, Bench& verified, const SignedClaims& claims,
             const secp256k1_context* context) {
  struct Rounds {
    std::vector<double> bare1, pipeline1, bare15, pipeline15, ratio1, gain15, verify, whole, share;
    std::vector<StageCycles> stages1, stages15;
  } seen;
  std::uint32_t incarnation = channels + 1;
  for (unsigned round = 0; round < rounds; ++round) {
    seen.bare1.push_back(bare_loop(single, channels));
    seen.pipeline1.push_back(pipeline_loop(single, channels));
    seen.bare15.push_back(bare_loop(full, channels));
    seen.pipeline15.push_back(pipeline_loop(full, channels));
    seen.ratio1.push_back(seen.bare1.back() / seen.pipeline1.back());
    seen.gain15.push_back(seen.pipeline1.back() / seen.pipeline15.back());
    seen.stages1.push_back(stage_loop(single, channels));
    seen.stages15.push_back(stage_loop(full, channels));
    seen.verify.push_back(bare_verify(claims, context));
    seen.whole.push_back(end_to_end(verified, claims, incarnation));
    seen.share.push_back(seen.verify.back() / seen.whole.back());
  }
  report_rate("bare loop, 1 claim a datagram", median(seen.bare1));
  report_rate("pipeline, 1 claim a datagram", median(seen.pipeline1));
  report_rate("bare loop, 15 claims a datagram", median(seen.bare15));
  report_rate("pipeline, 15 claims a datagram", median(seen.pipeline15));
  report({.bench = "pipeline",
          .name = "1 claim a datagram",
          .value = median(seen.ratio1),
          .unit = "ratio",
          .reference = "bare loop, 1 claim a datagram",
          .goal = 0.45});
  report({.bench = "pipeline",
          .name = "15 claims a datagram",
          .value = median(seen.gain15),
          .unit = "ratio",
          .reference = "pipeline, 1 claim a datagram",
          .goal = 1.5});
  report_stages("1 claim a datagram", seen.stages1);
  report_stages("15 claims a datagram", seen.stages15);
  report_rate("secp256k1_ecdsa_verify", median(seen.verify));
  report_rate("end to end with verification", median(seen.whole));
  report({.bench = "pipeline",
          .name = "turn of the loop, p99, end to end",
          .value = static_cast<double>(verified.stats.turn_ns.quantile(0.99)) / 1e3,
          .unit = "us",
          .goal = 100,
          .higher_is_better = false});
  report({.bench = "pipeline",
          .name = "end to end",
          .value = median(seen.share),
          .unit = "ratio",
          .reference = "secp256k1_ecdsa_verify",
          .goal = 0.95});
}

int run() {
  ScratchFolder scratch;
  std::mt19937_64 random(1);
  auto table = need(channel::Table::create(channels + verified_channels, {random(), random()},
                                           memory::Pages::huge));
  report({.bench = "pipeline",
          .name = "memory per channel",
          .value = static_cast<double>(table.bytes_mapped()) / table.capacity(),
          .unit = "bytes",
          .goal = 288,
          .higher_is_better = false});
  const auto order = fill(table);
  const std::string one = scratch.file("one.pcap");
  const std::string fifteen = scratch.file("fifteen.pcap");
  const std::string good = scratch.file("good.pcap");
  write_stale_claims(one, order, 1);
  write_stale_claims(fifteen, order, wire::claims_per_datagram_max);
  secp256k1_context* context = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
  const auto claims = write_good_claims(good, context);

  const auto device = [](int index, const std::string& file) {
    return fmt::format("net_pcap{},rx_pcap={},infinite_rx=1", index, file);
  };
  const auto cpus = nic::allowed_cpus();
  auto eal =
      need(nic::Eal::start({.file_prefix = "claimgate-bench-pipeline",
                            .memory_mib = 1152,
                            .lcore_cpus = {cpus.back()},
                            .vdevs = {device(0, one), device(1, fifteen), device(2, good)}}));
  report({.bench = "pipeline",
          .name = "huge pages",
          .value = eal.huge_pages() ? 1.0 : 0.0,
          .unit = "flag"});
  {
    auto commands = need(nic::CommandRing::create("commands"));
    auto single_port = need(nic::Port::open(
        {.device = device(0, one), .held_max = channels + 4096, .room_bytes = 256}));
    auto full_port = need(nic::Port::open(
        {.device = device(1, fifteen), .held_max = channels / 15 + 4096, .room_bytes = 1536}));
    auto good_port =
        need(nic::Port::open({.device = device(2, good), .held_max = verified_claims + 4096}));
    auto single = std::make_unique<Bench>(single_port, table, commands);
    auto full = std::make_unique<Bench>(full_port, table, commands);
    auto verified = std::make_unique<Bench>(good_port, table, commands);
    compare(*single, *full, *verified, claims, context);
  }
  secp256k1_context_destroy(context);
  return 0;
}

}  // namespace
}  // namespace claimgate::bench

int main() {
  return claimgate::bench::run();
}
