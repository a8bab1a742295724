// What a worker stands on, besides its port, under the test's control: time, commands, a journal.
// One thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "lib/channel/terms.hpp"
#include "src/pipeline/accepted_claim.hpp"
#include "src/pipeline/command.hpp"

namespace claimgate::pipeline {

// Time stands still until the test moves it. One cycle is one nanosecond.
struct TestClock {
  std::uint64_t now_cycles = 1'000'000;
  channel::LedgerTime ledger = 800'000'000;

  [[nodiscard]] std::uint64_t cycles() const noexcept { return now_cycles; }
  [[nodiscard]] std::uint64_t nanoseconds(std::uint64_t cycles) const noexcept { return cycles; }
  [[nodiscard]] channel::LedgerTime ledger_now(std::uint64_t) const noexcept { return ledger; }
};

// Commands in, answered commands out, in order. take() and give_back() allocate nothing.
class TestMailbox {
 public:
  void post(Command* command) {
    posted_.push_back(command);
    answered_.reserve(posted_.size());
  }
  Command* take() noexcept {
    if (next_ == posted_.size()) return nullptr;
    if (before_taking) before_taking(*posted_[next_]);
    return posted_[next_++];
  }
  void give_back(Command* command) noexcept { answered_.push_back(command); }

  [[nodiscard]] const std::vector<Command*>& answered() const noexcept { return answered_; }

  std::function<void(const Command&)> before_taking;

 private:
  std::vector<Command*> posted_;
  std::vector<Command*> answered_;
  std::size_t next_ = 0;
};

// A journal that is durable as far as the test says, and has as much room as the test says.
struct GatedJournal {
  std::uint64_t last = 0;     // LSN of the last record
  std::uint64_t durable = 0;  // LSN
  unsigned room = std::numeric_limits<unsigned>::max();
  unsigned reserved = 0;  // reservations that are neither appended nor released

  [[nodiscard]] bool reserve() noexcept {
    if (reserved >= room) return false;
    ++reserved;
    return true;
  }
  [[nodiscard]] std::uint64_t append(const AcceptedClaim& claim) noexcept {
    --reserved;
    appended = claim;
    return ++last;
  }
  void release() noexcept { --reserved; }
  void publish() noexcept {
    if (at_publish && published != last) at_publish();
    published = last;
  }
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept { return durable; }
  [[nodiscard]] std::uint64_t released_lsn() const noexcept { return durable; }
  [[nodiscard]] bool has_failed() const noexcept { return failed; }

  std::uint64_t published = 0;
  bool failed = false;
  AcceptedClaim appended;            // the last one
  std::function<void()> at_publish;  // where there is something new
};

// A journal whose every record is durable at once.
struct PromptJournal {
  std::uint64_t last = 0;
  [[nodiscard]] bool reserve() noexcept { return true; }
  [[nodiscard]] std::uint64_t append(const AcceptedClaim&) noexcept { return ++last; }
  void release() noexcept {}
  void publish() noexcept {}
  [[nodiscard]] std::uint64_t durable_lsn() const noexcept { return last; }
  [[nodiscard]] std::uint64_t released_lsn() const noexcept { return last; }
  [[nodiscard]] bool has_failed() const noexcept { return false; }
};

}  // namespace claimgate::pipeline
