// When each datagram of a stream is due, in nanoseconds from the stream's start.
//
// A schedule follows from its options and the stream's size alone, to the nanosecond and on every
// machine: what sends by it, or stamps a capture with it, can be early or late, but never moves it.
// Datagrams are due at even intervals, or after intervals drawn from an exponential distribution
// (then their arrivals are a Poisson process); the mean interval is what gives the stream's claims
// their rate. A burst of datagrams is due at one time, and its interval is as much longer.
//
// A plain value: one thread at a time. No allocation.
#pragma once

#include <cstdint>
#include <string_view>

#include "apps/claimgen/random.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

enum class Arrivals : std::uint8_t { fixed, poisson };
[[nodiscard]] constexpr std::string_view name(Arrivals arrivals) noexcept {
  return arrivals == Arrivals::fixed ? "fixed" : "poisson";
}

struct ScheduleOptions {
  std::uint64_t claims_per_s = 0;  // up to rate_max; 0: no schedule
  Arrivals arrivals = Arrivals::fixed;
  std::uint32_t burst = 1;  // datagrams due together, 1..burst_max
  std::uint64_t seed = 1;   // of Poisson arrivals
};
inline constexpr std::uint64_t rate_max = 1'000'000'000;
inline constexpr std::uint32_t schedule_burst_max = 65'536;

// Whole claims per second, 1 to rate_max: "20000", "50k", "1.5M".
[[nodiscard]] Expected<std::uint64_t> parse_rate(std::string_view text);

class Schedule {
 public:
  // For a stream of `claims` in `datagrams`. Preconditions: options within their ranges, with a
  // rate; 0 < datagrams <= claims <= 2^31.
  Schedule(const ScheduleOptions& options, std::uint64_t claims, std::uint64_t datagrams) noexcept;

  // When the datagram that comes next is due; advance() turns to the one after it.
  [[nodiscard]] std::uint64_t due_ns() const noexcept {
    return static_cast<std::uint64_t>(due_ >> fraction_bits);
  }
  void advance() noexcept;

 private:
  __extension__ using FixedPoint = unsigned __int128;  // nanoseconds with fraction_bits behind them
  static constexpr unsigned fraction_bits = 32;

  [[nodiscard]] FixedPoint draw_interval() noexcept;

  FixedPoint interval_;  // between bursts, in the mean
  FixedPoint due_ = 0;
  Random random_;
  Arrivals arrivals_;
  std::uint32_t burst_;
  std::uint32_t left_in_burst_;
};

}  // namespace claimgate::claimgen
