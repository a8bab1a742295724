// `claimctl channels import`: the file is read as a stream, its channels go to claimd in batches,
// and claimd judges and applies them once all of the file has proved sound.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/as_of.hpp"
#include "apps/claimctl/command.hpp"
#include "apps/claimctl/progress.hpp"
#include "lib/admin/record.hpp"
#include "lib/xrpl/channel_reader.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

using admin::Client;
using admin::Verb;

constexpr std::size_t batch_records = 2048;  // 312 KiB a message
static_assert(batch_records <= admin::import_records_max);

// The file or standard input; closes what it opened.
class Input {
 public:
  [[nodiscard]] static Expected<Input> open(const std::string& file) {
    Input input;
    input.name_ = file == "-" ? "standard input" : file;
    input.descriptor_ =
        file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat about {};
    if (input.descriptor_ < 0 || ::fstat(input.descriptor_, &about) != 0) {
      return fail(fmt::format("cannot read: {}", std::strerror(errno)), input.name_,
                  "Name a file with rippled's answer, or - for standard input");
    }
    if (S_ISDIR(about.st_mode))
      return fail("this is a directory", input.name_, "Name one file at a time");
    if (file != "-") {
      input.changed_unix_s_ = about.st_mtime;
      if (S_ISREG(about.st_mode)) input.bytes_ = static_cast<std::uint64_t>(about.st_size);
    }
    return input;
  }
  Input(Input&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        name_(std::move(other.name_)),
        changed_unix_s_(other.changed_unix_s_),
        bytes_(other.bytes_) {}
  Input& operator=(Input&&) = delete;
  ~Input() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }

  [[nodiscard]] Expected<std::size_t> read(std::span<char> into) const {
    while (true) {
      if (interrupted()) return fail("interrupted");
      const ssize_t count = ::read(descriptor_, into.data(), into.size());
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return fail(std::strerror(errno), name_);
    }
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // 0: not known
  [[nodiscard]] channel::LedgerTime as_of(channel::LedgerTime now) const {
    return changed_unix_s_ ? std::min(now, xrpl::ledger_from_unix(changed_unix_s_)) : now;
  }

 private:
  Input() = default;
  int descriptor_ = -1;
  std::string name_;
  std::int64_t changed_unix_s_ = 0;
  std::uint64_t bytes_ = 0;
};

admin::ImportRecord record_of(const xrpl::RawChannel& raw) {
  return {.id = raw.id.bytes,
          .key = raw.key,
          .key_form = static_cast<std::uint8_t>(raw.key_form),
          .is_token = raw.is_token,
          .account = raw.account,
          .destination = raw.destination,
          .amount_drops = raw.amount_drops,
          .balance_drops = raw.balance_drops,
          .settle_delay_s = raw.settle_delay_s,
          .expiration = raw.expiration,
          .cancel_after = raw.cancel_after,
          .sequence = raw.sequence,
          .source_tag = raw.source_tag,
          .line = raw.line};
}

// Sends what the reader finds, batch by batch.
class Sender {
 public:
  explicit Sender(Client& client) : client_(client) {}

  [[nodiscard]] Expected<void> channel(const xrpl::RawChannel& raw) {
    admin::append_record(batch_, record_of(raw));
    if (batch_.size() < batch_records * admin::import_record_bytes) return {};
    return flush();
  }
  [[nodiscard]] Expected<void> answer(const xrpl::AnswerInfo& info) {
    if (auto flushed = flush(); !flushed) return flushed;
    return client_.send(Verb::import_answer,
                        admin::encode(admin::ImportAnswer{.ledger_index = info.ledger_index,
                                                          .validated = info.validated,
                                                          .is_current = info.is_current,
                                                          .channels = info.channels}));
  }

 private:
  [[nodiscard]] Expected<void> flush() {
    if (batch_.empty()) return {};
    auto sent = client_.send(Verb::import_channels, batch_);
    batch_.clear();
    return sent;
  }
  Client& client_;
  std::vector<std::byte> batch_;
};

void print_refused(const GlobalOptions& global, const admin::Refused& refused) {
  if (global.json) {
    const nlohmann::ordered_json line{{"type", "refused"},
                                      {"channel_id", refused.channel_id},
                                      {"reason", refused.reason},
                                      {"text", refused.text},
                                      {"line", refused.line}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("refused  {}  line {}: {} ({})\n", refused.channel_id, refused.line, refused.text,
               refused.reason);
  }
}

void print_done(const GlobalOptions& global, const ImportOptions& options, const std::string& name,
                const admin::ImportDone& done, const xrpl::ReadTotals& totals) {
  if (global.json) {
    const nlohmann::ordered_json line{{"type", "import"},
                                      {"source", name},
                                      {"answers", totals.answers},
                                      {"channels", totals.channels},
                                      {"added", done.added},
                                      {"updated", done.updated},
                                      {"unchanged", done.unchanged},
                                      {"older", done.older},
                                      {"refused", done.refused},
                                      {"skipped", totals.skipped},
                                      {"complete", !totals.has_marker},
                                      {"applied", done.applied},
                                      {"dry_run", options.dry_run}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {} added, {} updated, {} unchanged, {} refused{}{}\n", name, done.added,
             done.updated, done.unchanged, done.refused,
             done.older ? fmt::format(", {} from an older ledger than the one known (funds merged)",
                                      done.older)
                        : "",
             options.dry_run ? " if it were imported (dry run: nothing was)"
             : done.applied  ? ""
                             : "; nothing was imported (--strict)");
  if (done.unchanged > 0) {
    fmt::print(
        "{} unchanged: from the same ledger as at their last import, so their validity is not "
        "extended\n",
        done.unchanged);
  }
  if (totals.skipped > 0) fmt::print("{} other ledger objects were passed over\n", totals.skipped);
}

// Receives until claimd is done, printing refusals as they come.
Expected<admin::ImportDone> await_done(const GlobalOptions& global, Client& client,
                                       Progress& progress) {
  while (true) {
    const auto message = client.receive();
    if (!message) return std::unexpected(message.error());
    switch (message->verb) {
      case Verb::import_progress: {
        const auto now = admin::decode_import_progress(message->text());
        if (now) progress.show("applying", now->done, now->total, "channels");
        break;
      }
      case Verb::import_refused: {
        const auto refused = admin::decode_refused(message->text());
        if (!refused) return std::unexpected(refused.error());
        progress.clear();
        for (const admin::Refused& one : *refused) print_refused(global, one);
        break;
      }
      case Verb::import_done:
        progress.clear();
        return admin::decode_import_done(message->text());
      default:
        return fail(fmt::format("claimd answered '{}' to an import", admin::name(message->verb)),
                    global.socket, "Use claimctl and claimd of the same release");
    }
  }
}

Failure nothing_imported(Failure failure) {
  failure.what += "; nothing was imported";
  return failure;
}

}  // namespace

Expected<Exit> import_channels(const GlobalOptions& global, const ImportOptions& options) {
  const channel::LedgerTime now = xrpl::ledger_from_unix(::time(nullptr));
  std::optional<channel::LedgerTime> as_of;
  if (!options.as_of.empty()) {
    const auto parsed = parse_as_of(options.as_of, now);
    if (!parsed) {
      fmt::print(stderr, "claimctl: {}\n", parsed.error().text());
      return Exit::usage;
    }
    as_of = *parsed;
  }
  auto input = Input::open(options.file);
  if (!input) return std::unexpected(std::move(input.error()));
  auto client = Client::connect(global.socket, client_name);
  if (!client) return std::unexpected(std::move(client.error()));
  client->stop_when(interrupted);
  const admin::ImportBegin begin{.source = input->name().substr(0, admin::name_bytes_max),
                                 .as_of = as_of.value_or(input->as_of(now)),
                                 .strict = options.strict,
                                 .dry_run = options.dry_run};
  auto begun = client->ask(Verb::import_begin, admin::encode(begin), Verb::import_begun);
  if (!begun) return std::unexpected(nothing_imported(begun.error()));

  Progress progress(!global.json);
  Sender sender(*client);
  const xrpl::ChannelSink sink{
      .on_channel = [&](const xrpl::RawChannel& raw) { return sender.channel(raw); },
      .on_answer = [&](const xrpl::AnswerInfo& info) { return sender.answer(info); },
      .on_progress =
          [&](std::uint64_t bytes) { progress.show("reading", bytes, input->bytes(), "bytes"); }};
  const auto totals = xrpl::read_channels([&](std::span<char> into) { return input->read(into); },
                                          sink, input->name());
  progress.clear();
  // Whatever ends the reading, claimd drops what it has been sent when the connection closes.
  if (!totals) return std::unexpected(nothing_imported(totals.error()));
  if (totals->has_marker) {
    fmt::print(stderr,
               "claimctl: {}: the last answer has a marker: rippled has more pages. Import those "
               "too\n",
               input->name());
  }
  if (auto sent = client->send(Verb::import_commit, "{}"); !sent)
    return std::unexpected(nothing_imported(sent.error()));
  const auto done = await_done(global, *client, progress);
  progress.clear();
  if (!done) {
    Failure failure = done.error();
    if (interrupted()) {
      failure.what = "interrupted, but the file had already been handed over: claimd finishes it";
      failure.remedy = "'claimctl channels list' shows what is there";
    }
    return std::unexpected(std::move(failure));
  }
  print_done(global, options, input->name(), *done, *totals);
  if (done->refused == 0) return Exit::ok;
  return options.strict && !options.dry_run ? Exit::trouble : Exit::some_refused;
}

}  // namespace claimgate::claimctl
