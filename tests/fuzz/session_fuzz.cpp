// libFuzzer target of claimd's side of the admin socket: src/control/admin's Session and ImportRun,
// a real socket between them and the client, a real table behind them. Only the worker is missing:
// its commands are executed here, on the spot.
//
// Input: all that a client sends. What holds for each:
//   · message by message, at once or in pieces, the same answers come and the same channels stay;
//   · every answer is one that claimctl can read;
//   · the table changes by a commit or a removal alone, by as much as the answer says, and by
//     nothing where it was a dry run or, strict, something was refused;
//   · a rehearsal foresees exactly what applying then does.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "lib/admin/body.hpp"
#include "lib/admin/record.hpp"
#include "lib/xrpl/base58.hpp"
#include "src/control/admin/session.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/lib/xrpl/answers.hpp"

// What the worker's rings would lead to.
namespace claimgate::nic {
class CommandRing {
 public:
  channel::Table& table;
};
}  // namespace claimgate::nic

// What the journal would be asked.
namespace claimgate::durability {
class Keeper {
 public:
  std::uint32_t next_incarnation = 1;
  bool committed = true;
};
}  // namespace claimgate::durability

namespace claimgate::control {

// src/control/provisioning.cpp, with the worker's and the journal's part done by the caller.
Provisioning::Provisioning(nic::CommandRing& ring, const channel::Table& table,
                           durability::Keeper& keeper)
    : ring_(ring), table_(table), keeper_(keeper) {}
Provisioning::~Provisioning() = default;

Expected<void> Provisioning::record(std::span<PlannedChange> changes) {
  for (PlannedChange& change : changes) {
    if (change.is_new) change.incarnation = keeper_.next_incarnation++;
  }
  keeper_.committed = false;
  return {};
}

Expected<void> Provisioning::settle() {
  return {};
}

Expected<void> Provisioning::commit() {
  keeper_.committed = true;
  return {};
}

Expected<void> Provisioning::apply(std::span<const PlannedChange> changes,
                                   std::span<channel::ApplyResult> results) {
  fuzz::require(keeper_.committed, "nothing is applied before it is durable");
  for (std::size_t i = 0; i < changes.size(); ++i) {
    results[i] = ring_.table.apply(changes[i].terms, changes[i].incarnation).result;
    fuzz::require((results[i] == channel::ApplyResult::added) == changes[i].is_new,
                  "what is new is added");
    fuzz::require(changes[i].is_new || results[i] == channel::ApplyResult::updated,
                  "what is a change changes something");
    const auto found = find(changes[i].terms.id.handle());
    fuzz::require(found && *found && (*found)->terms == changes[i].terms,
                  "a change comes out as it was planned");
  }
  return {};
}

void Provisioning::applied() {}

Expected<bool> Provisioning::remove(const channel::ChannelId& id) {
  return ring_.table.remove(id);
}

Expected<std::optional<channel::ChannelView>> Provisioning::find(wire::ChannelHandle handle) {
  const auto hash = table_.hash(handle);
  const auto slot = table_.find(handle, hash, table_.candidate(hash));
  if (slot == channel::no_slot) return std::nullopt;
  return table_.view(slot);
}

std::uint32_t Provisioning::channels() const noexcept {
  return table_.size();
}
std::uint32_t Provisioning::capacity() const noexcept {
  return table_.capacity();
}

}  // namespace claimgate::control

namespace {
constexpr std::time_t now_unix_s = 946'684'800 + 800'000'100;
}

// The clock of every session here stands still, so that two of them can be compared.
extern "C" std::time_t time(std::time_t* out) noexcept {
  if (out != nullptr) *out = now_unix_s;
  return now_unix_s;
}

namespace {

using namespace claimgate;
using namespace claimgate::control;
using admin::Message;
using admin::Verb;
using fuzz::require;
using fuzz::require_printable;
using Bytes = std::span<const std::byte>;

constexpr std::uint32_t capacity = 6;  // small, so that inputs fill it

xrpl::Policy policy() {
  xrpl::Policy out;
  out.destinations = {xrpl::parse_address(xrpl::test::some_destination).value()};
  return out;
}

channel::Table make_table() {
  return channel::Table::create(capacity, {1, 2}, memory::Pages::normal).value();
}

std::vector<admin::ChannelRecord> channels_of(const channel::Table& table) {
  std::vector<admin::ChannelRecord> out;
  for (channel::SlotIndex slot = 0; slot < table.slots_used(); ++slot) {
    const auto view = table.view(slot);
    if (!view) continue;
    const auto& terms = view->terms;
    std::array<std::byte, 33> key_start{};
    std::copy_n(terms.key.bytes.begin(), key_start.size(), key_start.begin());
    out.push_back({.id = terms.id.bytes,
                   .key = key_start,
                   .source = terms.source,
                   .destination = terms.destination,
                   .funded_drops = terms.funded.value,
                   .balance_drops = terms.balance.value,
                   .held_drops = view->held.value,
                   .lsn = view->lsn,
                   .signature = view->signature,
                   .valid_until = terms.valid_until,
                   .expiration = terms.expiration,
                   .cancel_after = terms.cancel_after,
                   .settle_delay_s = terms.settle_delay_s,
                   .ledger_index = terms.ledger_index,
                   .incarnation = view->incarnation,
                   .last_activity = view->last_activity});
  }
  return out;
}

// One client, its session and what lies behind.
class Conversation {
 public:
  Conversation() {
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()) == 0,
            "there are sockets");
    session_.emplace(ends_[1], services_);
  }
  ~Conversation() { ::close(ends_[0]); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // What is answered to `bytes`; progress, of which there is more or less as time goes, left out.
  std::vector<Message> say(Bytes bytes) {
    std::vector<Message> heard;
    // Sent also after the end: it must be drained without harm.
    while (!bytes.empty()) {
      const ssize_t sent = ::send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) break;
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      serve(heard);
    }
    serve(heard);
    return heard;
  }
  [[nodiscard]] std::vector<admin::ChannelRecord> channels() const { return channels_of(table_); }
  [[nodiscard]] std::uint32_t size() const { return table_.size(); }

 private:
  // As the AdminServer's loop does, until nothing moves any more.
  void serve(std::vector<Message>& heard) {
    for (int turn = 0; turn < 10'000; ++turn) {
      session_->on_ready(static_cast<short>(session_->events() & (POLLIN | POLLOUT)));
      bool moved = listen(heard);
      if (session_->has_work()) {
        session_->work();
        moved = true;
      }
      if (!moved) return;
    }
    require(false, "a session comes to rest");
  }

  bool listen(std::vector<Message>& heard) {
    std::array<std::byte, 16'384> bytes;
    const ssize_t got = ::recv(ends_[0], bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    reader_.feed(std::span(bytes).first(static_cast<std::size_t>(got)));
    while (true) {
      auto message = reader_.next();
      require(message.has_value(), "claimd's stream is sound");
      if (!*message) return true;
      require_answer(**message);
      if ((*message)->verb != Verb::import_progress) heard.push_back(std::move(**message));
    }
  }

  static void require_answer(const Message& message) {
    const std::string_view text = message.text();
    switch (message.verb) {
      case Verb::hello_answer:
        return require(admin::decode_hello_answer(text).has_value(), "hello's answer is read");
      case Verb::import_begun:
        return require(text == "{}", "an import begins without more ado");
      case Verb::import_refused:
        return require(admin::decode_refused(text).has_value(), "refusals are read");
      case Verb::import_progress:
        return require(admin::decode_import_progress(text).has_value(), "progress is read");
      case Verb::import_done:
        return require(admin::decode_import_done(text).has_value(), "an import's end is read");
      case Verb::list_page:
        return require(admin::decode_list_page(message.body).has_value(), "a page is read");
      case Verb::show_answer:
        require(message.body.size() == admin::channel_record_bytes, "one record is shown");
        return require(
            admin::decode_channel_record(Bytes(message.body).first<admin::channel_record_bytes>())
                .has_value(),
            "and read");
      case Verb::remove_answer:
        return require(admin::decode_remove_answer(text).has_value(), "a removal is read");
      case Verb::stats_answer:
        return require(nlohmann::json::accept(text), "statistics are read");
      case Verb::failure: {
        const auto failure = admin::decode_failure(text);
        require(failure.has_value(), "a failure is read");
        return;
      }
      default:
        require(false, "an answer is one of the answers");
    }
  }

  channel::Table table_ = make_table();
  nic::CommandRing ring_{table_};
  durability::Keeper keeper_;
  Provisioning provisioning_{ring_, table_, keeper_};
  AdminServices services_{.provisioning = provisioning_,
                          .table = table_,
                          .policy = policy(),
                          .stats =
                              [] {
                                return nlohmann::json{{"channels", 1}};
                              },
                          .version = "0",
                          .build = "fuzz",
                          .change_uids = {},
                          .change_gids = {}};
  std::array<int, 2> ends_{};
  std::optional<Session> session_;
  admin::MessageReader reader_;
};

void append(std::vector<Message>& to, std::vector<Message> more) {
  std::ranges::move(more, std::back_inserter(to));
}

bool same(const std::vector<Message>& a, const std::vector<Message>& b) {
  return std::ranges::equal(a, b, [](const Message& x, const Message& y) {
    return x.verb == y.verb && x.body == y.body;
  });
}

// What a client has sent of an import, as far as it counts.
struct Staged {
  admin::ImportBegin begin;
  std::uint64_t records = 0;
};

void require_import(const Staged& staged, const std::vector<Message>& heard,
                    std::uint32_t size_before, std::uint32_t size_after, bool changed) {
  std::uint64_t refused = 0;
  for (const Message& message : heard) {
    if (message.verb == Verb::import_refused)
      refused += admin::decode_refused(message.text())->size();
    if (message.verb != Verb::import_done) continue;
    const auto done = admin::decode_import_done(message.text()).value();
    require(
        done.added + done.updated + done.unchanged + done.older + done.refused == staged.records,
        "every channel has one outcome");
    require(done.refused == refused, "every refusal is reported");
    const bool expected = !staged.begin.dry_run && !(staged.begin.strict && refused > 0);
    require(done.applied == expected, "it is applied unless it is not to be");
    require(done.applied || !changed, "what is not applied leaves no trace");
    require(!done.applied || size_before + done.added == size_after, "what is added is there");
    return;
  }
  require(!changed, "without an outcome nothing is applied");
}

// The same conversation message by message, with the table looked at in between.
struct Told {
  std::vector<Message> heard;
  std::vector<admin::ChannelRecord> channels;
};

Told tell_step_by_step(Bytes bytes) {
  Conversation conversation;
  Told out;
  Staged staged;
  admin::MessageReader reader;
  reader.feed(bytes);
  std::size_t at = 0;
  while (true) {
    const auto message = reader.next();
    const bool last = !message || !*message;
    const std::size_t count =
        last ? bytes.size() - at : admin::header_bytes + (*message)->body.size();
    const auto before = conversation.channels();
    const std::uint32_t size_before = conversation.size();
    auto heard = conversation.say(bytes.subspan(at, count));
    at += count;
    const auto after = conversation.channels();
    const Verb verb = last ? Verb::failure : (*message)->verb;
    if (verb == Verb::import_begin && !heard.empty() && heard[0].verb == Verb::import_begun)
      staged = {admin::decode_import_begin((*message)->text()).value(), 0};
    if (verb == Verb::import_channels && heard.empty())
      staged.records += (*message)->body.size() / admin::import_record_bytes;
    if (verb == Verb::import_commit) {
      require_import(staged, heard, size_before, conversation.size(), before != after);
    } else if (verb == Verb::remove) {
      const bool removed = !heard.empty() && heard[0].verb == Verb::remove_answer;
      require(conversation.size() + (removed ? 1 : 0) == size_before, "one removal takes one");
    } else {
      require(before == after, "only a commit or a removal changes the table");
    }
    append(out.heard, std::move(heard));
    if (last) break;
  }
  out.channels = conversation.channels();
  return out;
}

Told tell_in_pieces(Bytes bytes, std::size_t piece_bytes) {
  Conversation conversation;
  Told out;
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece_bytes, bytes.size());
    append(out.heard, conversation.say(bytes.first(count)));
    bytes = bytes.subspan(count);
  }
  out.channels = conversation.channels();
  return out;
}

// ---- rehearsal and application --------------------------------------------------------------

// One import into `table`, from its begin to its last refusal.
struct Ran {
  admin::ImportDone done;
  std::vector<std::string> refused;  // id, reason and text of each
};

Ran run(channel::Table& table, Bytes records, const admin::ImportAnswer& answer, bool dry_run) {
  nic::CommandRing ring{table};
  durability::Keeper keeper{.next_incarnation = 1000};
  Provisioning provisioning(ring, table, keeper);
  ImportRun import({.source = "fuzz", .as_of = 800'000'000, .dry_run = dry_run}, policy(),
                   provisioning, table);
  require(import.add({records.begin(), records.end()}).has_value(), "sound records are staged");
  require(import.end_answer(answer).has_value(), "an answer of so many channels ends");
  require(import.commit(800'000'100).has_value(), "a whole import is committed");
  while (import.phase() != ImportRun::Phase::reporting)
    require(import.advance().has_value(), "a worker that answers is enough");
  Ran out{.done = import.done(), .refused = {}};
  for (auto some = import.report(); !some.empty(); some = import.report())
    for (const admin::Refused& one : some) {
      require(!one.reason.empty(), "a refusal has a reason");
      require_printable(one.text);
      out.refused.push_back(one.channel_id + one.reason + one.text);
    }
  return out;
}

void require_foreseen(channel::Table& table, Bytes records, const admin::ImportAnswer& answer) {
  const auto before = channels_of(table);
  Ran rehearsed = run(table, records, answer, true);
  require(before == channels_of(table), "a rehearsal changes nothing");
  const Ran applied = run(table, records, answer, false);
  require(!rehearsed.done.applied && applied.done.applied, "one was applied");
  rehearsed.done.applied = true;
  require(admin::encode(rehearsed.done) == admin::encode(applied.done),
          "a rehearsal foresees what happens");
  require(rehearsed.refused == applied.refused, "and what is refused");
}

// All imports of the stream, each rehearsed and applied, into one table.
void require_all_foreseen(Bytes bytes) {
  channel::Table table = make_table();
  std::vector<std::byte> records;
  admin::MessageReader reader;
  reader.feed(bytes);
  for (auto message = reader.next(); message && *message; message = reader.next()) {
    const Message& said = **message;
    if (said.verb == Verb::import_channels && admin::check_import_records(said.body) &&
        records.size() + said.body.size() <= admin::import_record_bytes * capacity)
      records.insert(records.end(), said.body.begin(), said.body.end());
    if (said.verb != Verb::import_answer || records.empty()) continue;
    auto answer = admin::decode_import_answer(said.text());
    if (!answer) continue;
    answer->channels = records.size() / admin::import_record_bytes;
    require_foreseen(table, records, *answer);
    records.clear();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  const Bytes bytes(reinterpret_cast<const std::byte*>(input), size);
  const Told told = tell_step_by_step(bytes);
  for (const std::size_t piece_bytes : {size + 1, 1 + size % 97}) {
    const Told again = tell_in_pieces(bytes, piece_bytes);
    require(same(told.heard, again.heard), "however it is cut, the same is answered");
    require(told.channels == again.channels, "and the same channels are there");
  }
  require_all_foreseen(bytes);
  return 0;
}
