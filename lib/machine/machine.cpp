#include "lib/machine/machine.hpp"

#include <net/if.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace claimgate::machine {
namespace {

// "key : value" lines of /proc, split at the first colon; calls each(key, value).
template <class Each>
void for_each_field(std::string_view text, const Each& each) {
  constexpr std::string_view white = " \t";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view key = line.substr(0, colon);
    key = key.substr(0, key.find_last_not_of(white) + 1);
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(white), value.size()));
    each(key, value);
  }
}

// The number a text begins with: "8192 kB".
std::uint64_t leading_number(std::string_view text, int base = 10) noexcept {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out, base);
  return out;
}

bool has_word(std::string_view text, std::string_view word) {
  std::istringstream words{std::string(text)};
  for (std::string each; words >> each;) {
    if (each == word) return true;
  }
  return false;
}

// "Max open files            20000                20000                files": the soft limit.
std::optional<std::uint64_t> soft_limit(const std::string& limits, std::string_view name) {
  const auto at = limits.find(name);
  if (at == limits.npos) return 0;
  std::istringstream rest(limits.substr(at + name.size(), 60));
  std::string soft;
  rest >> soft;
  if (soft == "unlimited") return {};
  return leading_number(soft);
}

constexpr std::string_view huge_folder = "hugepages/hugepages-2048kB";

std::optional<HugePages> huge_pages(const Tree& tree, const std::string& folder) {
  const auto total = tree.number(folder + "/nr_hugepages");
  const auto free = tree.number(folder + "/free_hugepages");
  if (!total || !free) return {};
  // Promised to somebody who has not touched them yet. The kernel says so for all nodes together.
  const auto promised = tree.number(folder + "/resv_hugepages").value_or(0);
  return HugePages{*total, *free - std::min(*free, promised)};
}

// What the control group of this process may still take; the nearest limit going up counts.
std::optional<std::uint64_t> group_left(const Tree& tree) {
  const auto groups = tree.text("proc/self/cgroup");
  if (!groups) return {};
  const auto at = groups->find("0::");
  if (at == groups->npos) return {};
  const std::string own = groups->substr(at + 3, groups->find('\n', at) - at - 3);
  std::optional<std::uint64_t> left;
  for (std::filesystem::path group = own;; group = group.parent_path()) {
    const std::string folder = "sys/fs/cgroup" + group.string();
    const auto limit = tree.number(folder + "/memory.max");  // "max" is no number
    const auto used = tree.number(folder + "/memory.current");
    if (limit && used) {
      const std::uint64_t here = *limit > *used ? *limit - *used : 0;
      left = left ? std::min(*left, here) : here;
    }
    if (group.empty() || group == group.root_path()) return left;
  }
}

}  // namespace

const Core* Cores::find(unsigned number) const noexcept {
  const auto at = std::ranges::find(online, number, &Core::number);
  return at == online.end() ? nullptr : &*at;
}

std::optional<unsigned> Memory::node_of(unsigned cpu) const noexcept {
  for (const Node& node : nodes) {
    if (std::ranges::find(node.cpus, cpu) != node.cpus.end()) return node.number;
  }
  return {};
}

Rights Machine::rights(int pid) const {
  Rights out;
  std::string folder = fmt::format("proc/{}", pid);
  auto status = tree_.text(folder + "/status");
  // In another name space the number may be another program's here.
  if (pid != 0 && status && tree_.line(folder + "/comm") == "claimd") {
    out.pid = pid;
  } else {
    folder = "proc/self";
    status = tree_.text(folder + "/status");
  }
  for_each_field(status.value_or(""), [&](std::string_view key, std::string_view value) {
    if (key == "Uid") {  // real, effective, …
      value.remove_prefix(std::min(value.find('\t') + 1, value.size()));
      out.user = static_cast<unsigned>(leading_number(value));
    } else if (key == "CapEff") {
      out.capabilities = leading_number(value, 16);
    } else if (key == "Cpus_allowed_list") {
      out.cpus = cpu_list(value);
    }
  });
  if (const auto limits = tree_.text(folder + "/limits")) {
    out.limits = Limits{.locked_bytes = soft_limit(*limits, "Max locked memory"),
                        .open_files = soft_limit(*limits, "Max open files"),
                        .core_bytes = soft_limit(*limits, "Max core file size")};
  }
  return out;
}

Cpu Machine::cpu(const Cpuid& id) const {
  Cpu out;
  out.features = features_of(id);
  out.linux_release = tree_.line("proc/sys/kernel/osrelease").value_or("");
  std::set<std::string, std::less<>> sockets;
  for_each_field(tree_.text("proc/cpuinfo").value_or(""),
                 [&](std::string_view key, std::string_view value) {
                   if (key == "processor") ++out.logical;
                   if (key == "model name") out.model = value;
                   if (key == "physical id") sockets.emplace(value);
                   if (key != "flags" || out.logical > 1) return;
                   out.constant_tsc = has_word(value, "constant_tsc");
                   out.nonstop_tsc = has_word(value, "nonstop_tsc");
                   out.virtual_machine = has_word(value, "hypervisor");
                 });
  out.sockets = static_cast<unsigned>(sockets.size());
  return out;
}

Cores Machine::cores() const {
  constexpr std::string_view folder = "sys/devices/system/cpu";
  const auto list = [&](std::string_view name) {
    return cpu_list(tree_.line(fmt::format("{}/{}", folder, name)).value_or(""));
  };
  Cores out;
  out.isolated = list("isolated");
  out.tickless = list("nohz_full");  // "(null)" where there are none
  for (const unsigned number : list("online")) {
    const std::string cpu = fmt::format("{}/cpu{}", folder, number);
    out.online.push_back(
        {.number = number,
         .governor = tree_.line(cpu + "/cpufreq/scaling_governor"),
         .siblings = cpu_list(tree_.line(cpu + "/topology/thread_siblings_list").value_or(""))});
  }
  return out;
}

Memory Machine::memory() const {
  Memory out;
  out.huge = huge_pages(tree_, fmt::format("sys/kernel/mm/{}", huge_folder));
  constexpr std::string_view nodes = "sys/devices/system/node";
  for (const std::string& name : tree_.names(nodes)) {
    if (!name.starts_with("node")) continue;
    const std::string folder = fmt::format("{}/{}", nodes, name);
    const auto cpus = tree_.line(folder + "/cpulist");
    if (!cpus) continue;
    out.nodes.push_back(
        {.number = static_cast<unsigned>(leading_number(std::string_view(name).substr(4))),
         .cpus = cpu_list(*cpus),
         .huge =
             huge_pages(tree_, fmt::format("{}/{}", folder, huge_folder)).value_or(HugePages{})});
  }
  std::ranges::sort(out.nodes, {}, &Node::number);
  const std::string modes = tree_.line("sys/kernel/mm/transparent_hugepage/enabled").value_or("");
  if (const auto open = modes.find('['); open != modes.npos) {
    out.transparent = modes.substr(open + 1, modes.find(']') - open - 1);
  }
  for_each_field(tree_.text("proc/meminfo").value_or(""),
                 [&](std::string_view key, std::string_view value) {
                   if (key == "MemAvailable") out.available_bytes = leading_number(value) << 10;
                 });
  out.group_left_bytes = group_left(tree_);
  return out;
}

std::optional<PciDevice> Machine::pci_device(const std::string& address) const {
  const std::string folder = "sys/bus/pci/devices/" + address;
  const auto vendor = tree_.number(folder + "/vendor");
  const auto device = tree_.number(folder + "/device");
  if (!vendor || !device) return {};
  PciDevice out{.vendor = static_cast<std::uint16_t>(*vendor),
                .device = static_cast<std::uint16_t>(*device),
                .bound_to = tree_.link(folder + "/driver").value_or(""),
                .interfaces = tree_.names(folder + "/net"),
                .iommu_group = tree_.link(folder + "/iommu_group")};
  if (const auto node = tree_.number(folder + "/numa_node")) {  // "-1": not said
    out.node = static_cast<unsigned>(*node);
  }
  return out;
}

void Machine::look_at_socket(const std::string& path, Port& out) const {
  std::error_code error;
  out.subject_exists = tree_.exists(path);
  out.subject_usable = tree_.allows(path, R_OK | W_OK);
  out.subject_is_socket = std::filesystem::is_socket(tree_.path(path), error);
  const std::string listed = tree_.text("proc/net/unix").value_or("");
  out.socket_served = listed.find(" " + path + "\n") != listed.npos;
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  while (!tree_.exists(folder.string()) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  out.socket_folder = folder;
  out.socket_folder_writable = tree_.allows(out.socket_folder, W_OK | X_OK);
}

Port Machine::port(const Needs& needs) const {
  Port out;
  const std::filesystem::path folder = tree_.path(needs.driver_folder);
  out.driver_folder = tree_.exists(needs.driver_folder);
  out.drivers = port_drivers(folder);
  out.bus_library =
      has_library(folder, needs.port_kind == PortKind::pci ? "librte_bus_pci" : "librte_bus_vdev");
  out.mempool_library = has_library(folder, "librte_mempool_ring");
  const std::string& subject = needs.port_subject;
  switch (needs.port_kind) {
    case PortKind::pci:
      out.pci = pci_device(subject);
      out.vfio_loaded = tree_.exists("sys/bus/pci/drivers/vfio-pci");
      if (out.pci && out.pci->iommu_group) {
        out.vfio_group_usable = tree_.allows("dev/vfio/" + *out.pci->iommu_group, R_OK | W_OK);
      }
      break;
    case PortKind::tap:
      out.subject_exists = tree_.exists("dev/net/tun");
      out.subject_usable = tree_.allows("dev/net/tun", R_OK | W_OK);
      break;
    case PortKind::interface: {
      const auto flags = tree_.number(fmt::format("sys/class/net/{}/flags", subject));
      out.subject_exists = flags.has_value();
      out.subject_usable = (flags.value_or(0) & IFF_UP) != 0;
      break;
    }
    case PortKind::socket_server:
    case PortKind::socket_client:
      look_at_socket(subject, out);
      break;
    case PortKind::capture:
      out.subject_exists = tree_.exists(subject);
      out.subject_usable = tree_.allows(subject, R_OK);
      break;
    case PortKind::other:
      break;
  }
  return out;
}

Clock Machine::clock(std::optional<ClockSync> sync) const {
  constexpr std::string_view folder = "sys/devices/system/clocksource/clocksource0";
  Clock out{.source = tree_.line(fmt::format("{}/current_clocksource", folder)).value_or(""),
            .sync = sync};
  std::istringstream words(
      tree_.line(fmt::format("{}/available_clocksource", folder)).value_or(""));
  for (std::string each; words >> each;) out.sources.push_back(each);
  return out;
}

std::optional<ClockSync> clock_sync() noexcept {
  timex now{};
  if (::adjtimex(&now) < 0) return {};
  return ClockSync{.synchronised = (now.status & STA_UNSYNC) == 0,
                   .error_max_us = now.maxerror,
                   .error_estimated_us = now.esterror};
}

}  // namespace claimgate::machine
