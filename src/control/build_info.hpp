// Which build this is. Constants; any thread.
#pragma once

#include <string_view>

namespace claimgate::control {

struct BuildInfo {
  std::string_view version;   // of the project
  std::string_view revision;  // of its source; "unknown" outside a checkout
  std::string_view compiler;
};

[[nodiscard]] BuildInfo build_info() noexcept;

}  // namespace claimgate::control
