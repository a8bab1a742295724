#include "apps/claimctl/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/core.h>

namespace claimgate::claimctl {

Progress::Progress(bool wanted) : on_(wanted && ::isatty(STDERR_FILENO)) {}

void Progress::show(std::string_view what, std::uint64_t done, std::uint64_t total,
                    std::string_view unit) {
  const auto now = std::chrono::steady_clock::now();
  if (!on_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  if (total == 0) {
    fmt::print(stderr, "\r\033[K{} {} {}", what, done, unit);
  } else {
    constexpr std::uint64_t width = 40;
    const auto filled = static_cast<std::size_t>(std::min(done, total) * width / total);
    std::string bar(filled, '#');
    bar.resize(width, '.');
    fmt::print(stderr, "\r\033[K{} [{}] {:3}% of {} {}", what, bar,
               std::min(done, total) * 100 / total, total, unit);
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
  std::fflush(stderr);
}

}  // namespace claimgate::claimctl
