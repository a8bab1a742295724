#include "src/config/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "src/config/config_keys.hpp"

namespace claimgate::config {
namespace {

// Edits (insert, remove, replace one character) between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// The known word nearest to `word`, or "" where none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t word_bytes_max = 64;
  if (word.size() > word_bytes_max) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits < best_distance) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const Key& key : config_keys()) {
    if (names.empty() || names.back() != key.table) names.emplace_back(key.table);
  }
  return names;
}

const Key* find_key(std::string_view table, std::string_view name) {
  for (const Key& key : config_keys()) {
    if (key.table == table && key.name == name) return &key;
  }
  return nullptr;
}

// The full name of the key that was probably meant: in this table first, then anywhere.
std::string suggestion(std::string_view table, std::string_view name) {
  std::vector<std::string> here;
  std::vector<std::string> elsewhere;
  for (const Key& key : config_keys()) {
    if (key.table == table) here.emplace_back(key.name);
    if (key.name == name) elsewhere.push_back(key.full_name());
  }
  if (const std::string near = nearest(name, here); !near.empty()) {
    return std::string(table) + "." + near;
  }
  return elsewhere.empty() ? std::string() : elsewhere.front();
}

std::string did_you_mean(const std::string& word) {
  return word.empty() ? std::string() : fmt::format("; did you mean {}?", word);
}

// Names come from the file as it spells them and go to terminals: without control characters.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return text;
}

class Loader {
 public:
  explicit Loader(std::string path) : path_(std::move(path)) {}

  void file() {
    const auto text = read_file();
    if (!text) {
      problem(path_, fmt::format("cannot be read: {}", std::strerror(errno)));
      return;
    }
    try {
      const toml::table root = toml::parse(*text, path_);
      for (const auto& [name, node] : root) root_entry(std::string(name.str()), node);
    } catch (const toml::parse_error& error) {
      line_ = error.source().begin.line;
      problem(line_of(error.source()), std::string(error.description()));
    }
    // toml++ keeps tables sorted by name; a reader goes through a file from its top.
    std::ranges::stable_sort(problems_, {}, &Problem::line);
  }

  // "table.key=value"
  void single(const std::string& text) {
    override_ = fmt::format("\"{}\"", text);
    const auto equals = text.find('=');
    const std::string full = text.substr(0, equals);
    const auto dot = full.find('.');
    if (equals == text.npos || dot == text.npos) {
      problem(override_, "expected TABLE.KEY=VALUE, such as worker.idle=yield");
    } else if (const Key* key = find_key(full.substr(0, dot), full.substr(dot + 1))) {
      const toml::table value = override_value(*key, text.substr(equals + 1));
      assign(*key, *value.get("value"));
    } else {
      unknown_key(full.substr(0, dot), full.substr(dot + 1), override_);
    }
    override_.clear();
  }

  // What only all keys together can say, once each by itself is right.
  void together() {
    if (!problems_.empty()) return;
    if (config_.port.addresses.empty() && !config_.port.any_address) {
      problem(set_at_["port.addresses"],
              "port.addresses is empty: expected at least one address, or any_address = true");
    }
  }

  Expected<Config> result() {
    if (problems_.empty()) return std::move(config_);
    if (problems_.size() == 1) return std::unexpected(std::move(problems_[0].failure));
    std::string lines;
    for (const Problem& each : problems_) {
      lines += fmt::format("{}{}", lines.empty() ? "" : "\n", each.failure.text());
    }
    return fail(std::move(lines));
  }

 private:
  struct Problem {
    Failure failure;
    toml::source_index line = 0;
  };

  void problem(std::string where, std::string what) {
    problems_.push_back(
        {Failure{printable(std::move(what)), printable(std::move(where)), {}}, line_});
  }

  // Nothing, with errno set, where it cannot be read.
  [[nodiscard]] std::optional<std::string> read_file() const {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path_.c_str(), "re"), std::fclose);
    if (!file) return {};
    std::string text;
    std::array<char, 4096> chunk;
    while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
      text.append(chunk.data(), got);
    }
    if (std::ferror(file.get()) != 0) return {};
    return text;
  }

  [[nodiscard]] std::string line_of(const toml::source_region& source) const {
    return fmt::format("{}:{}", path_, source.begin.line);
  }
  [[nodiscard]] std::string where(const toml::node& node) {
    if (!override_.empty()) return override_;
    line_ = node.source().begin.line;
    return line_of(node.source());
  }

  void root_entry(const std::string& name, const toml::node& node) {
    const auto tables = table_names();
    const bool known = std::ranges::find(tables, name) != tables.end();
    if (!node.is_table()) {
      std::string meant;
      for (const Key& key : config_keys()) {
        if (key.name == name) meant = key.full_name();
      }
      problem(where(node),
              known ? fmt::format("{} is {}: expected the table [{}]", name, shown(node), name)
                    : fmt::format("{} stands outside every table{}", name, did_you_mean(meant)));
    } else if (!known) {
      std::string near = nearest(name, tables);
      if (!near.empty()) near = fmt::format("[{}]", near);
      problem(where(node), fmt::format("there is no table [{}]{}", name, did_you_mean(near)));
    } else {
      for (const auto& [key_name, value] : *node.as_table()) {
        if (const Key* key = find_key(name, key_name.str())) {
          assign(*key, value);
        } else {
          unknown_key(name, key_name.str(), where(value));
        }
      }
    }
  }

  void unknown_key(std::string_view table, std::string_view name, std::string where) {
    problem(std::move(where), fmt::format("there is no key {}.{}{}", table, name,
                                          did_you_mean(suggestion(table, name))));
  }

  void assign(const Key& key, const toml::node& node) {
    set_at_[key.full_name()] = where(node);
    const auto complaint = key.assign(config_, node);
    if (!complaint) return;
    const bool element = complaint->at != &node;
    const std::string subject =
        element ? fmt::format("{} holds", key.full_name()) : fmt::format("{} is", key.full_name());
    const std::string reason = complaint->why.empty() ? "" : fmt::format(" ({})", complaint->why);
    problem(where(*complaint->at), fmt::format("{} {}{}: expected {}", subject,
                                               shown(*complaint->at), reason, key.expected));
  }

  // An override's value as TOML would have it, under the key "value". Text needs no quotes.
  static toml::table override_value(const Key& key, const std::string& text) {
    if (key.kind == KeyKind::list && !text.starts_with('[')) {
      toml::array list;
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        push(list, text.substr(begin, end - begin));
        begin = end + 1;
      }
      return toml::table{{"value", std::move(list)}};
    }
    const bool quoted = text.starts_with('"') || text.starts_with('\'');
    if (key.kind != KeyKind::text || quoted) {
      try {
        toml::table parsed = toml::parse("value = " + text);
        if (parsed.size() == 1) return parsed;
      } catch (const toml::parse_error&) {  // then it is text
      }
    }
    return toml::table{{"value", text}};
  }

  static void push(toml::array& list, const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == text.npos;
    if (digits) {
      list.push_back(static_cast<std::int64_t>(std::stoll(text)));
    } else {
      list.push_back(text);
    }
  }

  std::string path_;
  std::string override_;  // the one being applied, quoted; empty while the file is read
  Config config_;
  std::vector<Problem> problems_;
  toml::source_index line_ = 0;                // of the node last looked at
  std::map<std::string, std::string> set_at_;  // full name -> where
};

}  // namespace

Expected<Config> load(const std::string& path, std::span<const std::string> overrides) {
  Loader loader(path);
  if (!path.empty()) loader.file();
  for (const std::string& each : overrides) loader.single(each);
  loader.together();
  return loader.result();
}

std::vector<KnownKey> known_keys() {
  std::vector<KnownKey> known;
  for (const Key& key : config_keys()) known.push_back({key.full_name(), key.expected});
  return known;
}

Expected<Cpus> choose_cpus(const Config::Worker& worker, std::span<const unsigned> allowed) {
  const auto choose = [&](std::optional<unsigned> wanted, unsigned automatic,
                          std::string_view key) -> Expected<unsigned> {
    if (!wanted) return automatic;
    if (std::ranges::find(allowed, *wanted) != allowed.end()) return *wanted;
    std::string cpus;
    for (const unsigned cpu : allowed) cpus += fmt::format("{}{}", cpus.empty() ? "" : ", ", cpu);
    return fail(fmt::format("CPU {} is not among those claimd may run on ({})", *wanted, cpus),
                std::string(key), "Choose one of them, or \"auto\"");
  };
  const auto control = choose(worker.control_cpu, allowed.front(), "worker.control_cpu");
  if (!control) return std::unexpected(control.error());
  const auto poll = choose(worker.cpu, allowed.back(), "worker.cpu");
  if (!poll) return std::unexpected(poll.error());
  return Cpus{*control, *poll};
}

}  // namespace claimgate::config
