// The seeds of config_fuzz: the profiles that are shipped, overrides, and what is wrong with both.
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "src/config/config.hpp"
#include "tests/fuzz/seeds.hpp"

namespace claimgate::fuzz {
namespace {

// Without comments, which only make inputs long.
std::string values_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::string out;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') out += line + "\n";
  return out;
}

}  // namespace

void write_config_seeds(SeedFolder& folder, const std::filesystem::path& sources) {
  for (const auto& entry : std::filesystem::directory_iterator(sources / "dpdk-config"))
    if (entry.path().extension() == ".toml")
      folder.add(entry.path().stem().string(), values_of(entry.path()));
  using namespace std::string_view_literals;
  folder.add("overrides",
             "\0worker.idle=yield\0worker.cpu=auto\0port.addresses=192.0.2.1/24,2001:db8::1/64"
             "\0admin.admin_uids=[1000, 1001]\0port.device=0000:3b:00.0\0metrics.listen=[::1]:0"
             "\0channels.destinations=rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\0log.level=\"debug\""sv);
  folder.add("over_a_file", "[worker]\nheld_max = 64\n\0worker.held_max=65536"sv);
  folder.add("a_misspelt_key", "[worker]\nheld_maximum = 64\n[wroker]\nidle = 1\nidle = 2\n");
  folder.add("a_key_twice", "[log]\nlevel = 'info'\nlevel = 'info'\n");
  folder.add(
      "every_kind_of_value",
      "[worker]\ncpu = 1.5\nidle = 1979-05-27T07:32:00Z\nheld_max = 0x40\n[eal]\n"
      "telemetry = 'x'\nmemory_mib = [1, [2]]\nfile_prefix = { a = 1 }\n[port]\n"
      "addresses = [\"\"\"192.0.2.1/24\"\"\", 7]\nrx_descriptors = -9_223_372_036_854_775_808\n");
  folder.add("no_address", "[port]\naddresses = []\n");
  folder.add("outside_every_table", "level = 'info'\nlog = 7\n[a.b]\nc = 1\n[[d]]\n");
  folder.add("not_toml", "[log\nlevel = \n");
  folder.add("a_name_that_clears_the_screen", "[\"\\u001B[2J\"]\n[log]\n\"\\u0007\" = 1\n");
  folder.add("not_utf8", "[log]\nlevel = \"\xFF\xC3\x28\"\n");
  for (const config::KnownKey& key : config::known_keys()) {
    const auto dot = key.name.find('.');
    folder.add_word("[" + key.name.substr(0, dot) + "]");
    folder.add_word(key.name.substr(dot + 1) + " = ");
    folder.add_word(key.name + "=");
  }
  for (const std::string_view word :
       {"\"auto\"", "\"yield\"", "\"require\"", "\"huge\"", "\"debug\"", "true", "false",
        "net_tap0,", "0000:3b:00.0", "192.0.2.1/24"})
    folder.add_word(word);
}

}  // namespace claimgate::fuzz
