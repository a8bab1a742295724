#include "tests/structure/include_table.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <sstream>

namespace claimgate::structure {
namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r`");
  if (first == std::string_view::npos) return {};
  const auto last = text.find_last_not_of(" \t\r`");
  return std::string(text.substr(first, last - first + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

struct Include {
  std::string target;
  bool quoted;
};

std::optional<Include> include_in(std::string_view line) {
  const std::string text = trimmed(line);
  if (!text.starts_with('#')) return std::nullopt;
  const std::string directive = trimmed(std::string_view(text).substr(1));
  if (!directive.starts_with("include")) return std::nullopt;
  const std::string target = trimmed(std::string_view(directive).substr(7));
  if (target.size() < 2) return std::nullopt;
  const bool quoted = target.front() == '"';
  if (!quoted && target.front() != '<') return std::nullopt;
  const auto end = target.find(quoted ? '"' : '>', 1);
  if (end == std::string::npos) return std::nullopt;
  return Include{target.substr(1, end - 1), quoted};
}

bool of_ours(std::string_view target) {
  return target.starts_with("lib/") || target.starts_with("src/") || target.starts_with("apps/");
}

// Empty if `unit` may include `include`, else the reason.
std::string objection(const IncludeTable& table, const std::string& unit, bool in_lib,
                      const Include& include) {
  const std::string& target = include.target;
  if (!of_ours(target)) {
    if (include.quoted) return "is not written from the project's root";
    const bool banned_in_lib = target.starts_with("rte_") || target.starts_with("prometheus/");
    return in_lib && banned_in_lib ? "may not be used in lib/" : "";
  }
  const std::string other = unit_of(target);
  if (other == unit) return {};
  if (target.starts_with("apps/")) return "is in apps/, which nothing includes";
  const auto row = table.find(unit);
  if (row == table.end()) return "is included by a unit that has no row in the table";
  if (row->second.contains(other)) return {};
  const std::string header = target.substr(target.find('/') + 1);
  if (row->second.contains(header)) return {};
  return "is not in the row of " + unit;
}

}  // namespace

IncludeTable parse_include_table(std::string_view markdown) {
  IncludeTable table;
  bool inside = false;
  for (const std::string& line : split(markdown, '\n')) {
    if (!line.starts_with('|')) {
      inside = false;
      continue;
    }
    const std::vector<std::string> cells = split(line, '|');
    if (cells.size() != 4) continue;
    if (cells[1] == "unit" && cells[2] == "may include") {
      inside = true;
    } else if (inside && !cells[1].starts_with("---")) {
      auto& allowed = table[cells[1]];
      for (const std::string& entry : split(cells[2], ',')) {
        if (entry != "nothing") allowed.insert(entry);
      }
    }
  }
  return table;
}

std::string unit_of(std::string_view path) {
  if (!of_ours(path)) return {};
  path.remove_prefix(path.find('/') + 1);
  const auto end = path.find('/');
  return end == std::string_view::npos ? std::string() : std::string(path.substr(0, end));
}

std::vector<std::string> violations(const IncludeTable& table, std::string_view path,
                                    std::string_view source) {
  std::vector<std::string> found;
  const std::string unit = unit_of(path);
  const bool in_lib = path.starts_with("lib/");
  std::size_t number = 0;
  for (const std::string& line : split(source, '\n')) {
    ++number;
    const std::optional<Include> include = include_in(line);
    if (!include) continue;
    const std::string reason = objection(table, unit, in_lib, *include);
    if (reason.empty()) continue;
    found.push_back(std::string(path) + ":" + std::to_string(number) + ": \"" + include->target +
                    "\" " + reason);
  }
  return found;
}

std::string cycle_in(const IncludeTable& table) {
  std::set<std::string> done;
  std::vector<std::string> trail;
  // Depth first; a unit met again while it is still on the trail closes a cycle.
  std::function<std::string(const std::string&)> walk = [&](const std::string& unit) {
    const auto on_trail = std::find(trail.begin(), trail.end(), unit);
    if (on_trail != trail.end()) {
      std::string cycle;
      for (auto step = on_trail; step != trail.end(); ++step) cycle += *step + " → ";
      return cycle + unit;
    }
    if (!done.insert(unit).second) return std::string();
    trail.push_back(unit);
    if (const auto row = table.find(unit); row != table.end()) {
      for (const std::string& entry : row->second) {
        if (std::string cycle = walk(entry.substr(0, entry.find('/'))); !cycle.empty()) {
          return cycle;
        }
      }
    }
    trail.pop_back();
    return std::string();
  };
  for (const auto& [unit, allowed] : table) {
    if (std::string cycle = walk(unit); !cycle.empty()) return cycle;
  }
  return {};
}

std::vector<std::filesystem::path> cpp_files(const std::filesystem::path& root) {
  static constexpr std::array<std::string_view, 4> suffixes = {".hpp", ".cpp", ".inl", ".h"};
  std::vector<std::filesystem::path> files;
  for (const char* top : {"lib", "src", "apps"}) {
    if (!std::filesystem::exists(root / top)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
      const std::string suffix = entry.path().extension().string();
      if (std::ranges::find(suffixes, suffix) == suffixes.end()) continue;
      files.push_back(std::filesystem::relative(entry.path(), root));
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace claimgate::structure
