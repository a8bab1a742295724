#include "lib/admin/body.hpp"

#include <fmt/core.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace claimgate::admin {
namespace {

using nlohmann::json;

// Text from elsewhere (file names, texts) may be no UTF-8; it is replaced, never thrown over.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Expected<json> parse(std::string_view text) {
  json value = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return fail("the body is not JSON");
  return value;
}

// Reads fields one after the other and keeps the first complaint.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {
    if (!object.is_object()) complaint_ = "the body is not a JSON object";
  }

  void read(const char* field, std::string& out) {
    const json* value = find(field);
    if (!value) return;
    if (!value->is_string()) return complain(field, "a string");
    const auto& text = value->get_ref<const std::string&>();
    if (text.size() > name_bytes_max) return complain(field, "a string of at most 4096 bytes");
    out = text;
  }
  void read(const char* field, bool& out) {
    const json* value = find(field);
    if (!value) return;
    if (!value->is_boolean()) return complain(field, "true or false");
    out = value->get<bool>();
  }
  void read(const char* field, std::uint64_t& out) {
    const json* value = find(field);
    if (!value) return;
    if (!value->is_number_unsigned()) return complain(field, "a whole number, not negative");
    out = value->get<std::uint64_t>();
  }
  void read(const char* field, std::uint32_t& out) {
    std::uint64_t wide = 0;
    read(field, wide);
    if (wide > std::numeric_limits<std::uint32_t>::max())
      return complain(field, "at most 4294967295");
    out = static_cast<std::uint32_t>(wide);
  }
  template <class T>
  void read(const char* field, std::optional<T>& out) {
    if (!object_.is_object() || !object_.contains(field)) return;
    T value{};
    read(field, value);
    out = value;
  }
  void read(const char* field, std::int64_t& out) {
    const json* value = find(field);
    if (!value) return;
    const bool beyond = value->is_number_unsigned() &&
                        value->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
    if (!value->is_number_integer() || beyond) return complain(field, "a whole number");
    out = value->get<std::int64_t>();
  }
  void complain(const char* field, const char* expected) {
    if (complaint_.empty()) complaint_ = fmt::format("field '{}': expected {}", field, expected);
  }
  template <class T>
  [[nodiscard]] Expected<T> done(T value) {
    if (!complaint_.empty()) return fail(std::move(complaint_));
    return value;
  }

 private:
  const json* find(const char* field) {
    if (!object_.is_object()) return nullptr;
    const auto at = object_.find(field);
    if (at != object_.end()) return &*at;
    complain(field, "it to be there");
    return nullptr;
  }

  const json& object_;
  std::string complaint_;
};

// Parses `text` and lets `each(fields, value)` read it.
template <class T, class Each>
Expected<T> decode(std::string_view text, Each each) {
  auto parsed = parse(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  Fields fields(*parsed);
  T value;
  each(fields, value);
  return fields.done(std::move(value));
}

constexpr std::string_view state_names[] = {"all", "open", "closed"};

}  // namespace

std::string encode(const Hello& body) {
  return dump({{"client", body.client}});
}

std::string encode(const HelloAnswer& body) {
  return dump({{"version", body.version},
               {"build", body.build},
               {"pid", body.pid},
               {"may_change", body.may_change}});
}

std::string encode(const ImportBegin& body) {
  return dump({{"source", body.source},
               {"as_of", body.as_of},
               {"strict", body.strict},
               {"dry_run", body.dry_run}});
}

std::string encode(const ImportAnswer& body) {
  json value{{"is_current", body.is_current}, {"channels", body.channels}};
  if (body.validated) value["validated"] = *body.validated;
  if (body.ledger_index) value["ledger_index"] = *body.ledger_index;
  return dump(value);
}

std::string encode(const ImportProgress& body) {
  return dump({{"done", body.done}, {"total", body.total}});
}

std::string encode(const ImportDone& body) {
  return dump({{"added", body.added},
               {"updated", body.updated},
               {"unchanged", body.unchanged},
               {"older", body.older},
               {"refused", body.refused},
               {"applied", body.applied}});
}

std::string encode(const std::vector<Refused>& body) {
  json list = json::array();
  for (const Refused& one : body) {
    list.push_back({{"channel_id", one.channel_id},
                    {"reason", one.reason},
                    {"text", one.text},
                    {"line", one.line}});
  }
  return dump({{"refused", std::move(list)}});
}

std::string encode(const List& body) {
  return dump({{"cursor", body.cursor},
               {"limit", body.limit},
               {"state", state_names[static_cast<std::size_t>(body.state)]}});
}

std::string encode(const ShowOrRemove& body) {
  return dump({{"id", body.id}});
}

std::string encode(const RemoveAnswer& body) {
  return dump({{"removed", body.removed}, {"channel_id", body.channel_id}});
}

std::string encode(const Failure& body) {
  return dump({{"what", body.what}, {"where", body.where}, {"remedy", body.remedy}});
}

Expected<Hello> decode_hello(std::string_view text) {
  return decode<Hello>(text, [](Fields& fields, Hello& out) { fields.read("client", out.client); });
}

Expected<HelloAnswer> decode_hello_answer(std::string_view text) {
  return decode<HelloAnswer>(text, [](Fields& fields, HelloAnswer& out) {
    fields.read("version", out.version);
    fields.read("build", out.build);
    fields.read("pid", out.pid);
    fields.read("may_change", out.may_change);
  });
}

Expected<ImportBegin> decode_import_begin(std::string_view text) {
  return decode<ImportBegin>(text, [](Fields& fields, ImportBegin& out) {
    fields.read("source", out.source);
    fields.read("as_of", out.as_of);
    fields.read("strict", out.strict);
    fields.read("dry_run", out.dry_run);
  });
}

Expected<ImportAnswer> decode_import_answer(std::string_view text) {
  return decode<ImportAnswer>(text, [](Fields& fields, ImportAnswer& out) {
    fields.read("ledger_index", out.ledger_index);
    fields.read("validated", out.validated);
    fields.read("is_current", out.is_current);
    fields.read("channels", out.channels);
  });
}

Expected<ImportProgress> decode_import_progress(std::string_view text) {
  return decode<ImportProgress>(text, [](Fields& fields, ImportProgress& out) {
    fields.read("done", out.done);
    fields.read("total", out.total);
  });
}

Expected<ImportDone> decode_import_done(std::string_view text) {
  return decode<ImportDone>(text, [](Fields& fields, ImportDone& out) {
    fields.read("added", out.added);
    fields.read("updated", out.updated);
    fields.read("unchanged", out.unchanged);
    fields.read("older", out.older);
    fields.read("refused", out.refused);
    fields.read("applied", out.applied);
  });
}

Expected<std::vector<Refused>> decode_refused(std::string_view text) {
  auto parsed = parse(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (!parsed->is_object() || !parsed->contains("refused") || !(*parsed)["refused"].is_array())
    return fail("field 'refused': expected a list");
  std::vector<Refused> out;
  for (const json& one : (*parsed)["refused"]) {
    Fields fields(one);
    Refused refused;
    fields.read("channel_id", refused.channel_id);
    fields.read("reason", refused.reason);
    fields.read("text", refused.text);
    fields.read("line", refused.line);
    auto done = fields.done(std::move(refused));
    if (!done) return std::unexpected(std::move(done.error()));
    out.push_back(std::move(*done));
  }
  return out;
}

Expected<List> decode_list(std::string_view text) {
  return decode<List>(text, [](Fields& fields, List& out) {
    fields.read("cursor", out.cursor);
    fields.read("limit", out.limit);
    std::string state;
    fields.read("state", state);
    for (std::size_t i = 0; i < std::size(state_names); ++i) {
      if (state != state_names[i]) continue;
      out.state = static_cast<StateFilter>(i);
      return;
    }
    fields.complain("state", "\"all\", \"open\" or \"closed\"");
  });
}

Expected<ShowOrRemove> decode_show_or_remove(std::string_view text) {
  return decode<ShowOrRemove>(text,
                              [](Fields& fields, ShowOrRemove& out) { fields.read("id", out.id); });
}

Expected<RemoveAnswer> decode_remove_answer(std::string_view text) {
  return decode<RemoveAnswer>(text, [](Fields& fields, RemoveAnswer& out) {
    fields.read("removed", out.removed);
    fields.read("channel_id", out.channel_id);
  });
}

Expected<Failure> decode_failure(std::string_view text) {
  return decode<Failure>(text, [](Fields& fields, Failure& out) {
    fields.read("what", out.what);
    fields.read("where", out.where);
    fields.read("remedy", out.remedy);
  });
}

}  // namespace claimgate::admin
