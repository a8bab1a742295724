// Rules about huge pages, memory, and where both lie.
#include <algorithm>
#include <string>

#include "lib/machine/area.hpp"

namespace claimgate::machine {
namespace {

// In the order claimd takes them: the table all or nothing, then the buffers.
struct HugeNeed {
  std::uint64_t table_pages = 0;
  std::uint64_t buffer_pages = 0;
  [[nodiscard]] std::uint64_t pages() const noexcept { return table_pages + buffer_pages; }
};

std::uint64_t pages_of(std::uint64_t bytes) noexcept {
  return (bytes + huge_page_bytes - 1) / huge_page_bytes;
}

HugeNeed huge_need(const Needs& needs) noexcept {
  return {.table_pages = needs.table_from_huge_pages ? pages_of(needs.table_bytes) : 0,
          .buffer_pages =
              needs.buffers_from == Needs::HugePages::never ? 0 : pages_of(needs.buffer_bytes)};
}

void judge_pages_of_running(const Running& running, const Needs& needs, Area& area) {
  const HugeNeed need = huge_need(needs);
  const bool table = need.table_pages == 0 || running.table_pages == "huge";
  const bool buffers = need.buffer_pages == 0 || running.buffers_from_huge_pages;
  const std::string has =
      fmt::format("claimd has its table in {} pages, its buffers in {} ones", running.table_pages,
                  running.buffers_from_huge_pages ? "huge" : "normal");
  if (table && buffers) {
    area.ok("enough", has);
  } else {
    area.warning("enough", has + ", which is slower",
                 fmt::format("Reserve {} more pages, then restart claimd: echo $(($(cat "
                             "/proc/sys/vm/nr_hugepages) + {})) > /proc/sys/vm/nr_hugepages",
                             (table ? 0 : need.table_pages) + (buffers ? 0 : need.buffer_pages),
                             (table ? 0 : need.table_pages) + (buffers ? 0 : need.buffer_pages)));
  }
}

void judge_enough(const HugePages& huge, const Needs& needs, Area& area) {
  const HugeNeed need = huge_need(needs);
  const std::string wanted =
      fmt::format("{} pages of 2 MiB wanted (table {}, packet buffers {}), {} free", need.pages(),
                  need.table_pages, need.buffer_pages, huge.free);
  if (need.pages() == 0) {
    area.ok("enough", "the configuration asks for none");
    return;
  }
  if (need.pages() <= huge.free) {
    area.ok("enough", wanted);
    return;
  }
  const std::uint64_t reserve = huge.total + need.pages() - huge.free;
  const std::string remedy = fmt::format(
      "echo {0} > /proc/sys/vm/nr_hugepages (for good: vm.nr_hugepages = {0} in "
      "/etc/sysctl.d/claimgate.conf)",
      reserve);
  const std::uint64_t left =
      need.table_pages <= huge.free ? huge.free - need.table_pages : huge.free;
  const bool refuses = needs.buffers_from == Needs::HugePages::required && need.buffer_pages > left;
  if (refuses) {
    area.problem("enough", wanted + ": claimd does not start (eal.huge_pages = \"require\")",
                 remedy);
  } else {
    area.warning("enough", wanted + ": normal pages are taken instead, which are slower", remedy);
  }
}

void judge_transparent(const Memory& memory, const Needs& needs, Area& area) {
  const char* const mend = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
  const std::string& mode = memory.transparent;
  if (mode == "madvise") {
    area.ok("transparent", "madvise");
  } else if (mode == "always") {
    area.note("transparent", "always: the kernel may stall any process to put pages together",
              mend);
  } else if (needs.table_from_transparent_pages) {
    area.warning("transparent",
                 fmt::format("{}: memory.table_pages = \"transparent\" gets normal pages",
                             mode.empty() ? "not in this kernel" : mode),
                 mode.empty() ? "Set memory.table_pages = \"huge\" and reserve huge pages" : mend);
  } else if (needs.table_from_huge_pages && mode == "never") {
    area.note("transparent", "never: no second best for the table where huge pages run out", mend);
  } else {
    area.ok("transparent", mode.empty() ? "not in this kernel; not asked for" : mode);
  }
}

void judge_available(const Facts& facts, const Needs& needs, Area& area) {
  const Memory& memory = facts.memory;
  if (facts.running) {
    area.ok("available", "claimd runs and has its memory");
    return;
  }
  if (!memory.available_bytes) {
    area.note("available", "/proc/meminfo cannot be read", "Mount /proc");
    return;
  }
  const HugeNeed need = huge_need(needs);
  std::uint64_t huge_free = memory.huge ? memory.huge->free : 0;
  std::uint64_t normal = 0;
  if (need.table_pages > 0 && need.table_pages <= huge_free) {
    huge_free -= need.table_pages;
  } else {
    normal += needs.table_bytes;
  }
  if (need.buffer_pages == 0 || need.buffer_pages > huge_free) normal += needs.buffer_bytes;
  const bool by_group =
      memory.group_left_bytes && *memory.group_left_bytes < *memory.available_bytes;
  const std::uint64_t available = by_group ? *memory.group_left_bytes : *memory.available_bytes;
  const std::string found =
      fmt::format("claimd takes {} of normal pages at start, {} available{}", mebibytes(normal),
                  mebibytes(available), by_group ? " within the control group's limit" : "");
  if (normal <= available) {
    area.ok("available", found);
  } else {
    area.problem("available", found,
                 by_group ? "Raise the group's memory.max (MemoryMax= of the unit), or lower "
                            "channels.capacity"
                          : "Lower channels.capacity or worker.held_max, or add memory");
  }
}

}  // namespace

void judge_memory(const Facts& facts, const Needs& needs, Findings& out) {
  Area huge("huge pages", out);
  const Memory& memory = facts.memory;
  if (!memory.huge) {
    huge.add(needs.buffers_from == Needs::HugePages::required ? State::problem : State::warning,
             "reserved", "this kernel has no huge pages of 2 MiB",
             "Run a kernel with CONFIG_HUGETLBFS (Debian's have it), or set eal.huge_pages = "
             "\"never\" and memory.table_pages = \"normal\"");
  } else {
    std::string by_node;
    for (const Node& node : memory.nodes) {
      if (memory.nodes.size() < 2) break;
      by_node += fmt::format("{}node {}: {} of {}", by_node.empty() ? " (" : ", ", node.number,
                             node.huge.free, node.huge.total);
    }
    if (!by_node.empty()) by_node += ")";
    huge.ok("reserved", fmt::format("{} pages of 2 MiB, {} free{}", memory.huge->total,
                                    memory.huge->free, by_node));
    if (facts.running) {
      judge_pages_of_running(*facts.running, needs, huge);
    } else {
      judge_enough(*memory.huge, needs, huge);
    }
  }
  judge_transparent(memory, needs, huge);
  Area area("memory", out);
  judge_available(facts, needs, area);
}

void judge_numa(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("numa", out);
  const Memory& memory = facts.memory;
  if (memory.nodes.size() < 2) {
    area.ok("nodes", "one: all memory is near");
    return;
  }
  std::string nodes;
  for (const Node& node : memory.nodes) {
    nodes += fmt::format("{}node {}: CPUs {}", nodes.empty() ? "" : "; ", node.number,
                         cpu_list_text(node.cpus));
  }
  area.ok("nodes", nodes);
  if (!needs.worker_cpu) return;
  const auto worker = memory.node_of(*needs.worker_cpu);
  if (!worker) {
    area.note("worker", fmt::format("no node lists CPU {}", *needs.worker_cpu), "Mount /sys");
    return;
  }
  const Node& here = *std::ranges::find(memory.nodes, *worker, &Node::number);
  const std::uint64_t wanted = huge_need(needs).pages();
  if (facts.running || wanted <= here.huge.free) {
    area.ok("worker", fmt::format("CPU {} is on node {}{}", *needs.worker_cpu, *worker,
                                  facts.running ? "" : ", which has the huge pages"));
  } else {
    area.warning("worker",
                 fmt::format("CPU {} is on node {}, where {} of {} huge pages are free: the rest "
                             "would lie far from it",
                             *needs.worker_cpu, *worker, here.huge.free, wanted),
                 fmt::format("echo {} > /sys/devices/system/node/node{}/hugepages/"
                             "hugepages-2048kB/nr_hugepages",
                             here.huge.total + wanted - here.huge.free, *worker));
  }
  if (!facts.port.pci) return;
  const auto nic = facts.port.pci->node;
  if (!nic) {
    area.note("port", "the firmware does not say on which node the NIC is",
              "Look into the board's manual for the slot, and set worker.cpu accordingly");
  } else if (*nic == *worker) {
    area.ok("port", fmt::format("the NIC is on node {}, too", *nic));
  } else {
    const auto near = std::ranges::find(memory.nodes, *nic, &Node::number);
    const std::string cpus =
        near == memory.nodes.end() ? std::string("?") : cpu_list_text(near->cpus);
    area.warning("port",
                 fmt::format("the NIC is on node {}, the worker on node {}: every frame crosses "
                             "between them",
                             *nic, *worker),
                 fmt::format("Set worker.cpu to one of {}", cpus));
  }
}

}  // namespace claimgate::machine
