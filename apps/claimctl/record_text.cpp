#include "apps/claimctl/record_text.hpp"

#include <array>
#include <span>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "lib/wire/endian.hpp"
#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

const char* change_text(journal::Change change) {
  switch (change) {
    case journal::Change::add:
      return "add";
    case journal::Change::update:
      return "update";
    case journal::Change::remove:
      return "remove";
    case journal::Change::commit:
      break;
  }
  return "commit";
}

bool has_terms(journal::Change change) {
  return change == journal::Change::add || change == journal::Change::update;
}

nlohmann::ordered_json time_json(channel::LedgerTime time) {
  if (time == channel::never) return nullptr;
  return xrpl::time_text(time);
}

}  // namespace

std::string lane_text(std::uint32_t lane) {
  return lane == journal::provisioning_lane ? "provisioning" : std::to_string(lane);
}

std::string handle_text(wire::ChannelHandle handle) {
  std::array<std::byte, 8> bytes;
  wire::store_be(bytes.data(), handle.value);
  return xrpl::to_hex(bytes);
}

void add_fields(nlohmann::ordered_json& out, const journal::ClaimRecord& record) {
  out["lsn"] = record.lsn;
  out["handle"] = handle_text(record.channel);
  out["incarnation"] = record.incarnation;
  out["amount"] = std::to_string(record.amount.value);
  out["previous"] = std::to_string(record.previous.value);
  out["signature"] = xrpl::to_hex(std::span(record.signature, wire::signature_bytes));
  out["time"] = xrpl::time_text(record.time);
}

void add_fields(nlohmann::ordered_json& out, const journal::ProvisioningRecord& record) {
  out["lsn"] = record.lsn;
  out["change"] = change_text(record.change);
  out["batch"] = record.batch;
  if (record.change == journal::Change::commit) {
    out["changes"] = record.changes;
    return;
  }
  out["channel_id"] = xrpl::to_hex(record.terms.id.bytes);
  out["incarnation"] = record.incarnation;
  if (!has_terms(record.change)) return;
  const channel::ChannelTerms& terms = record.terms;
  const bool is_ed25519 = terms.key.type == channel::KeyType::ed25519;
  out["key_type"] = is_ed25519 ? "ed25519" : "secp256k1";
  out["key"] = xrpl::to_hex(std::span(terms.key.bytes).first(is_ed25519 ? 32 : 64));
  out["source"] = xrpl::address_text(terms.source);
  out["destination"] = xrpl::address_text(terms.destination);
  out["funded"] = std::to_string(terms.funded.value);
  out["balance"] = std::to_string(terms.balance.value);
  out["expiration"] = time_json(terms.expiration);
  out["cancel_after"] = time_json(terms.cancel_after);
  out["valid_until"] = time_json(terms.valid_until);
  out["settle_delay_s"] = terms.settle_delay_s;
  out["ledger_index"] = terms.ledger_index;
}

std::string record_line(const journal::ClaimRecord& record) {
  return fmt::format("{}  channel {} incarnation {}: {} drops, before {}; {}", record.lsn,
                     handle_text(record.channel), record.incarnation, record.amount.value,
                     record.previous.value, xrpl::time_text(record.time));
}

std::string record_line(const journal::ProvisioningRecord& record) {
  std::string out =
      fmt::format("{}  {} of batch {}", record.lsn, change_text(record.change), record.batch);
  if (record.change == journal::Change::commit) {
    return out + fmt::format(": {} changes", record.changes);
  }
  out += fmt::format(": channel {} incarnation {}", xrpl::to_hex(record.terms.id.bytes),
                     record.incarnation);
  if (!has_terms(record.change)) return out;
  return out + fmt::format(", funded {}, balance {}, valid until {}, ledger {}",
                           record.terms.funded.value, record.terms.balance.value,
                           xrpl::time_text(record.terms.valid_until), record.terms.ledger_index);
}

}  // namespace claimgate::claimctl
