// How every benchmark reports: one JSON object per line on stdout (`bench`, `case`, `value`,
// `unit`, and where it applies `reference`, `goal`, `better`). `./dev bench` makes the table of it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace claimgate::bench {

struct Figure {
  std::string bench, name;
  double value = 0;
  std::string unit;
  std::optional<std::string> reference;  // what a ratio is relative to
  std::optional<double> goal;
  bool higher_is_better = true;
};

inline void report(const Figure& figure) {
  std::string line = fmt::format(R"({{"bench":"{}","case":"{}","value":{:.6g},"unit":"{}")",
                                 figure.bench, figure.name, figure.value, figure.unit);
  if (figure.reference) line += fmt::format(R"(,"reference":"{}")", *figure.reference);
  if (figure.goal) {
    line += fmt::format(R"(,"goal":{:.6g},"better":"{}")", *figure.goal,
                        figure.higher_is_better ? "higher" : "lower");
  }
  fmt::print("{}}}\n", line);
  std::fflush(stdout);
}

[[nodiscard]] inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace claimgate::bench
