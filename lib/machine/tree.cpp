#include "lib/machine/tree.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

namespace claimgate::machine {
namespace {

namespace fs = std::filesystem;

constexpr unsigned cpus_max = 8192;  // Linux's largest NR_CPUS

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return out;
}

}  // namespace

fs::path Tree::path(std::string_view at) const {
  while (at.starts_with('/')) at.remove_prefix(1);
  return root_ / at;
}

bool Tree::exists(std::string_view at) const {
  std::error_code error;
  return fs::exists(path(at), error);
}

std::optional<std::string> Tree::text(std::string_view at) const {
  std::error_code error;
  if (!fs::is_regular_file(path(at), error)) return {};
  std::ifstream file(path(at), std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || !file.is_open()) return {};
  return out;
}

std::optional<std::string> Tree::line(std::string_view at) const {
  const auto whole = text(at);
  if (!whole) return {};
  return std::string(trimmed(std::string_view(*whole).substr(0, whole->find('\n'))));
}

std::optional<std::uint64_t> Tree::number(std::string_view at) const {
  const auto first = line(at);
  return first ? parse_number(*first) : std::nullopt;
}

std::optional<std::string> Tree::link(std::string_view at) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(path(at), error);
  if (error) return {};
  return target.filename().string();
}

std::vector<std::string> Tree::names(std::string_view folder) const {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path(folder), error)) {
    out.push_back(entry.path().filename());
  }
  std::ranges::sort(out);
  return out;
}

bool Tree::allows(std::string_view at, int mode) const {
  return ::faccessat(AT_FDCWD, path(at).c_str(), mode, AT_EACCESS) == 0;
}

std::vector<unsigned> cpu_list(std::string_view text) {
  std::vector<unsigned> out;
  text = trimmed(text);
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(range.size() + 1, text.size()));
    const auto dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash));
    const auto last = dash == range.npos ? first : parse_number(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= cpus_max) return {};
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) out.push_back(static_cast<unsigned>(cpu));
  }
  return out;
}

std::string cpu_list_text(const std::vector<unsigned>& cpus) {
  std::string out;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", cpus[i]);
    if (last > i) out += fmt::format("-{}", cpus[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace claimgate::machine
