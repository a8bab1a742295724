// What is shipped beside the code says what the code says: dpdk-config/ and the manual pages.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "src/config/config.hpp"

namespace claimgate::config {
namespace {

const std::filesystem::path root = CLAIMGATE_SOURCE_ROOT;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Profiles, the_reference_file_equals_the_built_in_defaults) {
  const auto config = load(root / "dpdk-config/claimd.toml", {});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(*config, Config{});
}

TEST(Profiles, the_reference_file_sets_every_key_and_comments_on_it) {
  const std::string text = read(root / "dpdk-config/claimd.toml");
  for (const KnownKey& key : known_keys()) {
    const auto dot = key.name.find('.');
    const auto table = text.find(fmt::format("\n[{}]\n", key.name.substr(0, dot)));
    ASSERT_NE(table, text.npos) << key.name;
    const auto next_table = text.find("\n[", table + 1);
    const auto line = text.find(fmt::format("\n{} = ", key.name.substr(dot + 1)), table);
    ASSERT_LT(line, next_table) << key.name << " is not in its table";
    const auto above = text.rfind('\n', line - 1);
    const bool follows_sibling =
        key.name == "port.tx_descriptors" || key.name == "admin.admin_gids";
    EXPECT_TRUE(text[above + 1] == '#' || follows_sibling) << key.name << " has no comment";
  }
}

TEST(Profiles, every_profile_loads) {
  unsigned profiles = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "dpdk-config")) {
    if (entry.path().extension() != ".toml") continue;
    ++profiles;
    const auto config = load(entry.path(), {});
    EXPECT_TRUE(config) << config.error().text();
  }
  EXPECT_EQ(profiles, 8u);
}

TEST(Profiles, the_readme_names_every_profile_and_script) {
  const std::string readme = read(root / "dpdk-config/README.md");
  for (const auto& entry : std::filesystem::directory_iterator(root / "dpdk-config")) {
    if (entry.path().extension() == ".md") continue;
    EXPECT_NE(readme.find(entry.path().filename().string()), readme.npos) << entry.path();
  }
}

TEST(Manual, claimd_toml_5_has_an_entry_for_every_key_and_for_no_other) {
  const std::string page = read(root / "deploy/man/claimd.toml.5");
  std::vector<std::string> entries;
  // Not by <regex>: under sanitizers g++ 12 takes its inside for uninitialized (GCC bug 105562).
  constexpr std::string_view head = "\n.TP\n.BR ";
  for (std::size_t at = page.find(head); at != page.npos; at = page.find(head, at + 1)) {
    const std::string name =
        page.substr(at + head.size(), page.find(' ', at + head.size()) - at - head.size());
    const bool is_key = name.find('.') != name.npos &&
                        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == name.npos;
    if (is_key) entries.push_back(name);
  }
  std::vector<std::string> known;
  for (const KnownKey& key : known_keys()) known.push_back(key.name);
  EXPECT_EQ(entries, known);
}

TEST(Manual, claimd_8_names_the_options_that_configure) {
  const std::string page = read(root / "deploy/man/claimd.8");
  for (const char* option : {"\\-\\-config", "\\-\\-set", "\\-\\-check", "\\-\\-version"}) {
    EXPECT_NE(page.find(option), page.npos) << option;
  }
}

}  // namespace
}  // namespace claimgate::config
