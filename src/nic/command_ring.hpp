// Commands to a worker and their answers: two bounded SPSC rte_rings.
//
// One control thread posts and collects; one worker takes and gives back. A command belongs to the
// control side except between take() and give_back().
#pragma once

#include <rte_errno.h>
#include <rte_ring.h>

#include <memory>
#include <string>

#include "lib/failure/failure.hpp"
#include "src/pipeline/command.hpp"

namespace claimgate::nic {

class CommandRing {
 public:
  static constexpr unsigned commands_max = 255;  // under way at once

  // EAL must be running. `name` is unique in the process.
  [[nodiscard]] static Expected<CommandRing> create(const std::string& name) {
    CommandRing made;
    made.to_worker_.reset(create_ring(name + "-to"));
    made.to_control_.reset(create_ring(name + "-from"));
    if (!made.to_worker_ || !made.to_control_) {
      return fail(std::string("no memory for a command ring: ") + rte_strerror(rte_errno),
                  "eal.memory_mib", "Give DPDK more memory");
    }
    return made;
  }

  // ---- control ------------------------------------------------------------------------------
  // False while commands_max are under way.
  [[nodiscard]] bool post(pipeline::Command* command) noexcept {
    return rte_ring_sp_enqueue(to_worker_.get(), command) == 0;
  }
  // An answered command, in the order of posting, or null.
  [[nodiscard]] pipeline::Command* collect() noexcept { return dequeue(to_control_.get()); }
  [[nodiscard]] unsigned waiting() const noexcept { return rte_ring_count(to_worker_.get()); }

  // ---- worker -------------------------------------------------------------------------------
  [[nodiscard]] pipeline::Command* take() noexcept { return dequeue(to_worker_.get()); }
  // Never without room: as many fit back as may be under way.
  void give_back(pipeline::Command* command) noexcept {
    rte_ring_sp_enqueue(to_control_.get(), command);
  }

 private:
  struct Free {
    void operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }
  };
  static rte_ring* create_ring(const std::string& name) {
    return rte_ring_create(name.c_str(), commands_max + 1, static_cast<int>(rte_socket_id()),
                           RING_F_SP_ENQ | RING_F_SC_DEQ);
  }
  static pipeline::Command* dequeue(rte_ring* ring) noexcept {
    void* command = nullptr;
    return rte_ring_sc_dequeue(ring, &command) == 0 ? static_cast<pipeline::Command*>(command)
                                                    : nullptr;
  }
  std::unique_ptr<rte_ring, Free> to_worker_;
  std::unique_ptr<rte_ring, Free> to_control_;
};

}  // namespace claimgate::nic
