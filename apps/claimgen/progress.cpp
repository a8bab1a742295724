#include "apps/claimgen/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace claimgate::claimgen {
namespace {
constexpr auto terminal_interval = std::chrono::milliseconds(100);
constexpr auto file_interval = std::chrono::seconds(2);
constexpr std::size_t bar_cells = 28;
}  // namespace

Progress::Progress(std::string step, std::uint64_t total, bool quiet)
    : step_(std::move(step)),
      total_(std::max<std::uint64_t>(total, 1)),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      next_(started_ + (terminal_ ? Clock::duration::zero() : Clock::duration(file_interval))) {}

Progress::~Progress() {
  if (!finished_ && drawn_ && terminal_) fmt::print(stderr, "\n");
}

bool Progress::due() const {
  return !quiet_ && Clock::now() >= next_;
}

void Progress::update(std::uint64_t done, std::string_view note) {
  if (due()) draw(done, note, false);
}

void Progress::finish(std::uint64_t done, std::string_view note) {
  if (!quiet_ && !finished_) draw(done, note, true);
  finished_ = true;
}

void Progress::draw(std::uint64_t done, std::string_view note, bool last) {
  const auto now = Clock::now();
  next_ = now + (terminal_ ? Clock::duration(terminal_interval) : Clock::duration(file_interval));
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const auto percent = static_cast<unsigned>(std::min(done, total_) * 100 / total_);
  if (!terminal_) {
    fmt::print(stderr, "{}: {} of {} ({}%) after {:.1f} s{}{}\n", step_, done, total_, percent,
               seconds, note.empty() ? "" : ", ", note);
    return;
  }
  const auto full = static_cast<std::size_t>(percent * bar_cells / 100);
  const std::string bar = std::string(full, '#') + std::string(bar_cells - full, '.');
  fmt::print(stderr, "\r{:<18} [{}] {:>3}% {:.1f} s{}{}\x1b[K{}", step_, bar, percent, seconds,
             note.empty() ? "" : "  ", note, last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace claimgate::claimgen
