// The appliance: everything a running claimd consists of, brought up in order and taken down in
// reverse.
//
//   state lock ─ table ◄─ state file ─ EAL ─ port ─ command ring ─ metrics ─ admin ─ worker
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

  // Answers what is in flight, saves the table, and takes everything down. Fails where the state
  // file cannot be written: then what was accepted since the last clean stop is lost.
  [[nodiscard]] Expected<void> stop();

  // Looks after what changes slowly (the link), and logs it. Call about once a second.
  void watch();

 private:
  struct Parts;
  explicit Appliance(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace claimgate::control
