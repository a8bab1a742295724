#include "src/nic/device.hpp"

namespace claimgate::nic {

std::string_view argument(std::string_view device, std::string_view key) {
  for (std::size_t at = device.find(','); at != device.npos; at = device.find(',', at)) {
    ++at;
    const std::string_view rest = device.substr(at, device.find(',', at) - at);
    if (rest.size() > key.size() && rest.starts_with(key) && rest[key.size()] == '=') {
      return rest.substr(key.size() + 1);
    }
  }
  return {};
}

std::string served_socket(const std::string& device) {
  if (device.starts_with("net_memif")) {
    const bool a_file =
        argument(device, "role") == "server" && argument(device, "socket-abstract") == "no";
    return a_file ? std::string(argument(device, "socket")) : std::string();
  }
  if (device.starts_with("net_vhost") && argument(device, "client") != "1") {
    return std::string(argument(device, "iface"));
  }
  return {};
}

std::string ask_the_doctor(const std::string& device) {
  return "Ask what is wrong with it: claimctl doctor --set 'port.device=" + device + "'";
}

}  // namespace claimgate::nic
