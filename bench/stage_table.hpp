// How bench pipeline reports what a stream cost: stage by stage, and as a rate.
//
// Thread: the one that measures.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/measure/report.hpp"
#include "bench/stage_clock.hpp"

namespace claimgate::bench {

// Stage by stage, over the rounds, and what of the worker's true loop they leave unexplained.
class StageTable {
 public:
  void add(const StageCycles& stages, double true_loop) {
    for (std::size_t i = 0; i < stages.size(); ++i) stages_[i].push_back(stages[i]);
    unaccounted_.push_back(true_loop - std::accumulate(stages.begin(), stages.end(), 0.0));
  }

  // `budget`: of a stage, where it is held to one in this stream. `loop`: what add() was told of.
  template <class Budget>
  void report(const Report& report, const std::string& stream, Budget&& budget,
              std::string_view loop = "the loop without the clock") const {
    using enum pipeline::Stage;
    const auto row = [&](const char* name, const Summary& summary, std::optional<Goal> goal,
                         std::string note) {
      report.row({.name = fmt::format("{}: {}", stream, name),
                  .summary = summary,
                  .unit = "cycles/claim",
                  .goal = goal,
                  .note = std::move(note)});
    };
    struct Line {
      pipeline::Stage stage;
      const char* name;
      const char* note;
    };
    for (const Line& line :
         {Line{rx, "rx", "the pcap port copies each frame"}, Line{parse, "parse", ""},
          Line{admit, "admit", ""}, Line{digest, "digest", ""}, Line{verify, "verify", ""},
          Line{commit, "commit", ""}, Line{reply, "reply", ""},
          Line{tx, "tx", "the pcap port frees each frame"},
          Line{rest, "rest", "commands and the turn's own accounts"}}) {
      const auto& measured = stages_[static_cast<std::size_t>(line.stage)];
      row(line.name, summarize(measured), budget(line.stage), line.note);
      if (line.stage == parse) {
        row("steer", exactly(0), std::nullopt, "one worker: nothing to steer");
      }
    }
    row("unaccounted", summarize(unaccounted_), std::nullopt,
        fmt::format("{}, less all above", loop));
  }

 private:
  std::array<std::vector<double>, pipeline::stages> stages_;
  std::vector<double> unaccounted_;
};

inline void report_rate(const Report& report, const std::string& name,
                        const std::vector<double>& cycles) {
  report.row({.name = name, .summary = summarize(cycles), .unit = "cycles/claim"});
  std::vector<double> rate;
  for (const double each : cycles) {
    rate.push_back(static_cast<double>(rte_get_tsc_hz()) / each);
  }
  report.row({.name = name, .summary = summarize(rate), .unit = "claims/s"});
}

}  // namespace claimgate::bench
