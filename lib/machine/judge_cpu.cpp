// Rules about the CPU, the kernel, and the core that the worker polls on.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "lib/machine/area.hpp"

namespace claimgate::machine {
namespace {

constexpr const char* show_all_features =
    "In a virtual machine: give it the host's CPU model (QEMU: -cpu host)";

void judge_features(const Cpu& cpu, Area& area) {
  const Features& has = cpu.features;
  if (has.sse42.usable()) {
    area.ok("SSE4.2", "yes");
  } else {
    area.problem("SSE4.2", "missing: claimd's programs and ipsec-mb need it",
                 fmt::format("Use an x86-64 CPU made since 2009. {}", show_all_features));
  }
  const auto wide = [&](const char* check, const Feature& feature, bool wanted) {
    if (feature.usable()) {
      area.ok(check, "yes");
    } else if (feature.cpu) {
      area.note(check, "the CPU has it, this kernel does not keep its registers",
                "Take noxsave, clearcpuid= and the like off the kernel's command line");
    } else if (wanted) {
      area.note(check, "missing: digests take up to four times as long", show_all_features);
    } else {
      area.ok(check, "no; nothing needs it");
    }
  };
  wide("AVX2", has.avx2, true);
  wide("BMI2", has.bmi2, false);
  wide("AVX-512F", has.avx512f, false);
  wide("AVX-512 IFMA", has.avx512_ifma, false);
}

void judge_kernel(const Cpu& cpu, Area& area) {
  unsigned major = 0, minor = 0;
  if (std::sscanf(cpu.linux_release.c_str(), "%u.%u", &major, &minor) != 2) {
    area.note("Linux", "/proc/sys/kernel/osrelease cannot be read", "Mount /proc");
  } else if (major < 5 || (major == 5 && minor < 14)) {
    area.note("Linux",
              fmt::format("{}; pages are not faulted in at once before 5.14", cpu.linux_release),
              "Debian 12 has 6.1: apt install linux-image-amd64");
  } else {
    area.ok("Linux", cpu.linux_release);
  }
}

std::string core_list_remedy(const Cores& cores, unsigned worker) {
  if (cores.online.size() < 2) {
    return "Give the machine a second CPU, or set worker.idle = \"yield\"";
  }
  if (!cores.isolated.empty()) {
    return fmt::format("Set worker.cpu = {}, which is isolated (as a service also AllowedCPUs=)",
                       cores.isolated.back());
  }
  return fmt::format(
      "isolcpus={0} nohz_full={0} rcu_nocbs={0} on the kernel's command line "
      "(GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, reboot), and worker.cpu = {0}; on "
      "a shared machine worker.idle = \"yield\"",
      worker);
}

bool contains(const std::vector<unsigned>& list, unsigned number) {
  return std::ranges::find(list, number) != list.end();
}

void judge_isolation(const Cores& cores, const Needs& needs, unsigned worker, Area& area) {
  if (!needs.spins) {
    area.ok("isolated", "not asked for: the worker yields its core");
    return;
  }
  if (contains(cores.isolated, worker)) {
    area.ok("isolated", fmt::format("CPU {} is kept free of others", worker));
  } else {
    area.warning(
        "isolated",
        fmt::format("the scheduler puts others on CPU {} (isolated: {}): answers wait", worker,
                    cores.isolated.empty() ? "none" : cpu_list_text(cores.isolated)),
        core_list_remedy(cores, worker));
    return;
  }
  if (contains(cores.tickless, worker)) {
    area.ok("timer tick", fmt::format("off on CPU {}", worker));
  } else {
    area.note("timer tick", fmt::format("interrupts CPU {} at the kernel's rate", worker),
              fmt::format("nohz_full={0} rcu_nocbs={0} on the kernel's command line", worker));
  }
}

void judge_governor(const Core& core, Area& area) {
  if (!core.governor) {
    area.note("governor", "the kernel does not set the clock here: the host or the firmware does",
              "See to it there: governor \"performance\", or the firmware's maximum performance");
  } else if (*core.governor == "performance") {
    area.ok("governor", fmt::format("CPU {}: performance", core.number));
  } else {
    area.warning(
        "governor", fmt::format("CPU {}: {}, which lowers its clock", core.number, *core.governor),
        fmt::format("echo performance > /sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor "
                    "(for good: cpufreq.default_governor=performance on the kernel's command line)",
                    core.number));
  }
}

void judge_siblings(const Core& core, const Cores& cores, const Needs& needs, Area& area) {
  std::vector<unsigned> others;
  for (const unsigned each : core.siblings) {
    const bool idle = contains(cores.isolated, each) && each != needs.control_cpu;
    if (each != core.number && !idle && cores.find(each) != nullptr) others.push_back(each);
  }
  if (others.empty()) {
    area.ok("hardware threads", fmt::format("CPU {} has its core for itself", core.number));
    return;
  }
  area.warning("hardware threads",
               fmt::format("CPU {} shares its core with CPU {}, where others may run", core.number,
                           cpu_list_text(others)),
               fmt::format("echo 0 > /sys/devices/system/cpu/cpu{}/online, or isolate both",
                           others.front()));
}

}  // namespace

void judge_cpu(const Facts& facts, Findings& out) {
  const Cpu& cpu = facts.cpu;
  Area area("cpu", out);
  if (cpu.logical == 0) {
    area.note("model", "/proc/cpuinfo cannot be read", "Mount /proc");
  } else {
    area.ok("model",
            fmt::format("{}: {} socket{}, {} CPU{}{}", cpu.model, cpu.sockets,
                        cpu.sockets == 1 ? "" : "s", cpu.logical, cpu.logical == 1 ? "" : "s",
                        cpu.virtual_machine ? ", a virtual machine" : ""));
  }
  judge_features(cpu, area);
  if (cpu.constant_tsc && cpu.nonstop_tsc) {
    area.ok("time stamp counter", "constant, never stops");
  } else {
    area.warning("time stamp counter",
                 fmt::format("{}: the times the worker measures are wrong, and it reads the clock "
                             "too seldom or too often",
                             cpu.constant_tsc ? "stops while a core sleeps" : "changes its rate"),
                 "In a virtual machine: pass it on (QEMU: -cpu host,+invtsc); on old CPUs: "
                 "intel_idle.max_cstate=1 or processor.max_cstate=1 on the kernel's command line");
  }
  judge_kernel(cpu, area);
}

void judge_cores(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("cores", out);
  if (!needs.worker_cpu || !needs.control_cpu) return;
  const unsigned worker = *needs.worker_cpu;
  if (worker == *needs.control_cpu) {
    area.warning("worker",
                 fmt::format("CPU {} does the worker's and all other work: claims wait for "
                             "imports, metrics and logs",
                             worker),
                 "Give claimd a second CPU: worker.cpu and worker.control_cpu, or the CPU set of "
                 "its service or container");
  } else {
    area.ok("worker",
            fmt::format(
                "CPU {}, control on CPU {}{}", worker, *needs.control_cpu,
                facts.running ? "" : ", of those allowed: " + cpu_list_text(facts.rights.cpus)));
  }
  const Core* core = facts.cores.find(worker);
  if (core == nullptr) {
    area.note("isolated", "/sys/devices/system/cpu says nothing of it", "Mount /sys");
    return;
  }
  judge_isolation(facts.cores, needs, worker, area);
  judge_governor(*core, area);
  judge_siblings(*core, facts.cores, needs, area);
}

}  // namespace claimgate::machine
