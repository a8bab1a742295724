#include "src/control/admin/admin_server.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "src/control/admin/listener.hpp"

namespace claimgate::control {

class AdminServer::Loop {
 public:
  Loop(Listener listener, int stop_event, AdminServices services)
      : listener_(std::in_place, std::move(listener)),
        stop_event_(stop_event),
        services_(std::move(services)) {}

  ~Loop() {
    stop();
    ::close(stop_event_);
  }

  void start() {
    // Signals are for claimd's main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "admin");
  }

  void stop() noexcept {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    while (::write(stop_event_, &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread_.join();
    listener_.reset();
  }

 private:
  void run() {
    while (poll_once()) {
      bool worked = false;
      for (Session& session : sessions_) {
        if (!session.has_work()) continue;
        session.work();
        worked = true;
      }
      busy_ = worked;
      const auto now = Session::Clock::now();
      sessions_.remove_if([&](const Session& session) { return session.is_over(now); });
    }
    for (Session& session : sessions_) session.stop();
    sessions_.clear();
  }

  // Serves what is ready. False when it is time to stop.
  bool poll_once() {
    polled_.clear();
    polled_.push_back({.fd = stop_event_, .events = POLLIN, .revents = 0});
    polled_.push_back({.fd = listener_->descriptor(), .events = POLLIN, .revents = 0});
    const auto count = sessions_.size();
    for (const Session& session : sessions_) {
      // A client that is gone while its import runs would report POLLHUP for ever.
      const short events = session.events();
      const bool quiet = events == 0;
      polled_.push_back({.fd = quiet ? -1 : session.descriptor(), .events = events, .revents = 0});
    }
    // Once a second the patience with silent clients is looked at.
    const int ready = ::poll(polled_.data(), polled_.size(), busy_ ? 0 : 1000);
    if (ready < 0 && errno != EINTR) {
      spdlog::error("admin: poll: {}", std::strerror(errno));
      return false;
    }
    if (ready <= 0) return true;
    if (polled_[0].revents) return false;
    auto session = sessions_.begin();
    for (std::size_t i = 0; i < count; ++i, ++session) {
      if (polled_[2 + i].revents) session->on_ready(polled_[2 + i].revents);
      busy_ = busy_ || session->has_work();
    }
    if (polled_[1].revents) welcome();
    return true;
  }

  void welcome() {
    const int socket = listener_->accept();
    if (socket < 0) return;
    const auto now = Session::Clock::now();
    sessions_.remove_if([&](const Session& session) { return session.is_over(now); });
    if (sessions_.size() >= sessions_max) make_room(now);
    Session& session = sessions_.emplace_back(socket, services_);
    if (sessions_.size() > sessions_max) {
      session.end({"claimd's admin socket serves 16 clients, and all are at work",
                   {},
                   "Close some of them and try again"});
      // Beyond the limit nobody is waited for: what the kernel took of the answer must do.
      sessions_.pop_back();
    }
  }

  void make_room(Session::Clock::time_point now) {
    auto oldest = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
      if (!at->is_idle() || now - at->last_heard() < idle_max) continue;
      if (oldest == sessions_.end() || at->last_heard() < oldest->last_heard()) oldest = at;
    }
    if (oldest != sessions_.end()) sessions_.erase(oldest);
  }

  std::optional<Listener> listener_;
  int stop_event_;
  AdminServices services_;
  std::list<Session> sessions_;
  std::vector<pollfd> polled_;
  bool busy_ = false;
  std::thread thread_;
};

Expected<AdminServer> AdminServer::start(const AdminOptions& options, Provisioning& provisioning,
                                         const channel::Table& table, const xrpl::Policy& policy,
                                         StatsSource stats) {
  auto listener = Listener::open(options.socket, options.group);
  if (!listener) return std::unexpected(std::move(listener.error()));
  const int stop_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_event < 0) return fail(std::strerror(errno), options.socket);
  auto loop = std::make_unique<Loop>(std::move(*listener), stop_event,
                                     AdminServices{.provisioning = provisioning,
                                                   .table = table,
                                                   .policy = policy,
                                                   .stats = std::move(stats),
                                                   .version = options.version,
                                                   .build = options.build,
                                                   .change_uids = options.change_uids,
                                                   .change_gids = options.change_gids});
  loop->start();
  return AdminServer(std::move(loop));
}

AdminServer::AdminServer(std::unique_ptr<Loop> loop) noexcept : loop_(std::move(loop)) {}
AdminServer::AdminServer(AdminServer&&) noexcept = default;
AdminServer& AdminServer::operator=(AdminServer&&) noexcept = default;
AdminServer::~AdminServer() = default;

void AdminServer::stop() noexcept {
  if (loop_) loop_->stop();
}

}  // namespace claimgate::control
