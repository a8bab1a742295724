// The include table of src/ARCHITECTURE.md, and what breaks it.
//
// The table is parsed from the document itself, so that the two cannot drift apart.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace claimgate::structure {

// Unit → what its row allows: names of units ("wire") or single headers ("channel/terms.hpp").
using IncludeTable = std::map<std::string, std::set<std::string>, std::less<>>;

// Reads the rows below `| unit | may include |`. The entry `nothing` stands for an empty row.
[[nodiscard]] IncludeTable parse_include_table(std::string_view markdown);

// Why the source text of file `path` (relative to the root, "lib/wire/claim.hpp") breaks the table
// or the rules beside it, one sentence per #include; empty if it does not.
[[nodiscard]] std::vector<std::string> violations(const IncludeTable& table, std::string_view path,
                                                  std::string_view source);

// The unit a path lies in: "lib/wire/claim.hpp" → "wire"; empty outside lib/, src/ and apps/, and
// for files directly in them.
[[nodiscard]] std::string unit_of(std::string_view path);

// A cycle in the table as "a → b → a", empty if there is none.
[[nodiscard]] std::string cycle_in(const IncludeTable& table);

// Every C++ file below lib/, src/ and apps/ of `root`, relative to it.
[[nodiscard]] std::vector<std::filesystem::path> cpp_files(const std::filesystem::path& root);

}  // namespace claimgate::structure
