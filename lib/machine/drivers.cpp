#include "lib/machine/drivers.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace claimgate::machine {
namespace {

namespace fs = std::filesystem;

// ".../pmds-23.0" -> "23.0"
std::string version_of(const fs::path& folder) {
  const std::string name = folder.filename();
  const auto dash = name.rfind('-');
  return dash == name.npos ? std::string() : name.substr(dash + 1);
}

void read_drivers(const fs::path& library, std::vector<PortDriver>& out) {
  constexpr std::string_view mark = "PMD_INFO_STRING= ";
  std::ifstream file(library, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (auto at = bytes.find(mark); at != bytes.npos; at = bytes.find(mark, at)) {
    at += mark.size();
    const std::string text = bytes.substr(at, bytes.find('\0', at) - at);
    const auto said = nlohmann::json::parse(text, nullptr, false);
    if (!said.is_object() || !said.contains("name") || !said["name"].is_string()) continue;
    PortDriver driver{.name = said["name"], .library = library.filename()};
    if (said.contains("kmod") && said["kmod"].is_string()) driver.kernel_modules = said["kmod"];
    if (said.contains("pci_ids")) {
      for (const auto& id : said["pci_ids"]) {
        if (!id.is_array() || id.size() < 2 || !id[0].is_number() || !id[1].is_number()) continue;
        driver.pci_ids.emplace_back(id[0].get<std::uint16_t>(), id[1].get<std::uint16_t>());
      }
    }
    out.push_back(std::move(driver));
  }
}

}  // namespace

bool PortDriver::drives(std::uint16_t vendor, std::uint16_t device) const noexcept {
  return std::ranges::find(pci_ids, std::pair{vendor, device}) != pci_ids.end();
}

bool PortDriver::works_with(std::string_view kernel_module) const noexcept {
  if (kernel_module.empty()) return false;  // bound to none
  const auto in_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  for (std::size_t at = 0; (at = kernel_modules.find(kernel_module, at)) != std::string::npos;
       ++at) {
    const std::size_t end = at + kernel_module.size();
    if ((at == 0 || !in_name(kernel_modules[at - 1])) &&
        (end == kernel_modules.size() || !in_name(kernel_modules[end]))) {
      return true;
    }
  }
  return false;
}

std::vector<PortDriver> port_drivers(const fs::path& folder) {
  std::vector<PortDriver> out;
  const std::string ending = ".so." + version_of(folder);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("librte_net_") && name.ends_with(ending)) read_drivers(entry.path(), out);
  }
  return out;
}

bool has_library(const fs::path& folder, std::string_view library) {
  std::error_code error;
  return fs::exists(folder / fmt::format("{}.so.{}", library, version_of(folder)), error);
}

const PortDriver* driver_of(const std::vector<PortDriver>& drivers,
                            std::string_view device) noexcept {
  const PortDriver* best = nullptr;
  for (const PortDriver& each : drivers) {
    if (device.starts_with(each.name) && (best == nullptr || best->name.size() < each.name.size()))
      best = &each;
  }
  return best;
}

std::string package_of(std::string_view library, const fs::path& folder) {
  std::string name(library);
  std::ranges::replace(name, '_', '-');
  const std::string version = version_of(folder);
  const bool ends_in_digit = std::isdigit(static_cast<unsigned char>(name.back())) != 0;
  return name + (ends_in_digit ? "-" : "") + version.substr(0, version.find('.'));
}

std::string library_of(std::string_view device) {
  while (!device.empty() && std::isdigit(static_cast<unsigned char>(device.back())) != 0)
    device.remove_suffix(1);
  if (device == "net_virtio_user") device = "net_virtio";
  if (device == "net_bonding") device = "net_bond";
  if (device == "net_tun") device = "net_tap";
  return "librte_" + std::string(device);
}

}  // namespace claimgate::machine
