// Looks at a machine and says what it finds, without judging it (judge.hpp does).
//
// Everything that stands in /proc, /sys and /dev is read under a root, so that tests show it hosts
// we do not have; what is asked of the kernel or the CPU itself (clock_sync(), cpuid(),
// look_at_disk()) is always this machine's. Control path; any thread. Nothing is changed, but for
// the file look_at_disk() says it writes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lib/machine/facts.hpp"
#include "lib/machine/needs.hpp"
#include "lib/machine/tree.hpp"

namespace claimgate::machine {

class Machine {
 public:
  [[nodiscard]] static Machine at(std::filesystem::path root) { return Machine(std::move(root)); }

  // Of the claimd with this pid, or of this process where it is 0 or no claimd's here.
  [[nodiscard]] Rights rights(int pid) const;
  [[nodiscard]] Cpu cpu(const Cpuid& id) const;
  [[nodiscard]] Cores cores() const;
  [[nodiscard]] Memory memory() const;
  [[nodiscard]] Port port(const Needs& needs) const;
  [[nodiscard]] Clock clock(std::optional<ClockSync> sync) const;

 private:
  explicit Machine(std::filesystem::path root) : tree_(std::move(root)) {}
  [[nodiscard]] std::optional<PciDevice> pci_device(const std::string& address) const;
  void look_at_socket(const std::string& path, Port& out) const;

  Tree tree_;
};

// What the kernel thinks of its clock; nullopt where it does not say (adjtimex(2) is filtered).
[[nodiscard]] std::optional<ClockSync> clock_sync() noexcept;

// The disk under the state folder. Where the folder exists and may be written, 4 KiB are written
// past the page cache into a file of its own there, which has no name any more by then; otherwise
// nothing is written, and the nearest parent that exists is looked at.
[[nodiscard]] Disk look_at_disk(const std::string& state_folder);

}  // namespace claimgate::machine
