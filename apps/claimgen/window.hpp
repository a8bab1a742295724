// A run's bookkeeping: which datagrams are under way, what goes out next, what a verdict settles.
// It knows no port and no clock of its own: the client feeds it frames and times, and a test feeds
// it whatever a network can do.
//
//   take() ──► datagram to send ──►  … appliance …  ──► settle(verdicts)
//     ▲  new, due after BUSY, or silent for longer than the timeout     │
//     └───────────────────────────── window ────────────────────────────┘
//
// In the closed loop a new datagram goes out as soon as the window has room: the appliance sets the
// pace, and while it stalls nothing is sent that could notice. In the open loop a schedule sets the
// pace, the window is only the bound of what is under way, and a claim's latency counts from when
// it was due, however late it left. Otherwise the claims that a stall kept from leaving would be
// missing in the percentiles (Gil Tene's "coordinated omission").
//
// One thread, the client's. Times are nanoseconds of one monotonic clock, 0 where the run starts.
// No allocation between the first take() and the end but for the texts of the first ten mismatches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/claimgen/flights.hpp"
#include "apps/claimgen/oracle.hpp"
#include "apps/claimgen/plan.hpp"
#include "apps/claimgen/schedule.hpp"
#include "lib/counter/histogram.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

struct WindowOptions {
  std::uint32_t datagrams = 128;  // under way at once, 1..window_max
  ScheduleOptions schedule;  // without a rate: the closed loop. Its burst is at most `datagrams`
  std::uint64_t timeout_ns = 500'000'000;
  unsigned retries = 10;     // after the first transmission
  bool shard_ports = false;  // one virtual shard: its own port; otherwise 9300
  double unix_ms = 0;        // start of the run; timestamps count from here
};
inline constexpr std::uint32_t window_max = 65'536;

// A datagram that leaves this long after it was due is counted as late.
inline constexpr std::uint64_t late_ns = 1'000'000;

// What a run counted; written by the window, and by the client where it says so.
struct Tally {
  std::array<std::array<std::uint64_t, wire::code_count>, kind_count> verdicts{};
  // By claim, up to the verdict that decided it: from its first transmission, and (in the open loop
  // only) from when it was due.
  counter::FineHistogram service_ns, latency_ns;
  std::uint64_t claims_decided = 0;
  std::uint64_t datagrams_sent = 0;  // with those sent again
  std::uint64_t datagrams_answered = 0;
  std::uint64_t datagrams_resent = 0;  // after silence
  std::uint64_t claims_busy = 0;       // BUSY verdicts, each sent again later
  std::uint64_t replies_late = 0;      // a second answer to what was sent twice
  std::uint64_t verdicts_durable = 0;
  std::uint64_t claims_unanswered = 0;  // given up
  std::uint64_t mismatches = 0;
  std::uint64_t frames_ignored = 0;                                           // client: not for us
  std::array<std::uint64_t, 1 + wire::port_last - wire::port_any> sent_to{};  // from port_any on

  // Open loop, first transmissions only.
  counter::FineHistogram behind_ns;  // by datagram: from due to sent
  std::uint64_t claims_sent = 0;
  std::uint64_t late_held = 0;  // late: the window was full, or the port took no more
  std::uint64_t late_own = 0;   // late though they could have left: the generator was
  std::uint64_t last_behind_ns = 0;
};

// One complaint, fit for a terminal.
struct Mismatch {
  std::optional<std::uint32_t> claim;
  std::string expected;
  std::string got;
};
inline constexpr std::size_t mismatches_listed = 10;

// A datagram to put on the wire. `claims` stays as it is until the next call on the window.
struct Outgoing {
  std::span<const std::uint32_t> claims;
  std::uint16_t port = wire::port_any;
};

// The timestamp of a claim: another one for each, and the same whenever it is sent, so that an echo
// can be checked without keeping what was sent when. Every 256th is one that no clock would give
// (NaN with a payload, infinities, -0, the smallest number): the appliance echoes bits.
[[nodiscard]] double stamp_of(std::uint32_t claim, double unix_ms) noexcept;

class Window {
 public:
  // `plan` and `frames` (93 bytes per claim) must outlive the window.
  Window(const WindowOptions& options, const Plan& plan, std::span<const std::byte> frames);

  // The next datagram that goes out now, or nothing. Gives up those that stayed silent after their
  // last transmission.
  [[nodiscard]] std::optional<Outgoing> take(std::uint64_t now_ns);
  // The port took no more: what was due up to now and is late is so for no fault of the caller's.
  void held_back(std::uint64_t now_ns) noexcept { held_at_ns_ = now_ns; }
  // Writes the payload of `outgoing`; returns its bytes. Precondition: 1395 writable bytes.
  std::size_t write_payload(std::byte* payload, const Outgoing& outgoing) const noexcept;
  // Takes a reply: n times 33 bytes of verdict frames, from `source_port`.
  void settle(std::span<const std::byte> verdicts, std::uint16_t source_port, std::uint64_t now_ns);
  // A complaint of the client's own.
  void complain(std::optional<std::uint32_t> claim, std::string expected, std::string got);
  // Compares what verdicts confirmed with the plan's final amounts. Call once, when done().
  void check_finals();

  [[nodiscard]] bool done() const noexcept {
    return tally_.claims_decided + tally_.claims_unanswered == plan_.claims.size();
  }
  // As many datagrams as the window holds were given up: nobody is answering.
  [[nodiscard]] bool silent() const noexcept { return given_up_ >= options_.datagrams; }
  [[nodiscard]] std::uint64_t given_up() const noexcept { return given_up_; }  // datagrams
  [[nodiscard]] const WindowOptions& options() const noexcept { return options_; }
  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] Tally& tally() noexcept { return tally_; }
  [[nodiscard]] const Oracle& oracle() const noexcept { return oracle_; }
  [[nodiscard]] std::span<const Mismatch> mismatches() const noexcept { return mismatches_; }
  [[nodiscard]] std::uint32_t under_way() const noexcept { return flights_.under_way(); }
  // Nothing is under way and nothing waits after BUSY: only the schedule may have something left.
  [[nodiscard]] bool idle() const noexcept { return under_way() == 0 && waiting_.empty(); }
  [[nodiscard]] bool open_loop() const noexcept { return schedule_.has_value(); }
  // When the schedule's next datagram is due; in the closed loop, and where none is left: never.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept {
    return schedule_ && next_datagram_ < plan_.datagrams.size() ? schedule_->due_ns() : never_ns;
  }

 private:
  static constexpr std::uint64_t never_ns = std::numeric_limits<std::uint64_t>::max();
  struct Departure {  // of a claim, for the first time
    std::uint64_t due_ns, sent_ns;
  };
  struct Waiting {  // for the time that BUSY named
    std::uint64_t due_ns;
    std::uint32_t claim;
    // A heap's top is its greatest: the earliest, and of those the oldest claim.
    friend bool operator<(const Waiting& a, const Waiting& b) noexcept {
      return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.claim > b.claim;
    }
  };

  [[nodiscard]] Flights::Index resend_silent(std::uint64_t now_ns);
  [[nodiscard]] Flights::Index open_busy(std::uint64_t now_ns) noexcept;
  [[nodiscard]] Flights::Index open_new(std::uint64_t now_ns) noexcept;
  [[nodiscard]] bool may_open_new(std::uint64_t now_ns) noexcept;
  [[nodiscard]] Flights::Index open(std::span<const std::uint32_t> claims) noexcept;
  void count_departure(unsigned claims, std::uint64_t due_ns, std::uint64_t now_ns) noexcept;
  [[nodiscard]] Flights::Index flight_of_reply(std::span<const std::byte> verdicts);
  void judge(std::uint32_t claim, const std::byte* verdict, std::uint64_t now_ns);
  [[nodiscard]] bool echoes(std::uint32_t claim, const std::byte* verdict) const noexcept;
  void give_up(Flights::Index at);
  void close(Flights::Index at) noexcept;

  WindowOptions options_;
  const Plan& plan_;
  std::span<const std::byte> frames_;
  std::optional<Schedule> schedule_;  // its next datagram is next_datagram_
  Oracle oracle_;
  Tally tally_;
  Flights flights_;
  std::vector<Flights::Index> flight_of_;  // by claim
  std::vector<Departure> departures_;      // by claim
  std::vector<Waiting> waiting_;           // heap
  std::vector<Mismatch> mismatches_;
  std::size_t next_datagram_ = 0;
  std::uint32_t left_in_burst_ = 0;          // closed loop: to be released without asking for room
  std::optional<std::uint64_t> held_at_ns_;  // when something last could not leave
  std::uint64_t given_up_ = 0;
};

}  // namespace claimgate::claimgen
