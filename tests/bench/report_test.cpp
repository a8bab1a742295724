#include "bench/measure/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace claimgate::bench {
namespace {

TEST(Report, ARowCarriesItsMedianItsIntervalAndItsGoal) {
  const auto line =
      nlohmann::json::parse(json_line("pipeline", {.name = "1 claim a datagram",
                                                   .summary = summarize({1, 2, 3, 4, 5, 6, 7}),
                                                   .unit = "ratio",
                                                   .goal = at_least(0.45),
                                                   .reference = "bare loop",
                                                   .note = "a note"}));
  EXPECT_EQ(line, nlohmann::json::parse(R"({"bench":"pipeline","case":"1 claim a datagram",
      "value":4.0,"low":1.0,"high":7.0,"level":0.984375,"repeats":7,"unit":"ratio",
      "reference":"bare loop","goal":0.45,"better":"higher","note":"a note"})"));
}

TEST(Report, WhatDoesNotApplyIsLeftOut) {
  const auto line = nlohmann::json::parse(
      json_line("idle", {.name = "x", .summary = exactly(2), .unit = "bytes", .goal = at_most(3)}));
  EXPECT_FALSE(line.contains("reference"));
  EXPECT_FALSE(line.contains("note"));
  EXPECT_EQ(line["better"], "lower");
  EXPECT_EQ(line["repeats"], 1);
}

TEST(Report, NamesAreEscaped) {
  const auto line =
      nlohmann::json::parse(json_line("b", {.name = "a \"quoted\" \\ name", .unit = "us"}));
  EXPECT_EQ(line["case"], "a \"quoted\" \\ name");
}

}  // namespace
}  // namespace claimgate::bench
