// The claimctl side of the admin socket: one connection, requests and answers in turn.
//
// Owner: one thread. Every wait is bounded: a claimd that says nothing for `patience` is a failure.
// Whatever claimd answers with Verb::failure comes back as that Failure.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "lib/admin/body.hpp"
#include "lib/admin/message.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::admin {

class Client {
 public:
  static constexpr std::chrono::seconds patience{30};

  // Connects to the socket at `path` and exchanges hellos. Failures name the remedy: no socket,
  // nobody listening, not permitted, not a claimd.
  [[nodiscard]] static Expected<Client> connect(const std::string& path,
                                                const std::string& client_name);
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  [[nodiscard]] const HelloAnswer& peer() const noexcept { return peer_; }

  // Sends one message. Ends early with claimd's own words where it has sent a failure meanwhile.
  [[nodiscard]] Expected<void> send(Verb verb, std::string_view body);
  [[nodiscard]] Expected<void> send(Verb verb, std::span<const std::byte> body);
  // The next message from claimd; never one of Verb::failure.
  [[nodiscard]] Expected<Message> receive();
  // send(), then receive(), which must bring `answer`.
  [[nodiscard]] Expected<Message> ask(Verb verb, std::string_view body, Verb answer);

  // Asked between waits; true ends the call under way with a failure (Ctrl-C).
  void stop_when(std::function<bool()> stop) { stop_ = std::move(stop); }

 private:
  Client(int socket, std::string path) : socket_(socket), path_(std::move(path)) {}
  // Waits until `events` (or input) is there; the poll's revents.
  [[nodiscard]] Expected<short> wait(short events);
  // Reads what is there. False at the end of the stream.
  [[nodiscard]] Expected<bool> read_some();
  // Why the stream ended: claimd's own words where it left some.
  [[nodiscard]] Failure last_words();

  int socket_ = -1;
  std::string path_;
  HelloAnswer peer_;
  MessageReader reader_;
  std::function<bool()> stop_;
};

}  // namespace claimgate::admin
