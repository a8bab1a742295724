// What systemd is told about this service (sd_notify(3)'s protocol): one datagram to the socket
// that NOTIFY_SOCKET names. Control thread.
#pragma once

#include <string_view>

#include "lib/failure/failure.hpp"

namespace claimgate::control {

// `state`: lines such as "READY=1\nSTATUS=answering". False where nobody asked to be told
// (NOTIFY_SOCKET is not set). Fails where the socket cannot be reached; the service may go on.
[[nodiscard]] Expected<bool> notify_service_manager(std::string_view state);

}  // namespace claimgate::control
