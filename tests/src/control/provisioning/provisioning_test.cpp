// Provisioning over the real command rings, against a worker that runs on a thread of its own and
// is busy with claims all the while.
#include "src/control/provisioning.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "src/nic/command_ring.hpp"
#include "src/nic/eal.hpp"
#include "tests/src/control/kept_journal.hpp"
#include "tests/src/control/provisioning/endless_port.hpp"
#include "tests/src/pipeline/stand.hpp"

namespace claimgate::control {
namespace {

using channel::ApplyResult;
using channel::ChannelTerms;
using pipeline::good_claim;
using pipeline::make_payer;
using pipeline::need;
using pipeline::Payer;

constexpr unsigned paying_channels = 4;
constexpr std::uint64_t amounts = 60;

Payer paying(unsigned i) {
  return make_payer(i + 1, i % 2 ? channel::KeyType::ed25519 : channel::KeyType::secp256k1);
}

const std::vector<std::vector<std::byte>>& payers_claims() {
  static const auto made = [] {
    std::vector<std::vector<std::byte>> frames;
    for (std::uint64_t amount = 1; amount <= amounts; ++amount) {
      std::vector<pipeline::ClaimBytes> claims;
      for (unsigned i = 0; i < paying_channels; ++i)
        claims.push_back(good_claim(paying(i), amount));
      frames.push_back(pipeline::datagram(claims));
    }
    return frames;
  }();
  return made;
}

unsigned last_cpu = 0;

// The ring outlives each test's worker: rings of EAL are named.
nic::CommandRing fresh_ring() {
  static unsigned number = 0;
  return need(nic::CommandRing::create("provisioning" + std::to_string(++number)));
}

void done(const Expected<void>& each) {
  EXPECT_TRUE(each) << each.error().text();
}

class ProvisioningTest : public testing::Test {
 protected:
  using BusyWorker = pipeline::Worker<EndlessPort, pipeline::PromptJournal, pipeline::TestClock,
                                      nic::CommandRing, pipeline::NoProbe, pipeline::OneByOne>;

  void SetUp() override {
    runner = std::thread([this] {
      // EAL has pinned this process to one CPU; the worker has another where there is one.
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(last_cpu, &own);
      sched_setaffinity(0, sizeof own, &own);
      worker->run(stop);
    });
  }
  void TearDown() override {
    stop = true;
    runner.join();
    pipeline::expect_accounts_to_balance(stats);
    EXPECT_EQ(port->free_buffers(), EndlessPort::buffers);
  }
  // Until `claims` more have been decided.
  void let_claims_flow(std::uint64_t claims) {
    const auto until = stats.claims_parsed.value() + claims;
    while (stats.claims_parsed.value() < until) std::this_thread::yield();
  }
  // As an import does it.
  std::vector<ApplyResult> apply(const std::vector<ChannelTerms>& terms) {
    ChangePlan plan(provisioning.capacity() - provisioning.channels(), terms.size());
    std::vector<ApplyResult> planned;
    for (const ChannelTerms& each : terms) {
      planned.push_back(need(plan.add(
          each, 0, [this](wire::ChannelHandle handle) { return provisioning.find(handle); })));
    }
    auto& changes = plan.changes();
    std::erase_if(changes, [](const PlannedChange& change) { return !change.is_change; });
    std::vector<ApplyResult> results(changes.size());
    done(provisioning.record(changes));
    done(provisioning.commit());
    done(provisioning.apply(changes, results));
    provisioning.applied();
    for (std::size_t i = 0; i < changes.size(); ++i) {
      EXPECT_EQ(results[i], changes[i].is_new ? ApplyResult::added : ApplyResult::updated);
    }
    return planned;
  }
  static std::vector<ChannelTerms> some_terms(unsigned count) {
    std::vector<ChannelTerms> terms;
    const auto key = make_payer(1).terms.key;
    for (unsigned i = 0; i < count; ++i) {
      auto& made = terms.emplace_back();
      wire::store_be(made.id.bytes.data(), (std::uint64_t{i} + 1) << 20);
      made.key = key;
      made.funded = {1'000 + i};
      made.valid_until = channel::never;
    }
    return terms;
  }

  packet::LocalAddresses local = pipeline::appliance_addresses();
  channel::Table table = need(channel::Table::create(2'000, {5, 6}, memory::Pages::normal));
  std::unique_ptr<EndlessPort> port = std::make_unique<EndlessPort>(payers_claims());
  pipeline::PromptJournal gate;
  pipeline::TestClock clock;
  nic::CommandRing ring = fresh_ring();
  pipeline::Stats stats;
  std::unique_ptr<BusyWorker> worker = std::make_unique<BusyWorker>(
      pipeline::WorkerOptions{.idle = pipeline::Idle::yield}, *port, gate, clock, ring, local,
      table, need(digest::Digester::create()), need(pipeline::OneByOne::create()), stats);
  test::KeptJournal journal{table};
  Provisioning provisioning{ring, table, journal.keeper()};
  std::atomic<bool> stop = false;
  std::thread runner;
};

TEST_F(ProvisioningTest, AddsMoreChannelsThanFitInTheRingInOrder) {
  const auto terms = some_terms(1'000);
  for (const auto result : apply(terms)) ASSERT_EQ(result, ApplyResult::added);
  EXPECT_EQ(provisioning.channels(), 1'000U);
  for (const unsigned i : {0U, 254U, 255U, 256U, 999U}) {
    const auto found = need(provisioning.find(terms[i].id.handle()));
    ASSERT_TRUE(found) << i;
    EXPECT_EQ(found->terms.id, terms[i].id);
    EXPECT_EQ(found->terms.funded, terms[i].funded);
    EXPECT_EQ(found->incarnation, i + 1) << "incarnations follow the order";
  }
}

TEST_F(ProvisioningTest, AnswersEachOfAMixtureByItsPlace) {
  auto terms = some_terms(3);
  EXPECT_EQ(apply({terms[0]}), std::vector{ApplyResult::added});
  auto collision = terms[0];
  collision.id.bytes[31] ^= std::byte{1};
  auto other_key = terms[0];
  other_key.key = make_payer(2).terms.key;
  auto richer = terms[0];
  richer.funded.value += 1;
  EXPECT_EQ(apply({terms[0], collision, terms[1], other_key, richer, terms[1]}),
            (std::vector{ApplyResult::unchanged, ApplyResult::handle_taken, ApplyResult::added,
                         ApplyResult::key_differs, ApplyResult::updated, ApplyResult::unchanged}));
}

TEST_F(ProvisioningTest, SaysWhenTheTableIsFull) {
  const auto results = apply(some_terms(2'001));
  EXPECT_EQ(std::ranges::count(results, ApplyResult::added), 2'000);
  EXPECT_EQ(results.back(), ApplyResult::table_full);
}

TEST_F(ProvisioningTest, SpendsIncarnationsOnChannelsThatAreNewAndOnNoOthers) {
  const auto terms = some_terms(300);
  apply(terms);
  apply(terms);
  auto mixture = some_terms(302);
  std::swap(mixture[0], mixture[300]);
  apply(mixture);
  EXPECT_EQ(need(provisioning.find(mixture[0].id.handle()))->incarnation, 301U);
  EXPECT_EQ(need(provisioning.find(mixture[301].id.handle()))->incarnation, 302U);
}

TEST_F(ProvisioningTest, WhatWasAppliedIsThereAfterACrash) {
  auto terms = some_terms(300);
  apply(terms);
  EXPECT_TRUE(need(provisioning.remove(terms[7].id)));
  terms[8].funded.value += 5;
  apply({terms[7], terms[8]});
  EXPECT_TRUE(need(provisioning.remove(terms[9].id)));
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> before, after;
  provisioning.for_each([&](const channel::ChannelView& view) {
    before[view.terms.id.handle().value] = {view.terms.funded.value, view.incarnation};
  });
  auto recovered = need(channel::Table::create(2'000, {5, 6}, memory::Pages::normal));
  journal.start(recovered);
  for (channel::SlotIndex slot = 0; slot < recovered.slots_used(); ++slot) {
    if (const auto view = recovered.view(slot)) {
      after[view->terms.id.handle().value] = {view->terms.funded.value, view->incarnation};
    }
  }
  EXPECT_EQ(before.size(), 299U);
  EXPECT_EQ(after, before);
}

TEST_F(ProvisioningTest, WhatWasNotCommittedNeverHappened) {
  apply(some_terms(3));
  PlannedChange more{.terms = some_terms(5).back(), .is_new = true, .is_change = true};
  done(provisioning.record({&more, 1}));
  auto recovered = need(channel::Table::create(2'000, {5, 6}, memory::Pages::normal));
  journal.start(recovered);
  EXPECT_EQ(recovered.size(), 3U);
}

TEST_F(ProvisioningTest, RemovesWhatIsThereAndNothingElse) {
  const auto terms = some_terms(2);
  apply(terms);
  auto collision = terms[0].id;
  collision.bytes[31] ^= std::byte{1};
  EXPECT_FALSE(need(provisioning.remove(collision)));
  EXPECT_TRUE(need(provisioning.remove(terms[0].id)));
  EXPECT_FALSE(need(provisioning.remove(terms[0].id)));
  EXPECT_FALSE(need(provisioning.find(terms[0].id.handle())).has_value());
  EXPECT_TRUE(need(provisioning.find(terms[1].id.handle())).has_value());
  EXPECT_EQ(provisioning.channels(), 1U);
}

TEST_F(ProvisioningTest, ForEachVisitsEveryChannelOnce) {
  const auto terms = some_terms(500);
  apply(terms);
  for (unsigned i = 0; i < 500; i += 3) need(provisioning.remove(terms[i].id));
  std::set<std::uint64_t> seen;
  provisioning.for_each([&](const channel::ChannelView& view) {
    EXPECT_TRUE(seen.insert(view.terms.id.handle().value).second);
  });
  EXPECT_EQ(seen.size(), provisioning.channels());
  for (unsigned i = 0; i < 500; ++i) {
    EXPECT_EQ(seen.contains(terms[i].id.handle().value), i % 3 != 0);
  }
}

TEST_F(ProvisioningTest, EveryClaimSeenWhileClaimsFlowIsWholeAndVerifies) {
  std::vector<ChannelTerms> terms;
  for (unsigned i = 0; i < paying_channels; ++i) terms.push_back(paying(i).terms);
  apply(terms);
  unsigned held_seen = 0;
  for (unsigned round = 0; round < 60; ++round) {
    let_claims_flow(40);
    provisioning.for_each([&](const channel::ChannelView& view) {
      if (view.held.value == 0) return;
      ++held_seen;
      EXPECT_LE(view.held.value, amounts);
      EXPECT_TRUE(
          signing::verifies(view.terms.key, view.terms.id, view.held, view.signature.data()));
    });
    // Removing and importing again starts the channel over, so that commits never end.
    const auto& victim = terms[round % paying_channels];
    EXPECT_TRUE(need(provisioning.remove(victim.id)));
    EXPECT_EQ(apply({victim}), std::vector{ApplyResult::added});
  }
  EXPECT_GT(held_seen, 50U);
  EXPECT_GT(stats.verdicts[0].value(), amounts) << "claims were accepted all the while";
}

// ---- a worker that does not answer -------------------------------------------------------------

// Changes that add, recorded and committed.
std::vector<PlannedChange> committed(Provisioning& provisioning, std::vector<ChannelTerms> terms) {
  std::vector<PlannedChange> changes;
  for (const ChannelTerms& each : terms) {
    changes.push_back({.terms = each, .is_new = true, .is_change = true});
  }
  done(provisioning.record(changes));
  done(provisioning.commit());
  return changes;
}

TEST(ProvisioningWithoutAWorker, RefusesOnceTheIncarnationsHaveRunOutAndNeverIssuesOneTwice) {
  auto ring = fresh_ring();
  auto table = need(channel::Table::create(8, {5, 6}, memory::Pages::normal));
  test::KeptJournal journal(table, channel::incarnation_end - 2);
  Provisioning late(ring, table, journal.keeper());
  std::vector<PlannedChange> changes(3, {.is_new = true, .is_change = true});
  const auto recorded = late.record(changes);
  ASSERT_FALSE(recorded);
  EXPECT_NE(recorded.error().what.find("incarnation"), std::string::npos);
  EXPECT_FALSE(recorded.error().remedy.empty());
  changes = committed(late, {make_payer(1).terms, make_payer(2).terms});
  EXPECT_EQ(changes[0].incarnation, channel::incarnation_end - 2);
  EXPECT_EQ(changes[1].incarnation, channel::incarnation_end - 1);
  EXPECT_FALSE(late.record(std::span(changes).first(1)));
  changes[0].is_new = false;
  EXPECT_TRUE(late.record(std::span(changes).first(1))) << "all else still works";
}

TEST(ProvisioningWithoutAWorker, FailsNamingTheRemedyAndNeverTouchesWhatTheWorkerMayStillRead) {
  auto ring = fresh_ring();
  auto table = need(channel::Table::create(8, {5, 6}, memory::Pages::normal));
  test::KeptJournal journal(table);
  Provisioning provisioning(ring, table, journal.keeper());
  const auto changes = committed(provisioning, {make_payer(1).terms, make_payer(2).terms});
  std::vector<ApplyResult> results(2);
  const auto began = std::chrono::steady_clock::now();
  const auto applied = provisioning.apply(changes, results);
  const auto waited = std::chrono::steady_clock::now() - began;
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().text().find("did not answer"), std::string::npos);
  EXPECT_FALSE(applied.error().remedy.empty());
  EXPECT_GE(waited, Provisioning::patience);

  EXPECT_FALSE(provisioning.settle()) << "nobody may plan on what is about to change";
  EXPECT_FALSE(provisioning.remove(changes[1].terms.id));
  EXPECT_FALSE(provisioning.find(changes[1].terms.id.handle()));
  EXPECT_FALSE(provisioning.apply({&changes[1], 1}, {results.data(), 1}));
  EXPECT_LT(std::chrono::steady_clock::now() - began, waited + Provisioning::patience)
      << "these fail at once";
  for (const auto& expected : changes) {
    const pipeline::Command* command = ring.take();
    ASSERT_NE(command, nullptr);
    EXPECT_EQ(command->verb, pipeline::Command::Verb::apply);
    EXPECT_EQ(command->terms.id, expected.terms.id);
  }
}

// In the worker's place from now on: applies what it is sent, until it is gone.
class LateWorker {
 public:
  LateWorker(nic::CommandRing& ring, channel::Table& table)
      : thread_([&ring, &table](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            pipeline::Command* command = ring.take();
            if (!command) {
              std::this_thread::yield();
              continue;
            }
            const auto applied = table.apply(command->terms, command->incarnation);
            command->result = applied.result;
            command->slot = applied.slot;
            ring.give_back(command);
          }
        }) {}

 private:
  std::jthread thread_;
};

TEST(ProvisioningWithoutAWorker, GoesOnOnceTheLateAnswersHaveCome) {
  auto ring = fresh_ring();
  auto table = need(channel::Table::create(8, {5, 6}, memory::Pages::normal));
  test::KeptJournal journal(table);
  Provisioning provisioning(ring, table, journal.keeper());
  const auto first = committed(provisioning, {make_payer(1).terms, make_payer(2).terms});
  std::vector<ApplyResult> results(2);
  ASSERT_FALSE(provisioning.apply(first, results));

  std::optional<LateWorker> late_worker(std::in_place, ring, table);
  const auto second = committed(provisioning, {make_payer(3).terms});
  const auto again = provisioning.apply(second, std::span(results).first(1));
  EXPECT_TRUE(again) << again.error().text();
  late_worker.reset();
  EXPECT_EQ(results[0], ApplyResult::added);
  std::set<std::uint32_t> numbers;
  provisioning.for_each([&](const channel::ChannelView& view) {
    EXPECT_TRUE(numbers.insert(view.incarnation).second) << view.incarnation;
  });
  EXPECT_EQ(numbers, (std::set<std::uint32_t>{1, 2, 3}));
}

// A checkpoint must not count them as done because something else was.
TEST(ProvisioningWithoutAWorker, WhatWasCommittedAndNeverSentIsThereAtTheNextStart) {
  auto ring = fresh_ring();
  auto table = need(channel::Table::create(512, {5, 6}, memory::Pages::normal));
  test::KeptJournal journal(table);
  Provisioning provisioning(ring, table, journal.keeper());
  std::vector<ChannelTerms> many(300);
  for (unsigned i = 0; i < many.size(); ++i) {
    wire::store_be(many[i].id.bytes.data(), std::uint64_t{i + 1} << 20);
  }
  const auto first = committed(provisioning, many);
  std::vector<ApplyResult> results(first.size());
  ASSERT_FALSE(provisioning.apply(first, results)) << "255 of them are under way, 45 never were";
  std::optional<LateWorker> late_worker(std::in_place, ring, table);
  const auto second = committed(provisioning, {make_payer(3).terms});
  done(provisioning.apply(second, std::span(results).first(1)));
  provisioning.applied();
  late_worker.reset();
  EXPECT_EQ(table.size(), 256U);
  done(journal.keeper().stop());  // with a checkpoint
  auto recovered = need(channel::Table::create(512, {5, 6}, memory::Pages::normal));
  journal.start(recovered);
  EXPECT_EQ(recovered.size(), 301U);
}

// The index finds no place though there is room: nothing of that channel may come back.
TEST(ProvisioningWithoutAWorker, WithdrawsANewChannelThatTheTableDoesNotTake) {
  auto ring = fresh_ring();
  auto table = need(channel::Table::create(8, {5, 6}, memory::Pages::normal));
  test::KeptJournal journal(table);
  Provisioning provisioning(ring, table, journal.keeper());
  const auto changes = committed(provisioning, {make_payer(1).terms, make_payer(2).terms});
  std::thread worker([&] {
    for (unsigned answered = 0; answered < 2;) {
      pipeline::Command* command = ring.take();
      if (!command) continue;
      command->result = answered++ == 0 ? ApplyResult::table_full
                                        : table.apply(command->terms, command->incarnation).result;
      ring.give_back(command);
    }
  });
  std::vector<ApplyResult> results(2);
  EXPECT_TRUE(provisioning.apply(changes, results));
  worker.join();
  EXPECT_EQ(results, (std::vector{ApplyResult::table_full, ApplyResult::added}));
  auto recovered = need(channel::Table::create(8, {5, 6}, memory::Pages::normal));
  journal.start(recovered);
  ASSERT_EQ(recovered.size(), 1U);
  EXPECT_EQ(recovered.view(0)->terms.id, changes[1].terms.id);
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  last_cpu = nic::allowed_cpus().back();
  const auto eal =
      nic::Eal::start({.file_prefix = "claimgate-test-provisioning-" + std::to_string(getpid()),
                       .huge_pages = nic::HugePages::never,
                       .memory_mib = 32,
                       .lcore_cpus = {nic::allowed_cpus().front()}});
  if (!eal) {
    fprintf(stderr, "%s\n", eal.error().text().c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace claimgate::control

int main(int argc, char** argv) {
  return claimgate::control::run(argc, argv);
}
