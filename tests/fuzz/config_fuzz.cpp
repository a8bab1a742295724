// libFuzzer target of the configuration: src/config, the file and what is given over it.
//
// Input: the text of a file; behind a zero byte each, values as --set takes them. What holds for
// each:
//   · it is taken, or refused in words that are fit for a terminal, and each time alike;
//   · what is taken keeps every bound that the reference names;
//   · written down again, as a file or key by key as overrides, it is the same configuration.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lib/packet/addresses.hpp"
#include "lib/xrpl/base58.hpp"
#include "src/config/config.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace claimgate;
using config::Config;
using fuzz::require;
using fuzz::require_printable;

// A file in memory that has a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(::memfd_create("toml", MFD_CLOEXEC)) {
    require(fd_ >= 0, "there is memory for a file");
    require(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
            "and it takes all");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// ---- written down again -----------------------------------------------------------------------

std::string text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\u{:04X}", byte);
    else
      out += c;
  }
  return out + "\"";
}

template <class Element>
std::string list(const std::vector<Element>& elements) {
  std::string out = "[";
  for (const Element& each : elements) {
    if constexpr (std::is_same_v<Element, std::string>)
      out += text(each) + ", ";
    else
      out += fmt::format("{}, ", each);
  }
  return out + "]";
}

std::string cpu(std::optional<unsigned> number) {
  return number ? fmt::format("{}", *number) : "\"auto\"";
}

template <class Choice>
std::string choice(Choice value, std::initializer_list<std::pair<Choice, const char*>> names) {
  for (const auto& [known, name] : names)
    if (known == value) return text(name);
  require(false, "a choice is one of the choices");
  return {};
}

// Every key's value as TOML.
std::map<std::string, std::string> values_of(const Config& c) {
  using config::LogLevel;
  using memory::Pages;
  using nic::HugePages;
  using pipeline::Idle;
  return {
      {"node.state_dir", text(c.node.state_dir)},
      {"worker.cpu", cpu(c.worker.cpu)},
      {"worker.control_cpu", cpu(c.worker.control_cpu)},
      {"worker.idle", choice(c.worker.idle, {{Idle::spin, "spin"}, {Idle::yield, "yield"}})},
      {"worker.held_max", fmt::format("{}", c.worker.held_max)},
      {"eal.huge_pages", choice(c.eal.huge_pages, {{HugePages::automatic, "auto"},
                                                   {HugePages::require, "require"},
                                                   {HugePages::never, "never"}})},
      {"eal.memory_mib", fmt::format("{}", c.eal.memory_mib)},
      {"eal.file_prefix", text(c.eal.file_prefix)},
      {"eal.telemetry", fmt::format("{}", c.eal.telemetry)},
      {"port.device", text(c.port.device)},
      {"port.rx_descriptors", fmt::format("{}", c.port.rx_descriptors)},
      {"port.tx_descriptors", fmt::format("{}", c.port.tx_descriptors)},
      {"port.addresses", list(c.port.addresses)},
      {"port.any_address", fmt::format("{}", c.port.any_address)},
      {"port.trusted_peer", fmt::format("{}", c.port.trusted_peer)},
      {"port.promiscuous", fmt::format("{}", c.port.promiscuous)},
      {"claims.answer_unknown", fmt::format("{}", c.claims.answer_unknown)},
      {"claims.coalesce", fmt::format("{}", c.claims.coalesce)},
      {"claims.busy_retry_ms", fmt::format("{}", c.claims.busy_retry_ms)},
      {"channels.capacity", fmt::format("{}", c.channels.capacity)},
      {"channels.destinations", list(c.channels.destinations)},
      {"channels.settle_delay_min_s", fmt::format("{}", c.channels.settle_delay_min_s)},
      {"channels.margin_s", fmt::format("{}", c.channels.margin_s)},
      {"durability.mode", text(c.durability.async ? "async" : "durable-ack")},
      {"durability.async_max_ms", fmt::format("{}", c.durability.async_max_ms)},
      {"durability.segment_mib", fmt::format("{}", c.durability.segment_mib)},
      {"durability.spare_segments", fmt::format("{}", c.durability.spare_segments)},
      {"durability.journal_max_mib", fmt::format("{}", c.durability.journal_max_mib)},
      {"durability.checkpoint_mib_per_s", fmt::format("{}", c.durability.checkpoint_mib_per_s)},
      {"verify.kernel", text(c.verify.kernel)},
      {"verify.table_mib", fmt::format("{}", c.verify.table_mib)},
      {"memory.table_pages", choice(c.memory.table_pages, {{Pages::huge, "huge"},
                                                           {Pages::transparent, "transparent"},
                                                           {Pages::normal, "normal"}})},
      {"admin.socket", text(c.admin.socket)},
      {"admin.group", text(c.admin.group)},
      {"admin.admin_uids", list(c.admin.admin_uids)},
      {"admin.admin_gids", list(c.admin.admin_gids)},
      {"metrics.listen", text(c.metrics.listen)},
      {"log.level", choice(c.log.level, {{LogLevel::debug, "debug"},
                                         {LogLevel::info, "info"},
                                         {LogLevel::warning, "warning"},
                                         {LogLevel::error, "error"}})},
  };
}

void require_written_again(const Config& taken) {
  const auto values = values_of(taken);
  for (const config::KnownKey& key : config::known_keys())
    require(values.contains(key.name), "this target knows every key: " + key.name);
  std::string file;
  std::vector<std::string> overrides;
  for (const auto& [name, value] : values) {
    const auto dot = name.find('.');
    const std::string table = fmt::format("[{}]\n", name.substr(0, dot));
    if (file.find(table) == file.npos) file += table;
    file += fmt::format("{} = {}\n", name.substr(dot + 1), value);
    overrides.push_back(fmt::format("{}={}", name, value));
  }
  const auto from_file = config::load(MemoryFile(file).path(), {});
  require(from_file && *from_file == taken, "as a file it is the same configuration:\n" + file);
  const auto from_overrides = config::load("", overrides);
  require(from_overrides && *from_overrides == taken, "and as overrides");
}

// ---- bounds -----------------------------------------------------------------------------------

bool within(std::uint64_t value, std::uint64_t least, std::uint64_t most) {
  return value >= least && value <= most;
}

void require_bounds(const Config& c) {
  constexpr std::uint64_t year_s = 365 * 86'400;
  require(within(c.worker.held_max, 64, 65'536), "worker.held_max");
  require(!c.worker.cpu || *c.worker.cpu < 1024, "worker.cpu");
  require(!c.worker.control_cpu || *c.worker.control_cpu < 1024, "worker.control_cpu");
  require(c.eal.memory_mib == 0 || within(c.eal.memory_mib, 64, 1'048'576), "eal.memory_mib");
  require(within(c.eal.file_prefix.size(), 1, 32), "eal.file_prefix");
  for (const std::uint16_t descriptors : {c.port.rx_descriptors, c.port.tx_descriptors})
    require(std::has_single_bit(descriptors) && within(descriptors, 64, 32'768), "descriptors");
  require(c.port.any_address || !c.port.addresses.empty(), "a port has an address, or takes any");
  require(packet::LocalAddresses::parse({{2, 0, 0, 0, 0, 1}}, c.port.addresses, c.port.any_address)
              .has_value(),
          "port.addresses");
  require(c.port.is_pci() || c.port.device.starts_with("net_"), "port.device");
  require(within(c.channels.capacity, 1, std::uint64_t{1} << 30), "channels.capacity");
  require(c.channels.settle_delay_min_s <= year_s && c.channels.margin_s <= year_s, "a year");
  require(c.channels.destinations.size() <= Config::Channels::destinations_max, "destinations");
  require(c.channels.destinations.size() == c.channels.destination_ids.size(), "each has its id");
  for (std::size_t i = 0; i < c.channels.destinations.size(); ++i)
    require(xrpl::address_text(c.channels.destination_ids[i]) == c.channels.destinations[i],
            "and it is its own");
  for (const std::string* path : {&c.node.state_dir, &c.admin.socket})
    require(path->starts_with('/') && path->find('\0') == path->npos, "a path is absolute");
  require(c.admin.socket.size() <= 107, "admin.socket");
  for (const auto* ids : {&c.admin.admin_uids, &c.admin.admin_gids})
    require(std::ranges::find(*ids, 0xFFFF'FFFF) == ids->end(), "2^32 - 1 is nobody's id");
}

// One line per problem, each of them printable.
void require_words(const std::string& words) {
  for (std::size_t at = 0; at <= words.size();) {
    const std::size_t end = std::min(words.find('\n', at), words.size());
    require_printable(words.substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  const std::size_t file_end = std::min(bytes.find('\0'), bytes.size());
  std::vector<std::string> overrides;
  for (std::size_t at = file_end; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\0', at + 1), bytes.size());
    overrides.emplace_back(bytes.substr(at + 1, end - at - 1));
    at = end;
  }
  const MemoryFile file(bytes.substr(0, file_end));
  const auto loaded = config::load(file.path(), overrides);
  const auto again = config::load(file.path(), overrides);
  require(loaded.has_value() == again.has_value(), "a configuration is judged alike each time");
  if (!loaded) {
    require(loaded.error().text() == again.error().text(), "and in the same words");
    require_words(loaded.error().text());
    return 0;
  }
  require(*loaded == *again, "and gives the same");
  require_bounds(*loaded);
  require_written_again(*loaded);
  return 0;
}
