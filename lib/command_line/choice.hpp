// An option that takes one of a few words. CLI11's own check of it answers with its table of
// numbers.
#pragma once

#include <map>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace claimgate {

// For an option of an enumeration: the word becomes its value, and the answer to another names all.
template <class Value>
[[nodiscard]] CLI::Validator one_of(const std::map<std::string, Value>& values) {
  const auto pick = [values](std::string& word) -> std::string {
    if (const auto found = values.find(word); found != values.end()) {
      word = std::to_string(static_cast<int>(found->second));
      return {};
    }
    std::string words;
    for (const auto& [each, value] : values) words += (words.empty() ? "" : ", ") + each;
    return fmt::format("\"{}\" is none of {}", word, words);
  };
  return {pick, ""};
}

}  // namespace claimgate
