#include "apps/claimctl/channel_text.hpp"

#include <span>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/claim_transaction.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/signature.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

std::string handle_text(const admin::ChannelRecord& channel) {
  return xrpl::to_hex(std::span(channel.id).first(8));
}

bool is_ed25519(const admin::ChannelRecord& channel) {
  return channel.key[0] == std::byte{0xED};
}

std::string destination_text(const admin::ChannelRecord& channel) {
  if (channel.destination == xrpl::AccountId{}) return {};
  return xrpl::address_text(channel.destination);
}

const char* key_type(const admin::ChannelRecord& channel) {
  return is_ed25519(channel) ? "ed25519" : "secp256k1";
}

const char* state(const admin::ChannelRecord& channel) {
  return channel.open ? "open" : "closed";
}

std::string ledger_signature(const admin::ChannelRecord& channel) {
  if (!is_ed25519(channel) && !xrpl::ranges_valid(channel.signature.data())) return {};
  return xrpl::to_hex(xrpl::ledger_signature(channel.key, channel.signature));
}

nlohmann::ordered_json time_json(std::uint32_t time) {
  if (time == channel::never) return nullptr;
  return xrpl::time_text(time);
}

}  // namespace

nlohmann::ordered_json channel_json(const admin::ChannelRecord& channel) {
  const bool holds = channel.held_drops > 0;
  nlohmann::ordered_json out;
  out["channel_id"] = xrpl::to_hex(channel.id);
  out["handle"] = handle_text(channel);
  out["key_type"] = key_type(channel);
  out["public_key"] = xrpl::to_hex(channel.key);
  out["source"] = xrpl::address_text(channel.source);
  out["destination"] = nullptr;
  if (const auto text = destination_text(channel); !text.empty()) out["destination"] = text;
  out["funded"] = std::to_string(channel.funded_drops);
  out["balance"] = std::to_string(channel.balance_drops);
  out["held"] = std::to_string(channel.held_drops);
  out["signature"] = nullptr;
  out["ledger_signature"] = nullptr;
  if (holds) {
    out["signature"] = xrpl::to_hex(channel.signature);
    out["ledger_signature"] = ledger_signature(channel);
  }
  out["state"] = state(channel);
  out["valid_until"] = time_json(channel.valid_until);
  out["valid_until_ledger_s"] = channel.valid_until;
  out["expiration"] = time_json(channel.expiration);
  out["cancel_after"] = time_json(channel.cancel_after);
  out["settle_delay_s"] = channel.settle_delay_s;
  out["ledger_index"] = channel.ledger_index;
  out["incarnation"] = channel.incarnation;
  out["last_activity"] = nullptr;
  if (holds) out["last_activity"] = xrpl::time_text(channel.last_activity);
  out["lsn"] = channel.lsn;
  return out;
}

std::string channel_row(const admin::ChannelRecord& channel) {
  return fmt::format("{}  {:<9}  {:<35} {:>18}  {:>18}  {:<6}  {}", handle_text(channel),
                     key_type(channel), xrpl::address_text(channel.source), channel.funded_drops,
                     channel.held_drops, state(channel), xrpl::time_text(channel.valid_until));
}

std::string channel_block(const admin::ChannelRecord& channel) {
  std::string out;
  const auto line = [&out](std::string_view name, const std::string& value) {
    out += fmt::format("{:<16}{}\n", name, value);
  };
  line("channel", xrpl::to_hex(channel.id));
  line("handle", handle_text(channel));
  line("public key", fmt::format("{} ({})", xrpl::to_hex(channel.key), key_type(channel)));
  line("source", xrpl::address_text(channel.source));
  const auto destination = destination_text(channel);
  line("destination", destination.empty() ? "not known; import the channel again" : destination);
  line("funded", fmt::format("{} drops", channel.funded_drops));
  line("balance", fmt::format("{} drops (redeemed on the ledger)", channel.balance_drops));
  if (channel.held_drops > 0) {
    line("held", fmt::format("{} drops, accepted {}", channel.held_drops,
                             xrpl::time_text(channel.last_activity)));
    line("signature", ledger_signature(channel));
  } else {
    line("held", "no claim yet");
  }
  line("state", state(channel));
  line("valid until", xrpl::time_text(channel.valid_until));
  line("expiration", xrpl::time_text(channel.expiration));
  line("cancel after", xrpl::time_text(channel.cancel_after));
  line("settle delay", fmt::format("{} s", channel.settle_delay_s));
  line("ledger index", std::to_string(channel.ledger_index));
  line("incarnation", std::to_string(channel.incarnation));
  return out;
}

}  // namespace claimgate::claimctl
