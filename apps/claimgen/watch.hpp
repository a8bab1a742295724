// Whether a run goes on: until everything is decided, somebody stops it, or nobody answers.
//
// One thread, the client's. Times as the window's.
#pragma once

#include <cstdint>
#include <string>

#include "apps/claimgen/stop.hpp"
#include "apps/claimgen/window.hpp"

namespace claimgate::claimgen {

class Watch {
 public:
  Watch(const Window& window, const StopFlag& stop) noexcept;

  // Cheap enough for every turn of a poll loop: looks at most 50 times a second.
  [[nodiscard]] bool goes_on(std::uint64_t now_ns);
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }                    // by the user
  [[nodiscard]] const std::string& cut_short() const noexcept { return cut_short_; }  // why, or ""

 private:
  const Window& window_;
  const StopFlag& stop_;
  std::uint64_t stall_ns_;
  std::uint64_t next_look_ns_ = 0;
  std::uint64_t moved_at_ns_ = 0;  // when a claim was last decided, or none waited for an answer
  std::uint64_t moved_claims_ = 0;
  bool stopped_ = false;
  std::string cut_short_;
};

}  // namespace claimgate::claimgen
