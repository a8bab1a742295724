#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "tests/system/wire.hpp"

namespace claimgate::system_test {
namespace {

[[noreturn]] void give_up(const char* step) {
  throw std::runtime_error(std::string("raw socket: ") + step + ": " + std::strerror(errno));
}

void put_tag(Bytes& frame, std::uint16_t tpid, std::uint16_t tci) {
  const Bytes tag = {std::byte(tpid >> 8), std::byte(tpid), std::byte(tci >> 8), std::byte(tci)};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
}

}  // namespace

Expected<void> make_veth() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail(std::strerror(errno), "a network namespace", "Run as root");
  }
  // The kernel shall not speak on the pair: every frame on it is the test's or claimd's.
  for (const char* each : {"all", "default"}) {
    std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + each + "/disable_ipv6") << 1;
  }
  const std::vector<std::vector<std::string>> steps = {
      {"ip", "link", "set", "lo", "up"},
      {"ip", "link", "add", "cgwire0", "mtu", "2100", "address", "02:00:00:00:00:02", "type",
       "veth", "peer", "name", "cgport0", "mtu", "2100", "address", "02:00:00:00:00:01"},
      {"ip", "link", "set", "cgwire0", "addrgenmode", "none"},
      {"ip", "link", "set", "cgport0", "addrgenmode", "none"},
      {"ethtool", "-K", "cgwire0", "tx", "off"},
      {"ip", "link", "set", "cgport0", "up"},
      {"ip", "link", "set", "cgwire0", "up"},
  };
  for (const auto& step : steps) {
    const auto done = run({.arguments = step});
    if (done.code == 0) continue;
    std::string line;
    for (const auto& word : step) line += word + " ";
    return fail("failed: " + done.err, line);
  }
  return {};
}

VethWire::VethWire() : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
  if (socket_ < 0) give_up("socket");
  const int on = 1;
  if (::setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0) {
    give_up("PACKET_IGNORE_OUTGOING");
  }
  // The kernel takes tags out of what it receives; this is where it says so.
  if (::setsockopt(socket_, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0) {
    give_up("PACKET_AUXDATA");
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("cgwire0"));
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    give_up("bind");
  }
}

VethWire::~VethWire() {
  ::close(socket_);
}

void VethWire::send(const Bytes& frame) {
  if (::send(socket_, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) {
    give_up("send");
  }
}

std::optional<Bytes> VethWire::receive(std::chrono::microseconds limit) {
  pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
  const timespec wait{.tv_sec = limit.count() / 1'000'000,
                      .tv_nsec = limit.count() % 1'000'000 * 1000};
  if (::ppoll(&readable, 1, &wait, nullptr) <= 0) return std::nullopt;
  Bytes frame(4096);
  iovec part{.iov_base = frame.data(), .iov_len = frame.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(tpacket_auxdata))> room;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  const ssize_t got = ::recvmsg(socket_, &message, 0);
  if (got < 0) give_up("recvmsg");
  frame.resize(static_cast<std::size_t>(got));
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_PACKET || each->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata about{};
    std::memcpy(&about, CMSG_DATA(each), sizeof about);
    if (about.tp_status & TP_STATUS_VLAN_VALID)
      put_tag(frame, about.tp_vlan_tpid, about.tp_vlan_tci);
  }
  return frame;
}

}  // namespace claimgate::system_test
