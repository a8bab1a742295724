// The admin socket's file: bound, listening, 0660, and gone again at the end.
//
// A socket file that nobody listens on (its claimd was killed) is replaced; a live one, and a path
// that is no socket, are refused. Owner: the AdminServer; any thread, one at a time.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include <sys/types.h>

#include "lib/failure/failure.hpp"

namespace claimgate::control {

class Listener {
 public:
  static constexpr mode_t socket_mode = 0660;
  static constexpr int backlog = 16;

  // `group` owns the socket file where given, and must exist.
  [[nodiscard]] static Expected<Listener> open(const std::string& path,
                                               const std::optional<std::string>& group);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // closes; unlinks where the file is still the one it made

  [[nodiscard]] int descriptor() const noexcept { return socket_; }
  // A new connection, non-blocking, or -1: nobody waits, or descriptors are short.
  [[nodiscard]] int accept() const noexcept;

 private:
  Listener(int socket, std::string path) : socket_(socket), path_(std::move(path)) {}

  int socket_ = -1;
  std::string path_;
  bool bound_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace claimgate::control
