// The system calls by which lib/journal moves bytes, listened to and answered as a test wants it.
//
// system_calls.cpp defines pwrite, pwritev2, pread, fdatasync, fallocate and fsync for this
// executable, so that what is linked into it statically calls those; they go on to the kernel.
// One object at a time, one thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace claimgate::journal {

enum class Call { write, write_durably, read, sync, sync_folder, make_room };

class SystemCalls {
 public:
  struct Seen {
    Call call;
    bool direct;  // past the page cache
    std::uint64_t offset;
    std::size_t bytes;  // asked for
  };
  static constexpr unsigned each = 0;

  SystemCalls();
  ~SystemCalls();
  SystemCalls(const SystemCalls&) = delete;
  SystemCalls& operator=(const SystemCalls&) = delete;

  // The nth of these calls from now on (or each) does nothing but to fail.
  void fail(Call call, unsigned nth, int error) { rules_.push_back({call, nth, error, 0, false}); }
  // The nth moves no more than it is told, and says so.
  void shorten(Call call, unsigned nth, std::size_t bytes) {
    rules_.push_back({call, nth, 0, bytes, false});
  }
  // Each that goes past the page cache is refused, as by a file system that only takes the flag.
  void refuse_direct(Call call) { rules_.push_back({call, each, direct_refused, 0, true}); }
  void forget() {
    rules_.clear();
    seen_.clear();
  }

  [[nodiscard]] const std::vector<Seen>& seen() const noexcept { return seen_; }
  [[nodiscard]] unsigned count(Call call) const noexcept;

  // Of the definitions: what is to happen instead of a call, or around it.
  template <class Kernel>
  static ssize_t answer(const Seen& seen, Kernel kernel);

 private:
  static const int direct_refused;
  struct Rule {
    Call call;
    unsigned nth;
    int error;
    std::size_t bytes;
    bool only_direct;
  };
  std::vector<Rule> rules_;
  std::vector<Seen> seen_;
};

}  // namespace claimgate::journal
