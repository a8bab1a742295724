// Every rule: one thing wrong with a machine on which all is well gives one finding of that state,
// with a remedy, and all others stay ok.
#include "lib/machine/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/lib/machine/host.hpp"

namespace claimgate::machine {

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  return out << finding.area << "/" << finding.check << " " << name(finding.state) << ": "
             << finding.found << " -> " << finding.remedy;
}

namespace {

TEST(Judge, FindsNothingOnASoundMachineAndOffersNoRemedy) {
  const Findings findings = judge(sound_facts(), sound_needs());
  EXPECT_GT(findings.size(), 25U);
  for (const Finding& each : findings) {
    EXPECT_EQ(each.state, State::ok) << each;
    EXPECT_EQ(each.remedy, "") << each;
    EXPECT_NE(each.found, "") << each;
  }
}

struct Fault {
  const char* name;
  void (*make)(Facts&, Needs&);
  const char* area;
  const char* check;
  State state;
  const char* found;   // part of it
  const char* remedy;  // part of it
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << fault.name;
}

class OneFault : public testing::TestWithParam<Fault> {};

TEST_P(OneFault, IsTheOneFindingAndHasItsRemedy) {
  const Fault& fault = GetParam();
  Facts facts = sound_facts();
  Needs needs = sound_needs();
  fault.make(facts, needs);
  unsigned seen = 0;
  for (const Finding& each : judge(facts, needs)) {
    if (each.area == fault.area && each.check == fault.check) {
      ++seen;
      EXPECT_EQ(each.state, fault.state) << each;
      EXPECT_NE(each.found.find(fault.found), each.found.npos) << each;
      EXPECT_NE(each.remedy.find(fault.remedy), each.remedy.npos) << each;
      EXPECT_EQ(each.remedy.empty(), each.state == State::ok) << each;
    } else {
      EXPECT_EQ(each.state, State::ok) << each;
    }
  }
  EXPECT_EQ(seen, 1U);
}

void virtual_port(Facts& facts, Needs& needs, PortKind kind, const char* driver,
                  const char* subject) {
  needs.port_kind = kind;
  needs.port_driver = driver;
  needs.port_subject = subject;
  facts.port.pci.reset();
}

const Fault cpu_faults[] = {
    {"cpu_unknown", [](Facts& f, Needs&) { f.cpu.logical = 0; }, "cpu", "model", State::note,
     "cpuinfo", "/proc"},
    {"no_sse42", [](Facts& f, Needs&) { f.cpu.features.sse42 = {}; }, "cpu", "SSE4.2",
     State::problem, "missing", "-cpu host"},
    {"no_avx2", [](Facts& f, Needs&) { f.cpu.features.avx2 = {}; }, "cpu", "AVX2", State::note,
     "missing", "-cpu host"},
    {"avx2_not_kept",
     [](Facts& f, Needs&) {
       f.cpu.features.avx2 = {true, false};
     },
     "cpu", "AVX2", State::note, "registers", "noxsave"},
    {"avx512_not_kept",
     [](Facts& f, Needs&) {
       f.cpu.features.avx512f = {true, false};
     },
     "cpu", "AVX-512F", State::note, "registers", "clearcpuid"},
    {"no_avx512_is_no_fault", [](Facts& f, Needs&) { f.cpu.features.avx512_ifma = {}; }, "cpu",
     "AVX-512 IFMA", State::ok, "nothing needs it", ""},
    {"no_bmi2_is_no_fault", [](Facts& f, Needs&) { f.cpu.features.bmi2 = {}; }, "cpu", "BMI2",
     State::ok, "nothing needs it", ""},
    {"tsc_varies", [](Facts& f, Needs&) { f.cpu.constant_tsc = false; }, "cpu",
     "time stamp counter", State::warning, "changes its rate", "invtsc"},
    {"tsc_stops", [](Facts& f, Needs&) { f.cpu.nonstop_tsc = false; }, "cpu", "time stamp counter",
     State::warning, "stops", "max_cstate"},
    {"old_linux", [](Facts& f, Needs&) { f.cpu.linux_release = "5.10.0-9"; }, "cpu", "Linux",
     State::note, "5.10", "apt install"},
    {"unknown_linux", [](Facts& f, Needs&) { f.cpu.linux_release = ""; }, "cpu", "Linux",
     State::note, "osrelease", "/proc"},
};
INSTANTIATE_TEST_SUITE_P(Cpu, OneFault, testing::ValuesIn(cpu_faults));

const Fault core_faults[] = {
    {"shared_cpu", [](Facts&, Needs& n) { n.control_cpu = worker_cpu; }, "cores", "worker",
     State::warning, "CPU 3", "worker.control_cpu"},
    {"not_isolated", [](Facts& f, Needs&) { f.cores.isolated.clear(); }, "cores", "isolated",
     State::warning, "none", "isolcpus=3 nohz_full=3"},
    {"another_isolated", [](Facts& f, Needs&) { f.cores.isolated = {2}; }, "cores", "isolated",
     State::warning, "isolated: 2", "worker.cpu = 2"},
    {"not_isolated_but_yielding",
     [](Facts& f, Needs& n) {
       f.cores.isolated.clear();
       n.spins = false;
     },
     "cores", "isolated", State::ok, "not asked for", ""},
    {"tick", [](Facts& f, Needs&) { f.cores.tickless = {2}; }, "cores", "timer tick", State::note,
     "CPU 3", "nohz_full=3"},
    {"powersave", [](Facts& f, Needs&) { f.cores.online[3].governor = "powersave"; }, "cores",
     "governor", State::warning, "CPU 3: powersave",
     "echo performance > /sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"},
    {"no_cpufreq", [](Facts& f, Needs&) { f.cores.online[3].governor.reset(); }, "cores",
     "governor", State::note, "the host", "performance"},
    {"governor_of_another_cpu", [](Facts& f, Needs&) { f.cores.online[0].governor = "powersave"; },
     "cores", "governor", State::ok, "performance", ""},
    {"sibling",
     [](Facts& f, Needs&) {
       f.cores.online[3].siblings = {1, 3};
     },
     "cores", "hardware threads", State::warning, "with CPU 1",
     "echo 0 > /sys/devices/system/cpu/cpu1/online"},
    {"idle_sibling",
     [](Facts& f, Needs&) {
       f.cores.online[3].siblings = {1, 3};
       f.cores.isolated = {1, 3};
     },
     "cores", "hardware threads", State::ok, "for itself", ""},
    {"isolated_sibling_with_control_on_it",
     [](Facts& f, Needs& n) {
       f.cores.online[3].siblings = {1, 3};
       f.cores.isolated = {1, 3};
       n.control_cpu = 1;
     },
     "cores", "hardware threads", State::warning, "with CPU 1", "online"},
    {"no_sysfs", [](Facts& f, Needs&) { f.cores = {}; }, "cores", "isolated", State::note, "/sys",
     "Mount"},
};
INSTANTIATE_TEST_SUITE_P(Cores, OneFault, testing::ValuesIn(core_faults));

const Fault memory_faults[] = {
    {"no_huge_pages_in_kernel", [](Facts& f, Needs&) { f.memory.huge.reset(); }, "huge pages",
     "reserved", State::warning, "no huge pages", "eal.huge_pages"},
    {"too_few",
     [](Facts& f, Needs&) {
       f.memory.huge = HugePages{100, 60};
     },
     "huge pages", "enough", State::warning,
     "180 pages of 2 MiB wanted (table 140, packet buffers "
     "40), 60 free",
     "echo 220 > /proc/sys/vm/nr_hugepages"},
    {"too_few_but_required",
     [](Facts& f, Needs& n) {
       f.memory.huge = HugePages{150, 150};
       n.buffers_from = Needs::HugePages::required;
     },
     "huge pages", "enough", State::problem, "does not start", "nr_hugepages = 180"},
    {"required_and_the_table_leaves_enough",
     [](Facts& f, Needs& n) {
       f.memory.huge = HugePages{50, 50};  // the table gets none of them, the buffers all
       n.buffers_from = Needs::HugePages::required;
     },
     "huge pages", "enough", State::warning, "normal pages", "echo 180"},
    {"none_but_none_asked_for",
     [](Facts& f, Needs& n) {
       f.memory.huge = HugePages{0, 0};
       n.buffers_from = Needs::HugePages::never;
       n.table_from_huge_pages = false;
     },
     "huge pages", "enough", State::ok, "asks for none", ""},
    {"running_on_normal_pages",
     [](Facts& f, Needs&) {
       f.memory.huge = HugePages{200, 60};
       f.running = Running{1, false, "huge"};
     },
     "huge pages", "enough", State::warning, "buffers in normal ones", "+ 40"},
    {"running_on_huge_pages",
     [](Facts& f, Needs&) {
       f.memory.huge = HugePages{180, 0};
       f.memory.nodes[1].huge.free = 0;
       f.running = Running{1, true, "huge"};
     },
     "huge pages", "enough", State::ok, "table in huge pages", ""},
    {"transparent_always", [](Facts& f, Needs&) { f.memory.transparent = "always"; }, "huge pages",
     "transparent", State::note, "always", "echo madvise"},
    {"transparent_never", [](Facts& f, Needs&) { f.memory.transparent = "never"; }, "huge pages",
     "transparent", State::note, "never", "echo madvise"},
    {"transparent_never_but_wanted",
     [](Facts& f, Needs& n) {
       f.memory.transparent = "never";
       n.table_from_huge_pages = false;
       n.table_from_transparent_pages = true;
     },
     "huge pages", "transparent", State::warning, "never", "echo madvise"},
    {"transparent_not_in_kernel_but_wanted",
     [](Facts& f, Needs& n) {
       f.memory.transparent = "";
       n.table_from_huge_pages = false;
       n.table_from_transparent_pages = true;
     },
     "huge pages", "transparent", State::warning, "not in this kernel", "memory.table_pages"},
    {"too_little_memory",
     [](Facts& f, Needs& n) {
       n.table_from_huge_pages = false;
       f.memory.available_bytes = 200U << 20;
     },
     "memory", "available", State::problem, "280 MiB", "channels.capacity"},
    {"too_little_in_the_group",
     [](Facts& f, Needs& n) {
       n.table_from_huge_pages = false;
       f.memory.group_left_bytes = 200U << 20;
     },
     "memory", "available", State::problem, "control group", "MemoryMax"},
    {"memory_unknown", [](Facts& f, Needs&) { f.memory.available_bytes.reset(); }, "memory",
     "available", State::note, "meminfo", "/proc"},
    {"huge_pages_on_the_other_node",
     [](Facts& f, Needs&) {
       f.memory.nodes[1].huge = {16, 16};
     },
     "numa", "worker", State::warning, "16 of 180",
     "echo 180 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"},
    {"nic_on_the_other_node", [](Facts& f, Needs&) { f.port.pci->node = 0; }, "numa", "port",
     State::warning, "node 0", "worker.cpu to one of 0-1"},
    {"nic_on_an_unknown_node", [](Facts& f, Needs&) { f.port.pci->node.reset(); }, "numa", "port",
     State::note, "firmware", "worker.cpu"},
    {"worker_on_no_node", [](Facts& f, Needs&) { f.memory.nodes[1].cpus = {2}; }, "numa", "worker",
     State::note, "CPU 3", "/sys"},
    {"one_node", [](Facts& f, Needs&) { f.memory.nodes.pop_back(); }, "numa", "nodes", State::ok,
     "one", ""},
};
INSTANTIATE_TEST_SUITE_P(Memory, OneFault, testing::ValuesIn(memory_faults));

const Fault pci_faults[] = {
    {"no_driver_folder", [](Facts& f, Needs&) { f.port.driver_folder = false; }, "port", "drivers",
     State::problem, "/dpdk/pmds-23.0", "apt install librte-bus-pci23"},
    {"no_bus", [](Facts& f, Needs&) { f.port.bus_library = false; }, "port", "bus", State::problem,
     "librte_bus_pci", "apt install librte-bus-pci23"},
    {"no_mempool", [](Facts& f, Needs&) { f.port.mempool_library = false; }, "port", "packet pool",
     State::problem, "librte_mempool_ring", "apt install librte-mempool-ring23"},
    {"not_the_nic_s_driver", [](Facts& f, Needs&) { f.port.pci->device = 0x9999; }, "port",
     "driver", State::problem, "8086:9999", "apt-cache search librte-net-"},
    {"the_kernel_s",
     [](Facts& f, Needs&) {
       f.port.pci->bound_to = "ixgbe";
       f.port.pci->interfaces = {"enp59s0"};
     },
     "port", "bound", State::problem, "to ixgbe: it is the kernel's enp59s0",
     "ip link set enp59s0 down && dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0"},
    {"bound_to_nothing", [](Facts& f, Needs&) { f.port.pci->bound_to = ""; }, "port", "bound",
     State::problem, "no driver", "--bind=vfio-pci 0000:3b:00.0"},
    {"unsafe_module", [](Facts& f, Needs&) { f.port.pci->bound_to = "uio_pci_generic"; }, "port",
     "bound", State::warning, "all of the machine's memory", "--bind=vfio-pci"},
    {"mellanox_on_its_module",
     [](Facts& f, Needs&) {
       f.port.pci->vendor = 0x15B3;
       f.port.pci->device = 0x1017;
       f.port.pci->bound_to = "mlx5_core";
     },
     "port", "bound", State::ok, "as its driver wants it", ""},
    {"mellanox_on_nothing",
     [](Facts& f, Needs&) {
       f.port.pci->vendor = 0x15B3;
       f.port.pci->device = 0x1017;
       f.port.pci->bound_to = "";
     },
     "port", "bound", State::problem, "no kernel driver", "mlx5_core"},
    {"no_iommu", [](Facts& f, Needs&) { f.port.pci->iommu_group.reset(); }, "port", "IOMMU",
     State::problem, "no IOMMU group", "intel_iommu=on"},
    {"group_closed", [](Facts& f, Needs&) { f.port.vfio_group_usable = false; }, "port", "IOMMU",
     State::problem, "/dev/vfio/42", "chown USER /dev/vfio/42"},
};
INSTANTIATE_TEST_SUITE_P(Pci, OneFault, testing::ValuesIn(pci_faults));

const Fault port_faults[] = {
    {"no_virtual_driver",
     [](Facts& f, Needs& n) { virtual_port(f, n, PortKind::other, "net_null0", ""); }, "port",
     "driver", State::problem, "net_null0", "apt install librte-net-null23"},
    {"a_driver_whose_name_ends_in_a_digit",
     [](Facts& f, Needs& n) { virtual_port(f, n, PortKind::other, "net_e1000_x", ""); }, "port",
     "driver", State::problem, "net_e1000_x", "apt install librte-net-e1000-x23"},
    {"no_tun",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::tap, "net_tap0", "");
       f.port.subject_exists = false;
     },
     "port", "/dev/net/tun", State::problem, "not there", "modprobe tun"},
    {"tun_closed",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::tap, "net_tap0", "");
       f.port.subject_usable = false;
       f.rights.user = 1000;
     },
     "port", "/dev/net/tun", State::warning, "user 1000", "root"},
    {"no_interface",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::interface, "net_af_packet0", "veth9");
       f.port.subject_exists = false;
     },
     "port", "interface", State::problem, "veth9", "iface="},
    {"interface_down",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::interface, "net_af_packet0", "veth9");
       f.port.subject_usable = false;
     },
     "port", "interface", State::warning, "veth9 is down", "ip link set veth9 up"},
    {"socket_served",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_server, "net_memif0", "/run/claimgate/memif.sock");
       f.port.socket_served = true;
     },
     "port", "socket", State::problem, "another program", "ss -xlp"},
    {"socket_served_by_claimd",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_server, "net_memif0", "/run/claimgate/memif.sock");
       f.port.socket_served = true;
       f.running = Running{1, true, "huge"};
     },
     "port", "socket", State::ok, "is served", ""},
    {"socket_is_a_file",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_server, "net_memif0", "/run/claimgate/memif.sock");
     },
     "port", "socket", State::problem, "is no socket", "rm /run/claimgate/memif.sock"},
    {"socket_left_behind",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_server, "net_memif0", "/run/claimgate/memif.sock");
       f.port.subject_is_socket = true;
     },
     "port", "socket", State::ok, "can be made", ""},
    {"socket_folder_closed",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_server, "net_memif0", "/run/claimgate/memif.sock");
       f.port.subject_exists = false;
       f.port.socket_folder_writable = false;
     },
     "port", "socket", State::problem, "/run/claimgate", "install -d"},
    {"no_server",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_client, "net_memif0", "/run/vpp/memif.sock");
       f.port.subject_exists = false;
     },
     "port", "socket", State::problem, "/run/vpp/memif.sock", "before claimd"},
    {"server_closed_to_us",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::socket_client, "net_memif0", "/run/vpp/memif.sock");
       f.port.subject_usable = false;
     },
     "port", "socket", State::problem, "may not be used", "as the user"},
    {"no_capture",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::capture, "net_pcap0", "/tmp/claims.pcap");
       f.port.subject_exists = f.port.subject_usable = false;
     },
     "port", "capture", State::problem, "is not there", "rx_pcap="},
    {"capture_closed",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::capture, "net_pcap0", "/tmp/claims.pcap");
       f.port.subject_usable = false;
     },
     "port", "capture", State::problem, "cannot be read", "rx_pcap="},
};
INSTANTIATE_TEST_SUITE_P(VirtualPorts, OneFault, testing::ValuesIn(port_faults));

const Fault other_faults[] = {
    {"other_clock_source", [](Facts& f, Needs&) { f.clock.source = "hpet"; }, "clock", "source",
     State::note, "hpet", "echo tsc >"},
    {"untrusted_tsc",
     [](Facts& f, Needs&) {
       f.clock.source = "kvm-clock";
       f.clock.sources = {"kvm-clock", "acpi_pm"};
     },
     "clock", "source", State::note, "kvm-clock", "dmesg"},
    {"source_unknown", [](Facts& f, Needs&) { f.clock.source = ""; }, "clock", "source",
     State::note, "clocksource", "/sys"},
    {"free_running_clock", [](Facts& f, Needs&) { f.clock.sync->synchronised = false; }, "clock",
     "synchronised", State::warning, "margin_s (600 s)", "timedatectl set-ntp true"},
    {"error_beyond_the_margin",
     [](Facts& f, Needs& n) {
       f.clock.sync->error_max_us = 2'500'000;
       n.margin_s = 2;
     },
     "clock", "synchronised", State::problem, "2.5 s at worst", "Raise channels.margin_s"},
    {"error_within_the_margin",
     [](Facts& f, Needs& n) {
       f.clock.sync->error_max_us = 2'000'000;
       n.margin_s = 2;
     },
     "clock", "synchronised", State::ok, "margin 2 s", ""},
    {"sync_unknown", [](Facts& f, Needs&) { f.clock.sync.reset(); }, "clock", "synchronised",
     State::note, "adjtimex", "on the host"},

    {"state_folder_closed", [](Facts& f, Needs&) { f.disk.writable = false; }, "disk",
     "state folder", State::problem, "not writable by user 0", "install -d -m 700"},
    {"tmpfs", [](Facts& f, Needs&) { f.disk.filesystem = "tmpfs"; }, "disk", "file system",
     State::problem, "gone with the next boot", "node.state_dir"},
    {"nfs", [](Facts& f, Needs&) { f.disk.filesystem = "nfs4"; }, "disk", "file system",
     State::warning, "another machine", "local disk"},
    {"fs_unknown", [](Facts& f, Needs&) { f.disk.filesystem = ""; }, "disk", "file system",
     State::note, "mountinfo", "/proc"},
    {"disk_full", [](Facts& f, Needs&) { f.disk.free_bytes = 511ULL << 20; }, "disk", "free space",
     State::warning, "511 MiB free and 0 MiB in use; journal and checkpoints may take 512 MiB",
     "channels.capacity"},
    {"no_direct_writes",
     [](Facts& f, Needs&) {
       f.disk.direct = Disk::Direct::refused;
       f.disk.direct_refusal = "open: Invalid argument";
     },
     "disk", "O_DIRECT", State::warning, "Invalid argument", "ext4 or XFS"},
    {"coarse_blocks", [](Facts& f, Needs&) { f.disk.direct_align_bytes = 16384; }, "disk",
     "O_DIRECT", State::warning, "16384", "sectors"},
    {"no_state_folder_yet",
     [](Facts& f, Needs&) {
       f.disk.exists = false;
       f.disk.looked_at = "/var/lib";
       f.disk.direct = Disk::Direct::not_tried;
     },
     "disk", "O_DIRECT", State::note, "not there yet", "Start claimd once"},

    {"no_capability",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::interface, "net_af_packet0", "veth9");
       f.rights.capabilities = 0;
       f.rights.user = 1000;
     },
     "limits", "capabilities", State::warning, "user 1000 has no CAP_NET_RAW",
     "AmbientCapabilities=CAP_NET_RAW"},
    {"root_without_capability",
     [](Facts& f, Needs& n) {
       virtual_port(f, n, PortKind::tap, "net_tap0", "");
       f.rights.capabilities = 0;
     },
     "limits", "capabilities", State::problem, "CAP_NET_ADMIN", "--cap-add"},
    {"little_locked_memory",
     [](Facts& f, Needs&) {
       f.rights.limits->locked_bytes = 8U << 20;
       f.rights.capabilities = 0;
       f.rights.pid = 77;
       f.rights.user = 1000;
     },
     "limits", "locked memory", State::problem, "claimd (pid 77, user 1000)",
     "LimitMEMLOCK=infinity"},
    {"few_files", [](Facts& f, Needs&) { f.rights.limits->open_files = 64; }, "limits",
     "open files", State::warning, "64; 256", "LimitNOFILE"},
    {"no_core_files", [](Facts& f, Needs&) { f.rights.limits->core_bytes = 0; }, "limits",
     "core files", State::note, "none", "LimitCORE"},
    {"limits_unknown", [](Facts& f, Needs&) { f.rights.limits.reset(); }, "limits", "limits",
     State::note, "/proc/PID/limits", "root"},
};
INSTANTIATE_TEST_SUITE_P(ClockDiskLimits, OneFault, testing::ValuesIn(other_faults));

TEST(Judge, SaysMoreThanOneThingOfAMachineThatLacksMore) {
  Facts facts = sound_facts();
  Needs needs = sound_needs();
  needs.port_subject = "0000:99:00.0";
  facts.port.pci.reset();
  facts.disk.is_folder = false;
  facts.disk.looked_at = "/var/lib/claimgate";
  const Findings findings = judge(facts, needs);
  EXPECT_TRUE(std::ranges::any_of(findings, [](const Finding& each) {
    return each.area == "port" && each.check == "device" && each.state == State::problem &&
           each.remedy.find("lspci -D") != each.remedy.npos;
  }));
  EXPECT_TRUE(std::ranges::any_of(findings, [](const Finding& each) {
    return each.area == "disk" && each.check == "state folder" && each.state == State::problem;
  }));
}

TEST(Judge, CallsAPermissionThatOnlyThisUserLacksAWarning) {
  Facts facts = sound_facts();
  facts.disk.writable = false;
  facts.disk.direct = Disk::Direct::not_tried;
  facts.rights.user = 1000;
  for (const Finding& each : judge(facts, sound_needs())) {
    const State expected = each.check == "state folder" ? State::warning
                           : each.check == "O_DIRECT"   ? State::note
                                                        : State::ok;
    EXPECT_EQ(each.state, expected) << each;
  }
}

TEST(Judge, LeavesOutWhatDependsOnAWorkerCpuThatCouldNotBeChosen) {
  Needs needs = sound_needs();
  needs.worker_cpu.reset();
  for (const Finding& each : judge(sound_facts(), needs)) {
    EXPECT_NE(each.area, "cores") << each;
    EXPECT_EQ(each.state, State::ok) << each;
  }
}

}  // namespace
}  // namespace claimgate::machine
