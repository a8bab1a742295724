// `claimctl check`: lib/journal's inspection of a state folder, and the signatures of what it
// holds.
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/progress.hpp"
#include "apps/claimctl/record_text.hpp"
#include "apps/claimctl/state.hpp"
#include "lib/channel/table.hpp"
#include "lib/journal/folder_lock.hpp"
#include "lib/journal/inspection.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/verify/verifier.hpp"
#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/message.hpp"

namespace claimgate::claimctl {
namespace {

struct Signatures {
  std::uint64_t claims = 0;  // held
  std::uint64_t verified = 0;
};

using journal::Inspection;

Expected<void> go_on() {
  return interrupted() ? fail("interrupted") : Expected<void>{};
}

bool verifies(const verify::Reference& reference, const channel::ChannelView& view) {
  const auto message = xrpl::claim_message(view.terms.id, view.held);
  const auto digest = xrpl::sha512_half(message);
  return reference.verify({.signature = view.signature.data(),
                           .key = view.terms.key.bytes.data(),
                           .digest = digest.data(),
                           .message = message.data(),
                           .type = view.terms.key.type});
}

// Counts the claims held, and verifies them where that is asked for; each bad one is a damage.
Expected<Signatures> look_at_claims(Inspection& inspection, const std::string& folder,
                                    bool signatures, Progress& progress) {
  Signatures out;
  auto reference = verify::Reference::create();
  if (!reference) return std::unexpected(std::move(reference.error()));
  const channel::Table& table = *inspection.table;
  for (channel::SlotIndex at = 0; at < table.slots_used(); ++at) {
    if (auto going_on = go_on(); !going_on) return std::unexpected(going_on.error());
    const auto view = table.view(at);
    if (!view || view->held.value == 0) continue;
    ++out.claims;
    if (!signatures) continue;
    progress.show("verifying", at, table.slots_used(), "signatures");
    if (verifies(*reference, *view)) {
      ++out.verified;
      continue;
    }
    inspection.damages.push_back(
        {fmt::format("damaged: the signature held for {} drops of channel {} does not verify",
                     view->held.value, xrpl::to_hex(view->terms.id.bytes)),
         folder,
         "The ledger would not pay this claim; the payer's next one replaces it. Compare it with a "
         "backup from before"});
  }
  return out;
}

void print_text(const CheckOptions& options, const Inspection& found, const Signatures& claims) {
  const auto line = [](std::string_view name, const std::string& value) {
    fmt::print("{:<19}{}\n", name, value);
  };
  line("node",
       fmt::format("{}, term {}", xrpl::to_hex(found.manifest.node_uuid), found.manifest.term));
  line("manifest",
       fmt::format("{} of {} pages whole", found.manifest_pages, journal::manifest_pages));
  for (const journal::InspectedCheckpoint& each : found.checkpoints) {
    line(
        "checkpoint",
        fmt::format(
            "{}, generation {}, {} channels: {}", each.path, each.ref.generation, each.ref.channels,
            each.damages == 0 ? "whole" : fmt::format("damaged, places: {}", each.damages)));
  }
  for (const journal::InspectedLane& lane : found.lanes) {
    line("lane " + lane_text(lane.lane),
         fmt::format("{} segments, {} frames, {} records behind LSN {}, up to {}{}", lane.segments,
                     lane.frames, lane.records, lane.after_lsn, lane.last_lsn,
                     lane.torn_bytes == 0
                         ? ""
                         : fmt::format("; {} bytes torn behind the end, never acknowledged: no "
                                       "damage",
                                       lane.torn_bytes)));
  }
  if (found.table) {
    line("recovered",
         fmt::format("{} channels, {} hold a claim", found.table->size(), claims.claims));
    if (options.signatures) line("signatures", fmt::format("{} verified", claims.verified));
  }
  for (const Failure& damage : found.damages) fmt::print("{}\n", damage.text());
  if (found.damages.empty()) {
    fmt::print("sound\n");
  } else {
    fmt::print("DAMAGED, places: {}; claimd {}\n", found.damages.size(),
               found.recovered ? "starts all the same" : "does not start on it");
  }
}

nlohmann::ordered_json lane_json(const journal::InspectedLane& lane) {
  return {{"lane", lane_text(lane.lane)},    {"segments", lane.segments},
          {"frames", lane.frames},           {"records", lane.records},
          {"after_lsn", lane.after_lsn},     {"last_lsn", lane.last_lsn},
          {"durable_lsn", lane.durable_lsn}, {"torn_bytes", lane.torn_bytes}};
}

void print_json(const CheckOptions& options, const Inspection& found, const Signatures& claims) {
  using nlohmann::ordered_json;
  ordered_json out{{"ok", found.damages.empty()},
                   {"folder", options.folder},
                   {"starts", found.recovered.has_value()},
                   {"node", xrpl::to_hex(found.manifest.node_uuid)},
                   {"term", found.manifest.term},
                   {"manifest_pages", found.manifest_pages},
                   {"checkpoints", ordered_json::array()},
                   {"lanes", ordered_json::array()},
                   {"channels", nullptr},
                   {"claims", nullptr},
                   {"signatures_verified", nullptr},
                   {"damages", ordered_json::array()}};
  for (const journal::InspectedCheckpoint& each : found.checkpoints) {
    out["checkpoints"].push_back({{"file", each.path},
                                  {"generation", each.ref.generation},
                                  {"channels", each.ref.channels},
                                  {"damages", each.damages}});
  }
  for (const journal::InspectedLane& lane : found.lanes) out["lanes"].push_back(lane_json(lane));
  if (found.table) {
    out["channels"] = found.table->size();
    out["claims"] = claims.claims;
    if (options.signatures) out["signatures_verified"] = claims.verified;
  }
  for (const Failure& damage : found.damages) {
    out["damages"].push_back(
        {{"what", damage.what}, {"where", damage.where}, {"remedy", damage.remedy}});
  }
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

Expected<Exit> check_state(const GlobalOptions& global, const CheckOptions& options) {
  auto storage = journal::PosixStorage::open(options.folder);
  if (!storage) return std::unexpected(std::move(storage.error()));
  const auto lock = journal::FolderLock::try_shared(options.folder);
  if (!lock) return std::unexpected(lock.error());
  if (!*lock) {
    return fail("a claimd runs on this state folder, and its files change while they are read",
                options.folder,
                "Stop it first, or make a backup ('claimctl backup') and check that");
  }
  Progress progress(!global.json);
  const auto step = [&](const char* what, std::uint64_t done,
                        std::uint64_t total) -> Expected<void> {
    progress.show(what, done, total, total > 0 ? "bytes" : "records");
    return go_on();
  };
  auto found = journal::inspect(**storage, step);
  if (!found) {
    progress.clear();
    return std::unexpected(std::move(found.error()));
  }
  if (found->fresh) {
    return fail("no journal is here", options.folder,
                "Name claimd's node.state_dir. One that holds a table.cgt alone is of a release "
                "before the journal: claimd takes it over at its next start");
  }
  Signatures claims;
  if (found->table) {
    auto looked = look_at_claims(*found, options.folder, options.signatures, progress);
    progress.clear();
    if (!looked) return std::unexpected(std::move(looked.error()));
    claims = *looked;
  }
  progress.clear();
  (global.json ? print_json : print_text)(options, *found, claims);
  return found->damages.empty() ? Exit::ok : Exit::trouble;
}

}  // namespace claimgate::claimctl
