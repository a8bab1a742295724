// An option that takes one of a few words. CLI11's own transformers name an enum's values where
// another word is given, as raw bytes; here a refusal names the words.
#pragma once

#include <map>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace claimgate {

// Adds option `name` to `verb`; one of `words` puts what it stands for into `value`, which has to
// live as long as `verb`.
template <class T>
CLI::Option* add_word_option(CLI::App& verb, const std::string& name, T& value,
                             const std::map<std::string, T>& words, const std::string& about) {
  const auto take = [&value, words](const CLI::results_t& given) {
    value = words.at(given.back());
    return true;
  };
  const auto known = [words](const std::string& word) -> std::string {
    if (words.contains(word)) return {};
    std::string all;
    for (const auto& [each, meaning] : words) all += (all.empty() ? "" : ", ") + each;
    return fmt::format("\"{}\" is none of {}", word, all);
  };
  return verb.add_option(name, take, about)->check(CLI::Validator(known, ""));
}

}  // namespace claimgate
