#include "src/nic/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "lib/memory/region.hpp"
#include "src/nic/device.hpp"
#include "src/nic/server_socket.hpp"

namespace claimgate::nic {

unsigned free_huge_pages_mib() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  unsigned pages = 0;
  return file >> pages ? pages * 2 : 0;
}

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

namespace {

std::vector<std::string> arguments(const EalOptions& options, bool huge) {
  std::vector<std::string> args{options.program};
  if (huge) {
    // Anonymous huge pages: no hugetlbfs mount, nothing left behind after a crash. One file
    // descriptor per segment, so that memif and vhost peers can map the pool.
    args.insert(args.end(), {"--in-memory", "--single-file-segments"});
  } else {
    args.insert(args.end(), {"--no-huge", "--no-shconf", "--single-file-segments"});
  }
  args.insert(args.end(), {"-m", std::to_string(options.memory_mib)});
  args.push_back("--file-prefix=" + options.file_prefix);
  std::string lcores;
  for (std::size_t i = 0; i < options.lcore_cpus.size(); ++i) {
    lcores += fmt::format("{}{}@{}", i == 0 ? "" : ",", i, options.lcore_cpus[i]);
  }
  if (!lcores.empty()) args.insert(args.end(), {"--lcores", lcores});
  if (!options.telemetry) args.push_back("--no-telemetry");
  if (options.pci_devices.empty()) args.push_back("--no-pci");
  for (const auto& pci : options.pci_devices) args.insert(args.end(), {"-a", pci});
  for (const auto& vdev : options.vdevs) args.push_back("--vdev=" + vdev);
  // Its warnings name page sizes nobody asked for; what keeps a port from working is an error.
  args.push_back("--log-level=*:error");
  return args;
}

// By taking them for a moment: what is called free may be reserved by others, or denied to us by a
// control group, and EAL does not go on without what it was promised.
bool can_have(unsigned huge_mib) {
  if (free_huge_pages_mib() < huge_mib) return false;
  const auto probe = memory::Region::map(std::size_t{huge_mib} << 20, memory::Pages::huge);
  return probe && probe->pages() == memory::Pages::huge;
}

std::string about_devices(const EalOptions& options) {
  std::string text;
  for (const auto* devices : {&options.vdevs, &options.pci_devices}) {
    for (const std::string& device : *devices) text += ". " + ask_the_doctor(device);
  }
  return text;
}

// DPDK makes one for every file prefix and leaves it behind: with a prefix per process, as claimgen
// has, for ever one more. What another process still uses is not empty, and stays.
void remove_runtime_folder() {
  (void)::rmdir(rte_eal_get_runtime_dir());
}

}  // namespace

Expected<Eal> Eal::start(const EalOptions& options) {
  const unsigned free_mib = free_huge_pages_mib();
  const bool enough = options.huge_pages != HugePages::never && can_have(options.memory_mib);
  if (options.huge_pages == HugePages::require && !enough) {
    return fail(fmt::format("{} MiB of huge pages are needed and {} MiB are free",
                            options.memory_mib, free_mib),
                "eal.huge_pages",
                fmt::format("Reserve them (echo {} > /proc/sys/vm/nr_hugepages) or set "
                            "huge_pages = \"auto\"",
                            (options.memory_mib - free_mib + 1) / 2 + 8));
  }
  for (const auto& vdev : options.vdevs) {
    if (auto cleared = clear_stale_socket(vdev); !cleared) return std::unexpected(cleared.error());
  }

  auto args = arguments(options, enough);
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    const int error = rte_errno;
    remove_runtime_folder();
    return fail(fmt::format("DPDK does not start: {}", rte_strerror(error)), "eal",
                "The lines above are DPDK's own" + about_devices(options));
  }
  return Eal(enough);
}

Eal::Eal(Eal&& other) noexcept
    : huge_pages_(other.huge_pages_), running_(std::exchange(other.running_, false)) {}

Eal::~Eal() {
  if (!running_) return;
  // No rte_eal_cleanup(): DPDK's interrupt thread runs until the process ends, and what it serves
  // lies in memory that the cleanup unmaps; a memif peer that left in that moment ended the process
  // by a segfault. What the cleanup would give back the kernel takes when the process ends, which
  // is when this is called: nothing of ours outlives it but the folder.
  remove_runtime_folder();
}

}  // namespace claimgate::nic
