// The appliance: everything a running claimd consists of, brought up in order and taken down in
// reverse.
//
//   state lock ─ table ◄─ journal ─ EAL ─ port ─ command ring ─ metrics ─ admin ─ worker
//
// Owner: claimd's main thread. The worker runs on lcore 1, everything else on the control CPU.
#pragma once

#include <memory>

#include "lib/failure/failure.hpp"
#include "src/config/config.hpp"

namespace claimgate::control {

class Appliance {
 public:
  // Answers claims when it returns. Fails with the first thing that is missing, having taken down
  // what was up.
  [[nodiscard]] static Expected<Appliance> start(const config::Config& config);
  Appliance(Appliance&&) noexcept;
  Appliance& operator=(Appliance&&) = delete;
  ~Appliance();  // as stop(), with failures logged

  // Answers what is in flight, writes a checkpoint, and takes everything down. Fails where the
  // journal has failed or the checkpoint does: what was acknowledged is in the journal all the
  // same.
  [[nodiscard]] Expected<void> stop();

  // Looks after what changes slowly (link, journal), and logs it. Call a few times a second. False
  // once the journal has failed: nothing is acknowledged any more, only a new start goes on.
  [[nodiscard]] bool watch();

 private:
  struct Parts;
  explicit Appliance(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace claimgate::control
