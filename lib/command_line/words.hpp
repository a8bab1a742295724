// An option that takes one of a few words. CLI11's own transformers name an enum's values where
// another word is given, as raw bytes; here a refusal names the words.
#pragma once

#include <map>
#include <string>

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
  return verb.add_option(name, take, about)->check(CLI::IsMember(words).description(""));
}

}  // namespace claimgate
