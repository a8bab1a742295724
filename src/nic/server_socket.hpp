// The socket file that a memif or vhost port serves. Its driver leaves the file behind where the
// program dies, and does not start on one that is there: so a stale one is removed first.
//
// Control thread, before EAL starts.
#pragma once

#include <string>

#include "lib/failure/failure.hpp"

namespace claimgate::nic {

// Makes room for the socket of `device`. Removes a socket nobody listens on; fails where someone
// does, or where the path holds something else, which is left as it is.
[[nodiscard]] Expected<void> clear_stale_socket(const std::string& device);

}  // namespace claimgate::nic
