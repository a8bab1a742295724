// What a tool with verbs says to a command line that names none, or one that it does not have:
// CLI11 only says that a subcommand is required.
#pragma once

#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace claimgate {

// Prints what is wrong with a line that `app` refused with `error`; CLI11's own text for all but
// verbs, and --help and --version on standard output. CLI11's exit code, 0 for these two.
inline int explain_refusal(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;  // the last verb that was understood
  std::string line = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    line += " " + at->get_name();
  }
  const bool wants_verb = at->get_require_subcommand_min() > 0;
  if (!wants_verb || dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) {
    return app.exit(error);
  }
  std::string verbs;
  for (const CLI::App* verb : at->get_subcommands([](const CLI::App*) { return true; })) {
    verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
  }
  const auto words = app.remaining(true);
  fmt::print(stderr, "{}: {}: {}\n`{} --help` tells more\n", app.get_name(),
             words.empty()
                 ? "a verb is missing, one of"
                 : fmt::format("\"{}\" is no verb of `{}`, these are", words.front(), line),
             verbs, line);
  return error.get_exit_code();
}

}  // namespace claimgate
