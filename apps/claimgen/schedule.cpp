#include "apps/claimgen/schedule.hpp"

#include <fmt/format.h>

#include <cassert>
#include <charconv>
#include <cmath>

#include "apps/claimgen/portable_log.hpp"

namespace claimgate::claimgen {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t arrival_stream = 4;  // of the seed's random numbers

}  // namespace

Expected<std::uint64_t> parse_rate(std::string_view text) {
  std::string_view number = text;
  double unit = 1;
  for (const auto& [suffix, value] : {std::pair{'k', 1e3}, {'M', 1e6}, {'G', 1e9}}) {
    if (!number.ends_with(suffix)) continue;
    unit = value;
    number.remove_suffix(1);
    break;
  }
  double rate = 0;
  const char* const end = number.data() + number.size();
  const auto [stopped, error] = std::from_chars(number.data(), end, rate);
  const double whole = std::round(rate * unit);
  // A decimal like 1.1 is no double: its product with the unit is whole but for the last bits.
  const bool is_whole = std::abs(rate * unit - whole) <= whole * 1e-12;
  if (error != std::errc{} || stopped != end || !(whole >= 1) ||
      !(whole <= static_cast<double>(rate_max)) || !is_whole) {
    return fail("not a rate", fmt::format("--rate {}", text),
                "Give whole claims per second from 1 to 1G, like 20000, 50k or 1.5M");
  }
  return static_cast<std::uint64_t>(whole);
}

Schedule::Schedule(const ScheduleOptions& options, std::uint64_t claims,
                   std::uint64_t datagrams) noexcept
    : interval_((FixedPoint{claims} * options.burst * second_ns << fraction_bits) /
                (FixedPoint{datagrams} * options.claims_per_s)),
      random_(options.seed, arrival_stream),
      arrivals_(options.arrivals),
      burst_(options.burst),
      left_in_burst_(options.burst) {
  assert(options.claims_per_s >= 1 && options.claims_per_s <= rate_max);
  assert(options.burst >= 1 && options.burst <= schedule_burst_max);
  assert(datagrams >= 1 && datagrams <= claims && claims <= std::uint64_t{1} << 31);
  if (arrivals_ == Arrivals::poisson) due_ = draw_interval();
}

void Schedule::advance() noexcept {
  if (--left_in_burst_ > 0) return;
  left_in_burst_ = burst_;
  due_ += arrivals_ == Arrivals::poisson ? draw_interval() : interval_;
}

// -ln u times the mean, for u uniform in (0, 1].
Schedule::FixedPoint Schedule::draw_interval() noexcept {
  const double uniform = std::ldexp(static_cast<double>((random_.next() >> 11) + 1), -53);
  return static_cast<FixedPoint>(-natural_log(uniform) * static_cast<double>(interval_));
}

}  // namespace claimgate::claimgen
