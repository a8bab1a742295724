#include "src/control/stats_document.hpp"

#include <algorithm>
#include <string>

namespace claimgate::control {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

nlohmann::json quantiles(const counter::Histogram& histogram) {
  const auto seen = histogram.snapshot();
  return {{"count", seen.count()},
          {"p50", seen.quantile(0.5)},
          {"p99", seen.quantile(0.99)},
          {"p999", seen.quantile(0.999)},
          {"max", seen.max()}};
}

nlohmann::json engine_document(const secp::Engine& engine) {
  const secp::EngineCounters& counters = engine.counters();
  nlohmann::json out = {{"hot_large", counters.hot_large.value()},
                        {"hot_small", counters.hot_small.value()},
                        {"cold", counters.cold.value()},
                        {"reference", counters.reference.value()},
                        {"out_of_range", counters.out_of_range.value()},
                        {"undecided", counters.undecided.value()},
                        {"batches", counters.batches.value()},
                        {"audited", engine.audit().agreed.value()},
                        {"disagreed", engine.audit().disagreed.value()},
                        {"withdrawn", engine.audit().withdrawn()}};
  if (const secp::KeyPoolCounters* pool = engine.pool_counters()) {
    out["tables"] = {{"small", pool->small_in_use.value()},
                     {"large", pool->large_in_use.value()},
                     {"bytes", pool->table_bytes_in_use.value()},
                     {"built", pool->builds_finished.value()},
                     {"evicted", pool->evictions.value()},
                     {"quarantined_keys", pool->quarantined_keys.value()}};
  }
  return out;
}

nlohmann::json journal_document(const durability::Keeper& keeper) {
  const durability::Health health = keeper.health();
  const durability::CommitterStats& lane = keeper.stats(0);
  const durability::KeeperStats& upkeep = keeper.stats();
  const bool async = keeper.options().release == durability::Release::at_once;
  return {{"condition", durability::name(health.condition)},
          {"why", health.why},
          {"mode", async ? "async" : "durable-ack"},
          {"durable_lsn", keeper.durable_lsn(0)},
          {"pending", keeper.pending(0)},
          {"records", lane.records.value()},
          {"groups", lane.groups.value()},
          {"heartbeats", lane.heartbeats.value()},
          {"bytes_written", lane.bytes.value()},
          {"stalls", lane.stalls.value()},
          {"group_records", quantiles(lane.group_records)},
          {"sync_ns", quantiles(lane.sync_ns)},
          {"segments_spare", keeper.spares(0)},
          {"segment_bytes", keeper.options().journal.segment_bytes},
          {"replay_bytes", upkeep.replay_bytes.value()},
          {"replay_bytes_max", keeper.options().replay_bytes_max},
          {"upkeep_failures", upkeep.upkeep_failures.value()},
          {"checkpoint",
           {{"generation", upkeep.checkpoint_generation.value()},
            {"channels", upkeep.checkpoint_channels.value()},
            {"written", upkeep.checkpoints.value()},
            {"failed", upkeep.checkpoint_failures.value()},
            {"took_ms", upkeep.checkpoint_ms.value()}}}};
}

}  // namespace

nlohmann::json stats_document(const StatsSources& sources) {
  const pipeline::Stats& stats = sources.stats;
  nlohmann::json verdicts;
  for (std::size_t i = 0; i < wire::code_count; ++i) {
    verdicts[lower(wire::code_names[i])] = stats.verdicts[i].value();
  }
  nlohmann::json dropped;
  for (std::size_t i = 1; i < packet::drop_count; ++i) {
    dropped[std::string(packet::drop_names[i])] = stats.dropped[i].value();
  }
  return {
      {"channels",
       {{"known", sources.channels},
        {"capacity", sources.capacity},
        {"table_bytes", sources.table_bytes},
        {"table_pages", sources.table_pages}}},
      {"claims",
       {{"parsed", stats.claims_parsed.value()},
        {"in_flight", stats.claims_in_flight.value()},
        {"verdicts", verdicts}}},
      {"signatures",
       {{"secp256k1", stats.signatures_secp256k1.value()},
        {"ed25519", stats.signatures_ed25519.value()},
        {"matched", stats.signatures_matched.value()},
        {"engine", engine_document(sources.engine)},
        {"kernel", sources.engine.kernel()}}},
      {"digests", {{"kernel", sources.digest_kernel}}},
      {"datagrams",
       {{"received", stats.datagrams_received.value()},
        {"answered", stats.datagrams_answered.value()},
        {"neighbours_answered", stats.neighbours_answered.value()},
        {"silenced", stats.datagrams_silenced.value()},
        {"transmit_failed", stats.transmit_failed.value()},
        {"held", stats.datagrams_held.value()},
        {"dropped", dropped}}},
      {"journal", journal_document(sources.keeper)},
      {"worker",
       {{"cpu", sources.worker_cpu},
        {"idle", sources.idle},
        {"bursts", stats.bursts.value()},
        {"polls_empty", stats.polls_empty.value()},
        {"sleeps", stats.sleeps.value()},
        {"commands", stats.commands.value()},
        {"burst_frames", quantiles(stats.burst_fill)},
        {"turn_ns", quantiles(stats.turn_ns)},
        {"reply_ns", quantiles(stats.reply_ns)}}},
      {"port",
       {{"driver", sources.driver},
        {"huge_pages", sources.port_huge_pages},
        {"link_up", sources.link_up},
        {"pool_mbufs", sources.pool_mbufs},
        {"pool_available", sources.pool_available}}},
  };
}

}  // namespace claimgate::control
