#include "apps/claimgen/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

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

}  // namespace

std::string text_report(const Outcome& outcome, const Window& window, const Plan& plan,
                        const ChannelSet& set) {
  const Tally& tally = window.tally();
  const auto rtt = tally.round_trip_ns.snapshot();
  std::string out = "\n";
  auto to = std::back_inserter(out);
  append_table(out, tally, plan);
  fmt::format_to(to, "\n{} of {} claims decided in {:.3f} s: {:.0f} claims/s, {:.0f} datagrams/s\n",
                 tally.claims_decided, plan.claims.size(), outcome.seconds,
                 per_second(tally.claims_decided, outcome.seconds),
                 per_second(tally.datagrams_answered, outcome.seconds));
  fmt::format_to(to,
                 "round trip of a datagram: p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max "
                 "{:.1f} us ({} under way at once)\n",
                 us(rtt.quantile(0.5)), us(rtt.quantile(0.99)), us(rtt.quantile(0.999)),
                 us(rtt.quantile(1)), window.options().datagrams);
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
  const auto rtt = tally.round_trip_ns.snapshot();
  nlohmann::ordered_json report;
  report["ok"] = outcome.right(tally);
  report["seconds"] = outcome.seconds;
  report["channels"] = plan.finals.size();
  report["claims"] = plan.claims.size();
  report["claims_decided"] = tally.claims_decided;
  report["claims_per_second"] = per_second(tally.claims_decided, outcome.seconds);
  report["datagrams_per_second"] = per_second(tally.datagrams_answered, outcome.seconds);
  for (const auto& [key, q] :
       {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
    report["round_trip_us"][key] = us(rtt.quantile(q));
  }
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    auto& row = report["kinds"][std::string(kind_names[kind])];
    row["planned"] = plan.of_kind[kind];
    for (std::size_t code = 0; code < wire::code_count; ++code) {
      if (tally.verdicts[kind][code] == 0) continue;
      row[std::string(wire::code_names[code])] = tally.verdicts[kind][code];
    }
  }
  report["datagrams_sent"] = tally.datagrams_sent;
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
