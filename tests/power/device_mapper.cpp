#include "tests/power/device_mapper.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "lib/journal/descriptor.hpp"

namespace claimgate::power {
namespace {

using journal::Descriptor;

// The kernel's own node; devtmpfs makes it with the module.
constexpr const char* control = "/dev/mapper/control";

// A request and what follows it, as the ioctls want it: one piece of memory.
class Request {
 public:
  Request(const std::string& device, std::size_t behind)
      : bytes_(sizeof(dm_ioctl) + behind, std::byte{0}) {
    header().version[0] = DM_VERSION_MAJOR;
    header().data_size = static_cast<std::uint32_t>(bytes_.size());
    header().data_start = sizeof(dm_ioctl);
    std::strncpy(header().name, device.c_str(), sizeof(header().name) - 1);
  }
  [[nodiscard]] dm_ioctl& header() noexcept { return *reinterpret_cast<dm_ioctl*>(bytes_.data()); }
  [[nodiscard]] std::byte* behind() noexcept { return bytes_.data() + sizeof(dm_ioctl); }

  void send(unsigned long number, const char* what) {
    if (!try_to_send(number)) {
      throw std::runtime_error(
          fmt::format("device mapper, {} {}: {}", what, header().name, std::strerror(errno)));
    }
  }
  [[nodiscard]] bool try_to_send(unsigned long number) {
    const Descriptor mapper(::open(control, O_RDWR | O_CLOEXEC));
    return mapper && ::ioctl(mapper.number(), number, bytes_.data()) == 0;
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

MappedDevice::MappedDevice(const Mapping& mapping)
    : name_(mapping.name), node_("/dev/" + mapping.name), sectors_(mapping.sectors) {
  Request create(name_, 0);
  create.send(DM_DEV_CREATE, "create");
  ::unlink(node_.c_str());
  const dev_t device = makedev(create.header().dev >> 8 & 0xFFF, create.header().dev & 0xFF);
  if (::mknod(node_.c_str(), S_IFBLK | 0600, device) != 0) {
    throw std::runtime_error(fmt::format("cannot make {}: {}", node_, std::strerror(errno)));
  }
  load(mapping.target, mapping.parameters);
  Request(name_, 0).send(DM_DEV_SUSPEND, "resume");  // without the flag to suspend
}

void MappedDevice::load(const std::string& target, const std::string& parameters) {
  Request load(name_, sizeof(dm_target_spec) + parameters.size() + 8);
  load.header().target_count = 1;
  auto* const spec = reinterpret_cast<dm_target_spec*>(load.behind());
  spec->length = sectors_;
  std::strncpy(spec->target_type, target.c_str(), sizeof(spec->target_type) - 1);
  std::memcpy(load.behind() + sizeof(dm_target_spec), parameters.c_str(), parameters.size() + 1);
  load.send(DM_TABLE_LOAD, "load a table into");
}

void MappedDevice::become(const std::string& target, const std::string& parameters) {
  load(target, parameters);
  Request suspend(name_, 0);
  // Nothing is flushed first: the file system is not asked.
  suspend.header().flags = DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG;
  suspend.send(DM_DEV_SUSPEND, "suspend");
  Request(name_, 0).send(DM_DEV_SUSPEND, "resume");
}

// Whoever had it open may take a moment to be done with it.
MappedDevice::~MappedDevice() {
  for (int tries = 0; tries < 100; ++tries) {
    if (Request(name_, 0).try_to_send(DM_DEV_REMOVE) || errno != EBUSY) break;
    ::usleep(20'000);
  }
  ::unlink(node_.c_str());
}

void MappedDevice::message(const std::string& text) const {
  Request request(name_, sizeof(dm_target_msg) + text.size() + 1);
  std::memcpy(request.behind() + sizeof(dm_target_msg), text.c_str(), text.size() + 1);
  request.send(DM_TARGET_MSG, "message to");
}

std::uint64_t device_bytes(const std::string& node) {
  const Descriptor device(::open(node.c_str(), O_RDONLY | O_CLOEXEC));
  std::uint64_t bytes = 0;
  if (!device || ::ioctl(device.number(), BLKGETSIZE64, &bytes) != 0) {
    throw std::runtime_error(fmt::format("no block device {}: {}", node, std::strerror(errno)));
  }
  return bytes;
}

}  // namespace claimgate::power
