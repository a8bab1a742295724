// What the admin tests do as a client: whole imports, and bytes that no Client would send.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <stdexcept>
#include <vector>

#include "lib/admin/client.hpp"
#include "lib/xrpl/time.hpp"
#include "tests/src/control/admin/rig.hpp"

namespace claimgate::control::test {

using admin::Client;
using admin::ImportDone;
using admin::Verb;
using Clock = std::chrono::steady_clock;

struct Imported {
  ImportDone done;
  std::vector<admin::Refused> refused;
};

// Of all imports here: a time that does not move while a test runs.
inline const std::uint32_t as_of = xrpl::ledger_from_unix(::time(nullptr)) - 60;

inline Client connect(const Rig& rig) {
  return must(Client::connect(rig.socket(), "test"));
}

inline void begin(Client& client, bool strict = false, bool dry_run = false) {
  must(client.ask(Verb::import_begin,
                  admin::encode(admin::ImportBegin{
                      .source = "test", .as_of = as_of, .strict = strict, .dry_run = dry_run}),
                  Verb::import_begun));
}

inline Expected<void> send(Client& client, const std::vector<admin::ImportRecord>& records,
                           std::uint32_t ledger_index = 100, bool validated = true) {
  for (std::size_t at = 0; at < records.size(); at += 2048) {
    std::vector<std::byte> body;
    for (std::size_t i = at; i < std::min(records.size(), at + 2048); ++i)
      admin::append_record(body, records[i]);
    if (auto sent = client.send(Verb::import_channels, body); !sent) return sent;
  }
  return client.send(Verb::import_answer,
                     admin::encode(admin::ImportAnswer{.ledger_index = ledger_index,
                                                       .validated = validated,
                                                       .is_current = false,
                                                       .channels = records.size()}));
}

inline Expected<Imported> commit(Client& client) {
  if (auto sent = client.send(Verb::import_commit, "{}"); !sent)
    return std::unexpected(sent.error());
  Imported out;
  while (true) {
    auto message = client.receive();
    if (!message) return std::unexpected(message.error());
    if (message->verb == Verb::import_refused) {
      for (auto& one : must(admin::decode_refused(message->text()))) out.refused.push_back(one);
    } else if (message->verb == Verb::import_done) {
      out.done = must(admin::decode_import_done(message->text()));
      return out;
    } else if (message->verb != Verb::import_progress) {
      return fail("unexpected " + std::string(admin::name(message->verb)));
    }
  }
}

inline Imported import_all(Rig& rig, const std::vector<admin::ImportRecord>& records,
                           bool strict = false, bool dry_run = false,
                           std::uint32_t ledger_index = 100) {
  Client client = connect(rig);
  begin(client, strict, dry_run);
  if (const auto sent = send(client, records, ledger_index); !sent)
    throw std::runtime_error(sent.error().text());
  return must(commit(client));
}

inline std::vector<admin::ImportRecord> records(std::uint32_t count, std::uint32_t first = 0) {
  std::vector<admin::ImportRecord> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(import_record(first + i));
  return out;
}

// A socket below the Client, for what a Client would never send.
class RawSocket {
 public:
  explicit RawSocket(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("connect");
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  ~RawSocket() { ::close(socket_); }
  void send(std::span<const std::byte> bytes) const {
    (void)!::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void end_of_input() const { ::shutdown(socket_, SHUT_WR); }
  // Everything until the server closes, as messages.
  [[nodiscard]] std::vector<admin::Message> rest() const {
    admin::MessageReader reader;
    std::vector<admin::Message> out;
    std::array<std::byte, 4096> bytes;
    for (ssize_t n; (n = ::recv(socket_, bytes.data(), bytes.size(), 0)) > 0;) {
      reader.feed(std::span(bytes).first(static_cast<std::size_t>(n)));
      while (auto message = must(reader.next())) out.push_back(std::move(*message));
    }
    return out;
  }

 private:
  int socket_;
};

inline std::vector<std::byte> hello() {
  std::vector<std::byte> out;
  admin::append_message(out, Verb::hello, R"({"client":"raw"})");
  return out;
}

}  // namespace claimgate::control::test
