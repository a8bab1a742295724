// The feed holds what was appended: each claim once and in order, none that a crash took back, and
// where it came too late, amounts that restate what it missed.
#include "lib/journal/follower.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "tests/lib/journal/journal_life.hpp"
#include "tests/lib/journal/posix_site.hpp"
#include "tests/lib/journal/simulated_disk.hpp"

namespace claimgate::journal {
namespace {

// What came out of a feed, each claim held against what went in.
class Heard final : public FollowSink {
 public:
  struct Claim {
    std::uint64_t handle = 0;
    std::uint64_t amount = 0;
    friend bool operator==(const Claim&, const Claim&) = default;
  };
  std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, Claim>>> claims;  // by lane
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> amounts;
  unsigned gaps = 0, snapshots = 0, unnamed = 0;

  Expected<void> claim(const FollowedClaim& claim) override {
    const ClaimRecord& record = claim.record;
    claims[claim.lane].push_back({record.lsn, {record.channel.value, record.amount.value}});
    raise(record.channel.value, record.incarnation, record.amount.value);
    const auto signature = channel::make_signature(record.amount.value);
    EXPECT_TRUE(std::equal(signature.begin(), signature.end(), record.signature));
    if (claim.id == nullptr) ++unnamed;
    EXPECT_TRUE(claim.id == nullptr || *claim.id == channel::make_terms(record.channel.value).id);
    return {};
  }
  Expected<void> gap(const FollowGap&) override {
    ++gaps;
    return {};
  }
  Expected<void> snapshot(const channel::ChannelView& view) override {
    raise(view.terms.id.handle().value, view.incarnation, view.held.value);
    return {};
  }
  Expected<void> snapshot_ends(const CheckpointRef&) override {
    ++snapshots;
    return {};
  }

 private:
  void raise(std::uint64_t handle, std::uint32_t incarnation, std::uint64_t amount) {
    std::uint64_t& held = amounts[{handle, incarnation}];
    held = std::max(held, amount);
  }
};

void follow_to_the_end(Follower& follower, Heard& heard) {
  for (unsigned i = 0; i < 100; ++i) {
    const auto polled = follower.poll(heard);
    ASSERT_TRUE(polled) << polled.error().text();
    if (polled->settled && polled->events == 0) return;
  }
  FAIL() << "no end";
}

Follower follower_of(Storage& storage, const std::optional<FollowPosition>& position = {}) {
  auto opened = Follower::open(storage, position);
  EXPECT_TRUE(opened) << opened.error().text();
  return std::move(*opened);
}

void expect_amounts(const Heard& heard, const State& state) {
  for (const auto& [handle, channel] : state) {
    const auto& [incarnation, held, funded, ledger] = channel;
    const auto at = heard.amounts.find({handle, incarnation});
    EXPECT_EQ(at == heard.amounts.end() ? 0 : at->second, held) << "channel " << handle;
  }
}

using Appended = std::vector<Heard::Claim>;  // LSN 1 first

// What was delivered is what was appended, in order, each once; with `gaps`, from some LSN on
// again.
void expect_claims(const Heard& heard, std::uint32_t lane, const Appended& appended,
                   bool all = true) {
  const auto at = heard.claims.find(lane);
  const std::size_t count = at == heard.claims.end() ? 0 : at->second.size();
  if (all && count > 0) {
    EXPECT_EQ(at->second.back().first, appended.size());
  }
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [lsn, claim] = at->second[i];
    if (all) {
      EXPECT_EQ(lsn, at->second.front().first + i);
    }
    EXPECT_GT(lsn, before);
    before = lsn;
    ASSERT_LE(lsn, appended.size());
    EXPECT_EQ(claim, appended[lsn - 1]) << "LSN " << lsn;
  }
}

// ---- a simulated disk, one thread -----------------------------------------------------------

TEST(Follower, DeliversAClaimOnceAFrameBehindItStatesThatItIsDurable) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.import({1, 2}));
  Follower follower = follower_of(disk);
  Heard heard;
  follow_to_the_end(follower, heard);
  EXPECT_EQ(heard.snapshots, 1u) << "without a position it begins with one";
  life.claim(0, {1});
  follow_to_the_end(follower, heard);
  EXPECT_TRUE(heard.claims.empty()) << "nothing states yet that it is durable";
  life.claim(0, {2});
  follow_to_the_end(follower, heard);
  expect_claims(heard, 0, {{1, 10}});
  life.write(0);  // a heartbeat
  follow_to_the_end(follower, heard);
  expect_claims(heard, 0, {{1, 10}, {2, 10}});
  EXPECT_EQ(heard.gaps, 0u);
  EXPECT_EQ(heard.unnamed, 0u) << "both were added behind the checkpoint";
}

TEST(Follower, ResumesAtItsPositionWithoutSnapshotOrRepetition) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.import({1, 2}));
  Heard heard;
  std::optional<FollowPosition> position;
  Appended appended;
  for (unsigned i = 1; i <= 30; ++i) {
    life.claim(0, {1 + i % 2});
    life.write(0);
    appended.push_back({1 + i % 2, 10 * ((i + i % 2) / 2)});
    if (i % 10 == 0) life.checkpoint();
    Follower follower = follower_of(disk, position);
    follow_to_the_end(follower, heard);
    position = follower.position();
    EXPECT_EQ(position->lanes.at(0), i);
  }
  EXPECT_EQ(heard.snapshots, 1u);
  EXPECT_EQ(heard.gaps, 0u);
  for (auto& [lsn, claim] : heard.claims[0]) appended[lsn - 1].amount = claim.amount;
  expect_claims(heard, 0, appended);
  expect_amounts(heard, life.state());
}

TEST(Follower, ThatLagsBehindTwoCheckpointsSaysSoAndRestatesEveryAmount) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.import({1, 2}));
  Follower follower = follower_of(disk);
  Heard heard;
  follow_to_the_end(follower, heard);
  for (unsigned i = 1; i <= 100; ++i) {
    life.claim(0, {1 + i % 2});
    if (i % 10 == 0) life.checkpoint();
    if (i % 5 == 0) life.rest();
  }
  life.rest();
  follow_to_the_end(follower, heard);
  EXPECT_EQ(heard.gaps, 1u);
  EXPECT_EQ(heard.snapshots, 2u);
  expect_amounts(heard, life.state());
  ASSERT_FALSE(life.journal().claims(0).wants_heartbeat());
  EXPECT_EQ(follower.position().lanes.at(0), 100u);
}

TEST(Follower, WhosePositionTheLaneNeverReachedSaysSo) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.import({1}));
  life.claim(0, {1});
  life.rest();
  FollowPosition position{.node_uuid = test_uuid(), .lanes = {{0, 900}}};
  Follower follower = follower_of(disk, position);
  Heard heard;
  follow_to_the_end(follower, heard);
  EXPECT_EQ(heard.gaps, 1u);
  expect_amounts(heard, life.state());
  position.node_uuid.fill(std::byte{1});
  const auto other = Follower::open(disk, position);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().what.find("another node"), std::string::npos);
}

TEST(Follower, SaysWhereADurableRecordIsMissing) {
  SimulatedDisk disk(1);
  JournalLife life(disk);
  ASSERT_TRUE(life.import({1}));
  life.rest();
  for (unsigned i = 0; i < 3; ++i) life.claim(0, {1});
  life.rest();
  disk.rot(segment_path(0, 1), (2 * page_bytes + 100) * 8);
  Follower follower = follower_of(disk);
  Heard heard;
  Expected<Follower::Polled> polled;
  for (unsigned i = 0; i < 10 && polled; ++i) polled = follower.poll(heard);
  ASSERT_FALSE(polled);
  EXPECT_NE(polled.error().text().find("lane-0/seg-1.jnl, offset 8192"), std::string::npos)
      << polled.error().text();
  expect_claims(heard, 0, {{1, 10}});
}

// Lives that end anyhow, torn groups of a lane with several under way, segments of one frame, and a
// feed that looks now and then, also anew from its position.
class FollowedLives {
 public:
  explicit FollowedLives(std::uint64_t seed) : random_(seed), disk_(seed) {}

  void run() {
    for (unsigned i = 0; i < 6 && !::testing::Test::HasFatalFailure(); ++i) {
      live();
      if (random_() % 2 == 0) continue;  // killed: the feed goes on; or the power goes:
      follower_.reset();
      disk_.crash();
    }
    JournalLife last(disk_, options());
    ASSERT_TRUE(last.started()) << last.refused().text();
    truncate(last);
    last.rest();
    poll(true);
    expect_claims(heard_, 0, appended_, heard_.gaps == 0 && heard_.snapshots <= 1);
    expect_amounts(heard_, last.state());
    gaps = heard_.gaps;
    delivered = heard_.claims[0].size();
  }
  unsigned gaps = 0;
  std::size_t delivered = 0;

 private:
  static JournalOptions options() {
    JournalOptions options = JournalLife::small();
    options.depth = 3;
    return options;
  }

  void live() {
    JournalLife life(disk_, options());
    ASSERT_TRUE(life.started()) << life.refused().text();
    truncate(life);
    if (life.state().empty()) {
      ASSERT_TRUE(life.import({1, 2, 3}));
    }
    for (unsigned i = random_() % 40; i > 0; --i) {
      switch (random_() % 10) {
        case 0:
          life.checkpoint();
          break;
        case 1:
          life.rest();
          break;
        case 2:
          poll(false);
          break;
        case 3:
          if (follower_) position_ = follower_->position();
          follower_.reset();
          break;
        default:
          claim(life);
      }
      ASSERT_TRUE(life.journal().tend());
    }
    tear(life);
    if (random_() % 2 == 0) poll(false);
  }

  void claim(JournalLife& life) {
    const std::uint64_t handle = 1 + random_() % 3;
    const std::uint64_t by = 1 + random_() % 9;
    const std::uint64_t held = std::get<1>(life.state().at(handle));
    life.claim(0, {handle}, by);
    appended_.push_back({handle, held + by});
  }

  // Up to three groups handed out, of which each is written whole, in part, or not at all.
  void tear(JournalLife& life) {
    LaneWriter& writer = life.journal().claims(0);
    for (unsigned i = random_() % 4; i > 0; --i) {
      const std::uint64_t handle = 1 + random_() % 3;
      const std::uint64_t held = std::get<1>(life.state().at(handle));
      const auto signature = channel::make_signature(held + 1000 + i);
      const std::uint32_t incarnation = std::get<0>(life.state().at(handle));
      for (unsigned n = 1 + random_() % 40; n > 0; --n) {
        ClaimBytes bytes;
        write_claim_record(bytes.data(), {.lsn = writer.next_lsn(),
                                          .channel = {handle},
                                          .amount = {held + 1000 + i},
                                          .previous = {held},
                                          .incarnation = incarnation,
                                          .time = 5,
                                          .signature = signature.data()});
        writer.append(bytes.data());
        appended_.push_back({handle, held + 1000 + i});
      }
      const auto group = writer.close(6);
      if (!group) return;  // no spare segment: handed to nobody
      const std::size_t pages = group->bytes.size() / page_bytes;
      const std::size_t written = random_() % 2 ? pages : random_() % (pages + 1);
      const auto part = group->bytes.first(written * page_bytes);
      if (written > 0) {
        ASSERT_TRUE(random_() % 2 ? group->file->write_durably(group->offset, part)
                                  : group->file->write(group->offset, part));
      }
    }
  }

  // What recovery did not find was discarded: it must never have been delivered.
  void truncate(JournalLife& life) {
    const std::uint64_t next = life.journal().claims(0).next_lsn();
    ASSERT_LE(next, appended_.size() + 1);
    appended_.resize(next - 1);
    for (const auto& [lsn, claim] : heard_.claims[0]) EXPECT_LT(lsn, next);
  }

  void poll(bool to_the_end) {
    if (!follower_) {
      auto opened = Follower::open(disk_, position_);
      ASSERT_TRUE(opened) << opened.error().text();
      follower_ = std::make_unique<Follower>(std::move(*opened));
    }
    if (to_the_end) {
      follow_to_the_end(*follower_, heard_);
    } else {
      const auto polled = follower_->poll(heard_);
      ASSERT_TRUE(polled) << polled.error().text();
    }
    position_ = follower_->position();
  }

  std::mt19937_64 random_;
  SimulatedDisk disk_;
  Appended appended_;
  Heard heard_;
  std::optional<FollowPosition> position_;
  std::unique_ptr<Follower> follower_;
};

TEST(Follower, DeliversWhatCountsOfLivesThatEndAnyhow) {
  unsigned gaps = 0;
  std::size_t delivered = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    FollowedLives lives(seed);
    lives.run();
    if (::testing::Test::HasFailure()) return;
    gaps += lives.gaps;
    delivered += lives.delivered;
  }
  EXPECT_GT(gaps, 20u);
  EXPECT_GT(delivered, 10'000u);
}

// ---- a real file system, beside a journal that writes -----------------------------------------

class FollowedFiles : public PosixSite {};

TEST_F(FollowedFiles, GiveEveryClaimOnceWhileSegmentsRollAndAreRecycled) {
  constexpr unsigned claims = 3000;
  std::atomic<std::uint64_t> heard_lsn{0};
  std::atomic<bool> begun{false};
  State state;
  Appended appended;
  std::thread writer([&] {
    for (unsigned life_number = 0; life_number < 3; ++life_number) {
      JournalLife life(*disk_);
      ASSERT_TRUE(life.started()) << life.refused().text();
      if (life_number == 0) {
        ASSERT_TRUE(life.import({1, 2, 3}));
      }
      begun = true;
      for (unsigned i = 0; i < claims / 3; ++i) {
        life.claim(0, {1 + i % 3});
        appended.push_back({1 + i % 3, std::get<1>(life.state().at(1 + i % 3))});
        const std::uint64_t lsn = life.journal().claims(0).durable_lsn();
        if (i % 8 == 0) life.rest();
        if (i % 40 != 0) continue;
        // Recycled is what two checkpoints cover: wait until it has been read.
        life.rest();
        while (heard_lsn < lsn) std::this_thread::yield();
        life.checkpoint();
      }
      life.rest();
      state = life.state();
    }
  });
  while (!begun) std::this_thread::yield();
  auto files = PosixStorage::open(folder_).value();
  std::optional<Follower> follower(follower_of(*files));
  Heard heard;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (heard_lsn < claims && std::chrono::steady_clock::now() < deadline) {
    const auto polled = follower->poll(heard);
    ASSERT_TRUE(polled) << polled.error().text();
    const FollowPosition position = follower->position();
    const auto at = position.lanes.find(0);
    heard_lsn = at == position.lanes.end() ? 0 : at->second;
    if (polled->events == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (heard_lsn % 7 == 0) follower.emplace(follower_of(*files, position));
  }
  writer.join();
  EXPECT_EQ(heard.gaps, 0u);
  EXPECT_EQ(heard.claims[0].front().first, 1u);
  expect_claims(heard, 0, appended);
  expect_amounts(heard, state);
}

TEST_F(FollowedFiles, ReadSlowerThanTheyAreRecycledStillTellEveryAmount) {
  std::atomic<bool> begun{false}, done{false};
  std::atomic<unsigned> written{0};
  State state;
  std::thread writer([&] {
    JournalLife life(*disk_);
    ASSERT_TRUE(life.started());
    ASSERT_TRUE(life.import({1, 2, 3}));
    begun = true;
    for (unsigned i = 0; i < 1500; ++i, ++written) {
      life.claim(0, {1 + i % 3});
      if (i % 8 == 0) life.rest();
      if (i % 16 == 0) life.checkpoint();
    }
    life.rest();
    state = life.state();
    done = true;
  });
  while (!begun) std::this_thread::yield();
  auto files = PosixStorage::open(folder_).value();
  Follower follower = follower_of(*files);
  Heard heard;
  while (!done) {
    const auto polled = follower.poll(heard);
    if (!polled) done = true;
    EXPECT_TRUE(polled) << polled.error().text();
    const unsigned before = written;
    while (!done && written < before + 100) std::this_thread::yield();
  }
  writer.join();
  follow_to_the_end(follower, heard);
  EXPECT_GT(heard.gaps, 0u);
  expect_amounts(heard, state);
}

}  // namespace
}  // namespace claimgate::journal
