#include "src/control/metric_families.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "src/control/build_info.hpp"

namespace claimgate::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// One family under construction.
class Family {
 public:
  Family(std::string name, std::string help, MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  Family& add(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else if (family_.type == MetricType::Untyped) {
      metric.untyped.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  Family& add(Labels labels, const counter::Counter& counter) {
    return add(std::move(labels), static_cast<double>(counter.value()));
  }
  Family& add(Labels labels, const counter::Gauge& gauge) {
    return add(std::move(labels), static_cast<double>(gauge.value()));
  }

  void add(Labels labels, ClientMetric::Histogram histogram) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(histogram);
    family_.metric.push_back(std::move(metric));
  }

  [[nodiscard]] MetricFamily take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

Labels worker_label(std::size_t worker) {
  return {{"worker", std::to_string(worker)}};
}
Labels worker_label(std::size_t worker, std::string name, std::string_view value) {
  return {{"worker", std::to_string(worker)}, {std::move(name), std::string(value)}};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// A bucket's edge as it is shown, and the highest recorded value that falls below it: the two
// differ where seconds are shown and nanoseconds recorded.
struct Edge {
  double shown;
  std::uint64_t recorded;
};

// The edge above `ns` in seconds, such that prometheus-cpp, which prints 16 digits, prints a round
// decimal: "5.11e-07", not "5.110000000000001e-07". Whole nanoseconds are recorded, so every edge
// from `ns` to below `ns` + 1 counts the same.
double round_edge(std::uint64_t ns) {
  for (std::uint64_t tenths = 0; tenths < 10; ++tenths) {
    const double edge = static_cast<double>(10 * ns + tenths) / 1e10;
    if (fmt::format("{:.16g}", edge) == fmt::format("{:.12g}", edge)) return edge;
  }
  return static_cast<double>(ns) / 1e9;
}

// One bucket per power of two from 2^first ns to 2^last ns. The edge 2^k - 1 ns is one of the
// histogram's own, so the counts are exact.
template <unsigned first, unsigned last>
std::span<const Edge> second_edges() {
  static const auto edges = [] {
    std::array<Edge, last - first + 1> out;
    for (unsigned k = first; k <= last; ++k) {
      const std::uint64_t ns = (std::uint64_t{1} << k) - 1;
      out[k - first] = {round_edge(ns), ns};
    }
    return out;
  }();
  return edges;
}

// Bursts have at most 32 frames, which lie in the histogram's bucket 32..33.
constexpr std::array<Edge, 7> burst_edges{
    {{1, 1}, {2, 2}, {4, 4}, {8, 8}, {16, 16}, {24, 24}, {32, 33}}};

ClientMetric::Histogram histogram(const counter::Histogram& source, std::span<const Edge> edges,
                                  double unit) {
  const counter::HistogramSnapshot snapshot = source.snapshot();
  ClientMetric::Histogram out;
  out.sample_count = snapshot.count();
  out.sample_sum = static_cast<double>(snapshot.sum()) * unit;
  for (const Edge& edge : edges) {
    out.bucket.push_back({snapshot.count_up_to(edge.recorded), edge.shown});
  }
  return out;
}

using Workers = std::span<const pipeline::Stats* const>;
using Families = std::vector<MetricFamily>;

// A family with one series per worker.
template <class Value>
void per_worker(Families& out, Workers workers, std::string name, std::string help,
                Value pipeline::Stats::*member) {
  constexpr bool counts = std::is_same_v<Value, counter::Counter>;
  Family family(std::move(name), std::move(help), counts ? MetricType::Counter : MetricType::Gauge);
  for (std::size_t i = 0; i < workers.size(); ++i) family.add(worker_label(i), workers[i]->*member);
  out.push_back(family.take());
}

void per_worker(Families& out, Workers workers, std::string name, std::string help,
                counter::Histogram pipeline::Stats::*member, std::span<const Edge> edges,
                double unit) {
  Family family(std::move(name), std::move(help), MetricType::Histogram);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    family.add(worker_label(i), histogram(workers[i]->*member, edges, unit));
  }
  out.push_back(family.take());
}

void add_datagrams(Families& out, Workers workers) {
  using pipeline::Stats;
  constexpr auto counter = MetricType::Counter;
  per_worker(out, workers, "claimgate_datagrams_received_total", "Frames taken from the port.",
             &Stats::datagrams_received);
  per_worker(out, workers, "claimgate_datagrams_answered_total",
             "Datagrams whose verdicts were handed to the port.", &Stats::datagrams_answered);
  per_worker(out, workers, "claimgate_neighbours_answered_total",
             "ARP requests, neighbour solicitations and echo requests answered.",
             &Stats::neighbours_answered);
  per_worker(out, workers, "claimgate_datagrams_silenced_total",
             "Datagrams left unanswered because all their verdicts were UNKNOWN_CHANNEL and "
             "claims.answer_unknown is false.",
             &Stats::datagrams_silenced);
  Family dropped("claimgate_datagrams_dropped_total",
                 "Frames dropped without an answer, by reason.", counter);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    for (std::size_t drop = 1; drop < packet::drop_count; ++drop) {  // 0 is "none"
      dropped.add(worker_label(i, "reason", packet::drop_names[drop]), workers[i]->dropped[drop]);
    }
  }
  out.push_back(dropped.take());
  per_worker(out, workers, "claimgate_transmit_failed_total",
             "Answers that the port did not take because its ring stayed full.",
             &Stats::transmit_failed);
  per_worker(out, workers, "claimgate_datagrams_held", "Datagrams received and not yet decided.",
             &Stats::datagrams_held);
}

void add_claims(Families& out, Workers workers) {
  using pipeline::Stats;
  constexpr auto counter = MetricType::Counter;
  per_worker(out, workers, "claimgate_claims_parsed_total", "Claims read from accepted datagrams.",
             &Stats::claims_parsed);
  Family verdicts("claimgate_claims_verdicts_total", "Verdicts on claims, by code.", counter);
  Family verified("claimgate_signatures_verified_total",
                  "Signatures examined, valid or not, by scheme.", counter);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    for (std::size_t code = 0; code < wire::code_count; ++code) {
      verdicts.add(worker_label(i, "code", lower(wire::code_names[code])),
                   workers[i]->verdicts[code]);
    }
    verified.add(worker_label(i, "scheme", "secp256k1"), workers[i]->signatures_secp256k1);
    verified.add(worker_label(i, "scheme", "ed25519"), workers[i]->signatures_ed25519);
  }
  out.push_back(verdicts.take());
  per_worker(out, workers, "claimgate_claims_in_flight", "Claims admitted and not yet decided.",
             &Stats::claims_in_flight);
  out.push_back(verified.take());
  per_worker(out, workers, "claimgate_signatures_matched_total",
             "Repeated claims that needed no verification: their signature was, byte for byte, the "
             "one already held.",
             &Stats::signatures_matched);
}

void add_loop(Families& out, Workers workers) {
  using pipeline::Stats;
  constexpr double ns = 1e-9;
  Family polls("claimgate_polls_total", "Polls of the port, by what they brought.",
               MetricType::Counter);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    polls.add(worker_label(i, "result", "frames"), workers[i]->bursts);
    polls.add(worker_label(i, "result", "empty"), workers[i]->polls_empty);
  }
  out.push_back(polls.take());
  per_worker(out, workers, "claimgate_idle_sleeps_total",
             "Times a worker slept for want of work (worker.idle = \"yield\").", &Stats::sleeps);
  per_worker(out, workers, "claimgate_commands_total", "Provisioning commands executed.",
             &Stats::commands);
  per_worker(out, workers, "claimgate_burst_frames", "Frames per poll that brought any.",
             &Stats::burst_fill, burst_edges, 1);
  per_worker(out, workers, "claimgate_turn_seconds",
             "Length of a turn of the worker's loop that had work: the gap between two polls.",
             &Stats::turn_ns, second_edges<8, 27>(), ns);
  per_worker(out, workers, "claimgate_reply_seconds",
             "Time from a datagram's receipt to its answer.", &Stats::reply_ns,
             second_edges<10, 30>(), ns);
}

void add_levels(Families& out, const Observed& observed) {
  constexpr auto gauge = MetricType::Gauge;
  Family mbufs("claimgate_pool_mbufs", "Packet buffers of the port's pool.", gauge);
  Family available("claimgate_pool_mbufs_available", "Packet buffers free in the pool.", gauge);
  Family link("claimgate_port_up", "1 where the port has link, else 0.", gauge);
  // Drivers mix counters and levels under names of their own, so these carry no type.
  Family statistics("claimgate_port_statistic", "Statistics of the port's driver, by its names.",
                    MetricType::Untyped);
  for (std::size_t i = 0; i < observed.ports.size(); ++i) {
    const Observed::Port& port = observed.ports[i];
    const ClientMetric::Label label{"port", std::to_string(i)};
    mbufs.add({label}, static_cast<double>(port.pool_mbufs()));
    available.add({label}, static_cast<double>(port.pool_available()));
    link.add({label}, port.link_up() ? 1 : 0);
    port.statistics([&](std::string_view name, std::uint64_t value) {
      statistics.add({label, {"name", std::string(name)}}, static_cast<double>(value));
    });
  }
  Family entries("claimgate_ring_entries", "Entries waiting in a ring.", gauge);
  Family capacity("claimgate_ring_capacity", "Entries a ring can hold.", gauge);
  for (const Observed::Ring& ring : observed.rings) {
    entries.add({{"ring", ring.name}}, static_cast<double>(ring.entries()));
    capacity.add({{"ring", ring.name}}, static_cast<double>(ring.capacity));
  }
  for (Family* family : {&mbufs, &available, &link, &statistics, &entries, &capacity}) {
    MetricFamily done = family->take();
    if (!done.metric.empty()) out.push_back(std::move(done));
  }
  out.push_back(Family("claimgate_channels", "Channels in the table.", gauge)
                    .add({}, static_cast<double>(observed.channels()))
                    .take());
  out.push_back(Family("claimgate_channels_capacity", "Channels the table has room for.", gauge)
                    .add({}, static_cast<double>(observed.channels_capacity))
                    .take());
  out.push_back(Family("claimgate_table_bytes", "Memory mapped for the channel table.", gauge)
                    .add({}, static_cast<double>(observed.table_bytes))
                    .take());
}

void add_journal(Families& out, const Observed& observed) {
  if (observed.keeper == nullptr) return;
  const durability::Keeper& keeper = *observed.keeper;
  constexpr auto gauge = MetricType::Gauge;
  constexpr auto counter = MetricType::Counter;
  const durability::Condition now = keeper.health().condition;
  Family condition("claimgate_journal_condition",
                   "1 for the condition the journal is in, 0 for the others.", gauge);
  for (unsigned i = 0; i < durability::conditions; ++i) {
    const auto each = static_cast<durability::Condition>(i);
    condition.add({{"condition", std::string(durability::name(each))}}, each == now ? 1 : 0);
  }
  out.push_back(condition.take());
  const auto per_lane = [&](std::string name, std::string help, MetricType type, auto&& value) {
    Family family(std::move(name), std::move(help), type);
    for (unsigned i = 0; i < observed.workers.size(); ++i) family.add(worker_label(i), value(i));
    out.push_back(family.take());
  };
  const auto counted = [&](std::string name, std::string help,
                           counter::Counter durability::CommitterStats::*member) {
    per_lane(std::move(name), std::move(help), counter,
             [&](unsigned i) { return static_cast<double>((keeper.stats(i).*member).value()); });
  };
  using durability::CommitterStats;
  counted("claimgate_journal_records_total", "Accepted claims made durable.",
          &CommitterStats::records);
  counted("claimgate_journal_groups_total", "Groups of them: one write and one sync each.",
          &CommitterStats::groups);
  counted("claimgate_journal_heartbeats_total", "Groups without a claim.",
          &CommitterStats::heartbeats);
  counted("claimgate_journal_bytes_total", "Bytes written to the claim lanes.",
          &CommitterStats::bytes);
  counted("claimgate_journal_stalls_total", "Times a group waited for a segment.",
          &CommitterStats::stalls);
  per_lane("claimgate_journal_pending_claims", "Claims accepted and not durable yet.", gauge,
           [&](unsigned i) { return static_cast<double>(keeper.pending(i)); });
  per_lane("claimgate_journal_segments_spare", "Segments held ready.", gauge,
           [&](unsigned i) { return static_cast<double>(keeper.spares(i)); });
  Family syncs("claimgate_journal_sync_seconds", "Write and sync of a group.",
               MetricType::Histogram);
  for (unsigned i = 0; i < observed.workers.size(); ++i) {
    syncs.add(worker_label(i), histogram(keeper.stats(i).sync_ns, second_edges<14, 31>(), 1e-9));
  }
  out.push_back(syncs.take());
  const auto one = [&](std::string name, std::string help, MetricType type, double value) {
    out.push_back(Family(std::move(name), std::move(help), type).add({}, value).take());
  };
  const durability::KeeperStats& upkeep = keeper.stats();
  one("claimgate_journal_replay_bytes", "Bytes of the claim lanes that a start would read.", gauge,
      static_cast<double>(upkeep.replay_bytes.value()));
  one("claimgate_checkpoints_total", "Checkpoints written since the start.", counter,
      static_cast<double>(upkeep.checkpoints.value()));
  one("claimgate_checkpoint_failures_total", "Checkpoints that failed.", counter,
      static_cast<double>(upkeep.checkpoint_failures.value()));
  one("claimgate_checkpoint_seconds", "How long the last checkpoint took.", gauge,
      static_cast<double>(upkeep.checkpoint_ms.value()) * 1e-3);
  one("claimgate_journal_upkeep_failures_total",
      "Times a segment or the manifest could not be written.", counter,
      static_cast<double>(upkeep.upkeep_failures.value()));
}

void add_engines(Families& out, const Observed& observed) {
  if (observed.engines.empty()) return;
  const auto labelled = [](unsigned worker, const char* name, std::string value) {
    auto labels = worker_label(worker);
    labels.push_back({name, std::move(value)});
    return labels;
  };
  const auto value = [](const auto& counter) { return static_cast<double>(counter.value()); };
  Family kernel("claimgate_verify_kernel", "1 for the kernel that verifies.", MetricType::Gauge);
  Family paths("claimgate_verify_claims_total", "secp256k1 claims by the path that decided them.",
               MetricType::Counter);
  Family batches("claimgate_verify_batches_total", "Batches of a kernel.", MetricType::Counter);
  Family exceptional("claimgate_verify_exceptional_total",
                     "Claims that a kernel left to libsecp256k1: made for it, by a payer.",
                     MetricType::Counter);
  Family audits("claimgate_verify_audits_total",
                "Accepted claims verified again with libsecp256k1.", MetricType::Counter);
  Family withdrawn("claimgate_verify_kernel_withdrawn",
                   "1 once libsecp256k1 has refused what the kernel accepted.", MetricType::Gauge);
  Family tables("claimgate_verify_tables", "Tables of keys.", MetricType::Gauge);
  Family table_bytes("claimgate_verify_table_bytes", "Memory that they take.", MetricType::Gauge);
  Family builds("claimgate_verify_table_builds_total", "Tables built.", MetricType::Counter);
  Family promotions("claimgate_verify_promotions_total", "Keys chosen to get one.",
                    MetricType::Counter);
  Family evictions("claimgate_verify_table_evictions_total", "Tables taken from a key for another.",
                   MetricType::Counter);
  Family quarantined("claimgate_verify_quarantined_keys",
                     "Keys whose claims go to libsecp256k1 for a while.", MetricType::Gauge);
  for (unsigned i = 0; i < observed.engines.size(); ++i) {
    const secp::Engine& engine = *observed.engines[i];
    const secp::EngineCounters& counters = engine.counters();
    kernel.add(labelled(i, "kernel", std::string(engine.kernel())), 1);
    paths.add(labelled(i, "path", "hot_large"), value(counters.hot_large));
    paths.add(labelled(i, "path", "hot_small"), value(counters.hot_small));
    paths.add(labelled(i, "path", "cold"), value(counters.cold));
    paths.add(labelled(i, "path", "reference"), value(counters.reference));
    paths.add(labelled(i, "path", "out_of_range"), value(counters.out_of_range));
    batches.add(worker_label(i), value(counters.batches));
    exceptional.add(worker_label(i), value(counters.undecided));
    const secp::Audit& audit = engine.audit();
    audits.add(labelled(i, "result", "agreed"), value(audit.agreed));
    audits.add(labelled(i, "result", "disagreed"), value(audit.disagreed));
    audits.add(labelled(i, "result", "dropped"), value(audit.dropped));
    withdrawn.add(worker_label(i), audit.withdrawn() ? 1 : 0);
    const secp::KeyPoolCounters* const pool = engine.pool_counters();
    if (pool == nullptr) continue;
    tables.add(labelled(i, "size", "small"), value(pool->small_in_use));
    tables.add(labelled(i, "size", "large"), value(pool->large_in_use));
    table_bytes.add(worker_label(i), value(pool->table_bytes_in_use));
    builds.add(worker_label(i), value(pool->builds_finished));
    promotions.add(worker_label(i), value(pool->promotions));
    evictions.add(worker_label(i), value(pool->evictions));
    quarantined.add(worker_label(i), value(pool->quarantined_keys));
  }
  for (Family* family : {&kernel, &paths, &batches, &exceptional, &audits, &withdrawn, &tables,
                         &table_bytes, &builds, &promotions, &evictions, &quarantined}) {
    out.push_back(family->take());
  }
}

// Seconds since 1970 at which this process started: boot time plus the 22nd field of its stat.
double process_start_s() {
  std::ifstream boot_file("/proc/stat");
  double boot_s = 0;
  for (std::string word; boot_file >> word;) {
    if (word == "btime") boot_file >> boot_s;
  }
  std::ifstream stat_file("/proc/self/stat");
  std::string line;
  std::getline(stat_file, line);
  unsigned long long start_ticks = 0;
  // The second field may hold anything, but ends with the last parenthesis; field 22 is the 20th
  // after it.
  const auto end = line.rfind(')');
  if (end == std::string::npos) return boot_s;
  std::sscanf(line.c_str() + end + 1,
              " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
              &start_ticks);
  return boot_s + static_cast<double>(start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void add_identity(Families& out, const Observed& observed) {
  static const double start_s = process_start_s();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  const BuildInfo build = build_info();
  out.push_back(Family("claimgate_up", "1 while the appliance answers.", MetricType::Gauge)
                    .add({}, 1)
                    .take());
  out.push_back(Family("claimgate_build_info", "1, with what this build is made of as labels.",
                       MetricType::Gauge)
                    .add({{"version", std::string(build.version)},
                          {"revision", std::string(build.revision)},
                          {"compiler", std::string(build.compiler)},
                          {"dpdk", observed.dpdk_version}},
                         1)
                    .take());
  out.push_back(Family("process_start_time_seconds",
                       "When the process started, in seconds since 1970.", MetricType::Gauge)
                    .add({}, start_s)
                    .take());
  out.push_back(Family("process_cpu_seconds_total", "CPU time used by the process, in seconds.",
                       MetricType::Counter)
                    .add({}, seconds(usage.ru_utime) + seconds(usage.ru_stime))
                    .take());
}

}  // namespace

Families read_families(const Observed& observed) {
  Families out;
  const Workers workers(observed.workers);
  add_identity(out, observed);
  add_datagrams(out, workers);
  add_claims(out, workers);
  add_loop(out, workers);
  add_journal(out, observed);
  add_engines(out, observed);
  add_levels(out, observed);
  return out;
}

}  // namespace claimgate::control
