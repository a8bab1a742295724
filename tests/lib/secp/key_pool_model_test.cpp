// The pool against a plain reference, from seeds: counts in doubles, every table and every suspect
// written down. Whatever the callers do, in whatever order:
//
//   a table belongs to one key, is served to that key alone, byte for byte, and not written to
//   while it is pinned; only good claims count; who gets a table deserves it, and who loses one
//   deserves it less than half as much; the gauges say what is in use.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "tests/lib/secp/make_pool.hpp"
#include "tests/lib/secp/simulated_worker.hpp"

namespace claimgate::secp {
namespace {

constexpr std::uint32_t keys = 48;
constexpr std::uint64_t half_life = 300;

struct Suspect {
  Standing standing = Standing::unknown;
  std::uint32_t claims = 0, trips = 0, before = 0;
};

// What the test knows of a key number, exactly.
struct Known {
  std::uint32_t generation = 0;  // the key that the number has now
  std::uint32_t counted = 0;     // the generation that `count` is of
  double count = 0;
  std::uint64_t epoch = 0;
  Suspect suspect;
};

struct Pinned {
  std::uint32_t key, generation;
  Use use;
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {
    costs_ = {1000, 500, 300, 1000, 1500};
    const auto few = [&](unsigned most) { return static_cast<std::uint32_t>(random_() % most); };
    const PoolShape shape = {.keys = keys,
                             .small = few(8),
                             .large = few(3) + 1,
                             .costs = costs_,
                             .half_life_claims = half_life,
                             .build_share = 0.5};
    pool_.emplace(std::move(*KeyPool::create(options_of(shape))));
    hot_keys_ = 1 + few(12);
  }

  void step() {
    const std::uint64_t what = random_() % 1000;
    // Most claims go to few keys, or nobody would get a large table.
    const std::uint32_t among = random_() % 8 == 0 ? keys : hot_keys_;
    const auto key = static_cast<std::uint32_t>((first_hot_ + random_() % among) % keys);
    if (what < 450) {
      use(key);
    } else if (what < 810) {
      verify(key);
    } else if (what < 815) {
      for (std::uint64_t i = random_() % 12; i > 0; --i) trip(key);
    } else if (what < 818) {
      ++known_[key].generation;
    } else if (what < 880) {
      unpin();
    } else if (what < 940) {
      next_build();
    } else if (what < 995) {
      end_job(what % 8 != 0);
    } else if (what < 998) {
      hot_keys_ = 1 + static_cast<std::uint32_t>(random_() % 12);
      first_hot_ = static_cast<std::uint32_t>(random_() % keys);
    } else {
      costs_.build_small = 500 + static_cast<std::uint32_t>(random_() % 1000);
      costs_.hot_large = 250 + static_cast<std::uint32_t>(random_() % 300);
      pool_->set_costs(costs_);
    }
    pool_->spent(random_() % 500, 0);
    look_at_gauges();
  }

  [[nodiscard]] const KeyPoolCounters& counters() const { return pool_->counters(); }

 private:
  [[nodiscard]] KeyBytes bytes(std::uint32_t key) const {
    return key_bytes(key, known_[key].generation);
  }
  // The one that the pool has heard of.
  [[nodiscard]] KeyBytes bytes_known(std::uint32_t key) const {
    return key_bytes(key, known_[key].counted);
  }
  // ---- the reference ----
  [[nodiscard]] double count(std::uint32_t key) const {
    const Known& known = known_[key];
    return std::ldexp(known.count, -static_cast<int>(std::min<std::uint64_t>(
                                       clock_ / half_life - known.epoch, 100)));
  }
  Standing use_of_suspect(Known& known) {
    Suspect& suspect = known.suspect;
    if (suspect.standing == Standing::quarantined) {
      if (--suspect.claims == 0) {
        suspect.standing = Standing::watched;
        suspect.trips = 0;
      }
      return Standing::quarantined;
    }
    if (suspect.standing == Standing::watched && ++suspect.claims > Suspects::watch_claims) {
      suspect = {};
    }
    return suspect.standing;
  }

  // ---- what callers do ----
  void use(std::uint32_t key) {
    settle(key);
    Known& known = known_[key];
    const Use use = pool_->use(key, bytes(key));
    const auto serving = serving_.find(key);
    const Standing standing = use_of_suspect(known);
    ASSERT_EQ(use.path == Path::quarantined, standing == Standing::quarantined);
    if (standing == Standing::quarantined || serving == serving_.end()) {
      ASSERT_EQ(use.table, no_table);
      ASSERT_EQ(use.address, nullptr);
      ASSERT_TRUE(use.path == Path::quarantined || use.path == Path::cold);
      return;
    }
    ASSERT_EQ(use.table, serving->second.table);
    ASSERT_EQ(use.address, serving->second.address);
    ASSERT_EQ(use.path, serving->second.size == TableSize::small ? Path::small : Path::large);
    look(use, key, known.generation);
    if (pinned_.size() < 6) {
      pool_->pin(use.table);
      pinned_.push_back({key, known.generation, use});
    }
  }
  // The first call with a number's new key. Whatever was of the one before is over.
  void settle(std::uint32_t key) {
    Known& known = known_[key];
    if (known.counted == known.generation) return;
    known = {.generation = known.generation, .counted = known.generation};
    serving_.erase(key);
    waiting_.erase(key);
    static_cast<void>(pool_->use(key, bytes(key)));
    // A cold key's number is found out with its first good claim.
    verify(key);
  }
  void verify(std::uint32_t key) {
    settle(key);
    ++clock_;
    pool_->verified(key, bytes(key));
    Known& known = known_[key];
    if (known.suspect.standing == Standing::quarantined) return;
    known.count = std::min(count(key) + 1, static_cast<double>(KeyWord::count_max));
    known.epoch = clock_ / half_life;
    look_at_count(key);
  }
  void trip(std::uint32_t key) {
    settle(key);
    pool_->exceptional(key, bytes(key));
    Suspect& suspect = known_[key].suspect;
    if (suspect.standing == Standing::quarantined) return;
    if (suspect.standing == Standing::unknown) {
      suspect = {.standing = Standing::watched, .claims = 1};
    }
    if (++suspect.trips < 8 || suspect.trips < 0.75 * suspect.claims) return;
    suspect.standing = Standing::quarantined;
    suspect.claims = std::min(1024u << std::min(suspect.before++, 6u), 65'536u);
    known_[key].count = 0;
    serving_.erase(key);
    waiting_.erase(key);
  }
  void unpin() {
    if (pinned_.empty()) return;
    const std::size_t which = random_() % pinned_.size();
    const Pinned pinned = pinned_[which];
    look(pinned.use, pinned.key, pinned.generation);
    pool_->unpin(pinned.use.table);
    pinned_.erase(pinned_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void next_build() {
    const auto before = serving_;
    const auto job = pool_->next_build();
    std::vector<BuildJob> evicted;
    for (const auto& [key, table] : before) {
      // Asked with the key itself; suspects are left alone, for asking counts as a claim.
      if (known_[key].suspect.standing != Standing::unknown) continue;
      if (pool_->use(key, bytes_known(key)).table == table.table) continue;
      evicted.push_back(table);
      serving_.erase(key);
    }
    look_for_evicted_suspects();
    if (!job) return;
    const std::uint32_t key = number_of(job->key);
    ASSERT_LT(key, keys);
    ASSERT_TRUE(is_free(job->table)) << "given out while it is pinned, served or being built";
    ASSERT_FALSE(waiting_.contains(key)) << "a second table for a key";
    const auto served = before.find(key);
    const Tier tier = served == before.end()                    ? Tier::cold
                      : served->second.size == TableSize::small ? Tier::small
                                                                : Tier::large;
    ASSERT_LT(tier, job->size == TableSize::small ? Tier::small : Tier::large);
    // Doubles never lie below the pool's integers.
    const double gain = count(key) * static_cast<double>(saving(tier, job->size));
    const double cost = job->size == TableSize::small ? costs_.build_small : costs_.build_large;
    ASSERT_GT(gain, 2 * cost);
    for (const BuildJob& victim : evicted) {
      if (victim.size != job->size) continue;  // pinned: leaves for whoever comes next
      const std::uint64_t saved = saving(Tier::cold, victim.size);
      const double loss = pool_->decayed_count(number_of(victim.key)) * static_cast<double>(saved);
      ASSERT_LT(2 * loss, gain);
      ASSERT_GT(gain - loss, 2 * cost);
    }
    jobs_.push_back(*job);
    waiting_.insert(key);
    std::memset(job->address, 0, bytes_of(job->size));
  }
  void end_job(bool whole) {
    if (jobs_.empty()) return;
    const std::size_t which = random_() % jobs_.size();
    const BuildJob job = jobs_[which];
    jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(which));
    const std::uint32_t key = number_of(job.key);
    const bool of_this_key = job.key == bytes_known(key);
    if (!whole) {
      pool_->abandon(job);
      if (of_this_key) waiting_.erase(key);
      return;
    }
    std::memcpy(job.address, job.key.data(), 32);
    std::memcpy(end_of(job.size, job.address), job.key.data() + 32, 32);
    const bool wanted = of_this_key && waiting_.contains(key);
    ASSERT_EQ(pool_->built(job), wanted);
    if (!wanted) return;
    waiting_.erase(key);
    serving_[key] = job;
  }

  // ---- what must be so ----
  void look(const Use& use, std::uint32_t key, std::uint32_t generation) {
    const KeyBytes expected = key_bytes(key, generation);
    const auto size = use.path == Path::small ? TableSize::small : TableSize::large;
    auto* const address = const_cast<std::uint64_t*>(use.address);
    ASSERT_EQ(std::memcmp(address, expected.data(), 32), 0);
    ASSERT_EQ(std::memcmp(end_of(size, address), expected.data() + 32, 32), 0);
  }
  // Each halving loses less than one, and halves what was lost before.
  void look_at_count(std::uint32_t key) {
    const double exact = count(key);
    const double pools = pool_->decayed_count(key);
    ASSERT_LE(pools, exact);
    ASSERT_GT(pools, exact - 2);
  }
  void look_at_gauges() {
    std::array<std::set<TableNumber>, 2> in_use;
    const auto of = [&](TableSize size) -> auto& {
      return in_use[static_cast<unsigned>(size)];
    };
    for (const auto& [key, table] : serving_) of(table.size).insert(table.table);
    for (const BuildJob& job : jobs_) of(job.size).insert(job.table);
    for (const Pinned& pinned : pinned_) {
      of(pinned.use.path == Path::small ? TableSize::small : TableSize::large)
          .insert(pinned.use.table);
    }
    const auto& counters = pool_->counters();
    ASSERT_EQ(counters.small_in_use.value(), of(TableSize::small).size());
    ASSERT_EQ(counters.large_in_use.value(), of(TableSize::large).size());
    ASSERT_EQ(counters.table_bytes_in_use.value(), of(TableSize::small).size() * small_bytes +
                                                       of(TableSize::large).size() * large_bytes);
    const auto quarantined = std::count_if(known_.begin(), known_.end(), [](const Known& known) {
      return known.suspect.standing == Standing::quarantined;
    });
    ASSERT_EQ(counters.quarantined_keys.value(), static_cast<std::uint64_t>(quarantined));
  }
  // A watched key's table may have been taken as well: the gauges would not tell whose it was.
  void look_for_evicted_suspects() {
    for (std::uint32_t key = 0; key < keys; ++key) {
      if (known_[key].suspect.standing != Standing::watched || !serving_.contains(key)) continue;
      const Use use = pool_->use(key, bytes_known(key));
      use_of_suspect(known_[key]);
      if (use.table == no_table) serving_.erase(key);
    }
  }
  [[nodiscard]] bool is_free(TableNumber table) const {
    const auto is = [table](const auto& one) { return one.second.table == table; };
    if (std::any_of(serving_.begin(), serving_.end(), is)) return false;
    for (const BuildJob& job : jobs_) {
      if (job.table == table) return false;
    }
    for (const Pinned& pinned : pinned_) {
      if (pinned.use.table == table) return false;
    }
    return true;
  }
  [[nodiscard]] std::uint64_t saving(Tier from, TableSize to) const {
    const std::array now = {costs_.cold, costs_.hot_small, costs_.hot_large};
    const std::uint32_t then = to == TableSize::small ? costs_.hot_small : costs_.hot_large;
    const std::uint32_t is = now[static_cast<unsigned>(from)];
    return is > then ? is - then : 0;
  }
  [[nodiscard]] static std::size_t bytes_of(TableSize size) {
    return size == TableSize::small ? small_bytes : large_bytes;
  }
  [[nodiscard]] static std::byte* end_of(TableSize size, std::uint64_t* address) {
    return reinterpret_cast<std::byte*>(address) + bytes_of(size) - 32;
  }
  [[nodiscard]] std::uint32_t number_of(const KeyBytes& wanted) const {
    for (std::uint32_t key = 0; key < keys; ++key) {
      for (std::uint32_t generation = 0; generation <= known_[key].generation; ++generation) {
        if (key_bytes(key, generation) == wanted) return key;
      }
    }
    return keys;
  }

  std::mt19937_64 random_;
  Costs costs_;
  std::optional<KeyPool> pool_;
  std::array<Known, keys> known_{};
  std::map<std::uint32_t, BuildJob> serving_;  // by key number: whatever its word names
  std::set<std::uint32_t> waiting_;            // key numbers with a job that is still wanted
  std::vector<BuildJob> jobs_;
  std::vector<Pinned> pinned_;
  std::uint64_t clock_ = 0;
  std::uint32_t first_hot_ = 0, hot_keys_ = keys;
};

TEST(KeyPoolModel, AgreesWithAPlainReferenceOverRandomCalls) {
  std::uint64_t finished = 0, abandoned = 0, evictions = 0, outdated = 0, quarantines = 0;
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int i = 0; i < 6'000; ++i) {
      model.step();
      if (HasFatalFailure()) FAIL() << "step " << i;
    }
    finished += model.counters().builds_finished.value();
    abandoned += model.counters().builds_abandoned.value();
    evictions += model.counters().evictions.value();
    outdated += model.counters().outdated.value();
    quarantines += model.counters().quarantines.value();
  }
  std::printf("built %lu, abandoned %lu, evicted %lu, outdated %lu, quarantined %lu\n", finished,
              abandoned, evictions, outdated, quarantines);
  // Otherwise it would have shown nothing.
  EXPECT_GT(finished, 3'000u);
  EXPECT_GT(abandoned, 500u);
  EXPECT_GT(evictions, 2'000u);
  EXPECT_GT(outdated, 500u);
  EXPECT_GT(quarantines, 500u);
}

}  // namespace
}  // namespace claimgate::secp
