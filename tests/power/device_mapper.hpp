// A device that the kernel's device mapper makes of others, by its ioctls (linux/dm-ioctl.h). Needs
// root. Throws std::runtime_error where the kernel refuses. One thread, but for message().
#pragma once

#include <cstdint>
#include <string>

namespace claimgate::power {

// One target over the whole device.
struct Mapping {
  std::string name;        // of the device, and of its node in /dev
  std::string target;      // "log-writes", "snapshot", "linear", "error"
  std::string parameters;  // what the target wants to know
  std::uint64_t sectors = 0;
};

// There for as long as it lives.
class MappedDevice {
 public:
  explicit MappedDevice(const Mapping& mapping);
  MappedDevice(const MappedDevice&) = delete;
  MappedDevice& operator=(const MappedDevice&) = delete;
  ~MappedDevice();

  [[nodiscard]] const std::string& node() const noexcept { return node_; }
  // Puts another target in the place of the one that is there, of the same size. What is under way
  // waits meanwhile.
  void become(const std::string& target, const std::string& parameters);
  // Any thread. What the target makes of it, it has made when this returns.
  void message(const std::string& text) const;

 private:
  void load(const std::string& target, const std::string& parameters);

  std::string name_;
  std::string node_;
  std::uint64_t sectors_;
};

// Bytes of a block device.
[[nodiscard]] std::uint64_t device_bytes(const std::string& node);

}  // namespace claimgate::power
