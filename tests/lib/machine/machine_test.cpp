// Probes: a laid-out machine is seen as it is, and so is this one.
#include "lib/machine/machine.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "lib/machine/judge.hpp"
#include "tests/lib/machine/host.hpp"

namespace claimgate::machine {
namespace {

using CpuNumbers = std::vector<unsigned>;

TEST(CpuList, IsReadAndWrittenAsTheKernelWritesIt) {
  EXPECT_EQ(cpu_list("0-2,5,8-9\n"), (CpuNumbers{0, 1, 2, 5, 8, 9}));
  EXPECT_EQ(cpu_list("7"), CpuNumbers{7});
  for (const char* nothing : {"", "\n", "(null)", "3-1", "1,x", "0-99999999", "-1"}) {
    EXPECT_TRUE(cpu_list(nothing).empty()) << nothing;
  }
  EXPECT_EQ(cpu_list_text({0, 1, 2, 5, 8, 9}), "0-2,5,8-9");
  EXPECT_EQ(cpu_list_text({}), "");
}

TEST(Machine, WithTwoSocketsIsSeenWithItsCores) {
  const Host host;
  host.put("proc/cpuinfo",
           "processor\t: 0\nmodel name\t: Example 9000\nphysical id\t: 0\nflags\t\t: fpu "
           "constant_tsc nonstop_tsc avx2\n\nprocessor\t: 1\nmodel name\t: Example 9000\nphysical "
           "id\t: 1\nflags\t\t: fpu\n");
  host.put("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
  const Cpu cpu = host.machine().cpu({});
  EXPECT_EQ(cpu.model, "Example 9000");
  EXPECT_EQ(cpu.sockets, 2U);
  EXPECT_EQ(cpu.logical, 2U);
  EXPECT_TRUE(cpu.constant_tsc);
  EXPECT_TRUE(cpu.nonstop_tsc);
  EXPECT_FALSE(cpu.virtual_machine);
  EXPECT_EQ(cpu.linux_release, "6.1.0-28-amd64");

  const std::string folder = "sys/devices/system/cpu/";
  host.put(folder + "online", "0-1\n");
  host.put(folder + "isolated", "1\n");
  host.put(folder + "nohz_full", "  (null)\n");
  host.put(folder + "cpu0/cpufreq/scaling_governor", "powersave\n");
  host.put(folder + "cpu1/topology/thread_siblings_list", "0-1\n");
  const Cores cores = host.machine().cores();
  ASSERT_EQ(cores.online.size(), 2U);
  EXPECT_EQ(cores.isolated, CpuNumbers{1});
  EXPECT_TRUE(cores.tickless.empty());
  EXPECT_EQ(cores.find(0)->governor, "powersave");
  EXPECT_FALSE(cores.find(1)->governor);
  EXPECT_EQ(cores.find(1)->siblings, (CpuNumbers{0, 1}));
  EXPECT_EQ(cores.find(2), nullptr);
}

TEST(Machine, WithTwoNodesIsSeenWithTheHugePagesOfEach) {
  const Host host;
  const auto pages = [&](const std::string& folder, const char* total, const char* free) {
    host.put(folder + "/hugepages-2048kB/nr_hugepages", total);
    host.put(folder + "/hugepages-2048kB/free_hugepages", free);
  };
  pages("sys/kernel/mm/hugepages", "300\n", "210\n");
  host.put("sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "10\n");
  pages("sys/devices/system/node/node10/hugepages", "200", "150");
  pages("sys/devices/system/node/node2/hugepages", "100", "60");
  host.put("sys/devices/system/node/node10/cpulist", "8-15\n");
  host.put("sys/devices/system/node/node2/cpulist", "0-7\n");
  host.put("sys/devices/system/node/online", "2,10\n");
  host.put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  host.put("proc/meminfo", "MemTotal: 2048 kB\nMemAvailable:   1024 kB\n");
  const Memory memory = host.machine().memory();
  ASSERT_TRUE(memory.huge);
  EXPECT_EQ(memory.huge->total, 300U);
  EXPECT_EQ(memory.huge->free, 200U) << "ten of them are promised";
  ASSERT_EQ(memory.nodes.size(), 2U);
  EXPECT_EQ(memory.nodes[0].number, 2U);
  EXPECT_EQ(memory.nodes[0].huge.free, 60U);
  EXPECT_EQ(memory.nodes[1].huge.total, 200U);
  EXPECT_EQ(memory.node_of(9), 10U);
  EXPECT_FALSE(memory.node_of(16));
  EXPECT_EQ(memory.transparent, "madvise");
  EXPECT_EQ(memory.available_bytes, 1024U << 10);
  EXPECT_FALSE(memory.group_left_bytes);
}

TEST(Machine, LimitsMemoryByTheNearestGroupThatHasALimit) {
  const Host host;
  host.put("proc/self/cgroup", "1:name=systemd:/\n0::/system.slice/claimd.service\n");
  const std::string slice = "sys/fs/cgroup/system.slice/";
  host.put(slice + "claimd.service/memory.max", "max\n");
  host.put(slice + "claimd.service/memory.current", "1000\n");
  EXPECT_FALSE(host.machine().memory().group_left_bytes);
  host.put(slice + "memory.max", "50000\n");
  host.put(slice + "memory.current", "20000\n");
  EXPECT_EQ(host.machine().memory().group_left_bytes, 30000U);
  host.put(slice + "claimd.service/memory.max", "900\n");
  EXPECT_EQ(host.machine().memory().group_left_bytes, 0U);
}

TEST(Machine, TellsItsRightsByTheProcessThatHasThem) {
  const Host host;
  host.put("proc/self/status",
           "Name:\tclaimctl\nUid:\t1000\t1001\t1000\t1000\nCapEff:\t"
           "0000000000002000\nCpus_allowed_list:\t0-1\n");
  host.put("proc/self/limits",
           "Limit                     Soft Limit           Hard Limit           Units     \n"
           "Max core file size        0                    unlimited            bytes     \n"
           "Max open files            1024                 20000                files     \n"
           "Max locked memory         8388608              8388608              bytes     \n");
  host.put("proc/77/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0\nCpus_allowed_list:\t3\n");
  host.put("proc/77/comm", "claimd\n");
  host.put("proc/78/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0\nCpus_allowed_list:\t3\n");
  host.put("proc/78/comm", "bash\n");
  const Rights own = host.machine().rights(0);
  EXPECT_EQ(own.user, 1001U) << "the effective one";
  EXPECT_EQ(own.capabilities, 0x2000U);
  EXPECT_EQ(own.cpus, (CpuNumbers{0, 1}));
  ASSERT_TRUE(own.limits);
  EXPECT_EQ(own.limits->core_bytes, 0U);
  EXPECT_EQ(own.limits->open_files, 1024U);
  EXPECT_EQ(own.limits->locked_bytes, 8388608U);

  const Rights daemon = host.machine().rights(77);
  EXPECT_EQ(daemon.pid, 77);
  EXPECT_EQ(daemon.cpus, CpuNumbers{3});
  EXPECT_FALSE(daemon.limits);
  EXPECT_EQ(host.machine().rights(78).pid, 0) << "somebody else's number by now";
  EXPECT_EQ(host.machine().rights(79).user, 1001U);
}

TEST(Machine, ShowsAPciDeviceAndWhatItIsBoundTo) {
  const Host host;
  Needs needs = sound_needs();
  const std::string folder = "sys/bus/pci/devices/0000:3b:00.0/";
  EXPECT_FALSE(host.machine().port(needs).pci);
  host.put(folder + "vendor", "0x8086\n");
  host.put(folder + "device", "0x1528\n");
  host.put(folder + "numa_node", "-1\n");
  host.folder(folder + "net/enp59s0");
  host.link(folder + "driver", "../../../../bus/pci/drivers/ixgbe");
  const Port kernels = host.machine().port(needs);
  ASSERT_TRUE(kernels.pci);
  EXPECT_EQ(kernels.pci->vendor, 0x8086);
  EXPECT_EQ(kernels.pci->device, 0x1528);
  EXPECT_EQ(kernels.pci->bound_to, "ixgbe");
  EXPECT_EQ(kernels.pci->interfaces, std::vector<std::string>{"enp59s0"});
  EXPECT_FALSE(kernels.pci->iommu_group);
  EXPECT_FALSE(kernels.pci->node);
  EXPECT_FALSE(kernels.driver_folder);

  host.link(folder + "iommu_group", "../../../kernel/iommu_groups/42");
  host.put(folder + "numa_node", "1\n");
  EXPECT_FALSE(host.machine().port(needs).vfio_group_usable);
  host.put("dev/vfio/42", "");
  host.put("dpdk/pmds-23.0/librte_bus_pci.so.23.0", "");
  host.put("dpdk/pmds-23.0/librte_mempool_ring.so.23.0", "");
  const Port bound = host.machine().port(needs);
  EXPECT_EQ(bound.pci->iommu_group, "42");
  EXPECT_EQ(bound.pci->node, 1U);
  EXPECT_TRUE(bound.vfio_group_usable);
  EXPECT_TRUE(bound.driver_folder);
  EXPECT_TRUE(bound.bus_library);
  EXPECT_TRUE(bound.mempool_library);
}

TEST(Machine, ShowsWhatAVirtualPortStandsOn) {
  const Host host;
  Needs needs = sound_needs();
  needs.port_kind = PortKind::tap;
  EXPECT_FALSE(host.machine().port(needs).subject_exists);
  host.put("dev/net/tun", "");
  EXPECT_TRUE(host.machine().port(needs).subject_usable);

  needs.port_kind = PortKind::interface;
  needs.port_subject = "veth9";
  EXPECT_FALSE(host.machine().port(needs).subject_exists);
  host.put("sys/class/net/veth9/flags", "0x1002\n");
  EXPECT_TRUE(host.machine().port(needs).subject_exists);
  EXPECT_FALSE(host.machine().port(needs).subject_usable);
  host.put("sys/class/net/veth9/flags", "0x1003\n");
  EXPECT_TRUE(host.machine().port(needs).subject_usable);

  needs.port_kind = PortKind::capture;
  needs.port_subject = "/tmp/claims.pcap";
  EXPECT_FALSE(host.machine().port(needs).subject_exists);
  host.put("tmp/claims.pcap", "");
  EXPECT_TRUE(host.machine().port(needs).subject_usable);
}

TEST(Machine, ShowsWhoServesASocket) {
  const Host host;
  host.folder("run");
  Needs needs = sound_needs();
  needs.port_kind = PortKind::socket_server;
  needs.port_subject = "/run/claimgate/memif.sock";
  const Port missing = host.machine().port(needs);
  EXPECT_FALSE(missing.subject_exists);
  EXPECT_EQ(missing.socket_folder, "/run");
  EXPECT_TRUE(missing.socket_folder_writable);

  host.put("run/claimgate/memif.sock", "");
  host.put("proc/net/unix", "0: 2 0 10000 5 1 7 /run/claimgate/memif.sock.other\n");
  const Port file = host.machine().port(needs);
  EXPECT_TRUE(file.subject_exists);
  EXPECT_FALSE(file.subject_is_socket);
  EXPECT_FALSE(file.socket_served);
  EXPECT_EQ(file.socket_folder, "/run/claimgate");
  host.put("proc/net/unix", "0: 2 0 10000 5 1 7 /run/claimgate/memif.sock\n");
  EXPECT_TRUE(host.machine().port(needs).socket_served);
}

TEST(Machine, ShowsItsClock) {
  const Host host;
  const std::string folder = "sys/devices/system/clocksource/clocksource0/";
  host.put(folder + "current_clocksource", "kvm-clock\n");
  host.put(folder + "available_clocksource", "kvm-clock tsc acpi_pm \n");
  const Clock clock = host.machine().clock({});
  EXPECT_EQ(clock.source, "kvm-clock");
  EXPECT_EQ(clock.sources, (std::vector<std::string>{"kvm-clock", "tsc", "acpi_pm"}));
  EXPECT_FALSE(clock.sync);
}

TEST(Machine, ThatShowsNothingIsFullOfNotesAndOfNothingInvented) {
  const Host host;
  const Machine machine = host.machine();
  const Needs needs = sound_needs();
  Facts facts{.cpu = machine.cpu(cpuid()),
              .cores = machine.cores(),
              .memory = machine.memory(),
              .port = machine.port(needs),
              .clock = machine.clock({}),
              .disk = sound_facts().disk,
              .rights = machine.rights(0),
              .running = {}};
  for (const Finding& each : judge(facts, needs)) {
    EXPECT_EQ(each.state == State::ok, each.remedy.empty()) << each.area << "/" << each.check;
  }
}

TEST(ThisMachine, IsSeenAsItsOwnCallsSay) {
  const Machine machine = Machine::at("/");
  const Rights rights = machine.rights(0);
  EXPECT_EQ(rights.user, ::geteuid());
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(rights.cpus.size(), static_cast<std::size_t>(CPU_COUNT(&set)));
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  ASSERT_TRUE(rights.limits);
  EXPECT_EQ(rights.limits->open_files.value_or(RLIM_INFINITY), files.rlim_cur);

  const Cpu cpu = machine.cpu(cpuid());
  EXPECT_EQ(cpu.logical, static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN)));
  EXPECT_FALSE(cpu.linux_release.empty());
  EXPECT_TRUE(cpu.features.sse42.usable());
  EXPECT_FALSE(machine.memory().transparent.empty() && machine.memory().huge.has_value());
  EXPECT_TRUE(machine.memory().available_bytes);
  EXPECT_EQ(machine.cores().online.size(), cpu.logical);

  Facts facts{.cpu = cpu,
              .cores = machine.cores(),
              .memory = machine.memory(),
              .port = machine.port(sound_needs()),
              .clock = machine.clock(clock_sync()),
              .disk = look_at_disk("/tmp"),
              .rights = rights,
              .running = {}};
  for (const Finding& each : judge(facts, sound_needs())) {
    EXPECT_EQ(each.state == State::ok, each.remedy.empty()) << each.area << "/" << each.check;
    EXPECT_FALSE(each.found.empty()) << each.area << "/" << each.check;
  }
}

}  // namespace
}  // namespace claimgate::machine
