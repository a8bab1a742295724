#include "apps/claimgen/watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace claimgate::claimgen {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t look_interval_ns = second_ns / 50;
constexpr std::uint64_t stall_ns_min = 5 * second_ns;

}  // namespace

Watch::Watch(const Window& window, const StopFlag& stop) noexcept
    : window_(window),
      stop_(stop),
      stall_ns_(
          std::max(stall_ns_min, (window.options().retries + 2) * window.options().timeout_ns)) {}

bool Watch::goes_on(std::uint64_t now_ns) {
  if (window_.done()) return false;
  if (now_ns < next_look_ns_) return true;
  next_look_ns_ = now_ns + look_interval_ns;
  // A schedule may leave pauses of any length.
  if (window_.idle() || window_.tally().claims_decided != moved_claims_) {
    moved_claims_ = window_.tally().claims_decided;
    moved_at_ns_ = now_ns;
  }
  stopped_ = stop_.load();
  if (window_.silent()) {
    cut_short_ = fmt::format("{} datagrams in a window of {} were never answered",
                             window_.given_up(), window_.options().datagrams);
  } else if (now_ns - moved_at_ns_ > stall_ns_) {
    cut_short_ = fmt::format("no claim was decided for {:.1f} s",
                             static_cast<double>(stall_ns_) / double{second_ns});
  }
  return !stopped_ && cut_short_.empty();
}

}  // namespace claimgate::claimgen
