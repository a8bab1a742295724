#include "bench/measure/report.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace claimgate::bench {
namespace {

std::string text_of(const nlohmann::ordered_json& line) {
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Flushed line by line: a benchmark that dies leaves what it had measured.
void print(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace

std::string json_line(std::string_view bench, const Row& row) {
  const Summary& summary = row.summary;
  nlohmann::ordered_json line{{"bench", bench},
                              {"case", row.name},
                              {"value", summary.median},
                              {"low", summary.low},
                              {"high", summary.high},
                              {"level", summary.level},
                              {"repeats", summary.repeats},
                              {"unit", row.unit}};
  if (!row.reference.empty()) line["reference"] = row.reference;
  if (row.goal) {
    line["goal"] = row.goal->value;
    line["better"] = row.goal->better == Better::higher ? "higher" : "lower";
  }
  if (!row.note.empty()) line["note"] = row.note;
  return text_of(line);
}

void Report::row(const Row& row) const {
  print(json_line(bench_, row));
}

void Report::fact(std::string_view name, std::string_view text) const {
  print(text_of({{"bench", bench_}, {"fact", name}, {"text", text}}));
}

void Report::warn(std::string_view text) const {
  print(text_of({{"bench", bench_}, {"warning", text}}));
}

}  // namespace claimgate::bench
