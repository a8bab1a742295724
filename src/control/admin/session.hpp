// One client of the admin socket: its bytes in, its requests served one after the other, its
// answers out.
//
// A session reads its next request only when the last answer has left, so a slow or greedy client
// holds at most one request, one answer and one import. Owner: the AdminServer's thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lib/admin/message.hpp"
#include "lib/channel/table.hpp"
#include "lib/xrpl/judge.hpp"
#include "src/control/admin/import_run.hpp"
#include "src/control/provisioning.hpp"

namespace claimgate::control {

// Everything that is counted, as one JSON object; called on the admin thread.
using StatsSource = std::function<nlohmann::json()>;

class Session;

// What all sessions share.
struct AdminServices {
  Provisioning& provisioning;
  const channel::Table& table;  // read only through view()
  xrpl::Policy policy;
  StatsSource stats;
  std::string version;
  std::string build;
  std::set<uid_t> change_uids;  // may import and remove, besides root and claimd's own user
  std::set<gid_t> change_gids;
  Session* importing = nullptr;  // at most one at a time, until its import has been applied
};

class Session {
 public:
  using Clock = std::chrono::steady_clock;
  // An import that has been silent for so long gives way to another one.
  static constexpr std::chrono::seconds import_patience{60};
  // How long a client may leave an answer unread, and a refused one may take to hang up.
  static constexpr std::chrono::seconds answer_patience{30};
  static constexpr std::chrono::seconds hangup_patience{2};

  // Takes the connected, non-blocking `socket`; asks the kernel who is at its other end.
  Session(int socket, AdminServices& services);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return socket_; }
  [[nodiscard]] short events() const noexcept;  // what to poll for
  void on_ready(short revents);
  // Whether work() has something to do without waiting for the client.
  [[nodiscard]] bool has_work() const noexcept;
  void work();  // one slice of a committed import
  // To be destroyed: gone, or past its patience.
  [[nodiscard]] bool is_over(Clock::time_point now) const noexcept;
  // A client that could be dropped to make room: silent, and not in the midst of an import.
  [[nodiscard]] bool is_idle() const noexcept { return !import_ && out_.empty(); }
  [[nodiscard]] Clock::time_point last_heard() const noexcept { return last_heard_; }
  // Answers with `failure` and ends the session once that has left.
  void end(const Failure& failure);
  // Likewise: claimd stops, and the client is told what has become of its import.
  void stop();

 private:
  void read_some();
  void write_some();
  void serve_buffered();
  void serve(const admin::Message& request);
  void serve_hello(const admin::Message& request);
  void serve_import_begin(const admin::Message& request);
  void serve_import_commit();
  void serve_list(const admin::Message& request);
  void serve_show(const admin::Message& request);
  void serve_remove(const admin::Message& request);
  void serve_stats();
  void answer(admin::Verb verb, std::string_view body);
  void answer(admin::Verb verb, std::span<const std::byte> body);
  void answer(const Failure& failure);
  void identify();
  // The channel named by 64 or 16 hex digits, or why there is none.
  [[nodiscard]] Expected<channel::ChannelView> look_up(const std::string& id);
  void drop_import() noexcept;
  [[nodiscard]] bool import_runs() const noexcept;       // committed and not yet applied
  [[nodiscard]] bool import_committed() const noexcept;  // and not yet reported
  void release_import_slot() noexcept;
  void report_import();

  int socket_;
  AdminServices& services_;
  admin::MessageReader reader_;
  std::vector<std::byte> out_;
  std::size_t out_sent_ = 0;
  std::unique_ptr<ImportRun> import_;
  std::string peer_;  // "uid 0 (claimctl 0.1.0)", for the log
  bool may_change_ = false;
  bool greeted_ = false;
  bool ending_ = false;     // nothing is served any more
  bool peer_gone_ = false;  // nobody reads any more
  bool hung_up_ = false;    // our half is closed
  Clock::time_point last_heard_;
  Clock::time_point last_progress_;
  Clock::time_point stalled_since_;  // of an unread answer, or of the end
};

}  // namespace claimgate::control
