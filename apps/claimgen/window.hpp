// The closed loop's bookkeeping: which datagrams are under way, what goes out next, what a verdict
// settles. It knows no port and no clock of its own: the client feeds it frames and times, and a
// test feeds it whatever a network can do.
//
//   take() ──► datagram to send ──►  … appliance …  ──► settle(verdicts)
//     ▲  new, due after BUSY, or silent for longer than the timeout     │
//     └───────────────────────────── window ────────────────────────────┘
//
// One thread, the client's. Times are nanoseconds of one monotonic clock. No allocation between
// the first take() and the end but for the texts of the first ten mismatches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/claimgen/oracle.hpp"
#include "apps/claimgen/plan.hpp"
#include "lib/counter/histogram.hpp"
#include "lib/wire/claim.hpp"

namespace claimgate::claimgen {

struct WindowOptions {
  std::uint32_t datagrams = 128;  // under way at once, 1..65536
  std::uint64_t timeout_ns = 500'000'000;
  unsigned retries = 10;     // after the first transmission
  bool shard_ports = false;  // one virtual shard: its own port; otherwise 9300
  double unix_ms = 0;        // start of the run; timestamps count from here
};

// What a run counted; written by the window, and by the client where it says so.
struct Tally {
  std::array<std::array<std::uint64_t, wire::code_count>, kind_count> verdicts{};
  counter::Histogram round_trip_ns;  // first transmission to reply, per datagram
  std::uint64_t claims_decided = 0;
  std::uint64_t datagrams_sent = 0;  // with those sent again
  std::uint64_t datagrams_answered = 0;
  std::uint64_t datagrams_resent = 0;  // after silence
  std::uint64_t claims_busy = 0;       // BUSY verdicts, each sent again later
  std::uint64_t replies_late = 0;      // a second answer to what was sent twice
  std::uint64_t verdicts_durable = 0;
  std::uint64_t claims_unanswered = 0;  // given up
  std::uint64_t mismatches = 0;
  std::uint64_t frames_ignored = 0;  // client: not for us
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

  // The next datagram that may go out now, or nothing.
  [[nodiscard]] std::optional<Outgoing> take(std::uint64_t now_ns) noexcept;
  // Writes the payload of `outgoing`; returns its bytes. Precondition: 1395 writable bytes.
  std::size_t write_payload(std::byte* payload, const Outgoing& outgoing) const noexcept;
  // Takes a reply: n times 33 bytes of verdict frames, from `source_port`.
  void settle(std::span<const std::byte> verdicts, std::uint16_t source_port, std::uint64_t now_ns);
  // Looks for datagrams that have been silent for too long; take() then gives them again.
  void expire(std::uint64_t now_ns);
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
  [[nodiscard]] std::uint32_t under_way() const noexcept {
    return options_.datagrams - static_cast<std::uint32_t>(free_.size());
  }

 private:
  using FlightIndex = std::uint32_t;
  static constexpr FlightIndex no_flight = 0xFFFF'FFFF;
  struct Flight {
    std::array<std::uint32_t, wire::claims_per_datagram_max> claims;
    std::uint64_t first_sent_ns;
    std::uint64_t last_sent_ns;
    std::uint16_t port;
    std::uint8_t n = 0;  // 0: not under way
    std::uint8_t repeats;
  };
  struct Waiting {  // for the time that BUSY named
    std::uint64_t due_ns;
    std::uint32_t claim;
    // A heap's top is its greatest: the earliest, and of those the oldest claim.
    friend bool operator<(const Waiting& a, const Waiting& b) noexcept {
      return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.claim > b.claim;
    }
  };

  [[nodiscard]] FlightIndex open(std::uint64_t now_ns) noexcept;
  [[nodiscard]] Outgoing outgoing(FlightIndex at) noexcept;
  [[nodiscard]] FlightIndex flight_of_reply(std::span<const std::byte> verdicts);
  void judge(std::uint32_t claim, const std::byte* verdict, std::uint64_t now_ns);
  [[nodiscard]] bool echoes(std::uint32_t claim, const std::byte* verdict) const noexcept;
  void give_up(FlightIndex at);
  void close(FlightIndex at) noexcept;

  WindowOptions options_;
  const Plan& plan_;
  std::span<const std::byte> frames_;
  Oracle oracle_;
  Tally tally_;
  std::vector<Flight> flights_;
  std::vector<FlightIndex> free_;
  std::vector<FlightIndex> flight_of_;  // by claim
  std::vector<FlightIndex> again_;      // silent for too long: to be sent again
  std::vector<Waiting> waiting_;        // heap
  std::vector<Mismatch> mismatches_;
  std::size_t next_datagram_ = 0;
  std::uint64_t given_up_ = 0;
};

}  // namespace claimgate::claimgen
