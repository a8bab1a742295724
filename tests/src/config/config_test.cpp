#include "src/config/config.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "lib/wire/endian.hpp"
#include "lib/xrpl/base58.hpp"
#include "tests/src/control/scratch_dir.hpp"

namespace claimgate::config {
namespace {

using Overrides = std::vector<std::string>;

class ConfigTest : public testing::Test {
 protected:
  Expected<Config> load_text(std::string_view toml, const Overrides& overrides = {}) {
    return load(dir_.file("claimd.toml", toml), overrides);
  }
  std::string at_line(int line) const {
    return fmt::format("{}:{}: ", dir_.path("claimd.toml"), line);
  }

  control::test::ScratchDir dir_;
};

TEST_F(ConfigTest, no_file_and_no_override_give_the_defaults) {
  const auto config = load("", {});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(*config, Config{});
}

TEST_F(ConfigTest, an_empty_file_gives_the_defaults) {
  const auto config = load_text("");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(*config, Config{});
}

TEST_F(ConfigTest, every_key_reaches_its_member) {
  const auto config = load_text(R"(
[node]
state_dir = "/srv/claims"
[worker]
cpu = 3
control_cpu = 0
idle = "yield"
held_max = 64
[eal]
huge_pages = "require"
memory_mib = 512
file_prefix = "second"
telemetry = true
[port]
device = "0000:3b:00.0"
rx_descriptors = 64
tx_descriptors = 32768
addresses = ["192.0.2.1/24"]
any_address = true
trusted_peer = true
promiscuous = false
[claims]
answer_unknown = false
coalesce = false
busy_retry_ms = 65535
[channels]
capacity = 1_073_741_824
destinations = ["rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"]
settle_delay_min_s = 0
margin_s = 86400
[memory]
table_pages = "normal"
[admin]
socket = "/tmp/admin.sock"
group = "payments"
admin_uids = [1000]
admin_gids = [0, 4294967294]
[metrics]
listen = "[::1]:0"
[log]
level = "debug"
)");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->node.state_dir, "/srv/claims");
  EXPECT_EQ(config->worker.cpu, 3u);
  EXPECT_EQ(config->worker.control_cpu, 0u);
  EXPECT_EQ(config->worker.idle, pipeline::Idle::yield);
  EXPECT_EQ(config->worker.held_max, 64u);
  EXPECT_EQ(config->eal.huge_pages, nic::HugePages::require);
  EXPECT_EQ(config->eal.memory_mib, 512u);
  EXPECT_EQ(config->eal.file_prefix, "second");
  EXPECT_TRUE(config->eal.telemetry);
  EXPECT_EQ(config->port.device, "0000:3b:00.0");
  EXPECT_TRUE(config->port.is_pci());
  EXPECT_EQ(config->port.rx_descriptors, 64);
  EXPECT_EQ(config->port.tx_descriptors, 32768);
  EXPECT_EQ(config->port.addresses, Overrides{"192.0.2.1/24"});
  EXPECT_TRUE(config->port.any_address);
  EXPECT_TRUE(config->port.trusted_peer);
  EXPECT_FALSE(config->port.promiscuous);
  EXPECT_FALSE(config->claims.answer_unknown);
  EXPECT_FALSE(config->claims.coalesce);
  EXPECT_EQ(config->claims.busy_retry_ms, 65535);
  EXPECT_EQ(config->channels.capacity, 1u << 30);
  EXPECT_EQ(config->channels.settle_delay_min_s, 0u);
  EXPECT_EQ(config->channels.margin_s, 86400u);
  EXPECT_EQ(config->memory.table_pages, memory::Pages::normal);
  EXPECT_EQ(config->admin.socket, "/tmp/admin.sock");
  EXPECT_EQ(config->admin.group, "payments");
  EXPECT_EQ(config->admin.admin_uids, std::vector<std::uint32_t>{1000});
  EXPECT_EQ(config->admin.admin_gids, (std::vector<std::uint32_t>{0, 4294967294}));
  EXPECT_EQ(config->metrics.listen, "[::1]:0");
  EXPECT_EQ(config->log.level, LogLevel::debug);
  // The genesis account of the ledger: HASH160 of a published key.
  ASSERT_EQ(config->channels.destination_ids.size(), 1u);
  EXPECT_EQ(xrpl::address_text(config->channels.destination_ids[0]),
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh");
  EXPECT_EQ(config->channels.destination_ids[0][0], std::byte{0xB5});
}

// One wrong line: the message names file and line, what stands there and what was expected.
struct Wrong {
  const char* toml;
  int line;
  std::vector<const char*> says;
};

class WrongConfig : public ConfigTest, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongConfig, is_refused_with_line_and_expectation) {
  const auto config = load_text(GetParam().toml);
  ASSERT_FALSE(config);
  const std::string text = config.error().text();
  EXPECT_EQ(text.find(at_line(GetParam().line)), 0u) << text;
  for (const char* part : GetParam().says) EXPECT_NE(text.find(part), text.npos) << text;
  EXPECT_EQ(text.find('\n'), text.npos) << "more than one problem: " << text;
}

const Wrong wrong_keys[] = {
    {"[worker]\nidel = \"spin\"", 2, {"there is no key worker.idel", "did you mean worker.idle?"}},
    {"[worker]\n\ncapacity = 5", 3, {"worker.capacity", "did you mean channels.capacity?"}},
    {"[worker]\nzzzzzzzzzzzz = 5", 2, {"there is no key worker.zzzzzzzzzzzz"}},
    {"[chanels]\ncapacity = 5", 1, {"there is no table [chanels]", "did you mean [channels]?"}},
    {"idle = \"spin\"", 1, {"idle stands outside every table", "worker.idle"}},
    {"worker = 3", 1, {"worker is 3", "expected the table [worker]"}},
    {"[[worker]]\nidle = \"spin\"", 1, {"expected the table [worker]"}},
    {"[worker]\nidle = \"spin\"\nidle = \"yield\"", 3, {"idle"}},
    {"[worker]\n[worker]", 2, {"worker"}},
    {"[worker]\nidle = spin", 2, {}},
    {"this is no TOML", 1, {}},
    {"[worker.idle]\nx = 1", 1, {"worker.idle is a table", "expected \"spin\" or \"yield\""}},
};
const Wrong wrong_values[] = {
    {"[worker]\nidle = \"fast\"", 2, {"worker.idle is \"fast\"", "expected \"spin\" or \"yield\""}},
    {"[worker]\nidle = \"Spin\"", 2, {"expected \"spin\" or \"yield\""}},
    {"[worker]\ncpu = \"last\"", 2, {"expected \"auto\" or the number of a CPU"}},
    {"[worker]\ncpu = -1", 2, {"worker.cpu is -1"}},
    {"[worker]\ncpu = 1024", 2, {"worker.cpu is 1024"}},
    {"[worker]\nheld_max = 63", 2, {"held_max is 63", "from 64 to 65536"}},
    {"[worker]\nheld_max = 65537", 2, {"from 64 to 65536"}},
    {"[worker]\nheld_max = 4096.0", 2, {"held_max is 4096.0"}},
    {"[worker]\nheld_max = \"4096\"", 2, {"held_max is \"4096\""}},
    {"[eal]\nmemory_mib = 63", 2, {"0 (as much as the pools need)"}},
    {"[eal]\nfile_prefix = \"\"", 2, {"1 to 32 letters"}},
    {"[eal]\nfile_prefix = \"../x\"", 2, {"file_prefix is \"../x\""}},
    {"[eal]\nhuge_pages = true", 2, {"is true", "\"auto\", \"require\" or \"never\""}},
    {"[port]\nrx_descriptors = 1000", 2, {"a power of two from 64 to 32768"}},
    {"[port]\ntx_descriptors = 32", 2, {"a power of two"}},
    {"[port]\ntx_descriptors = 65536", 2, {"a power of two"}},
    {"[port]\ndevice = \"eth0\"", 2, {"a virtual device", "PCI address"}},
    {"[port]\ndevice = \"3b:00.0\"", 2, {"\"0000:3b:00.0\""}},
    {"[port]\ndevice = \"net_tap0,iface=a b\"", 2, {"a virtual device"}},
    {"[port]\naddresses = [\n\"192.0.2.1/24\",\n\"192.0.2.1.5\"]", 4, {"holds \"192.0.2.1.5\""}},
    {"[port]\naddresses = [\"192.0.2.1/33\"]", 2, {"\"192.0.2.1/33\""}},
    {"[port]\naddresses = [\"224.0.0.1/24\"]", 2, {"\"224.0.0.1/24\""}},
    {"[port]\naddresses = [\"192.0.2.1/24\", \"192.0.2.1/24\"]", 2, {"twice"}},
    {"[port]\naddresses = [4]", 2, {"port.addresses holds 4"}},
    {"[port]\naddresses = []", 2, {"at least one address, or any_address = true"}},
    {"[port]\naddresses = \"192.0.2.1/24\"", 2, {"expected a list"}},
    {"[port]\nany_address = 1", 2, {"expected true or false"}},
    {"[claims]\nbusy_retry_ms = 65536", 2, {"from 0 to 65535"}},
    {"[channels]\ncapacity = 0", 2, {"from 1 to 1073741824"}},
    {"[channels]\ncapacity = 1073741825", 2, {"from 1 to 1073741824"}},
    {"[channels]\ndestinations = [\"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi\"]",
     2,
     {"destinations holds \"rHb9", "a list of classic addresses"}},
    {"[channels]\ndestinations = [\"\"]", 2, {"classic addresses"}},
    {"[channels]\ndestinations = [\"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\",\n"
     "\"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\"]",
     3,
     {"is given twice"}},
    {"[channels]\nmargin_s = -600", 2, {"margin_s is -600"}},
    {"[memory]\ntable_pages = \"big\"", 2, {"\"huge\", \"transparent\" or \"normal\""}},
    {"[node]\nstate_dir = \"state\"", 2, {"an absolute path"}},
    {"[admin]\nsocket = \"admin.sock\"", 2, {"an absolute path"}},
    {"[admin]\nsocket = \"/0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456\"",
     2,
     {"at most 107 bytes"}},
    {"[admin]\ngroup = \"a:b\"", 2, {"the name of a group"}},
    {"[admin]\nadmin_uids = [\"root\"]", 2, {"holds \"root\"", "numeric user ids"}},
    {"[admin]\nadmin_gids = [4294967295]", 2, {"numeric group ids"}},
    {"[metrics]\nlisten = \"9464\"", 2, {"ADDRESS:PORT"}},
    {"[metrics]\nlisten = \"localhost:9464\"", 2, {"ADDRESS:PORT"}},
    {"[metrics]\nlisten = \"::1:9464\"", 2, {"ADDRESS:PORT"}},
    {"[metrics]\nlisten = \"127.0.0.1:65536\"", 2, {"ADDRESS:PORT"}},
    {"[metrics]\nlisten = \"127.0.0.1:\"", 2, {"ADDRESS:PORT"}},
    {"[log]\nlevel = \"verbose\"", 2, {"\"debug\", \"info\", \"warning\" or \"error\""}},
};

INSTANTIATE_TEST_SUITE_P(keys, WrongConfig, testing::ValuesIn(wrong_keys));
INSTANTIATE_TEST_SUITE_P(values, WrongConfig, testing::ValuesIn(wrong_values));

TEST_F(ConfigTest, every_key_refuses_a_date_and_says_what_it_expects) {
  for (const KnownKey& key : known_keys()) {
    const auto dot = key.name.find('.');
    const auto config = load_text(
        fmt::format("[{}]\n{} = 1979-05-27", key.name.substr(0, dot), key.name.substr(dot + 1)));
    ASSERT_FALSE(config) << key.name;
    EXPECT_EQ(config.error().text(), fmt::format("{}{} is a date or time: expected {}", at_line(2),
                                                 key.name, key.expected));
  }
}

TEST_F(ConfigTest, takes_1024_destinations_and_says_that_one_more_is_too_many) {
  std::string list;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    xrpl::AccountId account{};
    wire::store_be(account.data(), i + 1);
    list += "\"" + xrpl::address_text(account) + "\",\n";
  }
  const auto config = load_text("[channels]\ndestinations = [" + list + "]");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->channels.destination_ids.size(), 1024u);
  const auto more =
      load_text("[channels]\ndestinations = [" + list + "\"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh\"]");
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().text().find("one too many: at most 1024"), std::string::npos)
      << more.error().text();
}

TEST_F(ConfigTest, every_key_stands_once_in_the_list_of_known_keys) {
  std::set<std::string> names;
  for (const KnownKey& key : known_keys()) EXPECT_TRUE(names.insert(key.name).second) << key.name;
}

TEST_F(ConfigTest, all_problems_are_reported_at_once_in_the_order_of_their_lines) {
  const auto config = load_text("[worker]\nidle = 1\nheld = 5\n[admin]\nsocket = \"x\"\n");
  ASSERT_FALSE(config);
  const std::string text = config.error().text();
  const auto first = text.find(at_line(2) + "worker.idle is 1");
  const auto second = text.find(fmt::format("\n{}there is no key worker.held", at_line(3)));
  const auto third = text.find(fmt::format("\n{}admin.socket is \"x\"", at_line(5)));
  EXPECT_EQ(first, 0u) << text;
  EXPECT_LT(first, second) << text;
  EXPECT_LT(second, third) << text;
  EXPECT_NE(third, text.npos) << text;
}

TEST_F(ConfigTest, a_file_that_cannot_be_read_is_named) {
  const auto missing = load(dir_.path("missing.toml"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text(),
            dir_.path("missing.toml") + ": cannot be read: No such file or directory");
  const auto directory = load(dir_.path(""), {});
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().text().find("cannot be read"), std::string::npos);
}

TEST_F(ConfigTest, bytes_that_are_not_text_are_refused_without_harm) {
  std::string noise;
  for (int i = 0; i < 4096; ++i) noise += static_cast<char>(i * 37 + i / 256);
  EXPECT_FALSE(load_text(noise));
  EXPECT_FALSE(load_text(std::string("[worker]\nidle = \"\0\"", 18)));
  EXPECT_FALSE(load_text("[worker]\ncpu = " + std::string(2000, '[')));
}

TEST_F(ConfigTest, a_name_moves_no_cursor_when_a_message_repeats_it) {
  const std::string names = "[\"\\u001B[2J\"]\n[log]\n\"\\u0007level\" = 1\n\"\\u007F\" = 2\n";
  const auto config = load_text(names, Overrides{"log.\a=1", "\x1B[2J"});
  ASSERT_FALSE(config);
  const std::string text = config.error().text();
  EXPECT_NE(text.find("there is no table [?[2J]"), text.npos) << text;
  EXPECT_NE(text.find("log.?level"), text.npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4) << "a line for each problem: " << text;
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c != '\x7F') || c < 0) << text;
}

TEST_F(ConfigTest, an_override_wins_over_the_file_and_needs_no_quotes) {
  const auto config = load_text(
      "[worker]\nidle = \"spin\"\nheld_max = 128",
      {"worker.idle=yield", "worker.cpu=1", "worker.control_cpu=auto", "eal.file_prefix=7",
       "port.addresses=192.0.2.1/24,2001:db8::1/64", "admin.admin_uids=1,2", "admin.admin_gids=[3]",
       "log.level=\"debug\"", "metrics.listen=", "claims.answer_unknown=false",
       "port.device=net_pcap0,rx_pcap=/tmp/a=b.pcap", "channels.destinations="});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->worker.idle, pipeline::Idle::yield);
  EXPECT_EQ(config->worker.held_max, 128u);
  EXPECT_EQ(config->worker.cpu, 1u);
  EXPECT_EQ(config->worker.control_cpu, std::nullopt);
  EXPECT_EQ(config->eal.file_prefix, "7");
  EXPECT_EQ(config->port.addresses, (Overrides{"192.0.2.1/24", "2001:db8::1/64"}));
  EXPECT_EQ(config->admin.admin_uids, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(config->admin.admin_gids, (std::vector<std::uint32_t>{3}));
  EXPECT_EQ(config->log.level, LogLevel::debug);
  EXPECT_EQ(config->metrics.listen, "");
  EXPECT_FALSE(config->claims.answer_unknown);
  EXPECT_EQ(config->port.device, "net_pcap0,rx_pcap=/tmp/a=b.pcap");
  EXPECT_TRUE(config->channels.destinations.empty());
}

TEST_F(ConfigTest, a_wrong_override_is_quoted_in_its_message) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"worker.idle=fast", "\"worker.idle=fast\": worker.idle is \"fast\": expected \"spin\""},
      {"worker.idle", "\"worker.idle\": expected TABLE.KEY=VALUE"},
      {"idle=spin", "\"idle=spin\": expected TABLE.KEY=VALUE"},
      {"worker.idel=spin", "did you mean worker.idle?"},
      {"worker.held_max=", "worker.held_max is \"\""},
      {"worker.held_max=1\nworker = 2", "worker.held_max is"},
      {"port.addresses=", "at least one address"},
      {"", "expected TABLE.KEY=VALUE"},
  };
  for (const auto& [text, says] : rows) {
    const auto config = load("", Overrides{text});
    ASSERT_FALSE(config) << text;
    EXPECT_NE(config.error().text().find(says), std::string::npos) << config.error().text();
  }
}

TEST_F(ConfigTest, an_override_cannot_repair_a_file_that_is_wrong) {
  EXPECT_FALSE(load_text("[worker]\nidle = 1", {"worker.idle=spin"}));
}

TEST(Cpus, auto_takes_the_first_for_control_and_the_last_for_the_worker) {
  const unsigned allowed[] = {2, 3, 5};
  const auto cpus = choose_cpus(Config::Worker{}, allowed);
  ASSERT_TRUE(cpus);
  EXPECT_EQ(cpus->control, 2u);
  EXPECT_EQ(cpus->worker, 5u);
}

TEST(Cpus, on_one_cpu_both_share_it) {
  const unsigned allowed[] = {4};
  const auto cpus = choose_cpus(Config::Worker{}, allowed);
  ASSERT_TRUE(cpus);
  EXPECT_EQ(cpus->control, 4u);
  EXPECT_EQ(cpus->worker, 4u);
}

TEST(Cpus, a_cpu_that_is_not_ours_is_refused_by_its_key) {
  const unsigned allowed[] = {2, 3};
  Config::Worker worker;
  worker.cpu = 4;
  const auto cpus = choose_cpus(worker, allowed);
  ASSERT_FALSE(cpus);
  EXPECT_EQ(cpus.error().text(),
            "worker.cpu: CPU 4 is not among those claimd may run on (2, 3). "
            "Choose one of them, or \"auto\"");
  worker.cpu = 3;
  worker.control_cpu = 3;
  EXPECT_TRUE(choose_cpus(worker, allowed));
}

}  // namespace
}  // namespace claimgate::config
