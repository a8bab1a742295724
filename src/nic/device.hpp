// What the text of port.device says before there is a port: "net_tap0,iface=claimgate0".
// Pure functions, any thread; no DPDK.
#pragma once

#include <string>
#include <string_view>

namespace claimgate::nic {

// The value of one of a device's arguments, "" where it is not given.
[[nodiscard]] std::string_view argument(std::string_view device, std::string_view key);

// The file that a virtual device with these arguments would serve, or "": it serves none, or its
// name is no file's (memif's abstract sockets).
[[nodiscard]] std::string served_socket(const std::string& device);

// The remedy where DPDK refuses this device: it rarely says why, and the doctor does.
[[nodiscard]] std::string ask_the_doctor(const std::string& device);

}  // namespace claimgate::nic
