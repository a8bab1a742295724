// What a tool says to a command line that it does not understand: its name, what is wrong, and
// which help tells more. CLI11 says neither of the three where a verb is missing, and leaves out
// what an option takes where a value does not fit.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace claimgate {

struct Refusal {
  std::string what;
  std::string remedy;
};

namespace refusal_parts {

// What the help says of the option that `text` names; the longest name, since one may begin
// another.
inline std::string about_option(const CLI::App& at, const std::string& text) {
  const CLI::Option* named = nullptr;
  for (const CLI::App* app = &at; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      const std::string name = option->get_name();
      if (name.starts_with("--") && text.find(name) != std::string::npos &&
          (named == nullptr || name.size() > named->get_name().size())) {
        named = option;
      }
    }
  }
  return named == nullptr ? std::string() : named->get_description();
}

}  // namespace refusal_parts

// What is wrong with a line that `app` refused with `error`; nothing for --help and --version.
inline std::optional<Refusal> refusal_of(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return std::nullopt;
  const CLI::App* at = &app;  // the last verb that was understood
  std::string line = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    line += " " + at->get_name();
  }
  Refusal refusal{.what = error.what(), .remedy = fmt::format("`{} --help` tells more", line)};
  const auto words = app.remaining(true);
  const bool wants_verb = at->get_require_subcommand_min() > 0 &&
                          dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if ((wants_verb || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) && !words.empty() &&
      words.front().starts_with('-')) {
    refusal.what = fmt::format("\"{}\" is no option of `{}`", words.front(), line);
  } else if (wants_verb) {
    std::string verbs;
    for (const CLI::App* verb : at->get_subcommands([](const CLI::App*) { return true; })) {
      verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
    }
    refusal.what = words.empty() ? fmt::format("a verb is missing, one of: {}", verbs)
                                 : fmt::format("\"{}\" is no verb of `{}`, these are: {}",
                                               words.front(), line, verbs);
  } else if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    constexpr std::string_view opening = "Could not convert: ";
    if (refusal.what.starts_with(opening)) refusal.what.erase(0, opening.size());
    refusal.what +=
        fmt::format(" is nothing it takes: {}", refusal_parts::about_option(*at, refusal.what));
  }
  return refusal;
}

// Prints what is wrong with a line that `app` refused with `error`, and --help and --version on
// standard output. CLI11's exit code, 0 for these two.
inline int explain_refusal(const CLI::App& app, const CLI::ParseError& error) {
  const auto refusal = refusal_of(app, error);
  if (!refusal) return app.exit(error);
  fmt::print(stderr, "{}: {}\n{}\n", app.get_name(), refusal->what, refusal->remedy);
  return error.get_exit_code();
}

}  // namespace claimgate
