// A channel as claimctl prints it: one JSON object, a table's row, or a block of lines.
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "lib/admin/record.hpp"

namespace claimgate::claimctl {

// Amounts are decimal strings of drops, ids, keys and signatures uppercase hexadecimal, as rippled
// writes them. "signature" is the claim frame's 64 bytes, "ledger_signature" what a
// PaymentChannelClaim takes (DER for secp256k1); both null while nothing is held.
[[nodiscard]] nlohmann::ordered_json channel_json(const admin::ChannelRecord& channel);

inline constexpr std::string_view row_title =
    "HANDLE            KEY        SOURCE                                   FUNDED DROPS"
    "          HELD DROPS  STATE   VALID UNTIL";
[[nodiscard]] std::string channel_row(const admin::ChannelRecord& channel);
// Lines of "name   value", each ended.
[[nodiscard]] std::string channel_block(const admin::ChannelRecord& channel);

}  // namespace claimgate::claimctl
