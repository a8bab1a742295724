#include "apps/claimgen/amounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "lib/xrpl/hex.hpp"

namespace claimgate::claimgen {
namespace {

using nlohmann::json;

// Collects channels at any depth without keeping the document.
class Collector final : public nlohmann::json_sax<json> {
 public:
  Collector(Amounts& amounts, std::string_view member) : amounts_(amounts), member_(member) {}

  [[nodiscard]] const std::string& what() const { return what_; }

  bool null() override { return value("0"); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t number) override { return value(std::to_string(number)); }
  bool number_unsigned(number_unsigned_t number) override { return value(std::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override { return value(text); }
  bool string(string_t& text) override { return value(text); }
  bool binary(binary_t&) override { return other(); }
  bool start_object(std::size_t) override {
    open_.emplace_back();
    return true;
  }
  bool key(string_t& text) override {
    if (!open_.empty()) open_.back().key = text;
    return true;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool end_object() override {
    const Object object = std::move(open_.back());
    open_.pop_back();
    if (!object.id && !object.amount) return true;
    if (!object.id) return true;  // an amount of something else
    if (!object.amount) return wrong(fmt::format("{} has no \"{}\"", *object.id, member_));
    if (!amounts_.emplace(*object.id, *object.amount).second) {
      return wrong(fmt::format("{} stands there twice", *object.id));
    }
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const json::exception&) override {
    return wrong(fmt::format("no JSON at byte {}", at));
  }

 private:
  struct Object {
    std::string key;
    std::optional<std::string> id;
    std::optional<std::uint64_t> amount;
  };

  bool wrong(std::string what) {
    if (what_.empty()) what_ = std::move(what);
    return false;
  }
  bool other() { return true; }
  bool value(const std::string& text) {
    if (open_.empty()) return true;
    Object& object = open_.back();
    if (object.key == "channel_id") {
      if (text.size() != 64 || !xrpl::is_hex(text)) {
        return wrong(fmt::format("\"{}\" is no channel id", text));
      }
      object.id = text;
      for (char& digit : *object.id) digit = static_cast<char>(std::toupper(digit));
    } else if (object.key == member_) {
      std::uint64_t amount = 0;
      const char* const end = text.data() + text.size();
      const auto [stopped, error] = std::from_chars(text.data(), end, amount);
      if (error != std::errc{} || stopped != end) {
        return wrong(fmt::format("\"{}\" is no amount in drops", text));
      }
      object.amount = amount;
    }
    return true;
  }

  Amounts& amounts_;
  std::string member_;
  std::string what_;
  std::vector<Object> open_;
};

}  // namespace

void write_finals(const ChannelSet& set, std::span<const std::uint64_t> finals,
                  const std::function<void(const std::string&)>& write) {
  for (std::uint32_t i = 0; i < set.size(); ++i) {
    write(fmt::format("{{\"channel_id\":\"{}\",\"amount\":\"{}\"}}\n",
                      xrpl::to_hex(set[i].id.bytes), finals[i]));
  }
}

Expected<Amounts> read_amounts(std::istream& input, std::string_view member,
                               const std::string& name) {
  Amounts amounts;
  Collector collector(amounts, member);
  while ((input >> std::ws).peek() != std::istream::traits_type::eof()) {
    if (!json::sax_parse(input, &collector, json::input_format_t::json, false)) {
      return fail(collector.what(), name,
                  fmt::format("Give JSON objects with \"channel_id\" and \"{}\"", member));
    }
  }
  if (amounts.empty()) return fail("it names no channel", name, "Is it the right file?");
  return amounts;
}

std::vector<Difference> compare(const Amounts& wanted, const Amounts& listed) {
  std::vector<Difference> differences;
  for (const auto& [id, amount] : wanted) {
    const auto at = listed.find(id);
    if (at != listed.end() && at->second == amount) continue;
    differences.push_back({id, std::to_string(amount),
                           at == listed.end() ? "not listed" : std::to_string(at->second)});
  }
  for (const auto& [id, amount] : listed) {
    if (!wanted.contains(id))
      differences.push_back({id, "no such channel", std::to_string(amount)});
  }
  std::ranges::sort(differences, {}, &Difference::channel_id);
  return differences;
}

std::vector<Difference> shortfalls(const Amounts& wanted, const Amounts& listed) {
  std::vector<Difference> differences = compare(wanted, listed);
  std::erase_if(differences, [&](const Difference& each) {
    const auto expected = wanted.find(each.channel_id);
    const auto found = listed.find(each.channel_id);
    return expected == wanted.end() || (found != listed.end() && found->second >= expected->second);
  });
  return differences;
}

}  // namespace claimgate::claimgen
