#include "tests/src/durability/loop_disk.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace claimgate::durability {
namespace {

using journal::Descriptor;

constexpr off_t disk_bytes = 256 << 20;

Descriptor opened(const std::string& path, int flags) {
  return Descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

// A free loop device with `image` behind it, open; who else wants one may be faster.
std::optional<Descriptor> attached(const Descriptor& image, std::string& device) {
  const Descriptor control = opened("/dev/loop-control", O_RDWR);
  for (int tries = 0; control && tries < 20; ++tries) {
    const int number = ::ioctl(control.number(), LOOP_CTL_GET_FREE);
    device = "/dev/loop" + std::to_string(number);
    Descriptor loop = opened(device, O_RDWR);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(image.number());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (loop && ::ioctl(loop.number(), LOOP_CONFIGURE, &config) == 0) return loop;
    if (!loop || errno != EBUSY) break;
  }
  return std::nullopt;
}

}  // namespace

LoopDisk::LoopDisk() : missing_(prepared()) {}

std::string LoopDisk::prepared() {
  // Mounts of this process are its own from here on.
  static const bool apart = ::unshare(CLONE_NEWNS) == 0 &&
                            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!apart) return "mounting needs root";
  const std::string path = scratch_.file("image");
  const Descriptor image = opened(path, O_RDWR | O_CREAT);
  if (!image || ::ftruncate(image.number(), disk_bytes) != 0) return "no room for a disk's image";
  if (std::system(("PATH=$PATH:/usr/sbin mkfs.ext4 -q " + path).c_str()) != 0) {
    return "there is no mkfs.ext4 (e2fsprogs)";
  }
  open_device_ = attached(image, device_);
  if (!open_device_) return "no loop device can be had";
  ::mkdir(folder().c_str(), 0700);
  if (!mount()) return "the kernel mounts no ext4 here";
  return {};
}

bool LoopDisk::mount() {
  mounted_ = ::mount(device_.c_str(), folder().c_str(), "ext4", 0, nullptr) == 0;
  return mounted_;
}

LoopDisk::~LoopDisk() {
  if (mounted_) ::umount2(folder().c_str(), MNT_DETACH);
}

void LoopDisk::mount_again() {
  if (::umount2(folder().c_str(), 0) != 0 || !mount()) {
    throw std::runtime_error(std::string("cannot mount the disk again: ") + std::strerror(errno));
  }
}

void LoopDisk::leave_free(std::uint64_t bytes) {
  struct statvfs room {};
  ::statvfs(folder().c_str(), &room);
  const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
  const Descriptor ballast = opened(folder() + "/ballast", O_RDWR | O_CREAT);
  if (!ballast || ::fallocate(ballast.number(), 0, 0, static_cast<off_t>(free - bytes)) != 0) {
    throw std::runtime_error(std::string("cannot fill the disk: ") + std::strerror(errno));
  }
}

void LoopDisk::free_again() {
  ::unlink((folder() + "/ballast").c_str());
}

}  // namespace claimgate::durability
