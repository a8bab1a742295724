// The seeds of admin_fuzz, one message of each kind, and of session_fuzz, whole conversations.
#include "lib/admin/body.hpp"
#include "lib/admin/message.hpp"
#include "lib/admin/record.hpp"
#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/lib/xrpl/answers.hpp"

namespace claimgate::fuzz {
namespace {

using namespace admin;

constexpr std::uint32_t noon = 800'000'000;

// Channel `number`, which the policy of session_fuzz takes on.
ImportRecord import_record(std::uint32_t number) {
  const auto key = xrpl::parse_hex<33>(xrpl::test::some_key).value();
  const auto account = xrpl::parse_address(xrpl::test::some_account).value();
  const auto destination = xrpl::parse_address(xrpl::test::some_destination).value();
  return {.id = xrpl::channel_id(account, destination, number).bytes,
          .key = key,
          .account = account,
          .destination = destination,
          .amount_drops = 1'000'000,
          .balance_drops = number,
          .settle_delay_s = 86'400,
          .sequence = number,
          .line = number};
}

ChannelRecord channel_record() {
  const ImportRecord import = import_record(1);
  return {.id = import.id,
          .key = import.key,
          .source = import.account,
          .funded_drops = 1'000'000,
          .balance_drops = 1,
          .held_drops = 2,
          .lsn = 3,
          .valid_until = noon,
          .expiration = 0xFFFF'FFFF,
          .cancel_after = 0xFFFF'FFFF,
          .settle_delay_s = 86'400,
          .ledger_index = 99'000'000,
          .incarnation = 1,
          .last_activity = noon,
          .open = true};
}

class Talk {
 public:
  Talk& say(Verb verb, std::string_view body = "{}") {
    append_message(bytes_, verb, body);
    return *this;
  }
  Talk& records(std::initializer_list<ImportRecord> records) {
    std::vector<std::byte> body;
    for (const ImportRecord& record : records) append_record(body, record);
    append_message(bytes_, Verb::import_channels, std::span<const std::byte>(body));
    return *this;
  }
  Talk& hello() { return say(Verb::hello, encode(Hello{.client = "fuzz"})); }
  Talk& begin(bool strict, bool dry_run) {
    return say(Verb::import_begin,
               encode(ImportBegin{
                   .source = "answer.json", .as_of = noon, .strict = strict, .dry_run = dry_run}));
  }
  Talk& answer(std::uint64_t channels, std::uint32_t ledger_index = 99'000'000) {
    return say(Verb::import_answer,
               encode(ImportAnswer{
                   .ledger_index = ledger_index, .validated = true, .channels = channels}));
  }
  Talk& commit() { return say(Verb::import_commit); }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::string id_text(std::uint32_t number) {
  return xrpl::to_hex(import_record(number).id);
}

}  // namespace

void write_admin_seeds(SeedFolder& folder) {
  const auto add = [&](const std::string& name, Verb verb, std::string_view body) {
    folder.add(name, Talk().say(verb, body).bytes());
  };
  folder.add("hello", Talk().hello().bytes());
  add("hello_answer", Verb::hello_answer,
      encode(HelloAnswer{.version = "1", .build = "g++", .pid = 7, .may_change = true}));
  add("hello_answer_pid_of_64_bits", Verb::hello_answer,
      R"({"build":"g++","may_change":true,"pid":18446744073709551615,"version":"1"})");
  folder.add("import_begin", Talk().begin(true, false).bytes());
  folder.add("import_channels", Talk().records({import_record(1), import_record(2)}).bytes());
  ImportRecord full = import_record(3);
  full.expiration = full.cancel_after = full.source_tag = noon;
  folder.add("import_channels_all_fields", Talk().records({full}).bytes());
  folder.add("import_answer", Talk().answer(2).bytes());
  folder.add("import_commit", Talk().commit().bytes());
  add("import_progress", Verb::import_progress, encode(ImportProgress{.done = 1, .total = 2}));
  add("import_refused", Verb::import_refused,
      encode(std::vector{
          Refused{.channel_id = id_text(1), .reason = "bad_key", .text = "it is", .line = 1}}));
  add("import_done", Verb::import_done, encode(ImportDone{.added = 1, .applied = true}));
  add("list", Verb::list, encode(List{.cursor = 0, .limit = 10, .state = StateFilter::open}));
  const ListPage page{.next = 7, .channels = {channel_record()}};
  std::vector<std::byte> out;
  append_message(out, Verb::list_page, std::span<const std::byte>(encode(page)));
  folder.add("list_page", out);
  add("show", Verb::show, encode(ShowOrRemove{.id = id_text(1)}));
  out.clear();
  append_record(out, channel_record());
  folder.add("channel_record", out);
  out.clear();
  append_record(out, full);
  folder.add("import_record", out);
  add("remove_answer", Verb::remove_answer,
      encode(RemoveAnswer{.removed = true, .channel_id = id_text(1)}));
  add("failure", Verb::failure, encode(Failure{"what", "where", "remedy"}));
  folder.add("two_messages_and_a_half",
             Talk().hello().commit().say(static_cast<Verb>(3), "0123").bytes());
  for (const std::string_view word :
       {"client",     "version", "build",      "pid",       "may_change", "source",       "as_of",
        "strict",     "dry_run", "is_current", "channels",  "validated",  "ledger_index", "done",
        "total",      "added",   "updated",    "unchanged", "older",      "refused",      "applied",
        "channel_id", "reason",  "text",       "line",      "cursor",     "limit",        "state",
        "id",         "removed", "what",       "where",     "remedy"})
    folder.add_word("\"" + std::string(word) + "\":");
  for (const std::string_view word : {"\"all\"", "\"open\"", "\"closed\"", "true", "false", "null"})
    folder.add_word(word);
}

void write_session_seeds(SeedFolder& folder) {
  const auto import = [](Talk talk, bool strict, bool dry_run) {
    return talk.begin(strict, dry_run)
        .records({import_record(1), import_record(2)})
        .answer(2)
        .commit();
  };
  const Talk greeted = Talk().hello();
  folder.add("import", import(greeted, false, false).bytes());
  folder.add("import_strict", import(greeted, true, false).bytes());
  folder.add("import_dry_run", import(greeted, false, true).bytes());
  folder.add("import_twice", import(import(greeted, false, false), true, false).bytes());
  ImportRecord refused = import_record(2);
  refused.amount_drops = 0;
  ImportRecord other_key = import_record(1);
  other_key.key = xrpl::parse_hex<33>(
                      "03B1EA3ECDBFF47750A07E4F2F059A1E682165A0952293EABC6C5FF4FD2A"
                      "DA6BBB")
                      .value();
  for (const bool strict : {false, true})
    folder.add(strict ? "some_refused_strict" : "some_refused",
               Talk(greeted)
                   .begin(strict, false)
                   .records({import_record(1), refused})
                   .answer(2)
                   .records({other_key})
                   .answer(1, 98'000'000)
                   .commit()
                   .bytes());
  ImportRecord more = import_record(1);
  more.sequence.reset();
  more.amount_drops *= 2;
  more.expiration = noon + 7200;
  folder.add("merged", import(greeted, false, false)
                           .begin(false, false)
                           .records({more, import_record(1)})
                           .answer(2, 99'000'001)
                           .commit()
                           .bytes());
  // Of one channel in one import each funds by maximum, however they stand.
  ImportRecord high = import_record(1), low = import_record(1);
  high.balance_drops = 900;
  low.balance_drops = 800;
  folder.add("merged_within_an_import", Talk(greeted)
                                            .begin(true, false)
                                            .records({import_record(1), high, low, high})
                                            .answer(4)
                                            .commit()
                                            .bytes());
  folder.add("list_show_remove",
             import(greeted, false, false)
                 .say(Verb::list, encode(List{.cursor = 0, .limit = 1}))
                 .say(Verb::show, encode(ShowOrRemove{.id = id_text(1)}))
                 .say(Verb::remove, encode(ShowOrRemove{.id = id_text(2).substr(0, 16)}))
                 .say(Verb::show, encode(ShowOrRemove{.id = id_text(2)}))
                 .say(Verb::list, encode(List{.cursor = 0, .limit = 9}))
                 .say(Verb::stats)
                 .bytes());
  folder.add("no_hello", Talk().say(Verb::stats).bytes());
  folder.add("no_import", Talk(greeted).commit().bytes());
  folder.add("not_a_request", Talk(greeted).say(Verb::import_done).bytes());
  folder.add("begun_again",
             Talk(greeted).begin(false, false).begin(false, true).answer(0).commit().bytes());
}

}  // namespace claimgate::fuzz
