#include "lib/admin/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>

namespace claimgate::admin {
namespace {

Failure connect_failure(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
      return {"there is no such socket", path,
              "Is claimd running? Start it, or name its admin socket with --socket"};
    case ECONNREFUSED:  // also what the kernel says of a file or a folder
      if (struct stat status{}; ::stat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        return connect_failure(ENOTSOCK, path);
      }
      return {"nobody listens on this socket", path,
              "Is claimd running? The file is left over from one that was killed; start claimd"};
    case EACCES:
    case EPERM:
      return {"you may not connect to this socket", path,
              "Run as root, as claimd's user, or as a member of the socket's group"};
    case ENOTSOCK:
      return {"this is not a socket", path, "Name claimd's admin socket with --socket"};
    default:
      return {fmt::format("cannot connect: {}", std::strerror(error)), path,
              "Is claimd running and is this its admin socket?"};
  }
}

Failure refused_by(const Message& message, const std::string& path) {
  auto failure = decode_failure(message.text());
  if (failure) return std::move(*failure);
  return {"claimd refused, in words that cannot be read", path,
          "Use claimctl and claimd of the same release"};
}

}  // namespace

Expected<Client> Client::connect(const std::string& path, const std::string& client_name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(fmt::format("a socket's path has 1 to {} bytes", sizeof address.sun_path - 1), path,
                "Name claimd's admin socket with --socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::unexpected(connect_failure(errno, path));
  Client client(socket, path);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(connect_failure(errno, path));

  auto answer = client.ask(Verb::hello, encode(Hello{.client = client_name}), Verb::hello_answer);
  if (!answer) return std::unexpected(std::move(answer.error()));
  auto hello = decode_hello_answer(answer->text());
  if (!hello) return fail("claimd's hello cannot be read: " + hello.error().text(), path);
  client.peer_ = std::move(*hello);
  return client;
}

Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      path_(std::move(other.path_)),
      peer_(std::move(other.peer_)),
      reader_(std::move(other.reader_)),
      stop_(std::move(other.stop_)) {}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(path_, other.path_);
  std::swap(peer_, other.peer_);
  std::swap(reader_, other.reader_);
  std::swap(stop_, other.stop_);
  return *this;
}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

Expected<short> Client::wait(short events) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + patience;
  while (true) {
    if (stop_ && stop_()) return fail("interrupted");
    pollfd ready{.fd = socket_, .events = static_cast<short>(events | POLLIN), .revents = 0};
    const int count = ::poll(&ready, 1, 100);
    if (count > 0) return ready.revents;
    if (count < 0 && errno != EINTR) return fail(std::strerror(errno), path_);
    if (Clock::now() >= deadline) {
      return fail(fmt::format("claimd has said nothing for {} s", patience.count()), path_,
                  "See whether claimd is stopped or overloaded (its log says), then try again");
    }
  }
}

Expected<bool> Client::read_some() {
  std::array<std::byte, 65536> bytes;
  const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count == 0) return false;
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return true;
    if (errno == ECONNRESET) return false;
    return fail(std::strerror(errno), path_);
  }
  reader_.feed(std::span(bytes).first(static_cast<std::size_t>(count)));
  return true;
}

Failure Client::last_words() {
  while (true) {
    const auto message = reader_.next();
    if (!message) return message.error();
    if (*message && (*message)->verb == Verb::failure) return refused_by(**message, path_);
    if (*message) continue;
    const auto more = read_some();
    if (!more) return more.error();
    if (!*more) break;
  }
  return {"claimd closed the connection", path_, "Is claimd still running? Its log may say why"};
}

Expected<void> Client::send(Verb verb, std::string_view body) {
  return send(verb, std::as_bytes(std::span(body.data(), body.size())));
}

Expected<void> Client::send(Verb verb, std::span<const std::byte> body) {
  std::vector<std::byte> out;
  append_message(out, verb, body);
  std::size_t sent = 0;
  while (sent < out.size()) {
    const auto events = wait(POLLOUT);
    if (!events) return std::unexpected(events.error());
    if (*events & POLLIN) {  // nothing is due while we send, except a refusal
      const auto more = read_some();
      if (!more) return std::unexpected(more.error());
      auto message = reader_.next();
      if (!message) return std::unexpected(std::move(message.error()));
      if (*message && (*message)->verb == Verb::failure)
        return std::unexpected(refused_by(**message, path_));
      if (!*more) return std::unexpected(last_words());
    }
    if (*events & (POLLERR | POLLHUP)) return std::unexpected(last_words());
    if (!(*events & POLLOUT)) continue;
    const ssize_t count =
        ::send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return std::unexpected(last_words());
    } else if (errno != EAGAIN && errno != EINTR) {
      return fail(std::strerror(errno), path_);
    }
  }
  return {};
}

Expected<Message> Client::receive() {
  while (true) {
    auto message = reader_.next();
    if (!message) return std::unexpected(std::move(message.error()));
    if (*message && (*message)->verb == Verb::failure)
      return std::unexpected(refused_by(**message, path_));
    if (*message) return std::move(**message);
    const auto events = wait(POLLIN);
    if (!events) return std::unexpected(events.error());
    const auto more = read_some();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::unexpected(last_words());
  }
}

Expected<Message> Client::ask(Verb verb, std::string_view body, Verb answer) {
  if (auto sent = send(verb, body); !sent) return std::unexpected(std::move(sent.error()));
  auto message = receive();
  if (message && message->verb != answer) {
    return fail(fmt::format("claimd answered '{}' to '{}'", name(message->verb), name(verb)), path_,
                "Use claimctl and claimd of the same release");
  }
  return message;
}

}  // namespace claimgate::admin
