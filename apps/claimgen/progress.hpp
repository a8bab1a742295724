// One line on standard error that says how far a long step is.
//
// A terminal sees a bar that is drawn over; a file or a pipe gets a line every two seconds; `quiet`
// silences both. The control thread's; update() is cheap enough for a loop that calls it often.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace claimgate::claimgen {

class Progress {
 public:
  Progress(std::string step, std::uint64_t total, bool quiet);
  ~Progress();  // finishes the line where finish() was not called
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total`; `note` stands behind the bar. Draws at most ten times a second.
  void update(std::uint64_t done, std::string_view note = {});
  // Whether an update() now would draw: lets a hot loop skip making the note.
  [[nodiscard]] bool due() const;
  void finish(std::uint64_t done, std::string_view note = {});

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::uint64_t done, std::string_view note, bool last);

  std::string step_;
  std::uint64_t total_;
  bool quiet_;
  bool terminal_;
  bool finished_ = false;
  bool drawn_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point next_;
};

}  // namespace claimgate::claimgen
