// AdminServer: claimd's side of the admin socket. One thread of its own, one poll loop.
//
// Whoever can connect (socket mode 0660, group configurable) may read; imports and removals are for
// root, claimd's own user and the configured users and groups, as the kernel names the peer
// (SO_PEERCRED). Work on a large import is done in slices between polls, so other clients wait a
// few milliseconds for it, not seconds. Nothing a client sends can do more than end its connection.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "lib/failure/failure.hpp"
#include "src/control/admin/session.hpp"
#include "src/control/provisioning.hpp"

namespace claimgate::control {

struct AdminOptions {
  std::string socket;                // path, at most 107 bytes
  std::optional<std::string> group;  // owns the socket file; must exist
  std::set<uid_t> change_uids;       // may import and remove, besides root and claimd's own user
  std::set<gid_t> change_gids;
  std::string version;  // shown to clients
  std::string build;
};

class AdminServer {
 public:
  static constexpr std::size_t sessions_max = 16;
  // At the limit a client that has been silent for longer makes room for a new one.
  static constexpr std::chrono::seconds idle_max{10};

  // Opens the socket and starts the thread. `provisioning` and `table` must outlive the server, and
  // until stop() only its thread may use `provisioning`. `policy`: destinations, floors and margin;
  // its times are set per import. Fails where the socket cannot be had: another claimd runs, the
  // path is taken or not writable, no such group.
  [[nodiscard]] static Expected<AdminServer> start(const AdminOptions& options,
                                                   Provisioning& provisioning,
                                                   const channel::Table& table,
                                                   const xrpl::Policy& policy, StatsSource stats);
  AdminServer(AdminServer&&) noexcept;
  AdminServer& operator=(AdminServer&&) noexcept;
  ~AdminServer();  // stops

  // Ends all sessions, removes the socket, joins the thread. An import stops after its current
  // slice. Its client is told what became of it: nothing, or all of it is in the journal and so
  // there at the next start. Calling it again does nothing.
  void stop() noexcept;

 private:
  class Loop;
  explicit AdminServer(std::unique_ptr<Loop> loop) noexcept;
  std::unique_ptr<Loop> loop_;
};

}  // namespace claimgate::control
