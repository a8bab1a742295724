// The seeds of import_fuzz: rippled's answers in all their shapes, right and wrong.
#include <stdexcept>

#include "lib/xrpl/answer_fields.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/lib/xrpl/answers.hpp"

namespace claimgate::fuzz {
namespace {

using namespace xrpl::test;

constexpr std::string_view trust_line =
    R"({"Balance":{"currency":"USD","issuer":"rrrrrrrrrrrrrrrrrrrrBZbvji","value":"0"},)"
    R"("Flags":65536,"LedgerEntryType":"RippleState","index":"AB"})";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  if (at == text.npos) throw std::logic_error("nothing to replace: " + std::string(what));
  return text.replace(at, what.size(), with);
}

}  // namespace

void write_import_seeds(SeedFolder& folder) {
  const std::string listed = listed_answer(listed_channel());
  folder.add("account_channels", listed);
  folder.add(
      "account_channels_all_fields",
      listed_answer(listed_channel(R"(,"expiration":900000000,"cancel_after":950000000,)"
                                   R"("sequence":1000,"source_tag":1,"destination_tag":2)")));
  folder.add("account_channels_of_two", listed_answer(listed_channel() + "," + listed_channel()));
  folder.add("account_channels_marker", listed_answer(listed_channel(), R"(,"marker":"AB,1")"));
  folder.add("account_channels_none", listed_answer(""));
  folder.add("account_objects", objects_answer(std::string(trust_line) + "," + object_channel()));
  folder.add("account_objects_all_fields",
             objects_answer(object_channel(R"(,"Expiration":900000000,"CancelAfter":950000000,)"
                                           R"("Sequence":1000,"SourceTag":1,"DestinationTag":2)")));
  folder.add("ledger_entry", node_answer(object_channel()));
  folder.add("ledger_entry_two_indexes", replaced(node_answer(object_channel()), "}}",
                                                  R"(},"index":")" + std::string(64, 'A') + "\"}"));
  folder.add("ledger_entry_other", node_answer(trust_line));
  folder.add("no_envelope", R"({"channels":[],"index":")" + std::string(some_id) +
                                R"(","ledger_current_index":7,"validated":false})");
  folder.add("both_levels", replaced(listed, R"({"result")",
                                     R"({"validated":true,"ledger_index":"99000000","result")"));
  folder.add("pages_in_a_row", listed + "\n" + node_answer(object_channel()));
  folder.add("pages_as_an_array", "[" + listed + "," + listed_answer("") + "]");
  folder.add("an_error", R"({"result":{"error":"actNotFound","error_message":"Account not found.",)"
                         R"("status":"error","validated":true}})");
  folder.add("a_token", replaced(listed, R"("amount":"1000000")",
                                 R"("amount":{"currency":"USD","issuer":"r","value":"1"})"));
  folder.add("a_field_twice", listed_answer(listed_channel(R"(,"balance":"8")")));
  folder.add("no_key", replaced(listed, R"("public_key":)", R"("other":)"));
  folder.add("keys_that_differ", replaced(listed, "020C41", "030C41"));
  folder.add("too_much", replaced(listed, R"("1000000")", R"("100000000000000001")"));
  folder.add("beyond_64_bits", replaced(listed, R"("1000000")", R"("18446744073709551616")"));
  folder.add("not_the_own_key", replaced(listed, R"("balance":"7")", R"("balance":"70000000")"));
  for (const auto& fields : {std::span<const xrpl::NamedField>(xrpl::answer_fields),
                             std::span<const xrpl::NamedField>(xrpl::listed_fields),
                             std::span<const xrpl::NamedField>(xrpl::object_fields)})
    for (const xrpl::NamedField& field : fields)
      folder.add_word("\"" + std::string(field.name) + "\":");
  for (const std::string_view word : {"\"PayChannel\"", "true", "false", "null", "\"error\"", "[]"})
    folder.add_word(word);
}

}  // namespace claimgate::fuzz
