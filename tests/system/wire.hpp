// The far end of claimd's port: whole Ethernet frames in and out, as a network would send them.
//
// Two of them: a raw socket on a veth pair whose other end is claimd's af_packet port, and a memif
// client of this process, which can send what no kernel would pass on (runts, foreign tags).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/failure/failure.hpp"
#include "src/nic/eal.hpp"
#include "src/nic/port.hpp"
#include "tests/lib/packet/frames.hpp"
#include "tests/system/daemon.hpp"

namespace claimgate::system_test {

using packet::test::Bytes;

class FrameWire {
 public:
  virtual ~FrameWire() = default;
  // Throws std::runtime_error where the frame cannot be sent.
  virtual void send(const Bytes& frame) = 0;
  // The next frame that came, whole, its tag included; nothing within the limit.
  [[nodiscard]] virtual std::optional<Bytes> receive(std::chrono::microseconds limit) = 0;
};

// Puts this process into a network namespace of its own, which goes with it, and makes a veth pair
// there: cgport0 for claimd, cgwire0 for us, MTU 2100, checksums computed by whoever sends. Fails
// where the machine does not permit it. Before any other thread exists.
[[nodiscard]] Expected<void> make_veth();
[[nodiscard]] inline std::string veth_device() {
  return "net_af_packet0,iface=cgport0,blocksz=4096,framesz=2048,framecnt=4096,qdisc_bypass=1";
}

class VethWire final : public FrameWire {
 public:
  VethWire();
  VethWire(const VethWire&) = delete;
  VethWire& operator=(const VethWire&) = delete;
  ~VethWire() override;
  void send(const Bytes& frame) override;
  [[nodiscard]] std::optional<Bytes> receive(std::chrono::microseconds limit) override;

 private:
  int socket_;
};

// At most one in a process: it starts EAL. Precondition: claimd serves the site's memif.
class MemifWire final : public FrameWire {
 public:
  explicit MemifWire(const Site& site);
  void send(const Bytes& frame) override;
  [[nodiscard]] std::optional<Bytes> receive(std::chrono::microseconds limit) override;
  [[nodiscard]] nic::Port& port() noexcept { return *port_; }

 private:
  std::optional<nic::Eal> eal_;
  std::optional<nic::Port> port_;
};

}  // namespace claimgate::system_test
