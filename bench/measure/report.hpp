// How every benchmark reports: one JSON object per line on stdout, of three kinds. `./dev bench`
// makes tables of them.
//
//   {"bench", "case", "value", "low", "high", "level", "repeats", "unit"
//    and where it applies "reference", "goal", "better", "note"}        a figure: Row
//   {"bench", "fact", "text"}                                           where it was measured
//   {"bench", "warning"}                                                what makes it doubtful
//
// `value` is the median of `repeats` measurements; the true one lies in low..high with probability
// `level` (statistics.hpp). Thread: any one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure/statistics.hpp"

namespace claimgate::bench {

enum class Better { lower, higher };

struct Goal {
  double value = 0;
  Better better = Better::lower;
};
[[nodiscard]] constexpr Goal at_most(double value) noexcept {
  return {value, Better::lower};
}
[[nodiscard]] constexpr Goal at_least(double value) noexcept {
  return {value, Better::higher};
}

struct Row {
  std::string name;
  Summary summary;
  std::string unit;
  std::optional<Goal> goal;
  std::string reference;  // what a ratio is relative to
  std::string note;       // what must not be read into the figure
};

[[nodiscard]] std::string json_line(std::string_view bench, const Row& row);

class Report {
 public:
  explicit Report(std::string bench) : bench_(std::move(bench)) {}
  void row(const Row& row) const;
  void fact(std::string_view name, std::string_view text) const;
  void warn(std::string_view text) const;

 private:
  std::string bench_;
};

}  // namespace claimgate::bench
