// A held claim as `claims export` judges and prints it. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/admin/record.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "lib/verify/verifier.hpp"
#include "lib/xrpl/claim_transaction.hpp"

namespace claimgate::claimctl {

// What redeeming would bring: held less what the ledger has paid out, as last imported.
[[nodiscard]] std::uint64_t unredeemed_drops(const admin::ChannelRecord& channel) noexcept;

// When the ledger will pay nothing any more, as last imported; channel::never: no time is known.
[[nodiscard]] channel::LedgerTime expires(const admin::ChannelRecord& channel) noexcept;

// All that was signed is redeemed: Balance = Amount = held. Without fee and sequence numbers.
// Precondition: something is held.
[[nodiscard]] xrpl::ClaimTransaction transaction_of(const admin::ChannelRecord& channel) noexcept;

// Whether the signature held is the ledger's for the amount held, by libsecp256k1 or libsodium.
[[nodiscard]] Expected<void> verify_claim(const verify::Reference& reference,
                                          const xrpl::ClaimTransaction& claim);

inline constexpr std::string_view csv_header =
    "channel_id,account,source,key_type,public_key,amount_drops,redeemed_drops,unredeemed_drops,"
    "signature,state,valid_until,expires";
// No field needs quotes. Times in ISO 8601; `expires` is empty where no time is known.
[[nodiscard]] std::string csv_line(const admin::ChannelRecord& channel);

}  // namespace claimgate::claimctl
