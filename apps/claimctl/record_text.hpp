// The journal's records as claimctl prints them. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lib/channel/terms.hpp"
#include "lib/journal/layout.hpp"

namespace claimgate::claimctl {

// "0", or "provisioning".
[[nodiscard]] std::string lane_text(std::uint32_t lane);
// 16 hexadecimal digits.
[[nodiscard]] std::string handle_text(wire::ChannelHandle handle);

// Adds the record's fields to `out`. Amounts are decimal strings of drops, ids, keys and signatures
// uppercase hexadecimal, times ISO 8601; a time that the channel has not is null.
void add_fields(nlohmann::ordered_json& out, const journal::ClaimRecord& record);
void add_fields(nlohmann::ordered_json& out, const journal::ProvisioningRecord& record);

// The same for people, in one line.
[[nodiscard]] std::string record_line(const journal::ClaimRecord& record);
[[nodiscard]] std::string record_line(const journal::ProvisioningRecord& record);

}  // namespace claimgate::claimctl
