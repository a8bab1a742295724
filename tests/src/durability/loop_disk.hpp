// An ext4 of 256 MiB on a loop device. Needs root. Whatever ends the test, a signal too, nothing of
// it stays: it is mounted for this process only, and the kernel gives the loop device back with
// the last mount. One thread.
#pragma once

#include <optional>
#include <string>

#include "lib/journal/descriptor.hpp"
#include "tests/scratch_folder.hpp"

namespace claimgate::durability {

class LoopDisk {
 public:
  LoopDisk();
  LoopDisk(const LoopDisk&) = delete;
  LoopDisk& operator=(const LoopDisk&) = delete;
  ~LoopDisk();

  // Why there is none; empty: it is there.
  [[nodiscard]] const std::string& missing() const noexcept { return missing_; }
  // Where it is mounted.
  [[nodiscard]] std::string folder() const { return scratch_.file("mounted"); }
  // As a machine that starts again finds it: nothing is in memory.
  void mount_again();
  // Takes all of the free space but so much.
  void leave_free(std::uint64_t bytes);
  void free_again();

 private:
  [[nodiscard]] std::string prepared();
  [[nodiscard]] bool mount();

  ScratchFolder scratch_;
  std::string device_;
  std::optional<journal::Descriptor> open_device_;
  bool mounted_ = false;
  std::string missing_;
};

}  // namespace claimgate::durability
