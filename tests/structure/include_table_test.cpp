#include "tests/structure/include_table.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace claimgate::structure {
namespace {

const std::filesystem::path source_root = CLAIMGATE_SOURCE_ROOT;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

IncludeTable table_of_the_project() {
  return parse_include_table(text_of(source_root / "src/ARCHITECTURE.md"));
}

constexpr std::string_view small_table =
    "| other | table |\n|---|---|\n| wire | everything |\n\n"
    "| unit | may include |\n|---|---|\n| wire | nothing |\n| `xrpl` | wire, channel/terms.hpp |\n"
    "| channel | wire |\n\nprose\n| wire | channel |\n";

TEST(IncludeTable, IsReadFromItsRowsAndFromNoOtherTable) {
  const IncludeTable expected = {
      {"wire", {}}, {"xrpl", {"wire", "channel/terms.hpp"}}, {"channel", {"wire"}}};
  EXPECT_EQ(parse_include_table(small_table), expected);
}

TEST(IncludeTable, AllowsTheUnitItselfAndWhatItsRowNames) {
  const IncludeTable table = parse_include_table(small_table);
  EXPECT_TRUE(violations(table, "lib/xrpl/der.cpp",
                         "#include \"lib/xrpl/der.hpp\"\n#include \"lib/wire/claim.hpp\"\n"
                         "#include <vector>\n#include \"lib/channel/terms.hpp\"\n")
                  .empty());
}

TEST(IncludeTable, RefusesWhatTheRowDoesNotName) {
  const IncludeTable table = parse_include_table(small_table);
  const auto refused = [&](std::string_view path, std::string_view line) {
    return violations(table, path, line).size() == 1;
  };
  EXPECT_TRUE(refused("lib/wire/claim.hpp", "#include \"lib/xrpl/der.hpp\"")) << "another unit";
  EXPECT_TRUE(refused("lib/wire/claim.hpp", "  #  include\t\"lib/xrpl/der.hpp\"")) << "spacing";
  EXPECT_TRUE(refused("lib/wire/claim.hpp", "#include <lib/xrpl/der.hpp>")) << "angle brackets";
  EXPECT_TRUE(refused("lib/xrpl/der.cpp", "#include \"lib/channel/table.hpp\"")) << "one header";
  EXPECT_TRUE(refused("lib/new/a.cpp", "#include \"lib/wire/claim.hpp\"")) << "no row";
  EXPECT_TRUE(refused("src/xrpl/a.cpp", "#include \"apps/claimd/main.hpp\"")) << "apps";
  EXPECT_TRUE(refused("lib/xrpl/der.cpp", "#include \"der.hpp\"")) << "not from the root";
  EXPECT_TRUE(refused("lib/xrpl/der.cpp", "#include <rte_mbuf.h>")) << "DPDK in lib";
  EXPECT_TRUE(refused("lib/xrpl/der.cpp", "#include <prometheus/counter.h>")) << "Prometheus";
}

TEST(IncludeTable, NamesFileAndLineOfAViolation) {
  const auto found = violations(parse_include_table(small_table), "lib/wire/claim.hpp",
                                "#pragma once\n\n#include \"lib/xrpl/der.hpp\"\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], "lib/wire/claim.hpp:3: \"lib/xrpl/der.hpp\" is not in the row of wire");
}

TEST(IncludeTable, FindsACycle) {
  EXPECT_EQ(cycle_in(parse_include_table(small_table)), "");
  const IncludeTable cyclic = {{"a", {"b/x.hpp"}}, {"b", {"c"}}, {"c", {"b"}}};
  EXPECT_EQ(cycle_in(cyclic), "b → c → b");
}

TEST(Project, TableHasNoCycle) {
  EXPECT_EQ(cycle_in(table_of_the_project()), "");
}

TEST(Project, TableNamesOnlyUnitsAndHeadersThatExist) {
  const IncludeTable table = table_of_the_project();
  ASSERT_FALSE(table.empty());
  const auto exists = [](const std::string& name) {
    for (const char* top : {"lib", "src", "apps"}) {
      if (std::filesystem::exists(source_root / top / name)) return true;
    }
    return false;
  };
  for (const auto& [unit, allowed] : table) {
    EXPECT_TRUE(exists(unit)) << "src/ARCHITECTURE.md: no folder " << unit;
    for (const std::string& entry : allowed) {
      EXPECT_TRUE(exists(entry)) << "src/ARCHITECTURE.md: row " << unit << ": no " << entry;
    }
  }
}

TEST(Project, EveryUnitHasItsRowAndEveryIncludeIsInTheTable) {
  const IncludeTable table = table_of_the_project();
  const auto files = cpp_files(source_root);
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    EXPECT_TRUE(table.contains(unit_of(file.string())))
        << file.string() << ": lies in no unit of the table";
    for (const std::string& sentence :
         violations(table, file.string(), text_of(source_root / file))) {
      ADD_FAILURE() << sentence;
    }
  }
}

}  // namespace
}  // namespace claimgate::structure
