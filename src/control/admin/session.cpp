#include "src/control/admin/session.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "lib/admin/body.hpp"
#include "lib/admin/record.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::control {
namespace {

using admin::Message;
using admin::Verb;

constexpr std::size_t read_bytes = 64 << 10;
constexpr int reads_per_turn = 8;
constexpr std::uint32_t slots_per_page_max = 16384;  // looked at for one page, about 3 ms
constexpr auto progress_interval = std::chrono::milliseconds(100);

channel::LedgerTime ledger_now() {
  return xrpl::ledger_from_unix(::time(nullptr));
}

admin::ChannelRecord record_of(const channel::ChannelView& view, channel::LedgerTime now) {
  const channel::ChannelTerms& terms = view.terms;
  return {.id = terms.id.bytes,
          .key = xrpl::key_form(terms.key),
          .source = terms.source,
          .destination = terms.destination,
          .funded_drops = terms.funded.value,
          .balance_drops = terms.balance.value,
          .held_drops = view.held.value,
          .lsn = view.lsn,
          .signature = view.signature,
          .valid_until = terms.valid_until,
          .expiration = terms.expiration,
          .cancel_after = terms.cancel_after,
          .settle_delay_s = terms.settle_delay_s,
          .ledger_index = terms.ledger_index,
          .incarnation = view.incarnation,
          .last_activity = view.last_activity,
          .open = now < terms.valid_until};
}

bool changes_something(Verb verb) noexcept {
  return verb == Verb::import_begin || verb == Verb::import_channels ||
         verb == Verb::import_answer || verb == Verb::import_commit || verb == Verb::remove;
}

Failure without_import(Verb verb) {
  return {fmt::format("'{}' without an import under way", admin::name(verb)),
          {},
          "Use claimctl and claimd of the same release"};
}

}  // namespace

Session::Session(int socket, AdminServices& services)
    : socket_(socket), services_(services), last_heard_(Clock::now()) {
  identify();
}

Session::~Session() {
  drop_import();
  ::close(socket_);
}

void Session::identify() {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    peer_ = "unknown peer";
    return;
  }
  peer_ = fmt::format("uid {}", peer.uid);
  may_change_ = peer.uid == 0 || peer.uid == ::geteuid() ||
                services_.change_uids.contains(peer.uid) ||
                services_.change_gids.contains(peer.gid);
  if (may_change_ || services_.change_gids.empty()) return;
  std::array<gid_t, 256> groups;
  size = sizeof groups;
  if (::getsockopt(socket_, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return;
  for (std::size_t i = 0; i < size / sizeof(gid_t); ++i)
    may_change_ = may_change_ || services_.change_gids.contains(groups[i]);
}

short Session::events() const noexcept {
  short wanted = 0;
  if (!out_.empty())
    wanted |= POLLOUT;
  else if (!import_committed() || ending_)
    wanted |= POLLIN;
  return peer_gone_ ? short{0} : wanted;
}

bool Session::import_committed() const noexcept {
  return import_ && import_->phase() != ImportRun::Phase::receiving;
}

bool Session::import_runs() const noexcept {
  return import_committed() && import_->phase() != ImportRun::Phase::reporting;
}

bool Session::has_work() const noexcept {
  return import_runs() || (import_committed() && out_.empty());
}

bool Session::is_over(Clock::time_point now) const noexcept {
  if (peer_gone_) return !import_runs();
  if (ending_ && hung_up_) return now - stalled_since_ > hangup_patience;
  return !out_.empty() && now - stalled_since_ > answer_patience && !import_runs();
}

void Session::on_ready(short revents) {
  if (revents & POLLOUT) write_some();
  if (revents & POLLIN) read_some();
  if (revents & (POLLERR | POLLNVAL)) peer_gone_ = true;
  if ((revents & POLLHUP) && !(revents & POLLIN)) peer_gone_ = true;
  if (peer_gone_) {
    out_.clear();
    if (!import_runs()) drop_import();
    return;
  }
  serve_buffered();
}

void Session::read_some() {
  std::array<std::byte, read_bytes> bytes;
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) peer_gone_ = true;
      return;
    }
    if (count == 0) {
      peer_gone_ = true;
      return;
    }
    last_heard_ = Clock::now();
    if (ending_) continue;  // drained unread, so that our last words are not lost with a reset
    reader_.feed(std::span(bytes).first(static_cast<std::size_t>(count)));
    serve_buffered();
    if (!out_.empty() || import_committed()) return;
  }
}

void Session::write_some() {
  while (out_sent_ < out_.size()) {
    const ssize_t count = ::send(socket_, out_.data() + out_sent_, out_.size() - out_sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        peer_gone_ = true;
        out_.clear();
      }
      return;
    }
    out_sent_ += static_cast<std::size_t>(count);
    stalled_since_ = Clock::now();
  }
  out_.clear();
  out_sent_ = 0;
  if (ending_ && !hung_up_) {
    hung_up_ = true;
    stalled_since_ = Clock::now();
    ::shutdown(socket_, SHUT_WR);
  }
}

void Session::serve_buffered() {
  while (!ending_ && out_.empty() && !import_committed() && !peer_gone_) {
    auto message = reader_.next();
    if (!message) return end(message.error());
    if (!*message) return;
    serve(**message);
  }
}

void Session::answer(Verb verb, std::span<const std::byte> body) {
  if (peer_gone_) return;
  if (out_.empty()) stalled_since_ = Clock::now();
  admin::append_message(out_, verb, body);
  write_some();
}

void Session::answer(Verb verb, std::string_view body) {
  answer(verb, std::as_bytes(std::span(body.data(), body.size())));
}

void Session::answer(const Failure& failure) {
  answer(Verb::failure, admin::encode(failure));
}

void Session::end(const Failure& failure) {
  if (ending_) return;
  ending_ = true;  // before the answer: write_some() hangs up behind it
  if (!import_runs()) drop_import();
  answer(failure);
}

void Session::stop() {
  if (import_) return end(import_->cut_short());
  end({"claimd is stopping", {}, "Ask again once it runs"});
}

void Session::release_import_slot() noexcept {
  if (services_.importing == this) services_.importing = nullptr;
}

void Session::drop_import() noexcept {
  import_.reset();
  release_import_slot();
}

void Session::serve(const Message& request) {
  const Verb verb = request.verb;
  if (!admin::is_request(static_cast<std::uint16_t>(verb)))
    return end({fmt::format("verb {} is not a request", static_cast<unsigned>(verb)),
                {},
                "Use claimctl and claimd of the same release"});
  if (verb != Verb::import_channels && request.body.size() > admin::json_body_bytes_max)
    return end({fmt::format("a '{}' of {} bytes", admin::name(verb), request.body.size()), {}, {}});
  if (!greeted_ && verb != Verb::hello)
    return end({fmt::format("'{}' before hello", admin::name(verb)), {}, {}});
  if (changes_something(verb) && !may_change_) {
    return end({fmt::format("{} may not change channels", peer_),
                {},
                "Run claimctl as root or as claimd's own user, or list this user in admin_uids or "
                "one of its groups in admin_gids of claimd's configuration"});
  }
  switch (verb) {
    case Verb::hello:
      return serve_hello(request);
    case Verb::import_begin:
      return serve_import_begin(request);
    case Verb::import_channels:
    case Verb::import_answer: {
      if (!import_) return end(without_import(verb));
      Expected<void> taken;
      if (verb == Verb::import_channels) {
        taken = import_->add(request.body);
      } else if (const auto info = admin::decode_import_answer(request.text()); info) {
        taken = import_->end_answer(*info);
      } else {
        taken = std::unexpected(info.error());
      }
      if (!taken) end(taken.error());
      return;
    }
    case Verb::import_commit:
      return serve_import_commit();
    case Verb::list:
      return serve_list(request);
    case Verb::show:
      return serve_show(request);
    case Verb::remove:
      return serve_remove(request);
    case Verb::stats:
      return serve_stats();
    default:
      return;  // is_request() has seen to it
  }
}

void Session::serve_hello(const Message& request) {
  const auto hello = admin::decode_hello(request.text());
  if (!hello) return end(hello.error());
  if (!greeted_) {
    std::string client = hello->client.substr(0, 64);
    for (char& c : client)
      if (c < 0x20 || c > 0x7E) c = '?';  // it goes to the log
    peer_ += fmt::format(" ({})", client);
  }
  greeted_ = true;
  answer(Verb::hello_answer, admin::encode(admin::HelloAnswer{.version = services_.version,
                                                              .build = services_.build,
                                                              .pid = ::getpid(),
                                                              .may_change = may_change_}));
}

void Session::serve_import_begin(const Message& request) {
  auto begin = admin::decode_import_begin(request.text());
  if (!begin) return end(begin.error());
  if (Session* other = services_.importing; other && other != this) {
    if (other->import_runs() || Clock::now() - other->last_heard_ < import_patience) {
      return end({"another import is under way", other->import_->begun().source,
                  "Wait until it has ended, then import again"});
    }
    other->end({"the import was silent for more than 60 s and gave way to another one",
                {},
                "Nothing of it was imported; import again"});
  }
  drop_import();
  import_ = std::make_unique<ImportRun>(std::move(*begin), services_.policy, services_.provisioning,
                                        services_.table);
  services_.importing = this;
  answer(Verb::import_begun, "{}");
}

void Session::serve_import_commit() {
  if (!import_) return end(without_import(Verb::import_commit));
  if (const auto committed = import_->commit(ledger_now()); !committed)
    return end(committed.error());
  last_progress_ = Clock::now();
}

void Session::work() {
  using Phase = ImportRun::Phase;
  if (import_->phase() == Phase::reporting) return report_import();
  if (auto advanced = import_->advance(); !advanced) {
    spdlog::error("admin: import of {} by {}: {}", import_->begun().source, peer_,
                  advanced.error().text());
    drop_import();
    return end(advanced.error());
  }
  const auto now = Clock::now();
  if (import_->phase() == Phase::reporting) {
    release_import_slot();  // whoever reads the refusals slowly holds up nobody else's import
    const admin::ImportDone& done = import_->done();
    spdlog::info(
        "admin: import of {} by {}: {} added, {} updated, {} unchanged, {} older, "
        "{} refused{}",
        import_->begun().source, peer_, done.added, done.updated, done.unchanged, done.older,
        done.refused, done.applied ? "" : "; nothing applied");
  } else if (out_.empty() && now - last_progress_ >= progress_interval) {
    last_progress_ = now;
    answer(Verb::import_progress, admin::encode(import_->progress()));
  }
}

void Session::report_import() {
  if (peer_gone_) return drop_import();
  const auto refused = import_->report();
  if (!refused.empty()) return answer(Verb::import_refused, admin::encode(refused));
  const std::string done = admin::encode(import_->done());
  drop_import();
  answer(Verb::import_done, done);
  serve_buffered();
}

void Session::serve_list(const Message& request) {
  const auto wanted = admin::decode_list(request.text());
  if (!wanted) return end(wanted.error());
  if (wanted->limit == 0 || wanted->limit > admin::records_per_page_max)
    return end({fmt::format("a page of {} channels; 1 to {} are possible", wanted->limit,
                            admin::records_per_page_max),
                {},
                {}});
  const std::uint32_t used = services_.table.slots_used();
  const channel::LedgerTime now = ledger_now();
  admin::ListPage page;
  std::uint32_t slot = wanted->cursor;
  for (std::uint32_t looked = 0;
       slot < used && looked < slots_per_page_max && page.channels.size() < wanted->limit;
       ++slot, ++looked) {
    const auto view = services_.table.view(slot);
    if (!view) continue;
    const bool open = now < view->terms.valid_until;
    if (wanted->state != admin::StateFilter::all &&
        open != (wanted->state == admin::StateFilter::open))
      continue;
    page.channels.push_back(record_of(*view, now));
  }
  page.next = slot < used ? slot : admin::no_cursor;
  answer(Verb::list_page, admin::encode(page));
}

Expected<channel::ChannelView> Session::look_up(const std::string& id) {
  channel::ChannelId wanted;
  const bool is_handle = id.size() == 16;
  const auto digits = std::span(wanted.bytes).first(is_handle ? 8 : 32);
  if (!xrpl::read_hex(id, digits)) {
    return fail("this is no channel", id,
                "Give the 64 hexadecimal digits of its id, or the first 16 of them");
  }
  auto view = services_.provisioning.find(wanted.handle());
  if (!view) return std::unexpected(std::move(view.error()));
  if (!*view || (!is_handle && (*view)->terms.id != wanted)) {
    return fail("there is no such channel here", id,
                "'claimctl channels list' shows those that are");
  }
  return std::move(**view);
}

void Session::serve_show(const Message& request) {
  const auto wanted = admin::decode_show_or_remove(request.text());
  if (!wanted) return end(wanted.error());
  const auto view = look_up(wanted->id);
  if (!view) return answer(view.error());
  std::vector<std::byte> body;
  admin::append_record(body, record_of(*view, ledger_now()));
  answer(Verb::show_answer, body);
}

void Session::serve_remove(const Message& request) {
  const auto wanted = admin::decode_show_or_remove(request.text());
  if (!wanted) return end(wanted.error());
  const auto view = look_up(wanted->id);
  if (!view) return answer(view.error());
  if (services_.importing != nullptr && services_.importing->import_runs()) {
    return answer(Failure{"an import is being applied, and it counts on the channels as they are",
                          services_.importing->import_->begun().source,
                          "Remove the channel once it has ended"});
  }
  const auto removed = services_.provisioning.remove(view->terms.id);
  if (!removed) return answer(removed.error());
  const std::string id = xrpl::to_hex(view->terms.id.bytes);
  spdlog::info("admin: channel {} removed by {}, {} drops held", id, peer_, view->held.value);
  answer(Verb::remove_answer,
         admin::encode(admin::RemoveAnswer{.removed = *removed, .channel_id = id}));
}

void Session::serve_stats() {
  const std::string body =
      services_.stats().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (body.size() > admin::body_bytes_max)
    return answer(Failure{"the statistics are larger than a message may be", {}, {}});
  answer(Verb::stats_answer, body);
}

}  // namespace claimgate::control
