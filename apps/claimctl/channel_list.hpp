// Channels as claimd tells of them: one, or a page of the list. One thread, as the client's.
#pragma once

#include <string>

#include "lib/admin/body.hpp"
#include "lib/admin/client.hpp"
#include "lib/admin/record.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimctl {

// By the 64 hexadecimal digits of its id, or the first 16 of them.
[[nodiscard]] Expected<admin::ChannelRecord> ask_for_channel(admin::Client& client,
                                                             const std::string& id);

// The page behind `wanted.cursor`; its `next` is further on, or no_cursor.
[[nodiscard]] Expected<admin::ListPage> ask_for_page(admin::Client& client,
                                                     const admin::List& wanted);

}  // namespace claimgate::claimctl
