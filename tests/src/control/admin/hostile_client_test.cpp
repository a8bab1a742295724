// Clients that break the protocol, hold the server up, or are too many.
#include <gtest/gtest.h>
#include <poll.h>

#include <random>

#include "tests/src/control/admin/client.hpp"

namespace claimgate::control::test {
namespace {

TEST(HostileClient, EndsAConnectionThatBreaksTheProtocolWithAWordAndServesTheOthers) {
  Rig rig;
  Client witness = connect(rig);
  const auto message = [](Verb verb, std::string_view body) {
    std::vector<std::byte> out;
    admin::append_message(out, verb, body);
    return out;
  };
  std::vector<std::vector<std::byte>> broken;
  const auto after_hello = [&](std::vector<std::byte> bytes) {
    auto out = hello();
    out.insert(out.end(), bytes.begin(), bytes.end());
    broken.push_back(std::move(out));
  };
  broken.push_back(message(Verb::stats, "{}"));  // before hello
  broken.push_back(message(Verb::hello, "no JSON"));
  auto version = hello();
  version[7] = std::byte{9};
  broken.push_back(version);
  auto oversized = hello();
  oversized[0] = std::byte{0xFF};
  broken.push_back(oversized);
  after_hello(message(static_cast<Verb>(77), ""));
  after_hello(message(Verb::failure, "{}"));
  after_hello(message(Verb::import_channels, "short"));
  after_hello(message(Verb::import_commit, "{}"));
  after_hello(message(Verb::list, R"({"cursor":0,"limit":0,"state":"all"})"));
  after_hello(message(Verb::list, R"({"cursor":0,"limit":1025,"state":"all"})"));
  after_hello(message(Verb::show, "[]"));
  after_hello(message(Verb::import_begin, R"({"source":"x"})"));
  after_hello(message(Verb::stats, std::string(admin::json_body_bytes_max + 1, ' ')));
  for (std::size_t i = 0; i < broken.size(); ++i) {
    const RawSocket raw(rig.socket());
    raw.send(broken[i]);
    const auto answers = raw.rest();
    ASSERT_FALSE(answers.empty()) << i;
    EXPECT_EQ(answers.back().verb, Verb::failure) << i;
    EXPECT_TRUE(admin::decode_failure(answers.back().text()).has_value()) << i;
  }
  EXPECT_TRUE(witness.ask(Verb::stats, "{}", Verb::stats_answer).has_value());
}

TEST(HostileClient, SurvivesRandomMutationsOfAWholeImport) {
  Rig rig(64);
  std::vector<std::byte> sound = hello();
  admin::append_message(sound, Verb::import_begin,
                        admin::encode(admin::ImportBegin{.source = "fuzz", .as_of = as_of}));
  std::vector<std::byte> body;
  for (std::uint32_t i = 0; i < 5; ++i) admin::append_record(body, import_record(i));
  admin::append_message(sound, Verb::import_channels, body);
  admin::append_message(
      sound, Verb::import_answer,
      admin::encode(admin::ImportAnswer{
          .ledger_index = 1, .validated = true, .is_current = false, .channels = 5}));
  admin::append_message(sound, Verb::import_commit, "{}");
  admin::append_message(sound, Verb::list, admin::encode(admin::List{.cursor = 0, .limit = 9}));
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    auto stream = sound;
    for (unsigned i = 0; i <= seed % 4; ++i)
      stream[random() % stream.size()] = static_cast<std::byte>(random());
    if (seed % 3 == 0) stream.resize(random() % stream.size());
    const RawSocket raw(rig.socket());
    raw.send(stream);
    raw.end_of_input();
    (void)raw.rest();
  }
  Client client = connect(rig);
  EXPECT_TRUE(client.ask(Verb::stats, "{}", Verb::stats_answer).has_value());
}

TEST(HostileClient, ServesSixteenClientsAndTellsTheNextOneWhy) {
  Rig rig;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < AdminServer::sessions_max; ++i) clients.push_back(connect(rig));
  const auto refused = Client::connect(rig.socket(), "one too many");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("16 clients"), std::string::npos);
  for (Client& client : clients)
    EXPECT_TRUE(client.ask(Verb::stats, "{}", Verb::stats_answer).has_value());
  clients.pop_back();
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  bool admitted = false;  // once the server has seen the one leave
  while (!admitted && Clock::now() < deadline)
    admitted = Client::connect(rig.socket(), "now there is room").has_value();
  EXPECT_TRUE(admitted);
}

TEST(HostileClient, IsNotHeldUpByAClientThatNeverReadsItsAnswers) {
  Rig rig(5000);
  (void)import_all(rig, records(5000));
  const RawSocket greedy(rig.socket());
  auto stream = hello();
  for (int i = 0; i < 200; ++i)
    admin::append_message(stream, Verb::list,
                          admin::encode(admin::List{.cursor = 0, .limit = 1024}));
  greedy.send(stream);  // 40 MiB of answers asked for, none read
  Client client = connect(rig);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(client.ask(Verb::stats, "{}", Verb::stats_answer).has_value());
}

// A whole import of `count` channels that are all refused: their answer is not validated.
std::vector<std::byte> refused_import(std::uint32_t count) {
  auto stream = hello();
  admin::append_message(stream, Verb::import_begin,
                        admin::encode(admin::ImportBegin{.source = "unread", .as_of = as_of}));
  for (std::uint32_t at = 0; at < count; at += 2048) {
    std::vector<std::byte> body;
    for (std::uint32_t i = at; i < std::min(count, at + 2048); ++i)
      admin::append_record(body, import_record(i));
    admin::append_message(stream, Verb::import_channels, body);
  }
  admin::append_message(
      stream, Verb::import_answer,
      admin::encode(admin::ImportAnswer{
          .ledger_index = 1, .validated = false, .is_current = false, .channels = count}));
  admin::append_message(stream, Verb::import_commit, "{}");
  return stream;
}

TEST(HostileClient, LetsOthersImportWhileOneDoesNotReadWhatWasRefused) {
  constexpr std::uint32_t many = 20'000;  // some 5 MB of refusals
  Rig rig(many);
  const RawSocket stopped(rig.socket());
  stopped.send(refused_import(many));
  bool imported = false;
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (!imported && Clock::now() < deadline) {
    Client client = connect(rig);
    const auto begun = client.ask(
        Verb::import_begin, admin::encode(admin::ImportBegin{.source = "test", .as_of = as_of}),
        Verb::import_begun);
    imported = begun.has_value() && send(client, records(3)) && commit(client);
  }
  EXPECT_TRUE(imported) << "the other one has been applied: it only reports";
  EXPECT_EQ(rig.channels(), 3U);
}

TEST(HostileClient, IsOverOnceItHasLeftItsRefusalsUnreadForTooLong) {
  Rig rig(5000);
  rig.stop_serving();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  AdminServices services{
      .provisioning = rig.provisioning(), .table = rig.table(), .policy = rig.policy()};
  Session session(ends[0], services);
  const auto stream = refused_import(5000);
  for (std::size_t sent = 0; sent < stream.size();) {
    const auto count = ::send(ends[1], stream.data() + sent, stream.size() - sent, MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
    session.on_ready(POLLIN | POLLOUT);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < deadline && (session.has_work() || session.events() & POLLIN)) {
    session.has_work() ? session.work() : session.on_ready(POLLIN | POLLOUT);
  }
  EXPECT_FALSE(session.is_over(Clock::now())) << "it has time to read";
  EXPECT_TRUE(session.is_over(Clock::now() + Session::answer_patience + std::chrono::seconds(1)));
  ::close(ends[1]);
}

TEST(HostileClient, IsToldThatItsImportWasCarriedOutWhereAStopCutsTheReportShort) {
  Rig rig(5000);
  rig.stop_serving();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  AdminServices services{
      .provisioning = rig.provisioning(), .table = rig.table(), .policy = rig.policy()};
  {
    Session session(ends[0], services);
    const auto stream = refused_import(300);
    ASSERT_EQ(::send(ends[1], stream.data(), stream.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(stream.size()));
    do {
      session.has_work() ? session.work() : session.on_ready(POLLIN | POLLOUT);
    } while (!session.has_work() || services.importing != nullptr);
    session.stop();
  }
  std::vector<std::byte> bytes(1 << 20);
  const ssize_t got = ::recv(ends[1], bytes.data(), bytes.size(), 0);
  ASSERT_GT(got, 0);
  admin::MessageReader reader;
  reader.feed(std::span(bytes).first(static_cast<std::size_t>(got)));
  std::optional<admin::Message> last;
  while (auto message = must(reader.next())) last = std::move(message);
  ASSERT_TRUE(last);
  ASSERT_EQ(last->verb, Verb::failure);
  EXPECT_NE(last->text().find("the import was carried out, only its report was cut short"),
            std::string_view::npos)
      << last->text();
  ::close(ends[1]);
}

TEST(HostileClient, TellsItsClientsWhenItStops) {
  Rig rig;
  Client client = connect(rig);
  rig.stop_serving();
  const auto word = client.receive();
  ASSERT_FALSE(word.has_value());
  EXPECT_NE(word.error().what.find("stopping"), std::string::npos);
}

}  // namespace
}  // namespace claimgate::control::test
