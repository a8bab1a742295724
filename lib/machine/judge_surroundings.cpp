// Rules about the clock, the disk, and what the process may do.
#include <algorithm>
#include <string>

#include "lib/machine/area.hpp"

namespace claimgate::machine {
namespace {

// capability.h's numbers.
constexpr unsigned cap_net_admin = 12;
constexpr unsigned cap_net_raw = 13;
constexpr unsigned cap_ipc_lock = 14;

bool can(const Rights& rights, unsigned capability) noexcept {
  return (rights.capabilities >> capability & 1) != 0;
}

std::string whose(const Rights& rights) {
  return rights.pid == 0 ? fmt::format("user {}", rights.user)
                         : fmt::format("claimd (pid {}, user {})", rights.pid, rights.user);
}

void judge_sync(const Clock& clock, const Needs& needs, Area& area) {
  constexpr const char* mend =
      "apt install systemd-timesyncd (or chrony), then timedatectl set-ntp true; systemctl enable "
      "--now systemd-time-wait-sync holds claimd back until the clock is right";
  if (!clock.sync) {
    area.note("synchronised", "the kernel does not say: adjtimex is not allowed here",
              "timedatectl, or chronyc tracking, on the host");
    return;
  }
  const ClockSync& sync = *clock.sync;
  const std::uint64_t margin_us = std::uint64_t{needs.margin_s} * 1'000'000;
  if (!sync.synchronised) {
    area.warning("synchronised",
                 fmt::format("nothing disciplines the clock: beyond channels.margin_s ({} s) of "
                             "error claims are accepted that the ledger has closed",
                             needs.margin_s),
                 mend);
  } else if (static_cast<std::uint64_t>(std::max<std::int64_t>(sync.error_max_us, 0)) > margin_us) {
    area.problem("synchronised",
                 fmt::format("to {:.1f} s at worst, which channels.margin_s ({} s) does not cover",
                             static_cast<double>(sync.error_max_us) / 1e6, needs.margin_s),
                 "Raise channels.margin_s, and mend the time source (chronyc sources, timedatectl "
                 "timesync-status)");
  } else {
    area.ok("synchronised",
            fmt::format("to {:.1f} ms at worst, {:.1f} ms as estimated; margin {} s",
                        static_cast<double>(sync.error_max_us) / 1e3,
                        static_cast<double>(sync.error_estimated_us) / 1e3, needs.margin_s));
  }
}

void judge_filesystem(const Disk& disk, const std::string& folder, Area& area) {
  const std::string& type = disk.filesystem;
  if (type == "tmpfs" || type == "ramfs") {
    area.problem("file system",
                 fmt::format("{}: channels and claims held are gone with the next boot", type),
                 fmt::format("Set node.state_dir to a folder on a disk, not {}", folder));
  } else if (type.starts_with("nfs") || type == "cifs" || type == "9p" ||
             type.starts_with("fuse")) {
    area.warning("file system",
                 fmt::format("{}: another machine decides when a write is safe", type),
                 "Set node.state_dir to a folder on a local disk, ext4 or XFS");
  } else if (type.empty()) {
    area.note("file system", "/proc/self/mountinfo does not name it", "Mount /proc");
  } else {
    area.ok("file system", type);
  }
}

void judge_room(const Disk& disk, const Needs& needs, Area& area) {
  const std::string found = fmt::format(
      "{} free and {} in use; journal and checkpoints may take {}", mebibytes(disk.free_bytes),
      mebibytes(disk.used_bytes), mebibytes(needs.state_bytes));
  if (disk.free_bytes + disk.used_bytes >= needs.state_bytes) {
    area.ok("free space", found);
  } else {
    area.warning("free space", found + ": where there is no room claims are answered BUSY",
                 "Make room, set node.state_dir to a larger disk, or lower "
                 "durability.journal_max_mib, durability.segment_mib or channels.capacity");
  }
}

void judge_direct(const Disk& disk, Area& area) {
  switch (disk.direct) {
    case Disk::Direct::works:
      if (disk.direct_align_bytes > 4096) {
        area.warning("O_DIRECT",
                     fmt::format("asks for blocks of {} bytes; pages are 4096 bytes",
                                 disk.direct_align_bytes),
                     "Use a disk with sectors of at most 4096 bytes for node.state_dir");
      } else {
        area.ok("O_DIRECT", disk.direct_align_bytes == 0
                                ? std::string("4096 bytes written past the page cache")
                                : fmt::format("4096 bytes written past the page cache; aligned "
                                              "to {}",
                                              disk.direct_align_bytes));
      }
      break;
    case Disk::Direct::refused:
      area.warning("O_DIRECT",
                   fmt::format("{} refuses it ({}): nothing can be made durable past the page "
                               "cache here",
                               disk.filesystem, disk.direct_refusal),
                   "Set node.state_dir to a folder on ext4 or XFS");
      break;
    case Disk::Direct::not_tried:
      area.note("O_DIRECT",
                disk.exists ? "not tried: the folder is not ours to write"
                            : "not tried: the folder is not there yet, and nothing is made here",
                disk.exists ? "Run the doctor as root, or as claimd's user"
                            : "Start claimd once, or make the folder, and ask again");
      break;
  }
}

void judge_capabilities(const Facts& facts, const Needs& needs, Area& area) {
  const Rights& rights = facts.rights;
  const bool interface = needs.port_kind == PortKind::interface;
  std::string missing;
  const auto want = [&](bool wanted, unsigned capability, const char* name) {
    if (wanted && !can(rights, capability)) missing += fmt::format(" {}", name);
  };
  want(needs.port_kind == PortKind::tap || needs.port_driver.starts_with("net_af_xdp"),
       cap_net_admin, "CAP_NET_ADMIN");
  want(interface, cap_net_raw, "CAP_NET_RAW");
  if (missing.empty()) {
    area.ok("capabilities", fmt::format("{} has what the port needs", whose(rights)));
  } else {
    area.add(rights.user == 0 ? State::problem : State::warning, "capabilities",
             fmt::format("{} has no{}, which the port needs", whose(rights), missing),
             fmt::format("Run claimd as root or by its unit; for a user of its own: "
                         "AmbientCapabilities={} in the unit; in a container: --cap-add",
                         missing.substr(1)));
  }
}

}  // namespace

void judge_clock(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("clock", out);
  const Clock& clock = facts.clock;
  if (clock.source == "tsc") {
    area.ok("source", "tsc");
  } else if (clock.source.empty()) {
    area.note("source", "/sys/devices/system/clocksource says nothing", "Mount /sys");
  } else if (std::ranges::find(clock.sources, "tsc") != clock.sources.end()) {
    area.note("source",
              fmt::format("{}, though tsc can be had: reading it costs more", clock.source),
              "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
  } else {
    area.note(
        "source",
        fmt::format("{}: the kernel does not trust this CPU's time stamp counter", clock.source),
        "dmesg | grep -i tsc says why; in a virtual machine: QEMU -cpu host,+invtsc");
  }
  judge_sync(clock, needs, area);
}

void judge_disk(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("disk", out);
  const Disk& disk = facts.disk;
  const std::string& folder = needs.state_folder;
  if (!disk.is_folder) {
    area.problem("state folder", fmt::format("{} is no folder", disk.looked_at),
                 "Set node.state_dir to another path");
    return;
  }
  if (!disk.writable) {
    area.add(hindrance(facts), "state folder",
             disk.exists ? fmt::format("{} is not writable by user {}", folder, facts.rights.user)
                         : fmt::format("{} cannot be made: user {} may not write {}", folder,
                                       facts.rights.user, disk.looked_at),
             fmt::format("install -d -m 700 -o USER {} for the user claimd runs as", folder));
  } else if (disk.exists) {
    area.ok("state folder", fmt::format("{} is ours to write", folder));
  } else {
    area.ok("state folder", fmt::format("{} is made at start; {} is writable (looked at, not "
                                        "written)",
                                        folder, disk.looked_at));
  }
  judge_filesystem(disk, folder, area);
  judge_room(disk, needs, area);
  judge_direct(disk, area);
}

void judge_limits(const Facts& facts, const Needs& needs, Findings& out) {
  Area area("limits", out);
  const Rights& rights = facts.rights;
  judge_capabilities(facts, needs, area);
  if (!rights.limits) {
    area.note("limits", "/proc/PID/limits cannot be read", "Run the doctor as root");
    return;
  }
  const Limits& limits = *rights.limits;
  // VFIO counts what the device may reach as locked.
  const bool locks = needs.port_kind == PortKind::pci;
  const std::uint64_t lock_bytes = locks ? needs.buffer_bytes : 0;
  if (!limits.locked_bytes || can(rights, cap_ipc_lock) || *limits.locked_bytes >= lock_bytes) {
    area.ok("locked memory",
            !limits.locked_bytes ? std::string("unlimited")
            : can(rights, cap_ipc_lock)
                ? std::string("unlimited, by CAP_IPC_LOCK")
                : fmt::format("{}; this port locks {}", mebibytes(*limits.locked_bytes),
                              locks ? mebibytes(lock_bytes) : "none"));
  } else {
    area.add(rights.user == 0 || rights.pid != 0 ? State::problem : State::warning, "locked memory",
             fmt::format("{} for {}, and VFIO locks {}", mebibytes(*limits.locked_bytes),
                         whose(rights), mebibytes(lock_bytes)),
             "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited");
  }
  constexpr std::uint64_t files_wanted = 256;  // 16 sessions, metrics, DPDK's segments, and room
  if (!limits.open_files || *limits.open_files >= files_wanted) {
    area.ok("open files",
            limits.open_files ? fmt::format("{}", *limits.open_files) : std::string("unlimited"));
  } else {
    area.warning("open files", fmt::format("{}; {} are wanted", *limits.open_files, files_wanted),
                 "LimitNOFILE=1024 in the unit, or ulimit -n 1024");
  }
  if (limits.core_bytes && *limits.core_bytes == 0) {
    area.note("core files", "none: a crash leaves nothing to look into",
              "LimitCORE=infinity in the unit, or ulimit -c unlimited; a core file holds keys' "
              "public halves and claims, and is as large as the table");
  } else {
    area.ok("core files", limits.core_bytes ? mebibytes(*limits.core_bytes) : "unlimited");
  }
}

}  // namespace claimgate::machine
