// What a machine is found to be. Plain values that probes fill in and rules judge; what could not
// be looked at is nullopt or empty, never a guess.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/machine/drivers.hpp"
#include "lib/machine/features.hpp"

namespace claimgate::machine {

struct Cpu {
  std::string model;     // empty: not known
  unsigned sockets = 0;  // 0: not known
  unsigned logical = 0;
  bool virtual_machine = false;
  bool constant_tsc = false;  // one rate whatever the clock of the core
  bool nonstop_tsc = false;   // also while the core sleeps
  Features features;
  std::string linux_release;
};

struct Core {
  unsigned number = 0;
  std::optional<std::string> governor;  // nullopt: no frequency control here
  std::vector<unsigned> siblings;       // hardware threads of the same core, itself included
};
struct Cores {
  std::vector<Core> online;
  std::vector<unsigned> isolated;
  std::vector<unsigned> tickless;  // nohz_full
  [[nodiscard]] const Core* find(unsigned number) const noexcept;
};

struct HugePages {
  std::uint64_t total = 0;  // of 2 MiB
  std::uint64_t free = 0;
};
inline constexpr std::uint64_t huge_page_bytes = 2U << 20;

struct Node {
  unsigned number = 0;
  std::vector<unsigned> cpus;
  HugePages huge;
};
struct Memory {
  std::optional<HugePages> huge;  // nullopt: this kernel has no 2 MiB pages
  std::vector<Node> nodes;        // ascending; empty: the kernel says nothing of NUMA
  std::string transparent;        // "always", "madvise", "never"; empty: none
  std::optional<std::uint64_t> available_bytes;
  std::optional<std::uint64_t> group_left_bytes;  // of the control group's limit
  // The node of a CPU; nullopt where that is not known.
  [[nodiscard]] std::optional<unsigned> node_of(unsigned cpu) const noexcept;
};

struct PciDevice {
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::string bound_to;                 // kernel driver; empty: none
  std::vector<std::string> interfaces;  // the kernel's, while bound to its own driver
  std::optional<std::string> iommu_group;
  std::optional<unsigned> node;
};
struct Port {
  bool driver_folder = false;  // it is there
  std::vector<PortDriver> drivers;
  bool bus_library = false;      // for the kind of device: librte_bus_pci or librte_bus_vdev
  bool mempool_library = false;  // librte_mempool_ring

  std::optional<PciDevice> pci;
  bool vfio_loaded = false;        // vfio-pci is there to bind to
  bool vfio_group_usable = false;  // /dev/vfio/GROUP can be opened

  bool subject_exists = false;  // tun device, interface, socket or capture
  bool subject_usable = false;  // may be read and written; an interface: is up
  bool subject_is_socket = false;
  bool socket_served = false;  // somebody listens
  std::string socket_folder;   // the nearest one that exists
  bool socket_folder_writable = false;
};

struct ClockSync {
  bool synchronised = false;
  std::int64_t error_max_us = 0;
  std::int64_t error_estimated_us = 0;
};
struct Clock {
  std::string source;                // "tsc", "kvm-clock", …
  std::vector<std::string> sources;  // that could be had
  std::optional<ClockSync> sync;
};

struct Disk {
  bool exists = false;     // the folder itself
  std::string looked_at;   // it, or the nearest parent that exists
  bool is_folder = false;  // what was looked at
  bool writable = false;
  std::string filesystem;  // "ext4"
  std::uint64_t free_bytes = 0;
  std::uint64_t used_bytes = 0;  // by the folder's files, as far as they may be looked at
  // Nothing is tried in a folder that is not there or not ours to write.
  enum class Direct : std::uint8_t { not_tried, works, refused };
  Direct direct = Direct::not_tried;
  std::string direct_refusal;       // the system's words
  unsigned direct_align_bytes = 0;  // what the file system asks for; 0: it does not say
};

struct Limits {
  std::optional<std::uint64_t> locked_bytes;  // nullopt: unlimited
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> core_bytes;
};
// What a process may do: claimd where it runs, otherwise the one that asks.
struct Rights {
  int pid = 0;  // 0: the one that asks
  unsigned user = 0;
  std::uint64_t capabilities = 0;  // effective, by number (capabilities(7))
  std::vector<unsigned> cpus;      // it may run on, ascending
  std::optional<Limits> limits;
};

// What a claimd that runs says of itself.
struct Running {
  int pid = 0;
  bool buffers_from_huge_pages = false;
  std::string table_pages;  // "huge", "transparent", "normal"
};

struct Facts {
  Cpu cpu;
  Cores cores;
  Memory memory;
  Port port;
  Clock clock;
  Disk disk;
  Rights rights;
  std::optional<Running> running;
};

}  // namespace claimgate::machine
