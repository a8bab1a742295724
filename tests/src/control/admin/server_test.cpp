#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <set>

#include "tests/src/control/admin/client.hpp"

namespace claimgate::control::test {
namespace {

TEST(AdminServer, GreetsWithItsVersionAndWhatThePeerMayDo) {
  Rig rig;
  const Client client = connect(rig);
  EXPECT_EQ(client.peer().version, "0.1.0-test");
  EXPECT_EQ(client.peer().build, "test build");
  EXPECT_EQ(client.peer().pid, ::getpid());
  EXPECT_TRUE(client.peer().may_change);  // same user
}

TEST(AdminServer, MakesItsSocketForUserAndGroupOnlyAndRemovesItAtStop) {
  Rig rig;
  struct stat about {};
  ASSERT_EQ(::lstat(rig.socket().c_str(), &about), 0);
  EXPECT_TRUE(S_ISSOCK(about.st_mode));
  EXPECT_EQ(about.st_mode & 07777, 0660U);
  rig.stop_serving();
  EXPECT_NE(::lstat(rig.socket().c_str(), &about), 0);
}

TEST(AdminServer, ImportsListsShowsAndRemovesChannels) {
  Rig rig;
  const auto imported = import_all(rig, records(300));
  EXPECT_EQ(imported.done.added, 300U);
  EXPECT_TRUE(imported.done.applied);
  EXPECT_TRUE(imported.refused.empty());
  EXPECT_EQ(rig.channels(), 300U);

  Client client = connect(rig);
  std::set<std::array<std::byte, 32>> seen;
  std::uint32_t cursor = 0;
  while (cursor != admin::no_cursor) {
    const auto page = must(admin::decode_list_page(
        must(client.ask(Verb::list, admin::encode(admin::List{.cursor = cursor, .limit = 128}),
                        Verb::list_page))
            .body));
    EXPECT_LE(page.channels.size(), 128U);
    for (const auto& channel : page.channels) {
      EXPECT_TRUE(seen.insert(channel.id).second);
      EXPECT_TRUE(channel.open);
    }
    cursor = page.next;
  }
  EXPECT_EQ(seen.size(), 300U);

  const std::string id = xrpl::to_hex(id_number(7).bytes);
  for (const std::string& name : {id, id.substr(0, 16)}) {
    const auto shown =
        must(client.ask(Verb::show, admin::encode(admin::ShowOrRemove{name}), Verb::show_answer));
    const auto record = must(admin::decode_channel_record(
        std::span<const std::byte, admin::channel_record_bytes>(shown.body)));
    EXPECT_EQ(record.id, id_number(7).bytes);
    EXPECT_EQ(record.key, key_number(7));
    EXPECT_EQ(record.source, payer(7));
    EXPECT_EQ(record.funded_drops, 1'000'000U);
    EXPECT_EQ(record.held_drops, 0U);
    EXPECT_EQ(record.ledger_index, 100U);
  }
  const auto removed = must(admin::decode_remove_answer(
      must(client.ask(Verb::remove, admin::encode(admin::ShowOrRemove{id}), Verb::remove_answer))
          .text()));
  EXPECT_TRUE(removed.removed);
  EXPECT_EQ(removed.channel_id, id);
  EXPECT_EQ(rig.channels(), 299U);
  const auto gone =
      client.ask(Verb::show, admin::encode(admin::ShowOrRemove{id}), Verb::show_answer);
  ASSERT_FALSE(gone.has_value());
  EXPECT_NE(gone.error().what.find("no such channel"), std::string::npos);
  // That was an answer like any other: the connection goes on.
  EXPECT_TRUE(client.ask(Verb::stats, "{}", Verb::stats_answer).has_value());
}

TEST(AdminServer, RefusesAnotherIdUnderAKnownHandleWhereAllOfTheIdIsGiven) {
  Rig rig;
  (void)import_all(rig, records(1));
  Client client = connect(rig);
  auto other = id_number(0);
  other.bytes[31] ^= std::byte{1};
  for (const Verb verb : {Verb::show, Verb::remove})
    EXPECT_FALSE(client
                     .ask(verb, admin::encode(admin::ShowOrRemove{xrpl::to_hex(other.bytes)}),
                          verb == Verb::show ? Verb::show_answer : Verb::remove_answer)
                     .has_value());
  EXPECT_EQ(rig.channels(), 1U);
}

TEST(AdminServer, ListsRefusalsByMeritAndByTableInInputOrderAndImportsTheOthers) {
  Rig rig;
  auto first = records(1);
  (void)import_all(rig, first);
  auto input = records(6);
  input[0].key = key_number(9);      // known here with another key
  input[1].amount_drops = 0;         // merit
  input[2].destination = payer(77);  // merit
  input[3].id = input[4].id;         // same handle as a later one, another id
  input[3].id[31] ^= std::byte{1};
  input[3].sequence.reset();
  const auto imported = import_all(rig, input);
  ASSERT_EQ(imported.refused.size(), 4U);
  EXPECT_EQ(imported.refused[0].reason, "key_differs");
  EXPECT_EQ(imported.refused[1].reason, "zero_amount");
  EXPECT_EQ(imported.refused[2].reason, "destination_not_ours");
  EXPECT_EQ(imported.refused[3].reason, "handle_taken");
  EXPECT_EQ(imported.refused[0].line, 1U);
  EXPECT_EQ(imported.refused[1].line, 2U);
  EXPECT_EQ(imported.refused[2].line, 3U);
  EXPECT_EQ(imported.refused[3].line, 5U);  // the first of the two to come was taken
  EXPECT_EQ(imported.refused[1].channel_id, xrpl::to_hex(input[1].id));
  for (const auto& one : imported.refused) EXPECT_FALSE(one.text.empty());
  EXPECT_EQ(imported.done.added, 2U);
  EXPECT_EQ(imported.done.refused, 4U);
  EXPECT_TRUE(imported.done.applied);
  EXPECT_EQ(rig.channels(), 3U);
}

TEST(AdminServer, ImportsTheSameAnswerTwiceWithoutChangeAndMergesAChannelThatStandsTwice) {
  Rig rig;
  (void)import_all(rig, records(5));
  EXPECT_EQ(import_all(rig, records(5)).done.unchanged, 5U);
  auto input = records(1, 5);
  input.push_back(input[0]);
  input[0].amount_drops = 3'000'000;
  const auto imported = import_all(rig, input);
  EXPECT_EQ(imported.done.added, 1U);
  EXPECT_EQ(imported.done.refused, 0U);
  const auto view = must(rig.provisioning().find(id_number(5).handle()));
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->terms.funded.value, 3'000'000U);
}

TEST(AdminServer, JudgesEachChannelByTheAnswerItCameIn) {
  Rig rig;
  Client client = connect(rig);
  begin(client);
  ASSERT_TRUE(send(client, records(3), 100, true).has_value());
  ASSERT_TRUE(send(client, records(4, 3), 101, false).has_value());
  ASSERT_TRUE(send(client, {}, 101, true).has_value());
  ASSERT_TRUE(send(client, records(2, 7), 102, true).has_value());
  const auto imported = must(commit(client));
  EXPECT_EQ(imported.done.added, 5U);
  ASSERT_EQ(imported.refused.size(), 4U);
  for (const auto& one : imported.refused) EXPECT_EQ(one.reason, "not_validated");
  EXPECT_EQ(must(rig.provisioning().find(id_number(8).handle()))->terms.ledger_index, 102U);
}

TEST(AdminServer, WithStrictAppliesAllOrNothing) {
  for (const std::uint32_t count : {20U, 3000U}) {  // by find(), and by reading the table
    Rig rig(4000);
    (void)import_all(rig, records(1));
    auto merit = records(count);
    merit[count - 1].settle_delay_s = 1;
    auto table = records(count);
    table[0].key = key_number(3);
    auto twice = records(count);
    twice[count - 1].id = twice[5].id;
    twice[count - 1].id[20] ^= std::byte{1};
    twice[count - 1].sequence.reset();
    for (const auto* input : {&merit, &table, &twice}) {
      const auto imported = import_all(rig, *input, /*strict=*/true);
      EXPECT_FALSE(imported.done.applied);
      EXPECT_EQ(imported.refused.size(), 1U);
      EXPECT_EQ(rig.channels(), 1U);
    }
    const auto imported = import_all(rig, records(count), /*strict=*/true);
    EXPECT_TRUE(imported.done.applied);
    EXPECT_EQ(imported.done.added, count - 1);
    EXPECT_EQ(imported.done.unchanged, 1U);
    EXPECT_EQ(rig.channels(), count);
  }
}

TEST(AdminServer, InADryRunForetellsWhatTheImportThenDoes) {
  Rig rig(3000);
  (void)import_all(rig, records(500));
  auto input = records(2500);
  for (std::size_t i = 0; i < input.size(); i += 7) input[i].amount_drops = 2'000'000;
  for (std::size_t i = 3; i < input.size(); i += 11) input[i].key = key_number(0x0F & ~i);
  for (std::size_t i = 5; i < input.size(); i += 13) input[i].amount_drops = 0;
  input.push_back(input[0]);
  const auto foretold = import_all(rig, input, false, /*dry_run=*/true);
  EXPECT_FALSE(foretold.done.applied);
  EXPECT_EQ(rig.channels(), 500U);
  const auto done = import_all(rig, input);
  EXPECT_EQ(foretold.done.added, done.done.added);
  EXPECT_EQ(foretold.done.updated, done.done.updated);
  EXPECT_EQ(foretold.done.unchanged, done.done.unchanged);
  EXPECT_EQ(foretold.done.older, done.done.older);
  ASSERT_EQ(foretold.refused.size(), done.refused.size());
  for (std::size_t i = 0; i < done.refused.size(); ++i)
    EXPECT_EQ(foretold.refused[i].channel_id, done.refused[i].channel_id);
}

TEST(AdminServer, ListsWhatTheFullTableRefusesAndStagesNoMoreThanTheTableHolds) {
  Rig rig(16);
  const std::uint32_t capacity = rig.table().capacity();
  (void)import_all(rig, records(capacity - 2));
  const auto imported = import_all(rig, records(5, 5000));
  EXPECT_EQ(imported.done.added, 2U);
  ASSERT_EQ(imported.refused.size(), 3U);
  EXPECT_EQ(imported.refused[0].reason, "table_full");

  Client client = connect(rig);
  begin(client);
  Expected<void> refused = send(client, records(capacity + 1, 9000));
  if (refused) {  // the word came behind all that was sent
    const auto committed = commit(client);
    if (!committed) refused = std::unexpected(committed.error());
  }
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("more channels than the table"), std::string::npos);
  EXPECT_FALSE(refused.error().remedy.empty());
}

TEST(AdminServer, ChangesNothingWhereTheClientLeavesBeforeItsCommit) {
  Rig rig;
  {
    Client client = connect(rig);
    begin(client);
    ASSERT_TRUE(send(client, records(100)).has_value());
  }
  Client next = connect(rig);
  begin(next);  // and its import is out of the way
  EXPECT_EQ(rig.channels(), 0U);
}

TEST(AdminServer, FinishesACommittedImportWhoseClientLeaves) {
  Rig rig(6000);
  {
    Client client = connect(rig);
    begin(client);
    ASSERT_TRUE(send(client, records(5000)).has_value());
    ASSERT_TRUE(client.send(Verb::import_commit, "{}").has_value());
  }
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (rig.channels() < 5000 && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(rig.channels(), 5000U);
}

TEST(AdminServer, TakesOneImportAtATimeAndSaysSo) {
  Rig rig;
  Client one = connect(rig), two = connect(rig);
  begin(one);
  const auto refused =
      two.ask(Verb::import_begin, admin::encode(admin::ImportBegin{.source = "x", .as_of = 1}),
              Verb::import_begun);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("another import"), std::string::npos);
}

TEST(AdminServer, RefusesACommitBeforeTheLastAnswerHasEnded) {
  Rig rig;
  Client client = connect(rig);
  begin(client);
  std::vector<std::byte> body;
  admin::append_record(body, import_record(0));
  ASSERT_TRUE(client.send(Verb::import_channels, body).has_value());
  EXPECT_FALSE(commit(client).has_value());
  EXPECT_EQ(rig.channels(), 0U);
}

// How soon is a matter of `./dev bench import`.
TEST(AdminServer, AnswersOthersAgainAndAgainWhile100000ChannelsAreImported) {
  Rig rig(100'000);
  const auto input = records(100'000);
  std::atomic<bool> done{false};
  unsigned answers = 0;
  std::thread other([&] {
    Client client = connect(rig);
    while (!done) {
      if (!client.ask(Verb::stats, "{}", Verb::stats_answer)) break;
      if (rig.channels() > 0 && rig.channels() < 100'000) ++answers;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  const auto imported = import_all(rig, input);
  done = true;
  other.join();
  EXPECT_EQ(imported.done.added, 100'000U);
  EXPECT_EQ(rig.channels(), 100'000U);
  EXPECT_GT(answers, 20U) << "in the midst of the import";
}

TEST(AdminServer, TellsTheClientWhereTheWorkerDoesNotAnswer) {
  Rig rig;
  Client client = connect(rig);
  begin(client);
  ASSERT_TRUE(send(client, records(10)).has_value());
  rig.stalled = true;
  const auto failed = commit(client);
  rig.stalled = false;
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().what.find("did not answer"), std::string::npos);
  EXPECT_NE(failed.error().what.find("nothing was imported"), std::string::npos);
}

// More channels than are looked up one by one, so that the worker is slow for applying only.
TEST(AdminServer, ThatStopsAmidACommittedImportSaysThatTheNextStartHasAllOfIt) {
  constexpr std::uint32_t count = 4 * ImportRun::finds_max;
  Rig rig(count);
  Client client = connect(rig);
  begin(client);
  ASSERT_TRUE(send(client, records(count)).has_value());
  rig.pace_us = 200;
  ASSERT_TRUE(client.send(Verb::import_commit, "{}").has_value());
  while (rig.channels() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  rig.stop_serving();
  rig.pace_us = 0;
  auto word = client.receive();
  while (word && word->verb == Verb::import_progress) word = client.receive();
  ASSERT_FALSE(word.has_value());
  EXPECT_EQ(word.error().what,
            "claimd is stopping; the import is in the journal, and the next start has all of it");
  EXPECT_NE(word.error().remedy.find("Nothing is left to do"), std::string::npos);
  EXPECT_LT(rig.channels(), count) << "it was in the midst of it";
  ASSERT_TRUE(rig.journal().keeper().stop());  // as claimd does then
  auto next = must(channel::Table::create(count, {1, 2}, memory::Pages::normal));
  rig.journal().start(next);
  EXPECT_EQ(next.size(), count);
}

TEST(AdminServer, ThatStopsBeforeTheCommitSaysThatNothingWasImported) {
  Rig rig;
  Client client = connect(rig);
  begin(client);
  ASSERT_TRUE(send(client, records(10)).has_value());
  rig.stop_serving();
  const auto word = client.receive();
  ASSERT_FALSE(word.has_value());
  EXPECT_EQ(word.error().what, "claimd is stopping; nothing was imported");
  EXPECT_EQ(word.error().remedy, "Import again once claimd runs");
  auto next = must(channel::Table::create(100, {1, 2}, memory::Pages::normal));
  rig.journal().start(next);
  EXPECT_EQ(next.size(), 0U);
}

TEST(AdminServer, RefusesToStartBesideALiveOneOrOverAFileAndReplacesAStaleSocket) {
  Rig rig;
  const auto start = [&](const AdminOptions& options) {
    return AdminServer::start(options, rig.provisioning(), rig.table(), rig.policy(),
                              [] { return nlohmann::json::object(); });
  };
  const auto second = start(rig.options());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().what.find("another claimd is running"), std::string::npos);
  EXPECT_FALSE(second.error().remedy.empty());
  EXPECT_NO_THROW((void)connect(rig));  // and the first is unharmed

  AdminOptions options = rig.options();
  options.socket = rig.write("a file", std::string("precious"));
  EXPECT_FALSE(start(options).has_value());
  EXPECT_TRUE(std::filesystem::is_regular_file(options.socket));

  options.socket = rig.directory() / "stale.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, options.socket.data(), options.socket.size());
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(stale);
  {
    const auto replaced = start(options);
    ASSERT_TRUE(replaced.has_value()) << replaced.error().text();
    EXPECT_TRUE(Client::connect(options.socket, "test").has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(options.socket));

  options.socket = rig.directory() / "none" / "admin.sock";
  EXPECT_FALSE(start(options).has_value());
  options.socket = std::string(200, 'x');
  EXPECT_FALSE(start(options).has_value());
  options.socket = rig.directory() / "other.sock";
  options.group = "no-such-group-here";
  EXPECT_FALSE(start(options).has_value());
}

// Runs `body` in a child process of user and group 65534 and returns its exit code.
template <class Body>
int as_nobody(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

// 1: may change · 0: may not, told so, but may read · others: trouble.
int try_as_peer(const std::string& socket) {
  auto client = Client::connect(socket, "nobody");
  if (!client) return 10;
  if (!client->ask(Verb::stats, "{}", Verb::stats_answer)) return 11;
  if (client->peer().may_change) {
    return client->ask(Verb::import_begin,
                       admin::encode(admin::ImportBegin{.source = "x", .as_of = 1}),
                       Verb::import_begun)
               ? 1
               : 12;
  }
  const auto refused =
      client->ask(Verb::import_begin, admin::encode(admin::ImportBegin{.source = "x", .as_of = 1}),
                  Verb::import_begun);
  if (refused || refused.error().what.find("may not change") == std::string::npos) return 13;
  auto again = Client::connect(socket, "nobody");
  if (!again) return 14;
  const auto removal = again->ask(
      Verb::remove, admin::encode(admin::ShowOrRemove{std::string(64, '0')}), Verb::remove_answer);
  return !removal && removal.error().remedy.find("root") != std::string::npos ? 0 : 15;
}

TEST(AdminServer, LetsOthersReadButOnlyConfiguredUsersAndGroupsChange) {
  if (::geteuid() != 0) {
    fmt::print(
        "NOT RUN: AdminServer.LetsOthersReadButOnlyConfiguredUsersAndGroupsChange: "
        "needs root to become another user\n");
    return;
  }
  for (const auto& [uids, gids, expected] :
       {std::tuple<std::set<uid_t>, std::set<gid_t>, int>{{}, {}, 0},
        {{65534}, {}, 1},
        {{}, {65534}, 1},
        {{65533}, {65533}, 0}}) {
    Rig rig(100, AdminOptions{.change_uids = uids, .change_gids = gids});
    EXPECT_EQ(as_nobody([&] { return try_as_peer(rig.socket()); }), 10);  // 0660, another group
    ASSERT_EQ(::chmod(rig.socket().c_str(), 0666), 0);
    EXPECT_EQ(as_nobody([&] { return try_as_peer(rig.socket()); }), expected);
  }
}

}  // namespace
}  // namespace claimgate::control::test
