// What claimd shows on /metrics, as a test reads it, and the equations that must hold of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace claimgate::system_test {

struct Samples {
  std::map<std::string, double> values;  // by series: name{label="value",…} as it stands
  std::string text;                      // the whole answer
  std::string content_type;

  // The one worker's series of a family. Throws std::out_of_range where there is none.
  [[nodiscard]] double worker(std::string_view family) const;
  [[nodiscard]] double dropped(std::string_view reason) const;
  [[nodiscard]] double verdicts(std::string_view code) const;
  [[nodiscard]] double at(const std::string& series) const;
  // Over all series of the family that end with exactly this name.
  [[nodiscard]] double sum(std::string_view family) const;
};

// GET /metrics from 127.0.0.1:port. Throws std::runtime_error where nothing answers with 200.
[[nodiscard]] Samples scrape(std::uint16_t port);

// The accounting equations of PROTOCOL: one sentence for each that does not hold.
[[nodiscard]] std::vector<std::string> accounting_errors(const Samples& samples);

// The counters that a frame moves, those alone that differ, "series +1".
[[nodiscard]] std::vector<std::string> moved(const Samples& before, const Samples& after);

}  // namespace claimgate::system_test
