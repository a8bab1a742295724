// The table of configuration keys: name, what is expected, and how a TOML value becomes a member of
// Config. Internal to src/config: config.cpp walks it. Built once, then constant; any thread.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "src/config/config.hpp"

namespace claimgate::config {

// Why a value is refused. `at`: the offending node, the value itself or an element of it.
struct Complaint {
  const toml::node* at = nullptr;
  std::string why;  // empty: simply not what is expected
};

enum class KeyKind { boolean, number, text, text_or_number, list };

struct Key {
  std::string_view table;
  std::string_view name;
  KeyKind kind;
  std::string expected;
  std::function<std::optional<Complaint>(Config&, const toml::node&)> assign;

  [[nodiscard]] std::string full_name() const {
    return std::string(table) + "." + std::string(name);
  }
};

[[nodiscard]] std::span<const Key> config_keys();

// Shows a value in a message: short, quoted where it is text.
[[nodiscard]] std::string shown(const toml::node& value);

}  // namespace claimgate::config
