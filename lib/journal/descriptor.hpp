// A file descriptor with one owner, closed with it; moves, does not copy. errno survives its end,
// so that a call's error can still be told after the folders it went through are closed.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace claimgate::journal {

class Descriptor {
 public:
  // `number` below 0: none, as open(2) reports failure.
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ < 0) return;
    const int error = errno;
    ::close(number_);
    errno = error;
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  // Somebody else's to close from here on.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

}  // namespace claimgate::journal
