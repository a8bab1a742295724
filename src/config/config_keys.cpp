#include "src/config/config_keys.hpp"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lib/packet/addresses.hpp"

namespace claimgate::config {
namespace {

using Answer = std::optional<Complaint>;  // nullopt: taken

Answer refuse(const toml::node& node, std::string why = {}) {
  return Complaint{&node, std::move(why)};
}

// Where in Config a key's value goes.
template <class Section, class Value>
struct Member {
  Section Config::*section;
  Value Section::*value;
  [[nodiscard]] Value& operator()(Config& config) const { return config.*section.*value; }
};

template <class Section, class Value>
Key boolean_key(std::string_view table, std::string_view name, Member<Section, Value> member) {
  return {table, name, KeyKind::boolean, "true or false",
          [member](Config& config, const toml::node& node) -> Answer {
            const auto* value = node.as_boolean();
            if (value == nullptr) return refuse(node);
            member(config) = value->get();
            return {};
          }};
}

struct Range {
  std::uint64_t min;
  std::uint64_t max;
};

std::optional<std::uint64_t> whole_number(const toml::node& node, Range range) {
  const auto* value = node.as_integer();
  if (value == nullptr || value->get() < 0) return {};
  const auto number = static_cast<std::uint64_t>(value->get());
  if (number < range.min || number > range.max) return {};
  return number;
}

template <class Section, class Value>
Key number_key(std::string_view table, std::string_view name, Range range,
               Member<Section, Value> member, bool (*suits)(std::uint64_t) = nullptr,
               std::string expected = {}) {
  if (expected.empty()) {
    expected = fmt::format("a whole number from {} to {}", range.min, range.max);
  }
  return {table, name, KeyKind::number, std::move(expected),
          [range, member, suits](Config& config, const toml::node& node) -> Answer {
            const auto number = whole_number(node, range);
            if (!number || (suits != nullptr && !suits(*number))) return refuse(node);
            member(config) = static_cast<Value>(*number);
            return {};
          }};
}

template <class Section, class Value>
Key choice_key(std::string_view table, std::string_view name,
               std::vector<std::pair<std::string_view, Value>> choices,
               Member<Section, Value> member) {
  std::string expected;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) expected += i + 1 == choices.size() ? " or " : ", ";
    expected += fmt::format("\"{}\"", choices[i].first);
  }
  return {table, name, KeyKind::text, std::move(expected),
          [choices = std::move(choices), member](Config& config, const toml::node& node) -> Answer {
            const auto* value = node.as_string();
            if (value == nullptr) return refuse(node);
            for (const auto& [text, meaning] : choices) {
              if (value->get() != text) continue;
              member(config) = meaning;
              return {};
            }
            return refuse(node);
          }};
}

template <class Section>
Key text_key(std::string_view table, std::string_view name, std::string expected,
             bool (*suits)(std::string_view), Member<Section, std::string> member) {
  return {table, name, KeyKind::text, std::move(expected),
          [suits, member](Config& config, const toml::node& node) -> Answer {
            const auto* value = node.as_string();
            if (value == nullptr || !suits(value->get())) return refuse(node);
            member(config) = value->get();
            return {};
          }};
}

Key cpu_key(std::string_view name, Member<Config::Worker, std::optional<unsigned>> member) {
  return {"worker", name, KeyKind::text_or_number, "\"auto\" or the number of a CPU",
          [member](Config& config, const toml::node& node) -> Answer {
            const auto* text = node.as_string();
            const auto number = whole_number(node, {0, 1023});
            if (text != nullptr && text->get() == "auto") {
              member(config) = std::nullopt;
            } else if (number) {
              member(config) = static_cast<unsigned>(*number);
            } else {
              return refuse(node);
            }
            return {};
          }};
}

// `take`: Config&, text of an element -> why it is refused, or "". `clear` empties the member.
template <class Clear, class Take>
Key texts_key(std::string_view table, std::string_view name, std::string expected, Clear clear,
              Take take) {
  return {table, name, KeyKind::list, std::move(expected),
          [clear, take](Config& config, const toml::node& node) -> Answer {
            const auto* list = node.as_array();
            if (list == nullptr) return refuse(node);
            clear(config);
            for (const toml::node& element : *list) {
              const auto* text = element.as_string();
              if (text == nullptr) return refuse(element);
              if (std::string why = take(config, text->get()); !why.empty()) {
                return refuse(element, std::move(why));
              }
            }
            return {};
          }};
}

Key numeric_ids_key(std::string_view name, std::string_view of_what,
                    Member<Config::Admin, std::vector<std::uint32_t>> member) {
  return {"admin", name, KeyKind::list, fmt::format("a list of numeric {} ids", of_what),
          [member](Config& config, const toml::node& node) -> Answer {
            const auto* list = node.as_array();
            if (list == nullptr) return refuse(node);
            std::vector<std::uint32_t> ids;
            for (const toml::node& element : *list) {
              // 2^32 - 1 is no id: chown(2) and its kin take it for "none".
              const auto id = whole_number(element, {0, 0xFFFF'FFFE});
              if (!id) return refuse(element);
              ids.push_back(static_cast<std::uint32_t>(*id));
            }
            member(config) = std::move(ids);
            return {};
          }};
}

bool power_of_two(std::uint64_t number) {
  return std::has_single_bit(number);
}
bool memory_mib(std::uint64_t number) {
  return number == 0 || number >= 64;
}

bool absolute_path(std::string_view text) {
  return text.starts_with('/') && text.find('\0') == text.npos;
}
bool socket_path(std::string_view text) {
  return absolute_path(text) && text.size() < sizeof(sockaddr_un::sun_path);
}
bool group_name(std::string_view text) {
  return text.size() <= 32 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
         });
}
bool file_prefix(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

// 0000:3b:00.0
bool pci_address(std::string_view text) {
  constexpr std::string_view form = "xxxx:xx:xx.x";
  return text.size() == form.size() &&
         std::ranges::equal(text, form, [](unsigned char c, char expected) {
           return expected == 'x' ? std::isxdigit(c) != 0
                                  : c == static_cast<unsigned char>(expected);
         });
}
bool device(std::string_view text) {
  if (pci_address(text)) return true;
  const std::string_view name = text.substr(0, text.find(','));
  return name.starts_with("net_") && name.size() < 64 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isgraph(c) != 0; });
}

// HOST:PORT, the host a numeric address, IPv6 in brackets.
bool listen_address(std::string_view text) {
  if (text.empty()) return true;
  const auto colon = text.rfind(':');
  if (colon == text.npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number > 65535) return false;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = packet::parse_ip(host);
  return address && address->is_v6 == bracketed;
}

std::string take_address(Config& config, const std::string& text) {
  auto& addresses = config.port.addresses;
  addresses.push_back(text);
  // All so far together: given twice and too many of a family are found at the element that did it.
  const auto parsed =
      packet::LocalAddresses::parse(packet::Mac{{2, 0, 0, 0, 0, 1}}, addresses, true);
  return parsed ? std::string() : parsed.error().what;
}

std::string take_destination(Config& config, const std::string& text) {
  auto& channels = config.channels;
  const auto id = xrpl::parse_address(text);
  if (!id) return id.error().what;
  if (std::ranges::find(channels.destination_ids, *id) != channels.destination_ids.end()) {
    return "is given twice";
  }
  if (channels.destination_ids.size() == Config::Channels::destinations_max) {
    return fmt::format("is one too many: at most {} are possible",
                       Config::Channels::destinations_max);
  }
  channels.destinations.push_back(text);
  channels.destination_ids.push_back(*id);
  return {};
}

constexpr std::uint64_t year_s = 365 * 86'400;

std::vector<Key> transport_keys() {
  return {
      text_key("node", "state_dir", "an absolute path", absolute_path,
               Member{&Config::node, &Config::Node::state_dir}),

      cpu_key("cpu", Member{&Config::worker, &Config::Worker::cpu}),
      cpu_key("control_cpu", Member{&Config::worker, &Config::Worker::control_cpu}),
      choice_key("worker", "idle",
                 {{"spin", pipeline::Idle::spin}, {"yield", pipeline::Idle::yield}},
                 Member{&Config::worker, &Config::Worker::idle}),
      number_key("worker", "held_max", {64, 65'536},
                 Member{&Config::worker, &Config::Worker::held_max}),

      choice_key("eal", "huge_pages",
                 {{"auto", nic::HugePages::automatic},
                  {"require", nic::HugePages::require},
                  {"never", nic::HugePages::never}},
                 Member{&Config::eal, &Config::Eal::huge_pages}),
      number_key("eal", "memory_mib", {0, 1'048'576},
                 Member{&Config::eal, &Config::Eal::memory_mib}, memory_mib,
                 "0 (as much as the pools need) or a whole number of MiB from 64 to 1048576"),
      text_key("eal", "file_prefix", "1 to 32 letters, digits, \"_\" or \"-\"", file_prefix,
               Member{&Config::eal, &Config::Eal::file_prefix}),
      boolean_key("eal", "telemetry", Member{&Config::eal, &Config::Eal::telemetry}),

      text_key("port", "device",
               "a virtual device and its arguments (\"net_memif0,role=server,…\") or a PCI address "
               "(\"0000:3b:00.0\")",
               device, Member{&Config::port, &Config::Port::device}),
      number_key("port", "rx_descriptors", {64, 32'768},
                 Member{&Config::port, &Config::Port::rx_descriptors}, power_of_two,
                 "a power of two from 64 to 32768"),
      number_key("port", "tx_descriptors", {64, 32'768},
                 Member{&Config::port, &Config::Port::tx_descriptors}, power_of_two,
                 "a power of two from 64 to 32768"),
      texts_key(
          "port", "addresses",
          "a list of up to 8 IPv4 and 8 IPv6 addresses with their prefix length "
          "(\"192.0.2.1/24\")",
          [](Config& c) { c.port.addresses.clear(); }, take_address),
      boolean_key("port", "any_address", Member{&Config::port, &Config::Port::any_address}),
      boolean_key("port", "trusted_peer", Member{&Config::port, &Config::Port::trusted_peer}),
      boolean_key("port", "promiscuous", Member{&Config::port, &Config::Port::promiscuous}),
  };
}

std::vector<Key> service_keys() {
  return {
      boolean_key("claims", "answer_unknown",
                  Member{&Config::claims, &Config::Claims::answer_unknown}),
      boolean_key("claims", "coalesce", Member{&Config::claims, &Config::Claims::coalesce}),
      number_key("claims", "busy_retry_ms", {0, 65'535},
                 Member{&Config::claims, &Config::Claims::busy_retry_ms}),

      number_key("channels", "capacity", {1, std::uint64_t{1} << 30},
                 Member{&Config::channels, &Config::Channels::capacity}),
      texts_key(
          "channels", "destinations", "a list of classic addresses (\"r…\")",
          [](Config& c) {
            c.channels.destinations.clear();
            c.channels.destination_ids.clear();
          },
          take_destination),
      number_key("channels", "settle_delay_min_s", {0, year_s},
                 Member{&Config::channels, &Config::Channels::settle_delay_min_s}),
      number_key("channels", "margin_s", {0, year_s},
                 Member{&Config::channels, &Config::Channels::margin_s}),

      choice_key("durability", "mode", {{"durable-ack", false}, {"async", true}},
                 Member{&Config::durability, &Config::Durability::async}),
      number_key("durability", "async_max_ms", {20, 60'000},
                 Member{&Config::durability, &Config::Durability::async_max_ms}),
      number_key("durability", "segment_mib", {4, 4096},
                 Member{&Config::durability, &Config::Durability::segment_mib}),
      number_key("durability", "spare_segments", {1, 64},
                 Member{&Config::durability, &Config::Durability::spare_segments}),
      number_key("durability", "journal_max_mib", {8, 1'048'576},
                 Member{&Config::durability, &Config::Durability::journal_max_mib}),
      number_key("durability", "checkpoint_mib_per_s", {1, 65'536},
                 Member{&Config::durability, &Config::Durability::checkpoint_mib_per_s}),

      choice_key("verify", "kernel",
                 std::vector<std::pair<std::string_view, std::string>>{{"auto", "auto"},
                                                                       {"ifma", "ifma"},
                                                                       {"avx2", "avx2"},
                                                                       {"portable", "portable"},
                                                                       {"reference", "reference"}},
                 Member{&Config::verify, &Config::Verify::kernel}),
      number_key("verify", "table_mib", {1, 1'048'576},
                 Member{&Config::verify, &Config::Verify::table_mib}),

      choice_key("memory", "table_pages",
                 {{"huge", memory::Pages::huge},
                  {"transparent", memory::Pages::transparent},
                  {"normal", memory::Pages::normal}},
                 Member{&Config::memory, &Config::Memory::table_pages}),

      text_key("admin", "socket", "an absolute path of at most 107 bytes", socket_path,
               Member{&Config::admin, &Config::Admin::socket}),
      text_key("admin", "group", "the name of a group, or \"\" for claimd's own", group_name,
               Member{&Config::admin, &Config::Admin::group}),
      numeric_ids_key("admin_uids", "user", Member{&Config::admin, &Config::Admin::admin_uids}),
      numeric_ids_key("admin_gids", "group", Member{&Config::admin, &Config::Admin::admin_gids}),

      text_key("metrics", "listen",
               "ADDRESS:PORT (\"127.0.0.1:9464\", \"[::1]:9464\"), or \"\" for no metrics",
               listen_address, Member{&Config::metrics, &Config::Metrics::listen}),

      choice_key("log", "level",
                 {{"debug", LogLevel::debug},
                  {"info", LogLevel::info},
                  {"warning", LogLevel::warning},
                  {"error", LogLevel::error}},
                 Member{&Config::log, &Config::Log::level}),
  };
}

}  // namespace

std::span<const Key> config_keys() {
  static const std::vector<Key> keys = [] {
    std::vector<Key> all = transport_keys();
    std::vector<Key> rest = service_keys();
    std::move(rest.begin(), rest.end(), std::back_inserter(all));
    return all;
  }();
  return keys;
}

std::string shown(const toml::node& value) {
  if (const auto* text = value.as_string()) {
    constexpr std::size_t bytes_max = 60;
    std::string out = "\"";
    for (const char c : text->get().substr(0, bytes_max)) {
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
    return out + (text->get().size() > bytes_max ? "…\"" : "\"");
  }
  if (const auto* number = value.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = value.as_floating_point()) return fmt::format("{:#}", number->get());
  if (const auto* truth = value.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* list = value.as_array()) return list->empty() ? "an empty list" : "a list";
  if (value.is_table()) return "a table";
  return "a date or time";
}

bool Config::Port::is_pci() const noexcept {
  return pci_address(device);
}

}  // namespace claimgate::config
