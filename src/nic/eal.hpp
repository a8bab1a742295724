// DPDK's environment: started once per process, ended when the last port and pool are gone.
// Control thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/failure/failure.hpp"
#include "src/nic/huge_pages.hpp"

namespace claimgate::nic {

struct EalOptions {
  std::string program = "claimgate";
  std::string file_prefix = "claimgate";  // tells instances on one machine apart
  HugePages huge_pages = HugePages::automatic;
  unsigned memory_mib = 256;             // pools and rings; see pool.hpp for what is needed
  std::vector<unsigned> lcore_cpus;      // lcore i runs on CPU lcore_cpus[i]; lcore 0 is control
  std::vector<std::string> vdevs;        // "net_memif0,role=server,…"
  std::vector<std::string> pci_devices;  // "0000:3b:00.0"; none: the bus is not scanned
  bool telemetry = false;                // DPDK's own telemetry socket
};

class Eal {
 public:
  // Starts EAL. DPDK allows this once per process: a second call fails.
  [[nodiscard]] static Expected<Eal> start(const EalOptions& options);
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;
  ~Eal();  // at the end of the process: DPDK itself is left to the kernel (eal.cpp)

  [[nodiscard]] bool huge_pages() const noexcept { return huge_pages_; }

 private:
  explicit Eal(bool huge_pages) noexcept : huge_pages_(huge_pages), running_(true) {}
  bool huge_pages_ = false;
  bool running_ = false;
};

// Free 2 MiB huge pages of this machine, in MiB.
[[nodiscard]] unsigned free_huge_pages_mib();

// CPUs this process may run on, ascending.
[[nodiscard]] std::vector<unsigned> allowed_cpus();

}  // namespace claimgate::nic
