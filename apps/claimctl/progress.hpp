// A progress bar on standard error, where that is a terminal; silence where not. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace claimgate::claimctl {

class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0: not known; then the count alone is shown. At most ten times a second.
  void show(std::string_view what, std::uint64_t done, std::uint64_t total, std::string_view unit);
  void clear();  // leaves the line empty for what is printed next

 private:
  bool on_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace claimgate::claimctl
