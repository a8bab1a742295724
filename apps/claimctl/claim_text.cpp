#include "apps/claimctl/claim_text.hpp"

#include <algorithm>
#include <cassert>

#include <fmt/core.h>

#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"
#include "lib/xrpl/message.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {

std::uint64_t unredeemed_drops(const admin::ChannelRecord& channel) noexcept {
  return channel.held_drops - std::min(channel.held_drops, channel.balance_drops);
}

channel::LedgerTime expires(const admin::ChannelRecord& channel) noexcept {
  return std::min(channel.expiration, channel.cancel_after);
}

xrpl::ClaimTransaction transaction_of(const admin::ChannelRecord& channel) noexcept {
  assert(channel.held_drops > 0);
  return {.account = channel.destination,
          .channel = {channel.id},
          .amount = {channel.held_drops},
          .balance = {channel.held_drops},
          .key = channel.key,
          .signature = channel.signature};
}

Expected<void> verify_claim(const verify::Reference& reference,
                            const xrpl::ClaimTransaction& claim) {
  const auto key = xrpl::parse_public_key(claim.key);
  if (!key) return std::unexpected(key.error());
  const auto message = xrpl::claim_message(claim.channel, claim.amount);
  const auto digest = xrpl::sha512_half(message);
  const verify::Lane lane{.signature = claim.signature.data(),
                          .key = key->bytes.data(),
                          .digest = digest.data(),
                          .message = message.data(),
                          .type = key->type};
  if (reference.verify(lane)) return {};
  return fail(fmt::format("the signature held does not verify for {} drops", claim.amount.value));
}

std::string csv_line(const admin::ChannelRecord& channel) {
  const bool is_ed25519 = channel.key[0] == std::byte{0xED};
  const auto end = expires(channel);
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}", xrpl::to_hex(channel.id),
                     xrpl::address_text(channel.destination), xrpl::address_text(channel.source),
                     is_ed25519 ? "ed25519" : "secp256k1", xrpl::to_hex(channel.key),
                     channel.held_drops, channel.balance_drops, unredeemed_drops(channel),
                     xrpl::to_hex(xrpl::ledger_signature(channel.key, channel.signature)),
                     channel.open ? "open" : "closed", xrpl::time_text(channel.valid_until),
                     end == channel::never ? "" : xrpl::time_text(end));
}

}  // namespace claimgate::claimctl
