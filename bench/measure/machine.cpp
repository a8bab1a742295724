#include "bench/measure/machine.hpp"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>

namespace claimgate::bench {
namespace {

std::string first_line(const std::string& path, const std::string& otherwise) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && !line.empty() ? line : otherwise;
}

// The value of the first line of a "key : value" file that begins with `key`.
std::string value_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto value = line.find_first_not_of(" \t:", key.size());
    return value == line.npos ? "" : line.substr(value);
  }
  return "unknown";
}

std::string cpu() {
  const bool guest =
      (" " + value_of("/proc/cpuinfo", "flags") + " ").find(" hypervisor ") != std::string::npos;
  return fmt::format("{} (family {}, model {}), {} CPUs{}", value_of("/proc/cpuinfo", "model name"),
                     value_of("/proc/cpuinfo", "cpu family"), value_of("/proc/cpuinfo", "model\t"),
                     ::sysconf(_SC_NPROCESSORS_ONLN), guest ? ", a virtual machine" : "");
}

std::string pages() {
  return fmt::format("{} of {} huge pages of 2 MiB free; transparent ones: {}",
                     value_of("/proc/meminfo", "HugePages_Free"),
                     value_of("/proc/meminfo", "HugePages_Total"),
                     first_line("/sys/kernel/mm/transparent_hugepage/enabled", "unknown"));
}

std::string kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? fmt::format("{} {}", name.sysname, name.release) : "unknown";
}

}  // namespace

void report_machine(const Report& report) {
  report.fact("CPU", cpu());
  report.fact("clock control",
              fmt::format("governor {}; isolated CPUs: {}",
                          first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                                     "not shown to this machine"),
                          first_line("/sys/devices/system/cpu/isolated", "none")));
  report.fact("pages", pages());
  report.fact("kernel", kernel());
  report.fact("compiler", "g++ " __VERSION__ ", " CLAIMGATE_BUILDTYPE);
  double load = 0;
  if (::getloadavg(&load, 1) != 1) return;
  const auto cpus = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  report.fact("load", fmt::format("{:.1f} threads wanted a CPU in the minute before", load));
  // A minute's average still holds the build that `./dev bench` may have begun with.
  if (load > cpus) {
    report.warn(
        fmt::format("{:.1f} threads on {} CPUs in the minute before: others share the "
                    "machine, so trust intervals and ratios, not medians",
                    load, cpus));
  }
}

unsigned pin_to_last_cpu() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  unsigned last = 0;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return last;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) last = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  ::sched_setaffinity(0, sizeof one, &one);
  return last;
}

}  // namespace claimgate::bench
