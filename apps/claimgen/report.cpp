#include "apps/claimgen/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <vector>

#include "apps/claimgen/latency_text.hpp"
#include "lib/xrpl/hex.hpp"

namespace claimgate::claimgen {
namespace {

constexpr double us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// The codes that came at all, as columns.
std::vector<std::size_t> codes_seen(const Tally& tally) {
  std::vector<std::size_t> out;
  for (std::size_t code = 0; code < wire::code_count; ++code) {
    if (std::ranges::any_of(tally.verdicts, [&](const auto& row) { return row[code] != 0; })) {
      out.push_back(code);
    }
  }
  return out;
}

void append_table(std::string& out, const Tally& tally, const Plan& plan) {
  const auto codes = codes_seen(tally);
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:<14}{:>10}", "kind", "planned");
  for (const std::size_t code : codes) fmt::format_to(to, "  {:>15}", wire::code_names[code]);
  out += '\n';
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    if (plan.of_kind[kind] == 0) continue;
    fmt::format_to(to, "{:<14}{:>10}", kind_names[kind], plan.of_kind[kind]);
    for (const std::size_t code : codes) {
      const std::uint64_t count = tally.verdicts[kind][code];
      fmt::format_to(to, "  {:>15}", count == 0 ? "." : std::to_string(count));
    }
    out += '\n';
  }
}

// The stream was sent before: the appliance holds this plan's amounts, or higher ones.
bool looks_repeated(const Tally& tally, const Plan& plan) {
  const auto& good = tally.verdicts[static_cast<std::size_t>(Kind::good)];
  const auto already = good[static_cast<std::size_t>(wire::Code::stale)] +
                       good[static_cast<std::size_t>(wire::Code::duplicate)];
  return already > plan.of_kind[static_cast<std::size_t>(Kind::good)] / 2;
}

// Which claim: its place in the stream, its channel and its kind.
std::string describe(std::uint32_t claim, const Plan& plan, const ChannelSet& set) {
  const PlannedClaim& planned = plan.claims[claim];
  const std::string id = planned.kind == Kind::unknown
                             ? "a channel that nobody has"
                             : "channel " + xrpl::to_hex(set[planned.channel].id.bytes);
  return fmt::format("claim {} ({}, {} drops, {})", claim, name(planned.kind), planned.amount, id);
}

struct Quantile {
  const char* label;
  const char* key;
  double of;
};
constexpr std::array<Quantile, 5> quantiles = {{{"p50", "p50", 0.5},
                                                {"p90", "p90", 0.9},
                                                {"p99", "p99", 0.99},
                                                {"p99.9", "p999", 0.999},
                                                {"p99.99", "p9999", 0.9999}}};

void append_percentiles(std::string& out, std::string_view what,
                        const counter::FineHistogramSnapshot& seen) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{}:", what);
  for (const auto& [label, key, q] : quantiles) {
    fmt::format_to(to, " {} {:.1f}", label, us(seen.quantile(q)));
  }
  fmt::format_to(to, " max {:.1f} mean {:.1f} us\n", us(seen.max()), mean(seen) / 1000);
}

nlohmann::ordered_json percentiles(const counter::FineHistogramSnapshot& seen) {
  nlohmann::ordered_json out = {{"count", seen.count()}, {"mean", mean(seen) / 1000}};
  for (const auto& [label, key, q] : quantiles) out[key] = us(seen.quantile(q));
  out["max"] = us(seen.max());
  return out;
}

// How well the schedule was kept, and by whose fault it was not.
struct Punctuality {
  double sent_claims_per_s;
  bool generator_late;  // for more than one datagram in a hundred
  bool held_back;       // likewise
};
Punctuality punctuality(const Window& window) {
  const Tally& tally = window.tally();
  const auto rate = static_cast<double>(window.options().schedule.claims_per_s);
  const auto sent = static_cast<double>(tally.claims_sent);
  const std::uint64_t datagrams = tally.behind_ns.count();
  return {.sent_claims_per_s = per_second(
              tally.claims_sent, sent / rate + static_cast<double>(tally.last_behind_ns) / 1e9),
          .generator_late = tally.late_own * 100 > datagrams,
          .held_back = tally.late_held * 100 > datagrams};
}

void append_schedule(std::string& out, const Window& window) {
  const Tally& tally = window.tally();
  const ScheduleOptions& schedule = window.options().schedule;
  const Punctuality kept = punctuality(window);
  auto to = std::back_inserter(out);
  fmt::format_to(to, "open loop: {} claims/s intended ({} arrivals, bursts of {}), {:.0f} sent\n",
                 schedule.claims_per_s, name(schedule.arrivals), schedule.burst,
                 kept.sent_claims_per_s);
  append_percentiles(out, "sent behind schedule", tally.behind_ns.snapshot());
  fmt::format_to(to,
                 "{} of {} datagrams left more than {} us late: {} held back by a full window or "
                 "port, {} by this generator\n",
                 tally.late_held + tally.late_own, tally.behind_ns.count(), late_ns / 1000,
                 tally.late_held, tally.late_own);
  if (kept.generator_late) {
    out +=
        "WARNING: this generator did not keep the rate, so the latencies are its own too. Give it "
        "a "
        "CPU of its own (--lcore, --spin), larger datagrams or a lower --rate\n";
  }
  if (kept.held_back) {
    out +=
        "WARNING: the appliance, or the way to it, did not keep the rate: latencies grow for as "
        "long as the run lasts\n";
  }
}

nlohmann::ordered_json schedule_report(const Window& window) {
  const Tally& tally = window.tally();
  const ScheduleOptions& schedule = window.options().schedule;
  const Punctuality kept = punctuality(window);
  return {{"claims_per_second", schedule.claims_per_s},
          {"sent_claims_per_second", kept.sent_claims_per_s},
          {"arrivals", name(schedule.arrivals)},
          {"behind_us", percentiles(tally.behind_ns.snapshot())},
          {"late_over_us", late_ns / 1000},
          {"late_held_back", tally.late_held},
          {"late_by_generator", tally.late_own},
          {"generator_kept_rate", !kept.generator_late},
          {"appliance_kept_rate", !kept.held_back}};
}

// Where datagrams went: 9300, and how many virtual shards' ports.
void append_ports(std::string& out, const Tally& tally) {
  const std::span<const std::uint64_t> shards(tally.sent_to.begin() + 1, tally.sent_to.end());
  fmt::format_to(std::back_inserter(out),
                 "{} datagrams to port {}, {} to {} virtual shards' ports\n", tally.sent_to[0],
                 wire::port_any, std::accumulate(shards.begin(), shards.end(), std::uint64_t{0}),
                 std::ranges::count_if(shards, [](std::uint64_t n) { return n != 0; }));
}

}  // namespace

std::string text_report(const Outcome& outcome, const Window& window, const Plan& plan,
                        const ChannelSet& set) {
  const Tally& tally = window.tally();
  std::string out = "\n";
  auto to = std::back_inserter(out);
  append_table(out, tally, plan);
  fmt::format_to(to, "\n{} of {} claims decided in {:.3f} s: {:.0f} claims/s, {:.0f} datagrams/s\n",
                 tally.claims_decided, plan.claims.size(), outcome.seconds,
                 per_second(tally.claims_decided, outcome.seconds),
                 per_second(tally.datagrams_answered, outcome.seconds));
  if (window.open_loop()) {
    append_percentiles(out, "latency of a claim, from when it was due",
                       tally.latency_ns.snapshot());
    append_percentiles(out, "service time, from when it was sent", tally.service_ns.snapshot());
    append_schedule(out, window);
  } else {
    append_percentiles(out, "service time of a claim", tally.service_ns.snapshot());
    fmt::format_to(to, "closed loop: {} datagrams under way at once, released {} at a time\n",
                   window.options().datagrams, window.options().schedule.burst);
  }
  if (window.options().shard_ports) append_ports(out, tally);
  fmt::format_to(
      to, "{} datagrams sent again after silence, {} BUSY, {} late answers, {} durable\n",
      tally.datagrams_resent, tally.claims_busy, tally.replies_late, tally.verdicts_durable);
  if (!outcome.cut_short.empty()) fmt::format_to(to, "CUT SHORT: {}\n", outcome.cut_short);
  if (outcome.stopped) out += "STOPPED on request: what is above is not all\n";
  for (const Mismatch& each : window.mismatches()) {
    fmt::format_to(to, "WRONG: {}{}expected {}, got {}\n",
                   each.claim ? describe(*each.claim, plan, set) : "", each.claim ? ": " : "",
                   each.expected, each.got);
  }
  if (tally.mismatches > window.mismatches().size()) {
    fmt::format_to(to, "WRONG: and {} more\n", tally.mismatches - window.mismatches().size());
  }
  if (tally.mismatches > 0 && looks_repeated(tally, plan)) {
    out +=
        "Most good claims are STALE or DUPLICATE: these channels have seen the stream before. "
        "Take another --seed, or import the channels into an empty table\n";
  }
  if (outcome.right(tally)) {
    fmt::format_to(to, "every verdict is right, and all {} channels end with their exact amount\n",
                   plan.finals.size());
  }
  return out;
}

std::string json_report(const Outcome& outcome, const Window& window, const Plan& plan,
                        const ChannelSet& set) {
  const Tally& tally = window.tally();
  nlohmann::ordered_json report;
  report["ok"] = outcome.right(tally);
  report["seconds"] = outcome.seconds;
  report["channels"] = plan.finals.size();
  report["claims"] = plan.claims.size();
  report["claims_decided"] = tally.claims_decided;
  report["claims_per_second"] = per_second(tally.claims_decided, outcome.seconds);
  report["datagrams_per_second"] = per_second(tally.datagrams_answered, outcome.seconds);
  report["loop"] = window.open_loop() ? "open" : "closed";
  report["window"] = window.options().datagrams;
  report["burst"] = window.options().schedule.burst;
  if (window.open_loop()) {
    report["schedule"] = schedule_report(window);
    report["latency_us"] = percentiles(tally.latency_ns.snapshot());
  }
  report["service_us"] = percentiles(tally.service_ns.snapshot());
  report["channel_choice"] = plan.channel_choice.text();
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    auto& row = report["kinds"][std::string(kind_names[kind])];
    row["planned"] = plan.of_kind[kind];
    for (std::size_t code = 0; code < wire::code_count; ++code) {
      if (tally.verdicts[kind][code] == 0) continue;
      row[std::string(wire::code_names[code])] = tally.verdicts[kind][code];
    }
  }
  report["datagrams_sent"] = tally.datagrams_sent;
  for (std::size_t i = 0; i < tally.sent_to.size(); ++i) {
    if (tally.sent_to[i] == 0) continue;
    report["datagrams_to_port"][std::to_string(wire::port_any + i)] = tally.sent_to[i];
  }
  report["datagrams_answered"] = tally.datagrams_answered;
  report["datagrams_resent"] = tally.datagrams_resent;
  report["claims_busy"] = tally.claims_busy;
  report["replies_late"] = tally.replies_late;
  report["verdicts_durable"] = tally.verdicts_durable;
  report["claims_unanswered"] = tally.claims_unanswered;
  report["frames_ignored"] = tally.frames_ignored;
  report["mismatches"] = tally.mismatches;
  report["mismatches_listed"] = nlohmann::ordered_json::array();
  for (const Mismatch& each : window.mismatches()) {
    report["mismatches_listed"].push_back(
        {{"claim", each.claim ? describe(*each.claim, plan, set) : ""},
         {"expected", each.expected},
         {"got", each.got}});
  }
  report["stopped"] = outcome.stopped;
  report["cut_short"] = outcome.cut_short;
  report["driver"] = outcome.driver;
  report["peer_mac"] = outcome.peer_mac;
  return report.dump();
}

}  // namespace claimgate::claimgen
