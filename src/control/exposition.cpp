#include "src/control/exposition.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include "src/control/metric_families.hpp"

namespace claimgate::control {
namespace {

class Reading final : public prometheus::Collectable {
 public:
  explicit Reading(Observed observed) : observed_(std::move(observed)) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    const std::lock_guard one_at_a_time(mutex_);
    return read_families(observed_);
  }

 private:
  mutable std::mutex mutex_;
  Observed observed_;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

// "127.0.0.1:9464" or "[::1]:9464"; `port`, where not 0, takes the place of the one in `listen`.
std::optional<SocketAddress> socket_address(const std::string& listen, std::uint16_t port = 0) {
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos) return {};
  if (port == 0) std::from_chars(listen.data() + colon + 1, listen.data() + listen.size(), port);
  std::string host = listen.substr(0, colon);
  SocketAddress out;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return {};
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) return {};
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length = sizeof *v4;
  }
  return out;
}

// Why `listen` cannot be listened at; 0 where it can. civetweb says only that it cannot.
int listen_error(const std::string& listen) {
  const auto address = socket_address(listen);
  if (!address) return EINVAL;
  const int probe = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int error = 0;
  if (bind(probe, address->get(), address->length) != 0 || ::listen(probe, 1) != 0) error = errno;
  close(probe);
  return error;
}

Failure listen_failure(const std::string& listen, const char* said) {
  const std::string where = fmt::format("metrics.listen \"{}\"", listen);
  switch (const int error = listen_error(listen)) {
    case EADDRINUSE:
      return {"another process listens there already", where,
              "Choose another port (metrics.listen = \"127.0.0.1:9465\"), none (\"\"), or end that "
              "process; `ss -ltnp` names it"};
    case EADDRNOTAVAIL:
      return {"this machine has no such address", where,
              "`ip address` lists those it has; 127.0.0.1 is always there"};
    case EACCES:
      return {"this user may not listen there", where, "Choose a port from 1024 up"};
    case 0:
      return {fmt::format("the metrics server does not start: {}", said), where, {}};
    default:
      return {fmt::format("cannot be listened at: {}", std::strerror(error)), where, {}};
  }
}

}  // namespace

struct Exposition::Server {
  std::shared_ptr<Reading> reading;
  std::unique_ptr<prometheus::Exposer> exposer;
  SocketAddress address;

  ~Server() {
    // civetweb notices that it is to stop when a connection comes, or after two seconds: let one
    // come, until it has stopped.
    const std::jthread visitor([this](const std::stop_token& stopped) {
      while (!stopped.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        const int fd =
            socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) continue;
        (void)connect(fd, address.get(), address.length);
        close(fd);
      }
    });
    exposer.reset();
  }
};

Expected<Exposition> Exposition::start(const std::string& listen, Observed observed) {
  try {
    auto server = std::make_unique<Server>();
    server->reading = std::make_shared<Reading>(std::move(observed));
    server->exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", listen, "num_threads", "2", "request_timeout_ms", "5000"});
    server->exposer->RegisterCollectable(server->reading);
    const std::vector<int> ports = server->exposer->GetListeningPorts();
    const auto port = static_cast<std::uint16_t>(ports.empty() ? 0 : ports.front());
    server->address = socket_address(listen, port).value_or(SocketAddress{});
    return Exposition(std::move(server), port);
  } catch (const std::exception& error) {
    return std::unexpected(listen_failure(listen, error.what()));
  }
}

Exposition::Exposition(std::unique_ptr<Server> server, std::uint16_t port) noexcept
    : server_(std::move(server)), port_(port) {}
Exposition::Exposition(Exposition&&) noexcept = default;
Exposition& Exposition::operator=(Exposition&&) noexcept = default;
Exposition::~Exposition() = default;

}  // namespace claimgate::control
