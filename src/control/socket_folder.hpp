// The folders in which the appliance's sockets lie: /run is empty after every boot, and not every
// start has a service manager that fills it. Main thread, at start.
#pragma once

#include <string>
#include <string_view>

#include "lib/failure/failure.hpp"

namespace claimgate::control {

// Makes the folder of the file `path`, and those above it, where they are missing. Mode 0755: the
// sockets' own modes say who may connect. Folders that are there stay as they are. `key`: the
// configuration key that names the path, for the failure's remedy.
[[nodiscard]] Expected<void> make_socket_folder(const std::string& path, std::string_view key);

}  // namespace claimgate::control
